"""The weekly mail of headlines: what caps left out, and which mail named it.

What a mail names is marked with its distribution in the transaction that plans it, and a row for
person and day lets one planner only have a person: killed anywhere, or twice at once, nobody gets
two and nothing is lost. Nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from mailer.clock import SECOND
from mailer.store import distributions
from mailer.store.base import Row, Tx
from mailer.store.core import raise_control

OLDEST = 14 * 86_400 * SECOND
"""What was left out longer ago (microseconds) is no news any more."""

STOPPED = "a release that it names was withdrawn, held or corrected"
"""Why a mail ends whose people are written to anew."""


def wanted(tx: Tx) -> bool:
    """Whether a cap left anything out that no mail has named, or a mail has named anything."""
    return bool(tx.value("digests.wanted"))


def zones(tx: Tx) -> list[str]:
    """The zones of those of whom something was left out and not named yet."""
    return [row["zone"] for row in tx.all("digests.zones")]


def people(tx: Tx, zone: str, after: int, limit: int) -> list[int]:
    """The next of them in a zone, by id."""
    rows = tx.all("digests.people", zone=zone, after=after, limit=limit)
    return [row["journalist"] for row in rows]


def untold(tx: Tx, people: Sequence[int], day: str, *, since: int, until: int) -> list[Row]:
    """What was left out of these people between two instants (UTC microseconds), by person, newest
    first: journalist, distribution, list, release, slug, zone, language."""
    return tx.all(
        "digests.untold",
        people=json.dumps(list(people)),
        day=day,
        since=since,
        until=until,
        now=tx.now(),
    )


def take(tx: Tx, people: Sequence[int], day: str, distribution: int) -> set[int]:
    """Those of some people who have no mail of that day, and from now on have this one."""
    rows = [(person, day, distribution) for person in sorted(people)]
    found = tx.bulk_rows("digests.take", ("journalist", "day", "distribution"), rows)
    return {row["journalist"] for row in found}


def name(
    tx: Tx, distribution: int, people: Sequence[int], releases: Sequence[int], until: int
) -> None:
    """The mail names these releases to these people, as far as they were left out before then."""
    tx.run(
        "digests.name",
        digest=distribution,
        people=json.dumps(list(people)),
        releases=json.dumps(list(releases)),
        until=until,
    )
    for release in releases:
        tx.run("digests.names_release", release=release, distribution=distribution)


def stop(tx: Tx, release: int, actor: str) -> None:
    """A release may no longer be named as it was: mails that do and have not left end."""
    for row in tx.all("digests.naming", release=release):
        if distributions.move(tx, row["id"], "cancelled", actor, reason=STOPPED):
            for wave in distributions.waves(tx, row["id"]):
                distributions.move_wave(tx, row["id"], wave["id"], "cancel", actor)
            raise_control(tx)


def free_stopped(tx: Tx) -> int:
    """Whom a stopped mail did not reach may be written to anew; how many mails."""
    freed = 0
    for row in tx.all("digests.stopped", reason=STOPPED):
        place = {"digest": row["id"]}
        if tx.one("digests.still_claimed", **place) is not None:
            continue
        for statement in ("unname", "untake", "forget_releases"):
            tx.run(f"digests.{statement}", **place)
        freed += 1
    return freed


def waiting(tx: Tx, since: int) -> int:
    """How many people have something that was left out since then and not named yet."""
    found: int = tx.value("digests.waiting", since=since)
    return found


def revision_of(tx: Tx, release: int) -> int:
    """The revision that was last queued of a release."""
    found: int = tx.value("digests.revision_of", release=release)
    return found
