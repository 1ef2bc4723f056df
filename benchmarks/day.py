"""A day of an agency on paper: `python -m benchmarks.day` (see docs/scale.md).

A discrete-event simulation without chance beyond its seed. Newsrooms queue releases in the
working hours of their zone, part of them as batches at nine o'clock of each reader's zone. What is
due is sent oldest first, within what the machines can do and each provider takes; a share is put
off and comes again, a share is refused. At noon UTC one machine is lost for a while, and what it
held at that instant is in doubt. Printed are the ages of what was accepted, per hour and provider.

Whatever is due together, for one provider and at one try is one parcel, so ten million messages
take seconds.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

HOUR = 3600
DAY = 24 * HOUR
TICK = 5
"""Seconds between two looks of the senders."""


@dataclass(frozen=True)
class Provider:
    """A destination group: its share of readers in percent, what it takes a second from all our
    addresses together (0: no limit), and which parts of a hundred tries it puts off or refuses."""

    name: str
    share: int
    rate: float
    deferred: float
    refused: float


PROVIDERS = (
    Provider("gmail", 26, 120, 2.0, 0.4),
    Provider("microsoft", 20, 70, 4.0, 0.6),
    Provider("yahoo", 5, 15, 6.0, 0.6),
    Provider("gmx", 5, 20, 2.0, 0.4),
    Provider("orange", 4, 6, 5.0, 0.5),
    Provider("other", 40, 0, 3.0, 1.0),
)
ZONES = {"UTC+9": (9, 10), "UTC+1": (1, 50), "UTC+0": (0, 15), "UTC-5": (-5, 25)}
"""Zone → hours before UTC and share of newsrooms and readers in percent."""


@dataclass(frozen=True)
class Day:
    """The parameters. `messages` is planned for the day; `held` is how much of a second of sending
    a machine holds claimed, which is in doubt when the machine is gone."""

    messages: int = 10_000_000
    newsrooms: int = 2_000
    releases: int = 3
    local_time: int = 30
    machines: int = 3
    per_machine: float = 300.0
    lost_at: int = 12 * HOUR
    lost_for: int = 2 * HOUR
    held: float = 1.0
    retry: tuple[int, ...] = (300, 1800, 3600, 7200)
    give_up: int = 4 * DAY
    seed: int = 1
    providers: tuple[Provider, ...] = PROVIDERS


@dataclass
class Parcel:
    """So many messages that are alike: first due at `due`, tried `tries` times, next at `at`."""

    due: int
    at: int
    tries: int
    count: int


@dataclass
class Result:
    """What became of the day. `ages` is (hour, provider) → age in seconds → messages; `oldest` how
    late the oldest in the provider's line was when the hour ended; `busiest` messages a second."""

    planned: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    ages: dict[tuple[int, str], Counter[int]] = field(default_factory=dict)
    oldest: dict[tuple[int, str], int] = field(default_factory=dict)
    busiest: float = 0.0


class _Part:
    """Whole messages out of a share: what was rounded off is carried on, so nothing is lost."""

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._carried = 0.0

    def of(self, count: int) -> int:
        exact = count * self._percent / 100 + self._carried
        whole = min(count, int(exact))
        self._carried = exact - whole
        return whole


