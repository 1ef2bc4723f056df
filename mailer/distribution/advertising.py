"""Advertising is kept back from whom it may not be sent to (E15 to E19; docs/decisions/0032).

Whether a kind of release is advertising is the newsroom's own decision, with its reason, in
`[advertising]`; both stand with each distribution. Whom the law of his country protects is left out
of the plan, and `queue` says so before anything is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from mailer.audience.advertising import barred
from mailer.config import Config
from mailer.release.model import Kind
from mailer.store import advertising
from mailer.store.base import Row, Tx

_BEGINS = "advertising, "


def reason_of(config: Config, kind: Kind) -> str:
    """Why releases of a kind are advertising; "" where they are none."""
    return config.advertising.reason if kind in config.advertising.kinds else ""


def as_json(config: Config, kind: Kind) -> dict[str, Any]:
    """What is kept with a distribution: the decision for its kind of release, with its reason."""
    said = config.advertising
    return {"advertising": {"is": kind in said.kinds, "reason": said.reason}}


def kept_back(tx: Tx, rows: Sequence[Row]) -> dict[int, str]:
    """Of some candidates those whom no advertising may be sent to, by id, with why."""
    people = advertising.facts(tx, [row["id"] for row in rows])
    found = {}
    for number, person in people.items():
        if why := barred(person):
            found[number] = f"{_BEGINS}{_country(person.country)}: {why}"
    return found


def sentence(why: str, count: int) -> str:
    """A reason for which people were left out, with how many, for officers."""
    if not why.startswith(_BEGINS):
        return f"left out: {count:,} {why.replace('_', ' ')}"
    country, _, because = why.removeprefix(_BEGINS).partition(": ")
    return f"{country}: {count:,} kept back because {because}"


@cache
def _country(code: str) -> str:
    """The English name of a country; babel is loaded only for a release that is advertising."""
    from babel import Locale

    name = Locale("en").territories.get(code.upper())
    return str(name) if name else code or "Country unknown"
