"""Do not contact: suppressions, and everything that stops when one is made.

A suppression is a keyed hash of an address with scope, reason and evidence. It outlives the
journalist's erasure and holds for addresses imported later (E12, F11). Making one stops what is
queued or waiting to retry for that person in the same transaction and raises the control
version, so that senders let go of what they hold (F10, design decision 3).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailer.store.base import Row, Tx
from mailer.store.core import add_event, raise_control
from mailer.store.distributions import DELIVERY_SHIFT
from mailer.store.people import staying

HASH_VERSION = 1
"""Version of what is hashed, kept with each row so that a later one can tell them apart."""

ALL = "all"
"""The scope of everything from this newsroom, later lists and imports included."""

OFFICE = "office"
"""The scope of every list that the journalist did not choose himself: of who stopped everything and
then signed up to a topic."""


class Reason(StrEnum):
    """Why an address must not be mailed. Only the first can be taken back by a mailed link."""

    OPT_OUT = "opt-out"
    COMPLAINT = "complaint"
    OBJECTION = "objection"
    DEAD = "dead"
    OFFICER = "officer"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry; `journalist` and `email` are known only while the address is still held."""

    id: int
    scope: str
    reason: str
    evidence: Mapping[str, Any]
    actor: str
    created_at: int
    journalist: int | None = None
    email: str | None = None


def list_scope(list_id: int) -> str:
    """The scope of one topic list."""
    return f"list:{list_id}"


def add(
    tx: Tx,
    hash: bytes,
    *,
    scope: str,
    reason: str,
    actor: str,
    evidence: Mapping[str, Any],
    at: int | None = None,
) -> bool:
    """Suppress an address; False when that stood already with as good a reason.

    Deliveries of the person that are queued or deferred become suppressed, each with an event,
    and senders are told. `at` is when the person said so, when that was earlier than now. Where
    people were merged, it holds for all their addresses, except that a mailbox is dead.
    """
    about: dict[str, Any] = {"scope": scope, "reason": reason, "actor": actor, "at": at}
    for kin in _kin(tx, hash) if reason != Reason.DEAD else ():
        _add(tx, kin, evidence=evidence, **about)
    return _add(tx, hash, evidence=evidence, **about)


def _add(
    tx: Tx,
    hash: bytes,
    *,
    scope: str,
    reason: str,
    actor: str,
    evidence: Mapping[str, Any],
    at: int | None,
) -> bool:
    changed = tx.run(
        "suppression.add",
        id=tx.next_ids("suppression"),
        hash=hash,
        hash_version=HASH_VERSION,
        scope=scope,
        reason=reason,
        evidence=json.dumps(dict(evidence), ensure_ascii=False),
        actor=actor,
        at=tx.now() if at is None else at,
    )
    journalist = journalist_of(tx, hash)
    if changed:
        add_event(
            tx,
            "do_not_contact",
            actor,
            **_place(evidence),
            journalist=journalist,
            data={"scope": scope, "reason": reason, **evidence},
        )
    # Also when it stood already: what an import or a restore queued since must stop as well.
    stopped = _stop(tx, journalist, scope, reason, actor) if journalist is not None else 0
    if changed or stopped:
        raise_control(tx)
    return bool(changed)


def carry(tx: Tx, said: bytes, also: bytes) -> None:
    """Let all that stands against one address of a person hold for another (both as hashes), except
    that a mailbox is dead."""
    for each in find(tx, said):
        if each.reason != Reason.DEAD:
            add(
                tx,
                also,
                scope=each.scope,
                reason=each.reason,
                actor=each.actor,
                evidence=each.evidence,
                at=each.created_at,
            )


