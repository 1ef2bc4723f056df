"""What officers handed over, an import or an export, and its bytes (docs/decisions/0019).

Whoever takes an errand gets a number, the taker. Everything he writes is fenced by it: once
somebody else has taken the errand, because the first one was taken for gone, nothing of the first
one's counts. Nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from mailer.store.base import Row, Tx
from mailer.store.core import add_event

IN, OUT = "in", "out"
"""The bytes that were handed over, and those that came of it."""

MOST_TRIES = 5
"""So often an errand is begun whose processes die in the middle of it."""

_PARTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """An errand in hand. `asked` is what the officer said."""

    id: int
    taker: int
    kind: str
    asked: dict[str, Any]
    actor: str
    tries: int


def begin(tx: Tx, kind: str, asked: Mapping[str, Any], actor: str) -> int:
    """A new errand whose bytes are to come; nobody sees it before it is `ready`."""
    number = tx.next_ids("errand")
    text = json.dumps(asked, ensure_ascii=False)
    tx.run("errands.begin", id=number, kind=kind, asked=text, actor=actor, now=tx.now())
    return number


def add_part(tx: Tx, errand: int, name: str, number: int, data: bytes) -> None:
    """One more part of its bytes, numbered from 0."""
    tx.run("errands.add_part", errand=errand, name=name, number=number, data=data)


def ready(tx: Tx, errand: int, kind: str, actor: str) -> None:
    """All of it is here: from now on it may be taken."""
    tx.run("errands.ready", id=errand)
    add_event(tx, "handed_over", actor, data={"job": errand, "kind": kind})


def open_ones(tx: Tx) -> list[tuple[int, str]]:
    """Errands that somebody has to do, or to go on with: number, kind."""
    return [(row["id"], row["kind"]) for row in tx.all("errands.open_ones")]


def get(tx: Tx, errand: int) -> Row | None:
    """One errand's row."""
    return tx.one("errands.get", id=errand)


def ls(tx: Tx) -> list[Row]:
    """All errands that are known to their officers, oldest first."""
    return tx.all("errands.ls")


def take(tx: Tx, errand: int, host: str) -> Taken | None:
    """Take an errand, or take it over; None when there is nothing left to do of it."""
    taker = tx.next_ids("errand_taker")
    if not tx.run("errands.take", id=errand, taker=taker, host=host, now=tx.now()):
        return None
    row = get(tx, errand)
    assert row is not None
    asked = json.loads(row["asked"])
    return Taken(errand, taker, row["kind"], asked, row["actor"], row["tries"])


def give_back(tx: Tx, taken: Taken) -> None:
    """Not done, for no fault of its own: the next one begins anew."""
    tx.run("errands.give_back", id=taken.id, taker=taken.taker)


def still_mine(tx: Tx, taken: Taken) -> bool:
    """Whether nobody took it over; kept so until the transaction ends."""
    return bool(tx.run("errands.hold", id=taken.id, taker=taken.taker))


def finish(tx: Tx, taken: Taken, state: str, result: Mapping[str, Any]) -> bool:
    """`state` is done or failed; False when somebody else has it now, or it was cancelled."""
    text = json.dumps(result, ensure_ascii=False)
    place = {"id": taken.id, "taker": taken.taker}
    changed = tx.run("errands.finish", state=state, result=text, now=tx.now(), **place)
    if changed:
        add_event(tx, f"job_{state}", taken.actor, data={"job": taken.id, "kind": taken.kind})
    return bool(changed)


def cancel(tx: Tx, errand: int, actor: str) -> bool:
    """Nobody does it any more; whether it was still to be done."""
    changed = tx.run("errands.cancel", id=errand, now=tx.now())
    if changed:
        add_event(tx, "job_cancelled", actor, data={"job": errand})
    return bool(changed)


def parts(tx: Tx, errand: int, name: str) -> Iterator[bytes]:
    """Its bytes, part by part, with flat memory."""
    for number in count():
        data = tx.value("errands.part", errand=errand, name=name, number=number)
        if data is None:
            return
        yield bytes(data)


def forget_parts(tx: Tx, errand: int, name: str) -> bool:
    """Remove some of its bytes; False when there were none."""
    return bool(tx.run("errands.forget_parts", errand=errand, name=name, limit=_PARTS_AT_ONCE))


def forget_old(tx: Tx, before: int, abandoned: int) -> tuple[bool, int]:
    """One step of removing what ended before an instant, or never arrived whole, and bytes that
    nobody needs: whether there was any, and how many errands are gone with it."""
    needless: int | None = tx.value("errands.needless")
    if needless is not None:
        return forget_parts(tx, needless, IN), 0
    oldest: int | None = tx.value("errands.oldest", before=before, abandoned=abandoned)
    if oldest is None:
        return False, 0
    if forget_parts(tx, oldest, IN) or forget_parts(tx, oldest, OUT):
        return True, 0
    return True, tx.run("errands.forget", id=oldest)


def count_old(tx: Tx, before: int, abandoned: int) -> int:
    """How many errands `forget_old` would remove."""
    return int(tx.value("errands.count_old", before=before, abandoned=abandoned))