class _Queue:
    """One provider's line: due parcels oldest first, and those that come again later."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.due: list[tuple[int, int, Parcel]] = []
        self.places = 0.0
        self._number = 0
        self._deferred = _Part(provider.deferred)
        self._refused = _Part(provider.refused)

    def put(self, parcel: Parcel) -> None:
        self._number += 1
        heapq.heappush(self.due, (parcel.at, self._number, parcel))

    def ready(self, now: int) -> Parcel | None:
        return self.due[0][2] if self.due and self.due[0][0] <= now else None

    def take(self, most: int) -> Parcel:
        """Up to `most` messages of the first parcel."""
        first = self.due[0][2]
        if first.count <= most:
            heapq.heappop(self.due)
            return first
        first.count -= most
        return Parcel(first.due, first.at, first.tries, most)

    def judge(self, count: int) -> tuple[int, int]:
        """How many of so many tries are put off, and how many refused."""
        deferred = self._deferred.of(count)
        return deferred, min(count - deferred, self._refused.of(count))


def simulate(day: Day, until: int = DAY + 8 * HOUR) -> Result:
    """Run the day (and the night after it, so that what was put off comes again)."""
    result = Result()
    queues = [_Queue(provider) for provider in day.providers]
    for queue, parcel in _plan(day, queues):
        queue.put(parcel)
        result.planned += parcel.count
    lost = False
    for now in range(0, until, TICK):
        machines = day.machines
        if day.lost_at <= now < day.lost_at + day.lost_for and day.machines:
            machines -= 1
            held = 0 if lost else int(day.held * day.per_machine)
            lost = True
            _lose(queues, now, held, result)
        _send(day, queues, now, int(machines * day.per_machine * TICK), result)
        if now % HOUR == HOUR - TICK:
            for queue in queues:
                late = [now - parcel.due for at, _, parcel in queue.due if at <= now]
                result.oldest[now // HOUR, queue.provider.name] = max(late, default=0)
    for queue in queues:
        for at, _, parcel in queue.due:
            result.open["deferred" if parcel.tries and at > until else "queued"] += parcel.count
    return result


def _plan(day: Day, queues: list[_Queue]) -> Iterator[tuple[_Queue, Parcel]]:
    chance = random.Random(day.seed)
    zones = list(ZONES.values())
    weights = [chance.lognormvariate(0, 1) for _ in range(day.newsrooms * day.releases)]
    total = sum(weights)
    parts = {queue.provider.name: _Part(queue.provider.share) for queue in queues}
    left = day.messages
    for number, weight in enumerate(weights, 1):
        last = number == len(weights)
        size = left if last else min(left, int(day.messages * weight / total))
        left -= size
        before = chance.choices([z[0] for z in zones], [z[1] for z in zones])[0]
        local = chance.triangular(8 * HOUR, 18 * HOUR, 10 * HOUR)
        waves = [(int(local) - before * HOUR, size)]
        if chance.randrange(100) < day.local_time:
            part = [size * share // 100 for _, share in zones]
            part[0] += size - sum(part)
            waves = [(9 * HOUR - z[0] * HOUR, n) for z, n in zip(zones, part, strict=True)]
        for due, count in waves:
            due %= DAY
            rest = count
            for queue in queues:
                mine = min(rest, parts[queue.provider.name].of(count))
                if queue is queues[-1]:
                    mine = rest
                rest -= mine
                if mine:
                    yield queue, Parcel(due, due, 0, mine)


def _lose(queues: list[_Queue], now: int, held: int, result: Result) -> None:
    """What the lost machine held is in doubt: a person decides, nothing sends it again."""
    for queue in queues:
        while held and queue.ready(now):
            taken = queue.take(held)
            held -= taken.count
            _ended(result, "in_doubt", taken.count)


def _send(day: Day, queues: list[_Queue], now: int, capacity: int, result: Result) -> None:
    for queue in queues:
        rate = queue.provider.rate
        most = rate * TICK
        queue.places = min(queue.places + most, max(most, 1.0)) if rate else float(capacity)
    open_ = deque(queues)
    sent = 0
    while capacity > sent and open_:
        ready = [q for q in open_ if q.places >= 1 and q.ready(now)]
        if not ready:
            break
        queue = min(ready, key=lambda q: q.due[0][0])
        taken = queue.take(min(capacity - sent, int(queue.places)))
        queue.places -= taken.count
        sent += taken.count
        _answer(day, queue, taken, now, result)
    result.busiest = max(result.busiest, sent / TICK)


def _answer(day: Day, queue: _Queue, taken: Parcel, now: int, result: Result) -> None:
    deferred, refused = queue.judge(taken.count)
    accepted = taken.count - deferred - refused
    if deferred:
        wait = day.retry[min(taken.tries, len(day.retry) - 1)]
        if now + wait - taken.due > day.give_up:
            _ended(result, "expired", deferred)
        else:
            queue.put(Parcel(taken.due, now + wait, taken.tries + 1, deferred))
    _ended(result, "refused", refused)
    _ended(result, "accepted", accepted)
    if accepted:
        ages = result.ages.setdefault((now // HOUR, queue.provider.name), Counter())
        ages[now - taken.due] += accepted


def _ended(result: Result, state: str, count: int) -> None:
    if count:
        result.ended[state] += count


def quantile(ages: Counter[int], share: float) -> int:
    """The age that `share` of the messages do not exceed; 0 of none."""
    wanted = share * sum(ages.values())
    seen = 0
    for age, count in sorted(ages.items()):
        seen += count
        if seen >= wanted:
            return age
    return 0


def show(day: Day, result: Result) -> Iterator[str]:
    """The lines of the report."""
    yield (
        f"{day.messages:,} messages, {day.newsrooms:,} newsrooms, {day.machines} machines of "
        f"{day.per_machine:g}/s, one lost at {day.lost_at // HOUR:02}:00 for "
        f"{day.lost_for / HOUR:g} h, seed {day.seed}"
    )
    ended = ", ".join(f"{state} {count:,}" for state, count in sorted(result.ended.items()))
    left = ", ".join(f"{state} {count:,}" for state, count in sorted(result.open.items()))
    yield f"{ended}; still open: {left or 'none'}; busiest {result.busiest:,.0f}/s"
    yield ""
    yield "Seconds from due to accepted: median / p99 / max, by hour (UTC) of acceptance."
    names = [provider.name for provider in day.providers]
    yield "hour  " + "".join(f"{name:>22}" for name in names)
    for hour in range(max((hour for hour, _ in result.ages), default=-1) + 1):
        row = f"{hour:02}:00 "
        for name in names:
            ages = result.ages.get((hour, name), Counter())
            cell = "–"
            if ages:
                cell = f"{quantile(ages, 0.5):,}/{quantile(ages, 0.99):,}/{max(ages):,}"
            row += f"{cell:>22}"
        yield row
    yield ""
    yield "Seconds for which the oldest of what was due still waited when the hour ended:"
    for hour in sorted({hour for (hour, _), late in result.oldest.items() if late > TICK}):
        yield f"{hour:02}:00 " + "".join(f"{result.oldest[hour, name]:>22,}" for name in names)


def main() -> None:
    """Simulate one day from the command line and print it."""
    plain = Day()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("messages", "newsrooms", "releases", "local_time", "machines", "seed"):
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=int, default=getattr(plain, name))
    parser.add_argument("--per-machine", type=float, default=plain.per_machine)
    parser.add_argument("--lost-for", type=float, default=2.0, help="hours; 0 loses none")
    parser.add_argument("--provider-rates", type=float, default=1.0, help="times the built-in ones")
    given = vars(parser.parse_args())
    times = given.pop("provider_rates")
    given["lost_for"] = round(given["lost_for"] * HOUR)
    given["providers"] = tuple(
        Provider(p.name, p.share, p.rate * times, p.deferred, p.refused) for p in PROVIDERS
    )
    day = Day(**given)
    for line in show(day, simulate(day)):
        print(line)


if __name__ == "__main__":
    main()
