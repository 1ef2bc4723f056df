"""Notices in the store: an officer's word about a release, who has to be told, corrected batches.

A notice is written first, in the transaction that stops or replaces what is still to be sent. The
rest (moving people to corrected batches, planning who is told) follows from it in steps that
anybody may repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailer.store import digests
from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.states import DeliveryState

ALL = "*"
"""The language of a notice that readers of every text are told."""

ANY_TEXT = 2**31 - 1
"""Higher than any revision."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An officer's word. `kind` is that of a release. `language` is that of the text it is about:
    "" for the lead text, ALL for every one. `revision` is the corrected text, `compiled` the same
    as a plain release. `ends` is the hold that it clears, `paused` are the distributions that it
    stopped, `batches` (distribution, wave) those of early readers that one about an embargo is for.
    Times are UTC microseconds."""

    id: int
    release: int
    kind: str
    revision: int | None
    compiled: str | None
    language: str
    ends: int | None
    paused: tuple[int, ...]
    batches: frozenset[tuple[int, int]]
    reason: str
    actor: str
    created_at: int
    rounds: int
    planned_at: int | None
    closed_at: int | None


def add(
    tx: Tx,
    release: int,
    kind: str,
    reason: str,
    actor: str,
    *,
    revision: int | None = None,
    compiled: str | None = None,
    language: str = ALL,
    ends: int | None = None,
    paused: Sequence[int] = (),
    batches: Iterable[tuple[int, int]] = (),
) -> int:
    """Write a notice down; its id. From then on it is carried out, whoever does it."""
    number = tx.next_ids("notice")
    tx.run(
        "notices.add",
        id=number,
        release=release,
        kind=kind,
        revision=revision,
        compiled=compiled,
        language=language,
        ends=ends,
        paused=" ".join(map(str, paused)),
        batches=" ".join(f"{distribution}:{wave}" for distribution, wave in batches),
        reason=reason,
        actor=actor,
        now=tx.now(),
    )
    if kind in ("kill", "hold") or revision is not None:
        digests.stop(tx, release, actor)
    data = {"release": release, "notice": number, "reason": reason, "revision": revision}
    add_event(tx, f"notice_{kind}", actor, data=data)
    return number


def get(tx: Tx, number: int) -> Notice:
    """A notice by its id."""
    row = tx.one("notices.get", id=number)
    assert row is not None
    return _notice(row)


def ls(tx: Tx, release: int) -> list[Notice]:
    """The notices of a release, oldest first."""
    return [_notice(row) for row in tx.all("notices.ls", release=release)]


def ls_open(tx: Tx) -> list[Notice]:
    """Notices that may still have somebody to be told."""
    return [_notice(row) for row in tx.all("notices.ls_open")]


def unheard(tx: Tx, before: int) -> list[Row]:
    """Words given before an instant (UTC microseconds) that nobody was told of yet: kind, slug."""
    return tx.all("notices.unheard", before=before)


def standing(found: Sequence[Notice]) -> Notice | None:
    """Of a release's notices the one that keeps it from being sent: it was withdrawn, or is on hold
    until it is cleared, corrected or withdrawn. None when it may be sent."""
    kill = next((each for each in found if each.kind == "kill"), None)
    if kill is not None:
        return kill
    over = {each.ends for each in found}
    return next((each for each in found if each.kind == "hold" and each.id not in over), None)


def corrected(found: Sequence[Notice], language: str) -> Notice | None:
    """The last notice that brought a corrected revision of a text ("" is the lead text)."""
    of_text = [each for each in found if each.revision is not None and each.language == language]
    return of_text[-1] if of_text else None


def count_round(tx: Tx, notice: Notice) -> bool:
    """Take the next round of planning; False when somebody else did since."""
    return bool(tx.run("notices.count_round", id=notice.id, seen=notice.rounds))


def at_work(tx: Tx, notice: Notice) -> None:
    """Somebody is planning: others need not."""
    tx.run("notices.at_work", id=notice.id, now=tx.now())


def at_rest(tx: Tx, number: int) -> None:
    """Nobody is planning any more."""
    tx.run("notices.at_rest", id=number)


def close(tx: Tx, notice: Notice) -> bool:
    """Nobody can come any more who has to be told; False when somebody planned since."""
    return bool(tx.run("notices.close", id=notice.id, seen=notice.rounds, now=tx.now()))


def take_place_of(tx: Tx, earlier: Notice) -> None:
    """A later notice is in the place of this one: nobody more is told of it."""
    tx.run("notices.close_earlier", id=earlier.id, now=tx.now())


def lock(tx: Tx, release: int) -> None:
    """Until the end of the transaction no other one gives a word about this release or makes
    something of it sendable; whoever comes after sees what was done."""
    tx.one("notices.lock", release=release)


def early_batches(tx: Tx, release: int) -> list[tuple[int, int]]:
    """(distribution, wave) of batches for early readers that have begun."""
    rows = tx.all("notices.early_batches", release=release)
    return [(row["distribution"], row["id"]) for row in rows]


def stoppable(tx: Tx, release: int) -> list[Row]:
    """Distributions of a release that have not ended: id, kind, state, revision, embargo_until,
    zone, audience (JSON), notice."""
    return tx.all("notices.stoppable", release=release)


def batches(tx: Tx, distribution: int) -> list[Row]:
    """Batches still to be sent, with `text_key` (their text's language) and `text_revision`."""
    return tx.all("notices.batches", distribution=distribution)


def replace_batch(
    tx: Tx, wave: Row, revision: int, compiled: str, early: str | None, actor: str
) -> int:
    """Put a batch with a corrected text in a batch's place; its number. Nothing of the old one can
    be claimed any more."""
    number = wave["distribution"]
    new = int(tx.value("embargo.last_wave", distribution=number)) + 1
    place = {"distribution": number, "wave": wave["id"], "new": new}
    tx.run("notices.replace", early=early, revision=revision, compiled=compiled, **place)
    tx.run("notices.replaced", **place)
    data = {"wave": wave["id"], "by": new, "revision": revision}
    add_event(tx, "wave_corrected", actor, distribution=number, data=data)
    return new


def to_move(tx: Tx) -> list[Row]:
    """Replaced batches that hold something to be sent: distribution, id, moved_to."""
    return tx.all("notices.to_move")


def move(tx: Tx, row: Row, limit: int) -> int:
    """Move a chunk of what a replaced batch holds to the one in its place; how many."""
    place = {"distribution": row["distribution"], "wave": row["id"], "new": row["moved_to"]}
    moved = tx.run("notices.move_queued", limit=limit, **place)
    if moved < limit:
        moved += tx.run("notices.move_deferred", limit=limit - moved, **place)
    if moved:
        tx.run("embargo.recount", distribution=row["distribution"])
    return moved


def under_way(tx: Tx, notice: Notice) -> bool:
    """Is anything of what the notice is about in a sender's hand?"""
    return tx.one("notices.under_way", **_about(notice)) is not None


def reached(tx: Tx, notice: Notice) -> Iterator[Row]:
    """Every message of the release that reached somebody or may have, and every text that he opened
    behind a link, by person, oldest first; see the query. `concerned` says whether the notice is
    about it."""
    return tx.stream("notices.reached", notice=notice.id, **_about(notice))


def told(tx: Tx, number: int) -> dict[str, int]:
    """How many deliveries carry a notice, by their state's word."""
    rows = tx.all("notices.told", notice=number)
    return {DeliveryState(row["state"]).word: row["n"] for row in rows}


def distributions(tx: Tx, number: int) -> list[int]:
    """The distributions that carry a notice."""
    return [row["id"] for row in tx.all("notices.distributions", notice=number)]


def stopped(tx: Tx, release: int) -> int:
    """How many never get a release that was withdrawn."""
    count: int = tx.value("notices.stopped", release=release)
    return count


def in_corrected(tx: Tx, notice: Notice) -> int:
    """How many are still to get the corrected text that a notice brought."""
    place = {"release": notice.release, "revision": notice.revision}
    count: int = tx.value("notices.in_corrected", **place)
    return count


def sent_texts(tx: Tx, release: int) -> list[tuple[str, int]]:
    """(language, revision) of each text of a release that was queued; "" where none was stated."""
    rows = tx.all("notices.sent_texts", release=release)
    return [(row["language"], row["number"]) for row in rows]


def _about(notice: Notice) -> dict[str, int]:
    below = ANY_TEXT if notice.revision is None else notice.revision
    return {"release": notice.release, "at": notice.created_at, "below": below}


def _notice(row: Row) -> Notice:
    values = {name: row[name] for name in Notice.__dataclass_fields__}
    batches = (pair.partition(":") for pair in row["batches"].split())
    return Notice(
        **values
        | {
            "paused": tuple(map(int, row["paused"].split())),
            "batches": frozenset((int(number), int(wave)) for number, _, wave in batches),
        }
    )
