"""Links mailed to prove an address, and what a proven one may do: move, join, see what is held.

An address stands here only while nobody has it in `addresses`: a new one that waits to be
confirmed, one that asks to join. Rows go when they expire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailer.clock import SECOND
from mailer.store import suppression
from mailer.store.base import Row, Tx
from mailer.store.people import staying
from mailer.store.suppression import ALL, Reason

AN_HOUR = 3_600 * SECOND
"""For how long (µs) a link counts against the next ones to its address."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link that still works. `email` is "" where it goes to the address on file."""

    id: int
    purpose: str
    journalist: int | None
    hash: bytes
    email: str
    language: str
    data: Mapping[str, Any]
    created_at: int
    expires_at: int


def add(
    tx: Tx,
    purpose: str,
    *,
    hash: bytes,
    expires_at: int,
    language: str,
    journalist: int | None = None,
    email: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:
    """Have a link mailed; its number. `hash` is that of the address it goes to."""
    number = tx.next_ids("fresh_link")
    tx.run(
        "fresh.add",
        id=number,
        purpose=purpose,
        journalist=journalist,
        hash=hash,
        email=email,
        language=language,
        data=json.dumps(dict(data or {}), ensure_ascii=False),
        expires_at=expires_at,
        now=tx.now(),
    )
    return number


def recent(tx: Tx, hash: bytes) -> int:
    """How many links were asked for to that address in the last hour."""
    number: int = tx.value("fresh.recent", hash=hash, since=tx.now() - AN_HOUR)
    return number


def find(tx: Tx, number: int, purpose: str) -> Link | None:
    """A link that is neither used nor expired."""
    row = tx.one("fresh.open", id=number, purpose=purpose, now=tx.now())
    if row is None:
        return None
    return Link(
        id=row["id"],
        purpose=row["purpose"],
        journalist=row["journalist"],
        hash=bytes(row["hash"]),
        email=row["email"],
        language=row["language"],
        data=json.loads(row["data"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def use(tx: Tx, number: int) -> bool:
    """Use a link up; False when somebody did before."""
    return bool(tx.run("fresh.use", id=number))


def drop_of(tx: Tx, journalist: int) -> None:
    """Forget every link of a person."""
    tx.run("fresh.drop_of", journalist=journalist)


def forget(tx: Tx) -> int:
    """Remove what has expired and counts no more; how many."""
    return tx.run("fresh.forget", now=tx.now(), counted=tx.now() - AN_HOUR)


def is_due(tx: Tx) -> bool:
    """Whether a mail waits to be sent now, or a link to be forgotten."""
    return bool(tx.value("fresh.any_due", now=tx.now(), counted=tx.now() - AN_HOUR))


def take(tx: Tx, *, most: int, until: int) -> list[Row]:
    """Take mails that are due; nobody else gets them before `until` (UTC µs)."""
    return tx.all("fresh.take", now=tx.now(), most=most, until=until)


def ended(tx: Tx, number: int, state: str, reply: str) -> None:
    """Record that a mail was sent, or never will be."""
    tx.run("fresh.ended", id=number, state=state, reply=reply)


def again(tx: Tx, number: int, due_at: int, reply: str) -> None:
    """Have a mail tried again."""
    tx.run("fresh.again", id=number, due_at=due_at, reply=reply)


def address(tx: Tx, journalist: int) -> Row | None:
    """email and hash of a person; None once erased."""
    return tx.one("fresh.address", journalist=journalist)


def held(tx: Tx, journalist: int) -> Row | None:
    """What the newsroom holds of a person, in short."""
    return tx.one("fresh.held", journalist=journalist)


def topics_of(tx: Tx, journalist: int) -> list[Row]:
    """id, title and joined_at of the topics a person is on."""
    return tx.all("fresh.topics_of", journalist=journalist)


def move(tx: Tx, journalist: int, email: str, hash: bytes, actor: str, evidence: Any) -> int:
    """Give a person another, proven address, to which all that was said of the old one moves along;
    the id of who is written to from now on.

    Where the address is another journalist's already, he who proved both is one person: that
    record goes on with the choices of this one, and this one is set aside for an officer to merge.
    The old address is not written to again, whatever list brings it. Of somebody who was merged
    already two addresses change places, and nothing else.
    """
    row = address(tx, journalist)
    assert row is not None
    old = bytes(row["hash"])
    if old == hash:
        return journalist
    holder: int | None = tx.value("audience.of_address", hash=hash)
    target = journalist if holder is None else staying(tx, holder)
    if holder is not None and holder != target:
        _exchange(tx, target, holder)
        if target == journalist:
            return journalist
    for each in suppression.find(tx, hash):
        if each.reason == Reason.OPT_OUT:
            suppression.remove(
                tx, hash, scope=each.scope, actor=actor, evidence=evidence, only_own=True
            )
    if holder is None:
        tx.run("fresh.set_address", journalist=journalist, email=email, hash=hash)
    else:
        for name in ("copy_topics", "copy_preferences", "copy_beats"):
            tx.run(f"fresh.{name}", journalist=journalist, target=target)
        words = "wants to be written to at an address that is another journalist's here"
        tx.run("fresh.set_aside", journalist=journalist, reason=words, now=tx.now())
    suppression.carry(tx, old, hash)
    suppression.add(
        tx, old, scope=ALL, reason=Reason.OPT_OUT, actor=actor, evidence={**evidence, "moved": True}
    )
    return target


def _exchange(tx: Tx, stays: int, merged: int) -> None:
    """Write to one who stays at the address of one who was merged with him; both stay known."""
    one, other = address(tx, stays), address(tx, merged)
    assert one is not None and other is not None
    tx.run("fresh.drop_address", journalist=merged)
    hash = bytes(other["hash"])
    tx.run("fresh.set_address", journalist=stays, email=other["email"], hash=hash)
    columns = ("journalist", "email", "hash")
    tx.copy("addresses", columns, [(merged, one["email"], bytes(one["hash"]))])


def open_topics(tx: Tx) -> list[Row]:
    """id, name and title of the lists that anybody may join."""
    return tx.all("fresh.open_topics")


def set_open(tx: Tx, list_id: int, open: bool) -> bool:
    """Open or close a list for sign-up; True when that changes anything."""
    return bool(tx.run("fresh.set_open", list=list_id, open=int(open)))


def person_for(
    tx: Tx, hash: bytes, email: str, *, language: str, zone: str, source: str, day: str
) -> int:
    """The id of whoever has a proven address; somebody new becomes a journalist on no list yet."""
    number: int | None = tx.value("audience.of_address", hash=hash)
    if number is not None:
        number = staying(tx, number)
        # Who only got test sends becomes a journalist; a doubt that a list raised is settled.
        tx.run("imports.lift", id=number, now=tx.now())
        return number
    number = max(tx.next_ids("journalist"), 1 + tx.value("imports.last_journalist"))
    tx.run(
        "fresh.add_person",
        id=number,
        language=language,
        zone=zone,
        source=source,
        source_date=day,
        now=tx.now(),
    )
    tx.copy("addresses", ("journalist", "email", "hash"), [(number, email, hash)])
    return number


def join(tx: Tx, list_id: int, journalist: int) -> None:
    """Make somebody a member of a list, whatever he was there before."""
    tx.run("fresh.join", list=list_id, journalist=journalist, now=tx.now())
