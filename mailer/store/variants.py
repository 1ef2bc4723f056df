"""The languages of a release in the store, and which text each batch of a distribution gets."""

from __future__ import annotations

from mailer.store.base import Row, Tx
from mailer.store.core import add_event, raise_control

NEVER = 221_845_392_000_000_000
"""The due time of a batch that waits for its text without end (UTC microseconds, year 9000)."""


def revisions(tx: Tx, release: int) -> list[Row]:
    """Number, language, stated, variants and translates of each revision, first to last."""
    return tx.all("variants.revisions", release=release)


def add(tx: Tx, distribution: int, language: str, revision: int, compiled: str) -> None:
    """A distribution sends this text to who gets that language."""
    place = {"distribution": distribution, "language": language}
    tx.run("variants.add", revision=revision, compiled=compiled, **place)


def sent(tx: Tx, distribution: int) -> list[Row]:
    """What a distribution sends beside its lead text: language, revision, compiled."""
    return tx.all("variants.sent", distribution=distribution)


def awaited(tx: Tx) -> list[Row]:
    """Batches that wait for a text: distribution, wave, awaits, release."""
    return tx.all("variants.awaited")


def arrived(tx: Tx, distribution: int, wave: int, language: str, due_at: int, actor: str) -> bool:
    """The text that a batch waits for is there: it gets it, when due; whether it still waited."""
    place = {"distribution": distribution, "wave": wave}
    changed = tx.run("variants.arrived", language=language, due_at=due_at, **place)
    if changed:
        data = {"wave": wave, "language": language}
        add_event(tx, "variant_ready", actor, distribution=distribution, data=data)
        raise_control(tx)
    return bool(changed)


def outlets(tx: Tx) -> dict[str, str]:
    """The language that most of an outlet's journalists write in, by the outlet's folded name."""
    counts: dict[str, dict[str, int]] = {}
    for row in tx.stream("variants.outlets"):
        of_outlet = counts.setdefault(row["outlet"].casefold().strip(), {})
        of_outlet[row["language"]] = of_outlet.get(row["language"], 0) + row["n"]
    return {
        outlet: min(found, key=lambda language: (-found[language], language))
        for outlet, found in counts.items()
    }
