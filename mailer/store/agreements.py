"""Agreements to embargoes in the store: the note that asked, the answer, what was opened (D3).

The grant itself is the row of `store/embargo.py`; here is what stands behind it. Terms are kept as
they were shown and never change. Nothing here commits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mailer.store.base import Row, Tx
from mailer.store.core import add_event


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands behind a link in a note. `answer` is "", "agreed" or "declined", `granted` how he
    may have the release now ("" not at all), `state` the journalist's."""

    release: int
    slug: str
    journalist: int
    terms: int
    text: str
    answer: str
    answered_at: int | None
    offered_at: int
    granted: str
    language: str
    outlet: str
    zone: str
    state: str
    email: str | None


def keep_terms(tx: Tx, text: str) -> int:
    """The number of these words; new ones are kept."""
    sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
    known: int | None = tx.value("agreements.terms_of", sha256=sha256)
    if known is None:
        number = tx.next_ids("embargo_terms")
        tx.run("agreements.add_terms", id=number, sha256=sha256, text=text, now=tx.now())
        known = tx.value("agreements.terms_of", sha256=sha256)
    assert known is not None
    return known


def known(tx: Tx, release: int) -> dict[int, str]:
    """Who gets no note about a release, and why: asked, declined, granted, no_embargoes, paused or
    away."""
    tx.run("agreements.forget_broken_off", release=release)
    return {
        row["journalist"]: row["why"]
        for row in tx.all("agreements.known", release=release, now=tx.now())
    }


def forget_plan(tx: Tx, distribution: int) -> None:
    """Nobody was asked by a distribution that never came to be."""
    tx.run("agreements.forget_plan", distribution=distribution)


def person(tx: Tx, journalist: int, list: int) -> Row | None:
    """What a note says of somebody; None when he is not active any more."""
    return tx.one("agreements.people", journalist=journalist, list=list)


def offer(
    tx: Tx, release: int, journalist: int, terms: int, place: tuple[int, int], actor: str
) -> bool:
    """Keep that somebody is asked, by the delivery `place`; False when he was before."""
    return bool(
        tx.run(
            "agreements.offer",
            release=release,
            journalist=journalist,
            terms=terms,
            distribution=place[0],
            delivery=place[1],
            actor=actor,
            now=tx.now(),
        )
    )


def of_delivery(tx: Tx, distribution: int, delivery: int, journalist: int) -> Offer | None:
    """What stands behind the link of a delivery; None where nobody was asked by it."""
    of = {"distribution": distribution, "delivery": delivery, "journalist": journalist}
    row = tx.one("agreements.of_delivery", **of)
    if row is None:
        return None
    return Offer(
        *(row["release"], row["slug"], row["journalist"], row["terms"], row["text"]),
        *(row["answer"], row["answered_at"], row["offered_at"], row["granted"] or ""),
        *(row["language"], row["outlet"], row["zone"], row["state"], row["email"]),
    )


def agree(
    tx: Tx,
    release: int,
    journalist: int,
    *,
    how: str,
    terms: int,
    reason: str,
    by_mail: bool,
    actor: str,
) -> bool:
    """Somebody may have a release before its end because he agreed; False when that stood."""
    new = bool(
        tx.run(
            "agreements.agree",
            release=release,
            journalist=journalist,
            how=how,
            terms=terms,
            reason=reason,
            by_mail=int(by_mail),
            actor=actor,
            now=tx.now(),
        )
    )
    if new:
        data = {"release": release, "how": how, "reason": reason, "terms": terms}
        add_event(tx, "embargo_granted", actor, journalist=journalist, data=data)
    return new


def answer(tx: Tx, release: int, journalist: int, said: str, actor: str) -> bool:
    """Keep what somebody answered to a note; False when he had said so."""
    place = {"release": release, "journalist": journalist}
    changed = bool(tx.run("agreements.answer", answer=said, now=tx.now(), **place))
    if changed:
        add_event(tx, f"embargo_{said}", actor, journalist=journalist, data={"release": release})
    return changed


def opened(tx: Tx, release: int, journalist: int, revision: int) -> None:
    """The text was shown to him."""
    of = {"release": release, "journalist": journalist, "revision": revision}
    tx.run("agreements.opened", now=tx.now(), **of)
    add_event(tx, "embargo_opened", "journalist:page", journalist=journalist,
              data={"release": release, "revision": revision})  # fmt: skip


def holders(tx: Tx, release: int) -> list[Row]:
    """Everybody who was asked or may have it, in that order of time."""
    return tx.all("agreements.holders", release=release)


def had_by(tx: Tx, release: int, journalist: int) -> list[Row]:
    """The messages with its text that were accepted, or may have been: delivery, state, at,
    revision."""
    return tx.all("agreements.had_by", release=release, journalist=journalist)


def openings(tx: Tx, release: int, journalist: int) -> list[Row]:
    """Which revisions were shown to him: revision, first_at, last_at, times."""
    return tx.all("agreements.openings", release=release, journalist=journalist)


def stand(
    tx: Tx,
    outlet: str,
    title: str,
    *,
    terms: int,
    how: str,
    reason: str,
    since: int,
    until: int | None,
    actor: str,
) -> None:
    """An outlet agreed for all releases; an agreement of before ends where this one begins."""
    tx.run("agreements.end_standing", outlet=outlet, now=tx.now())
    tx.run(
        "agreements.stand",
        id=tx.next_ids("embargo_standing"),
        outlet=outlet,
        title=title,
        terms=terms,
        how=how,
        reason=reason,
        since=since,
        until=until,
        actor=actor,
        now=tx.now(),
    )
    add_event(tx, "embargo_standing", actor, data={"outlet": title, "how": how, "terms": terms})


def end_standing(tx: Tx, outlet: str, title: str, reason: str, actor: str) -> bool:
    """End an outlet's agreement; False when there was none."""
    ended = bool(tx.run("agreements.end_standing", outlet=outlet, now=tx.now()))
    if ended:
        data = {"outlet": title, "reason": reason}
        add_event(tx, "embargo_standing_ended", actor, data=data)
    return ended


def standings(tx: Tx) -> list[Row]:
    """All outlets' agreements, also those that ended."""
    return tx.all("agreements.standings")


def outlet_exists(tx: Tx, outlet: str) -> bool:
    """Whether anybody works for an outlet of that folded name."""
    return bool(tx.value("agreements.outlet_exists", outlet=outlet))


def pending_notes(tx: Tx, release: int) -> list[int]:
    """Distributions of notes about a release that are still to be sent."""
    return [row["id"] for row in tx.all("agreements.pending_notes", release=release)]
