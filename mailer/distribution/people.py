"""People as officers see and mend them: what is known of one and from where, two made one, a hold
cleared (E7, E9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mailer.audience.address import AddressError, normalise
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import settle, show_list
from mailer.distribution.log import iso, stamp
from mailer.distribution.textrows import defused
from mailer.errors import InputError, NotFound, Refused, UsageError
from mailer.store import audience, merges, provenance, suppression
from mailer.store.base import Row, Tx
from mailer.store.people import FIELDS, staying
from mailer.store.states import DeliveryState

PROVENANCE_COLUMNS = (
    *("email", "first_name", "last_name", "outlet", "list", "source", "source_date"),
    *("consent_basis", "import", "file", "by", "at", "informed_at"),
)
"""Columns of `lists export --provenance`."""

_MOST = 50
"""Messages and lines of history that are shown of one person."""


def show(room: Newsroom, email: str) -> dict[str, Any]:
    """All that is known of one person: fields, lists, from where, messages and history of all his
    addresses. Raises InputError for what is no address, NotFound."""
    settle(room)
    with room.store.read() as tx:
        number = _person(room, tx, email)["id"]
        stays = staying(tx, number)
        row = provenance.record(tx, stays)
        address = merges.shown(tx, [stays])[stays]["email"]
        assert row is not None
        merged = merges.merged_into(tx, stays)
        everybody = [stays, *(each["journalist"] for each in merged)]
        told = provenance.informed(tx, stays)
        hash = room.address_hash(address)
        return {
            "email": address,
            "asked_for": email if stays != number else None,
            "state": row["state"],
            "hold": row["hold_reason"],
            **{"timezone" if name == "zone" else name: row[name] for name in FIELDS},
            "known_since": stamp(row["created_at"]),
            "informed_at": iso(told["informed_at"]) if told else None,
            "informed_by": told["delivery"] if told else None,
            "lists": [_membership(each) for each in provenance.memberships(tx, stays)],
            "provenance": [_brought(each) for each in provenance.brought(tx, stays)],
            "do_not_contact": [
                {
                    "scope": each.scope,
                    "reason": each.reason,
                    "since": stamp(each.created_at),
                    "by": each.actor,
                }
                for each in suppression.find(tx, hash)
            ],
            "merged": [
                {"email": each["email"], "at": stamp(each["merged_at"]), "by": each["actor"]}
                for each in merged
            ],
            "messages": _latest(
                _message(each)
                for who in everybody
                for each in provenance.deliveries(tx, who, _MOST)
            ),
            "history": _latest(
                {
                    "at": stamp(each["at"]),
                    "what": each["kind"],
                    "by": each["actor"],
                    "data": json.loads(each["data"]),
                }
                for who in everybody
                for each in provenance.history(tx, who, _MOST)
            ),
        }


def merge(room: Newsroom, emails: Sequence[str], actor: str) -> dict[str, Any]:
    """Make one person of those with these addresses; the first stays. All or nothing.

    Raises UsageError for fewer than two people, InputError, NotFound, Refused for somebody who was
    erased or merged with somebody else before.
    """
    settle(room)
    with room.store.write() as tx:
        people: dict[int, str] = {}
        for email in emails:
            row = _person(room, tx, email)
            if row["state"] in ("erased", merges.MERGED):
                raise Refused(
                    f"{email} is {row['state']} already; nothing was merged.",
                    hint="`mailer journalist show` tells with whom.",
                )
            people.setdefault(row["id"], row["email"])
        if len(people) < 2:
            raise UsageError("it takes two different people to merge.", hint="Name two addresses.")
        stays, *others = people
        counts = {"moved": 0, "stopped": 0}
        for each in others:
            for name, n in merges.merge(tx, stays, each, actor).items():
                counts[name] += n
    return {"stays": people[stays], "merged": [people[each] for each in others], **counts}


def clear(
    room: Newsroom, emails: Sequence[str], actor: str, *, reason: str = ""
) -> dict[str, list[str]]:
    """Take holds off these people, each logged; who was on none is told. All or nothing.

    Raises InputError, NotFound, and Refused for somebody who said stop: an opt-out is never
    cleared by an officer's doubt being settled.
    """
    settle(room)
    done: dict[str, list[str]] = {"cleared": [], "not_on_hold": []}
    with room.store.write() as tx:
        for email in dict.fromkeys(emails):
            row = _person(room, tx, email)
            hash = room.address_hash(row["email"])
            said = {each.scope for each in suppression.find(tx, hash)}
            if said & {suppression.ALL, suppression.OFFICE}:
                raise Refused(
                    f"{email} must not be contacted; that is no hold, and nothing was cleared.",
                    hint="`mailer suppress ls` tells why.",
                )
            cleared = merges.clear(tx, staying(tx, row["id"]), actor, reason)
            done["cleared" if cleared else "not_on_hold"].append(row["email"])
    return done


def export_provenance(room: Newsroom, name: str) -> Iterator[list[str]]:
    """The rows of `lists export --provenance`, the header first: everybody on a list, once for each
    import that brought him to it. Raises NotFound before the first row."""
    settle(room)
    number = show_list(room, name)["id"]
    return _provenance_rows(room, number)


def _provenance_rows(room: Newsroom, number: int) -> Iterator[list[str]]:
    yield list(PROVENANCE_COLUMNS)
    with room.store.read() as tx:
        for row in provenance.of_list(tx, number):
            told = {
                "consent_basis": row["basis"],
                "import": "" if row["import"] is None else str(row["import"]),
                "file": row["file"] or "",
                "by": row["actor"] or "",
                "at": stamp(row["at"]),
                "informed_at": iso(row["informed_at"]) or "",
            }
            yield [
                defused(told[column] if column in told else row[column])
                for column in PROVENANCE_COLUMNS
            ]


def _person(room: Newsroom, tx: Tx, email: str) -> Row:
    """The id, state and address of whoever has an address. Raises InputError, NotFound."""
    try:
        hash = room.address_hash(normalise(email).email)
    except AddressError as error:
        raise InputError(f"{email} is no address: {error.reason}.") from None
    row = audience.by_hash(tx, hash)
    if row is None:
        hint = "Nobody with that address is kept here."
        if suppression.find(tx, hash):
            hint = "Only a keyed hash is kept: it must not be contacted."
        raise NotFound(f"there is no journalist {email}.", hint=hint)
    return row


def _membership(row: Row) -> dict[str, Any]:
    return {
        "list": row["list"],
        "kind": row["kind"],
        "state": row["state"],
        "since": stamp(row["joined_at"]),
        "left_at": iso(row["left_at"]),
    }


def _brought(row: Row) -> dict[str, Any]:
    return {
        "list": row["list"],
        "source": row["source"],
        "source_date": row["source_date"],
        "consent_basis": row["basis"],
        "import": row["import"],
        "file": row["file"],
        "by": row["actor"],
        "at": stamp(row["started_at"]),
    }


def _message(row: Row) -> dict[str, Any]:
    return {
        "at": stamp(row["at"]),
        "delivery": row["id"],
        "release": row["release"],
        "kind": row["kind"],
        "state": DeliveryState(row["state"]).word,
        "feedback": row["feedback"],
        "reason": row["reason"],
    }


def _latest(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["at"]), reverse=True)[:_MOST]
