"""Who holds a release under embargo and on what terms; outlets that agreed once for all (D3).

Officers read and export the list; nothing here is shown to journalists.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mailer.audience.conditions import facet_value
from mailer.distribution import releases
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.errors import InputError, NotFound, UsageError
from mailer.message.phrases import phrases
from mailer.release.times import Now, parse_when
from mailer.store import agreements
from mailer.store.base import Row, Tx
from mailer.store.states import DeliveryState

MOST_TERMS = 4000
"""Characters of terms; nobody reads more before he agrees."""


def holders(room: Newsroom, reference: str, actor: str) -> Iterator[dict[str, Any]]:
    """Who was asked for a release, who may have it before the end and on what terms, and which
    version each has since when, by mail or behind his link.

    Raises NotFound.
    """
    stored = releases.resolve(room, reference, actor, keep=False)
    if stored.id is None:
        raise NotFound(f"{reference} is not kept yet.", hint="`mailer release import` keeps it.")
    return _holders(room, stored.id)


def _holders(room: Newsroom, release: int) -> Iterator[dict[str, Any]]:
    with room.store.read() as tx:
        for row in agreements.holders(tx, release):
            had = agreements.had_by(tx, release, row["journalist"])
            opened = agreements.openings(tx, release, row["journalist"])
            versions = [(each["at"], each["revision"]) for each in had]
            versions += [(each["first_at"], each["revision"]) for each in opened]
            since: dict[int, int] = {}
            for at, revision in sorted(versions):
                since.setdefault(revision, at)
            last = max(since, default=None)
            yield {
                "email": row["email"],
                "name": f"{row['first_name']} {row['last_name']}".strip(),
                "outlet": row["outlet"],
                "telephone": row["phone"],
                "how": row["how"],
                "since": iso(row["granted_at"]),
                "by": row["actor"],
                "version": last,
                "has_it_since": None if last is None else iso(since[last]),
                "versions": {str(number): iso(at) for number, at in since.items()},
                "mail": DeliveryState(had[-1]["state"]).word if had else None,
                "opened": sum(each["times"] for each in opened),
                "asked": iso(row["offered_at"]),
                "answer": row["answer"] or None,
                "answered": iso(row["answered_at"]),
                "reason": row["reason"],
                "terms": row["text"],
            }


def stand(
    room: Newsroom,
    outlet: str,
    actor: str,
    *,
    terms: str | None,
    how: str,
    reason: str,
    since: str | None = None,
    until: str | None = None,
) -> dict[str, Any]:
    """Record that an outlet agreed to embargoes once for all, from `since` (now) `until` a day.

    Raises NotFound for an outlet that nobody works for, UsageError for times and without a reason.
    """
    if not reason.strip():
        raise UsageError("an agreement needs a reason.", hint="Say who gave it: --reason TEXT.")
    folded, zone = facet_value("outlet", outlet), room.config.newsroom.timezone
    own = phrases(room.config.newsroom.default_language, room.sender.own_words)
    words = read_terms(terms) or own["offer_default_terms"]
    with room.store.write() as tx:
        if not agreements.outlet_exists(tx, folded):
            raise NotFound(f'nobody on any list works for "{outlet}".')
        begins = tx.now() if since is None else _instant(since, zone, tx.now())
        ends = None if until is None else _instant(until, zone, tx.now())
        if ends is not None and ends <= max(begins, tx.now()):
            raise UsageError("--until is over before the agreement begins.")
        agreements.stand(
            tx,
            folded,
            outlet,
            terms=agreements.keep_terms(tx, words),
            how=how,
            reason=reason,
            since=begins,
            until=ends,
            actor=actor,
        )
    return {"outlet": outlet, "since": iso(begins), "until": iso(ends), "how": how}


def end_standing(room: Newsroom, outlet: str, actor: str, *, reason: str) -> None:
    """An outlet's agreement is over: its people are asked again. Raises NotFound."""
    with room.store.write() as tx:
        folded = facet_value("outlet", outlet)
        if not agreements.end_standing(tx, folded, outlet, reason, actor):
            raise NotFound(f'"{outlet}" has no standing agreement.')


def standings(room: Newsroom) -> list[dict[str, Any]]:
    """All outlets' agreements, with how many people they are for."""
    with room.store.read() as tx:
        now = tx.now()
        return [
            {
                "outlet": row["title"],
                "people": row["people"],
                "how": row["how"],
                "since": iso(row["since_at"]),
                "until": iso(row["until_at"]),
                "in_force": _holds(row, now),
                "by": row["actor"],
                "reason": row["reason"],
                "terms": row["text"],
            }
            for row in agreements.standings(tx)
        ]


def _instant(text: str, zone: str, now: int) -> int:
    instant = parse_when(text, zone)
    return now if isinstance(instant, Now) else instant


def in_force(tx: Tx) -> list[Row]:
    return [row for row in agreements.standings(tx) if _holds(row, tx.now())]


def _holds(row: Row, now: int) -> bool:
    return bool(row["since_at"] <= now and (row["until_at"] is None or row["until_at"] > now))


def read_terms(said: str | None) -> str | None:
    """Terms as an officer gave them: words, or a file of them."""
    if said is None:
        return None
    words, path = said, Path(said)
    try:
        if len(said) < 1000 and "\n" not in said and path.is_file():
            words = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError("The terms cannot be read as UTF-8.", where=said) from None
    words = words.strip()
    if not words:
        raise UsageError("the terms say nothing.", hint="Give words or a file: --terms TEXT.")
    if len(words) > MOST_TERMS:
        raise UsageError(f"the terms are longer than {MOST_TERMS:,} characters.")
    return words