def remove(
    tx: Tx,
    hash: bytes,
    *,
    scope: str = ALL,
    actor: str,
    evidence: Mapping[str, Any],
    only_own: bool = False,
) -> bool:
    """Take a suppression back; False when there was none to take.

    With `only_own` only what the journalist did himself goes (F13); complaints, objections and
    an officer's entries stay. Deliveries already suppressed are not revived.
    """
    name = "suppression.remove_own" if only_own else "suppression.remove"
    removed = [tx.run(name, hash=each, scope=scope) for each in (hash, *_kin(tx, hash))]
    if not any(removed):
        return False
    add_event(
        tx,
        "contact_again",
        actor,
        **_place(evidence),
        journalist=journalist_of(tx, hash),
        data={"scope": scope, **evidence},
    )
    return True


def find(tx: Tx, hash: bytes) -> list[Suppression]:
    """All suppressions of one address, oldest first."""
    return [_suppression(row) for row in tx.all("suppression.find", hash=hash)]


def ls(tx: Tx) -> Iterator[Suppression]:
    """All suppressions, oldest first, with the address where it is still held. For officers
    only; never a source of contacts (E6)."""
    for row in tx.stream("suppression.ls"):
        yield _suppression(row, row["journalist"], row["email"])


def hash_of(tx: Tx, journalist: int) -> bytes | None:
    """The hash of a journalist's address; None once the person was erased."""
    value = tx.value("suppression.hash_of_journalist", journalist=journalist)
    return None if value is None else bytes(value)


def journalist_of(tx: Tx, hash: bytes) -> int | None:
    """Who has the address of that hash now, if anybody."""
    journalist: int | None = tx.value("suppression.journalist_of_hash", hash=hash)
    return journalist


def leave_list(tx: Tx, journalist: int, list_id: int) -> bool:
    """End a membership; an import does not bring it back."""
    place = {"list": list_id, "journalist": staying(tx, journalist)}
    return bool(tx.run("suppression.leave_list", **place, at=tx.now()))


def rejoin_list(tx: Tx, journalist: int, list_id: int) -> bool:
    """Take the end of a membership back."""
    place = {"list": list_id, "journalist": staying(tx, journalist)}
    return bool(tx.run("suppression.rejoin_list", **place))


def list_named(tx: Tx, list_id: int) -> Row | None:
    """The list's id, name, title and kind."""
    return tx.one("suppression.list_named", list=list_id)


def lists_to_choose(tx: Tx, journalist: int, list_id: int) -> list[Row]:
    """The list a message came from, first, then the topic lists the person is or was on."""
    return tx.all("suppression.lists_of", journalist=staying(tx, journalist), list=list_id)


def _kin(tx: Tx, hash: bytes) -> list[bytes]:
    """The other addresses of a person who was merged of several."""
    return [bytes(row["hash"]) for row in tx.all("merges.kin", hash=hash)]


def _stop(tx: Tx, journalist: int, scope: str, reason: str, actor: str) -> int:
    words = f"do not contact: {reason}"
    if scope == ALL:
        rows = tx.all("suppression.stop_all", journalist=journalist, reason=words)
    elif scope == OFFICE:
        rows = tx.all("suppression.stop_office", journalist=journalist, reason=words)
    else:
        list_id = int(scope.removeprefix("list:"))
        rows = tx.all("suppression.stop_list", journalist=journalist, list=list_id, reason=words)
    for row in rows:
        add_event(
            tx,
            "suppressed",
            actor,
            distribution=row["distribution"],
            delivery=row["id"],
            journalist=journalist,
            data={"reason": reason, "scope": scope},
        )
    return len(rows)


def _place(evidence: Mapping[str, Any]) -> dict[str, int | None]:
    """Which message it came by, for the history of that delivery and its distribution (F18)."""
    delivery = evidence.get("delivery") or None
    return {
        "delivery": delivery,
        "distribution": delivery >> DELIVERY_SHIFT if delivery else None,
    }


def _suppression(row: Row, journalist: int | None = None, email: str | None = None) -> Suppression:
    return Suppression(
        id=row["id"],
        scope=row["scope"],
        reason=row["reason"],
        evidence=json.loads(row["evidence"]),
        actor=row["actor"],
        created_at=row["created_at"],
        journalist=journalist,
        email=email,
    )
