"""What rules at the claim cost: nothing for a newsroom without any, and how much with them.

Claims are taken one after the other, in turn without asking for rules, with
none, with a journalist in a hundred who chose something, and with a cap for everybody, each of whom
got thirty messages before; so a slow moment of the machine meets all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from benchmarks.measure import median
from benchmarks.report import Row
from benchmarks.sections import say

STEP, MANY = 96, 500
"""Deliveries of one claim, as a sender takes them from an embedded store and from a server."""

LAST = 100
"""The distribution whose deliveries are claimed."""


def measure(name: str, path: Path, people: int) -> list[Row]:
    """Rows for one store, whose distribution 1 has that many deliveries due."""
    from mailer import config
    from mailer.config import Config
    from mailer.config_rules import RulesConfig
    from mailer.distribution.context import open_newsroom
    from mailer.distribution.rules import Rulebook
    from mailer.store import ledger
    from mailer.store.base import Tx
    from mailer.store.ledger import OpenWave

    def book(**own: Any) -> Rulebook:
        zone = SimpleNamespace(timezone="Europe/Brussels")
        made = SimpleNamespace(rules=RulesConfig.model_validate(own), newsroom=zone)
        return Rulebook(cast(Config, made))

    def some(tx: Tx) -> None:
        rows = [(number, 50, 0, 0, 0, "", 0) for number in range(1, people, 100)]
        columns = "journalist weekly_cap office_hours paused no_embargoes language updated_at"
        tx.copy("preferences", columns.split(), rows)

    none, capped = book(), book(weekly_cap=50)
    variants: dict[str, tuple[Rulebook | None, Callable[[Tx], None], bool]] = {
        "without asking": (None, lambda _: None, False),
        "no rules": (none, lambda _: None, False),
        "1 in 100 chose something": (none, some, True),
        "a cap for everybody": (capped, lambda _: None, False),
    }
    took: dict[str, list[float]] = {each: [] for each in variants}
    with open_newsroom(config.load(path)) as room:
        step = STEP if room.store.embedded else MANY
        for turn in range(people // step // len(variants)):
            names = list(variants)
            for each in names[turn % 4 :] + names[: turn % 4]:
                rules, prepare, wishes = variants[each]
                wave = OpenWave(LAST, 1, '""', wishes=wishes)
                with room.store.write() as tx:
                    tx.execute("DELETE FROM preferences", {})
                    prepare(tx)
                with room.store.write() as tx:
                    began = time.perf_counter()
                    claimed = ledger.claim(tx, 1, wave, step)
                    going = rules.judge(tx, 1, wave, claimed) if rules else claimed
                    took[each].append(time.perf_counter() - began)
                if len(going) != step:
                    raise SystemExit(f"{name}, {each}: {len(going)} of {step}")
    found = {each: median(times) / step * 1e6 for each, times in took.items()}
    plain = found["without asking"]
    rows = []
    for each, cost in found.items():
        say(f"  {name}, {each}: {cost:.2f} µs a delivery claimed")
        rows.append(Row(f"{name}, {each}: a delivery claimed", cost, "µs"))
    rows.append(
        Row(f"{name}: no rules / without asking", found["no rules"] / plain, "×", at_most=1.05)
    )
    return rows


def history(path: Path, days: int = 30) -> None:
    """On each of so many days before a distribution that everybody got; the last one is due."""
    from mailer import config
    from mailer.distribution.context import open_newsroom

    same = "release, revision, compiled, priority, late, embargo_until, due_at, zone, audience"
    same += ", left_out, recipients, actor, created_at, kind"
    own = "journalist, wave, list, kind, due_at, queued_at"
    with open_newsroom(config.load(path)) as room:
        for day in range(days, -1, -1):
            number = LAST - day
            state, ended, attempts = ("done", ":at", 1) if day else ("sending", "NULL", 0)
            with room.store.write() as tx:
                at = tx.now() - day * 86_400_000_000
                tx.execute(
                    f"INSERT INTO distributions (id, state, finished_at, {same}) "
                    f"SELECT :number, '{state}', {ended}, {same} FROM distributions WHERE id = 1",
                    {"number": number, **({"at": at} if day else {})},
                )
                tx.execute(
                    "INSERT INTO deliveries (distribution, id, state, attempts, last_attempt_at, "
                    f"{own}) SELECT :number, id + :later, {3 if day else 0}, {attempts}, "
                    f"{':at' if day else 'NULL'}, {own} FROM deliveries WHERE distribution = 1",
                    {"number": number, "later": number << 32, **({"at": at} if day else {})},
                )
        with room.store.write() as tx:
            tx.execute(
                "INSERT INTO waves (distribution, id, due_at, zone, state, recipients) "
                f"SELECT {LAST}, id, 0, zone, 'sending', recipients FROM waves "
                "WHERE distribution = 1",
                {},
            )
            tx.execute(
                "UPDATE distributions SET state = 'cancelled', finished_at = 0 WHERE id = 1", {}
            )
            tx.execute("ANALYZE deliveries", {})
