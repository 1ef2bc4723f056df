"""Embargoes in the store: who may have a release before the end, their batches, changed ends.

An early batch is a wave with a message of its own (`waves.early`). The claim asks for each person
of it whether the grant is there at that moment; nothing else lets anybody through before the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailer.store.base import Row, Tx
from mailer.store.core import add_event, raise_control


@dataclass(frozen=True, slots=True)
class Held:
    """A distribution whose embargo has not ended. `until` is in UTC microseconds."""

    id: int
    revision: int
    state: str
    until: int
    zone: str
    kind: str = "release"


def grant(
    tx: Tx,
    release: int,
    people: Iterable[int],
    *,
    how: str,
    reason: str,
    list: int | None,
    actor: str,
) -> int:
    """Let these people have a release before its embargo ends (D3); how many. Who has a grant
    already gets the new one in its place; the history keeps both."""
    number = 0
    for person in people:
        number += 1
        tx.run(
            "embargo.grant",
            release=release,
            journalist=person,
            how=how,
            reason=reason,
            list=list,
            actor=actor,
            now=tx.now(),
        )
        data = {"release": release, "how": how, "reason": reason, "list": list}
        add_event(tx, "embargo_granted", actor, journalist=person, data=data)
    return number


def revoke(tx: Tx, release: int, person: int, reason: str, actor: str) -> bool:
    """Take a grant back; whether there was one."""
    gone = bool(tx.run("embargo.revoke", release=release, journalist=person))
    if gone:
        data = {"release": release, "reason": reason}
        add_event(tx, "embargo_revoked", actor, journalist=person, data=data)
    return gone


def granted(tx: Tx, release: int) -> set[int]:
    """The ids of those who may have it early."""
    return {row["journalist"] for row in tx.all("embargo.granted", release=release)}


def grants(tx: Tx, release: int) -> list[Row]:
    """The grants of a release with address, list and the state of each one's last delivery."""
    return tx.all("embargo.grants", release=release)


def members(tx: Tx, list: int) -> list[int]:
    """The active people of a list."""
    return [row["journalist"] for row in tx.all("embargo.members", list=list)]


def have_it(tx: Tx, release: int) -> list[Row]:
    """Who has any revision or may have it, by mail or behind his link: journalist, email."""
    return tx.all("embargo.have_it", release=release)


def held(tx: Tx, release: int) -> list[Held]:
    """The distributions of a release whose embargo has not ended."""
    rows = tx.all("embargo.held", release=release, now=tx.now())
    return [
        Held(*(row[name] for name in ("id", "revision", "state", "embargo_until", "zone", "kind")))
        for row in rows
    ]


def changed(tx: Tx, release: int, revision: int) -> Row | None:
    """An officer's word on this revision's embargo: until_at, zone; None when there is none."""
    return tx.one("embargo.changed", release=release, revision=revision)


def last_end(tx: Tx, release: int) -> int | None:
    """The latest embargo that a distribution has, also one that ended; UTC microseconds."""
    instant: int | None = tx.value("embargo.last_end", release=release)
    return instant


def change(tx: Tx, release: int, until: int, zone: str, actor: str) -> None:
    """Move the end for all distributions of a release that it still binds, and for its pages.

    Raises the control version: who is just about to send looks again.
    """
    for each in held(tx, release):
        place = {"distribution": each.id, "until": until}
        tx.run("embargo.move_waves", old=each.until, **place)
        tx.run("embargo.move_distribution", **place)
        data = {"from": each.until, "to": until}
        add_event(tx, "embargo_changed", actor, distribution=each.id, data=data)
    tx.run("embargo.change", release=release, until=until, zone=zone, actor=actor, now=tx.now())
    raise_control(tx)


def mark_early(tx: Tx, distribution: int, wave: int, digest: str) -> None:
    """Make a wave an early one, whose message is that of the digest."""
    tx.run("embargo.mark_early", distribution=distribution, wave=wave, digest=digest)


def zones(tx: Tx, release: int, distribution: int) -> list[str]:
    """The zones of those with a grant who were not sent a distribution's message yet."""
    rows = tx.all("embargo.zones", release=release, distribution=distribution)
    return [row["zone"] for row in rows]


def renew_early(tx: Tx, each: Held, language: str, digest: str) -> None:
    """Give early batches that have not begun a message with the end that binds now."""
    tx.run("embargo.renew_early", distribution=each.id, language=language, digest=digest)


def bring_forward(
    tx: Tx,
    release: int,
    each: Held,
    language: str,
    digest: str,
    zones: Sequence[str],
    actor: str,
) -> int:
    """Put those with a grant in these zones who wait for the end, or are in an early batch with
    another message, into an early batch that is due now; how many. Only those whose batch has its
    text, in this `language` ("" is the lead text)."""
    of = {"distribution": each.id, "language": language, "digest": digest}
    wave = (tx.value("embargo.last_wave", distribution=each.id) or 0) + 1
    moved = tx.run(
        "embargo.bring_forward",
        release=release,
        wave=wave,
        now=tx.now(),
        zones=json.dumps(list(zones)),
        **of,
    )
    if moved:
        _new_wave(tx, each, wave, tx.now(), language)
        mark_early(tx, each.id, wave, digest)
        _moved(tx, each.id, wave, moved, actor)
    return moved


def put_back(tx: Tx, release: int, each: Held, actor: str, *, keep: bool = True) -> int:
    """Put those of early batches who have no grant (with `keep` false: all) where everybody is;
    how many. What was tried already stays with the message it was tried with."""
    of = {"distribution": each.id, "release": release, "keep": int(keep)}
    total = 0
    for language in [row["language"] for row in tx.all("embargo.ungranted", **of)]:
        wave = tx.value("embargo.lift_wave", distribution=each.id, language=language)
        if wave is None:
            wave = (tx.value("embargo.last_wave", distribution=each.id) or 0) + 1
            _new_wave(tx, each, wave, each.until, language)
        due = min(tx.now(), each.until)
        moved = tx.run("embargo.put_back", wave=wave, due=due, language=language, **of)
        _moved(tx, each.id, wave, moved, actor)
        total += moved
    return total


def _new_wave(tx: Tx, each: Held, wave: int, due_at: int, language: str) -> None:
    tx.run(
        "distributions.insert_wave",
        distribution=each.id,
        id=wave,
        due_at=due_at,
        zone=each.zone,
        recipients=0,
        language=language,
        awaits="",
    )


def _moved(tx: Tx, distribution: int, wave: int, people: int, actor: str) -> None:
    tx.run("embargo.recount", distribution=distribution)
    data = {"wave": wave, "people": people}
    add_event(tx, "embargo_batch", actor, distribution=distribution, data=data)
    raise_control(tx)
