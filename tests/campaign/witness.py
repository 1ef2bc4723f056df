"""The server's record read back, and what officers and journalists were promised meanwhile."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailer.clock import SECOND
from mailer.message.tokens import parse_delivery_code

from tests.exactness import Seen

_CODE = re.compile(r"\+b([a-z2-7]+)-")
_OBEYED_WITHIN = SECOND
"""No MAIL FROM later than this after the act was answered (H15)."""


@dataclass(slots=True)
class Record:
    """What the server saw: by delivery, and each MAIL FROM in order as (instant, delivery)."""

    seen: dict[int, Seen]
    mails: list[tuple[int, int]]

    @property
    def kept(self) -> int:
        """How many messages the server took."""
        return sum(keep for each in self.seen.values() for _, _, keep in each.dots)


def read_record(path: Path) -> Record:
    """The record that the mail server wrote, one JSON object a line."""
    seen: dict[int, dict[str, Any]] = defaultdict(lambda: {"dots": [], "ids": set()})
    mails = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["kind"] not in ("message", "envelope"):
            continue
        delivery = _delivery(entry["mail_from"])
        mails.append((entry["mail_at"], delivery))
        if entry["kind"] == "message":
            answer = entry["answer"]
            code = int(answer[:3]) if answer[:3].isdigit() else 0
            seen[delivery]["dots"].append((entry["sha256"], code, entry["taken"]))
            seen[delivery]["ids"].add(entry["message_id"])
        else:
            seen[delivery]["dots"] += []
    return Record(
        {
            number: Seen(tuple(each["dots"]), frozenset(each["ids"]))
            for number, each in seen.items()
        },
        mails,
    )


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
