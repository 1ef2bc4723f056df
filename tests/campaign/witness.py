"""The server's record read back, and what officers and journalists were promised meanwhile."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailer.clock import SECOND
from mailer.message.tokens import parse_delivery_code

from tests.exactness import Seen

_CODE = re.compile(r"\+b([a-z2-7]+)-")
_OBEYED_WITHIN = SECOND
"""No MAIL FROM later than this after the act was answered (H15)."""

_SLOW = SECOND // 2


@dataclass(slots=True)
class Record:
    """What the server saw: by delivery, and each MAIL FROM in order as (instant, delivery).

    `shown` counts what it did beside taking messages, in its own words.
    """

    seen: dict[int, Seen]
    mails: list[tuple[int, int]]
    shown: Counter[str]

    @property
    def kept(self) -> int:
        """How many messages the server took."""
        return sum(keep for each in self.seen.values() for _, _, keep in each.dots)


def read_record(path: Path) -> Record:
    """The record that the chaos server wrote (`tests.smtp.chaos`)."""
    dots: dict[int, list[tuple[str, int, bool]]] = defaultdict(list)
    names: dict[int, set[str]] = defaultdict(set)
    refused: dict[int, list[int]] = defaultdict(list)
    invited: Counter[int] = Counter()
    mails = []
    shown: Counter[str] = Counter()
    for line in path.read_bytes().rpartition(b"\n")[0].splitlines():
        entry = json.loads(line)
        if entry["kind"] not in ("message", "envelope"):
            continue
        delivery = _delivery(entry["mail_from"])
        mails.append((entry["mail_at"], delivery))
        invited[delivery] += "invited" in entry
        if "refused" in entry:
            refused[delivery].append(entry["refused"])
        if entry["kind"] == "message":
            answer = entry["answer"].strip() or "its client was gone"
            code = int(answer[:3]) if entry["answered"] else 0
            dots[delivery].append((entry["sha256"], code, entry["taken"]))
            names[delivery].add(entry["message_id"])
            if entry["at"] - entry["dot_at"] > _SLOW:
                shown["the end of a message, answered late"] += 1
            if not 200 <= code < 300:
                shown[f"the end of a message: {answer}"] += 1
        elif "refused" in entry:
            shown[f"before the content: {entry['refused']}"] += 1
        else:
            shown["before the content: no more answers"] += 1
    seen = {
        number: Seen(
            tuple(dots[number]), frozenset(names[number]), tuple(refused[number]), invited[number]
        )
        for number in {delivery for _, delivery in mails}
    }
    return Record(seen, mails, shown)


def _delivery(address: str) -> int:
    found = _CODE.search(address)
    assert found is not None, f"no delivery in the bounce address {address}"
    return parse_delivery_code(found[1])


@dataclass(slots=True)
class Promises:
    """Acts and when they were answered (UTC µs): leaving by journalist, stops by distribution
    with the instant from which it was allowed again, if any."""

    left: dict[int, int] = field(default_factory=dict)
    stopped: list[tuple[int, int, int | None]] = field(default_factory=list)

    def broken(self, mails: Iterable[tuple[int, int]], people: Mapping[int, int]) -> list[str]:
        """Each MAIL FROM that came too late; `people` gives each delivery's journalist."""
        found = []
        stops: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
        for distribution, answered, again in self.stopped:
            stops[distribution].append((answered, again))
        for at, delivery in mails:
            left = self.left.get(people.get(delivery, 0))
            if left is not None and at > left + _OBEYED_WITHIN:
                found.append(f"{delivery}: {(at - left) / SECOND:.2f} s after the opt-out")
            for answered, again in stops.get(delivery >> 32, ()):
                if at > answered + _OBEYED_WITHIN and (again is None or at < again):
                    found.append(f"{delivery}: {(at - answered) / SECOND:.2f} s after the stop")
        return found
