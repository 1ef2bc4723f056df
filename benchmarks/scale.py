"""A distribution of a million beside one of ten thousand: cost of each, memory, planning, log.

Long (the import alone takes minutes) and large (about 2 GB of disk), so it is run only with
`--scale 1000000`.
"""

from __future__ import annotations

from benchmarks.measure import Measured, measure
from benchmarks.newsroom import Newsroom, environ
from benchmarks.report import Row
from benchmarks.sections import MEMORY, Plan, say
from benchmarks.servers import cheap_sink

SMALL = 10_000
GROWTH = 1.2
PLANNING = 20.0
"""How much more a message of the large distribution may cost, and the seconds that a million
deliveries may take to plan."""


def scale(plan: Plan) -> list[Row]:
    """Cost and memory of a large distribution beside a small one's; planning; the log."""
    rows: list[Row] = []
    sent: dict[int, Measured] = {}
    with cheap_sink(plan.folder) as server:
        settings = plan.settings(server)
        for journalists in (SMALL, plan.scale):
            room = plan.room(journalists)
            planned, sent[journalists] = _once(room, settings)
            rows += _rows(journalists, planned, sent[journalists])
            say(f"log of {journalists:,} deliveries")
            argv = room.command("log", "2", "--format", "csv")
            logged = measure(argv, journalists, cwd=room.folder, memory=True)
            rows.append(Row(f"{journalists:,}: log --format csv", logged.wall, "s"))
            peak = max(logged.resident.values(), default=0) / 1e6
            rows.append(Row(f"{journalists:,}: log, resident", peak, "MB", at_most=MEMORY))
    small, large = sent[SMALL], sent[plan.scale]
    return [
        *rows,
        Row("large / small: CPU per message", large.cpu_ms / small.cpu_ms, "×", at_most=GROWTH),
        Row("large / small: time per message", small.rate / large.rate, "×", at_most=GROWTH),
    ]


def _once(room: Newsroom, settings: dict[str, str]) -> tuple[Measured, Measured]:
    """Plan and send in the room itself: a copy of a million rows would cost more than it tells."""
    env = environ(settings)
    once = room.command("run", "--once", "--json")
    first = room.queue("one", settings)
    start = measure(once, 1, env=env, cwd=room.folder)
    room.check(first, 1)
    say(f"planning {room.journalists:,} deliveries")
    words = room.command("queue", "bench.txt", "--to", "list:bench", "--at", "now")
    planned = measure(words, room.journalists, env=env, cwd=room.folder, memory=True)
    say(f"  {planned.wall:.1f} s; sending them")
    sent = measure(once, room.journalists, env=env, cwd=room.folder, memory=True)
    room.check(first + 1, room.journalists)
    say(f"  {sent.rate:,.0f}/s, {sent.cpu_ms:.3f} ms CPU")
    return planned, sent.less(start)


def _rows(journalists: int, planned: Measured, sent: Measured) -> list[Row]:
    name = f"{journalists:,}"
    most = PLANNING * max(1.0, journalists / 1e6)
    rows = [
        Row(f"{name}: planning", planned.wall, "s", at_most=most),
        Row(f"{name}: planning, resident", max(planned.resident.values(), default=0) / 1e6, "MB"),
        Row(f"{name}: mailer", sent.rate, "/s"),
        Row(f"{name}: CPU per message", sent.cpu_ms, "ms"),
    ]
    for role in ("sender", "scheduler", "supervisor"):
        peak = sent.resident.get(role, 0) / 1e6
        rows.append(Row(f"{name}: resident, {role}", peak, "MB", at_most=MEMORY))
        rows.append(
            Row(f"{name}: of which anonymous, {role}", sent.anonymous.get(role, 0) / 1e6, "MB")
        )
    return rows
