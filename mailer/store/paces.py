"""How fast each route and destination may be used, over all processes and machines.

The store is the one owner of a rate: whoever claims takes places in a queue whose places lie
1/rate apart, and sends each message not before its place (H12, A31). So a rate is exact over
time, however many senders share it and however unevenly they work, and nothing is dealt out to
one that is idle. Here too are the rests that destinations ask for (G11) and the messages a route
carried per day, for its warm-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailer.clock import SECOND
from mailer.store.base import Tx
from mailer.store.states import WAITS_FOR_TURN


@dataclass(slots=True)
class Queue:
    """The places of one rate, locked until the transaction ends; `keep` writes it back.

    `rate` is places a second. Instants are UTC microseconds.
    """

    name: str
    rate: float
    now: int
    next_at: int
    backlog_at: int
    changed: bool = False

    @property
    def step(self) -> int:
        """Microseconds from one place to the next."""
        return max(1, round(SECOND / self.rate))

    def room(self, horizon: int) -> int:
        """How many places lie before `now` + `horizon` (microseconds)."""
        return max(0, -(-(self.now + horizon - self.next_at) // self.step))

    def take(self) -> int:
        """The next place; it counts as gone."""
        place = self.next_at
        self.next_at += self.step
        self.changed = True
        return place

    def later(self) -> int:
        """An instant at which there will be a place for one more that does not fit now.

        Those put off are set 1/rate apart as well, so that they do not all come at once.
        """
        self.backlog_at = max(self.backlog_at, self.next_at, self.now) + self.step
        self.changed = True
        return self.backlog_at

    def keep(self, tx: Tx) -> None:
        """Write back what was taken."""
        if self.changed:
            tx.run("paces.move", name=self.name, next_at=self.next_at, backlog_at=self.backlog_at)


def queue(tx: Tx, name: str, rate: float) -> Queue:
    """The queue of a route or destination group, locked; what nobody used is gone."""
    now = tx.now()
    row = tx.one("paces.lock", name=name, now=now)
    assert row is not None
    return Queue(name, rate, now, max(row["next_at"], now), row["backlog_at"])


def reason_for(name: str) -> str:
    """Why a delivery waits that finds no place in the queue, or limit, of that name."""
    kind, _, whose = name.partition(":")
    return f"{WAITS_FOR_TURN} {'at' if kind == 'to' else 'by mail service'} {whose}"


def changed(tx: Tx) -> None:
    """A distribution was stopped or goes on: who waits may move up, or has to line up anew."""
    tx.run("paces.changed", now=tx.now())


def changed_at(tx: Tx) -> int | None:
    """When that was last said; None when everybody lined up anew since (see `seen`)."""
    instant: int | None = tx.value("paces.changed_at")
    return instant


def seen(tx: Tx, at: int) -> None:
    """What was changed at that instant, as `changed_at` told, has been followed."""
    tx.run("paces.seen", at=at)


def held_up(tx: Tx, horizon: int) -> list[str]:
    """Queues whose waiting deliveries are due later than they need be: since `changed`, or since
    free places passed unused for longer than `horizon` (microseconds)."""
    anew = int(changed_at(tx) is not None)
    rows = tx.all("paces.held_up", now=tx.now(), horizon=horizon, changed=anew)
    return [row["name"] for row in rows]


def begin_anew(tx: Tx, name: str) -> None:
    """Forget up to when others were put off; whoever waits is let go next."""
    tx.run("paces.begin_anew", name=name)


def let_go(tx: Tx, name: str, distribution: int, limit: int) -> int:
    """Up to `limit` deliveries of a distribution that wait in that queue are due at once and
    line up anew; how many."""
    place = {"distribution": distribution, "reason": reason_for(name)}
    return tx.run("paces.let_go", now=tx.now(), limit=limit, **place)


def rests(tx: Tx) -> dict[str, int]:
    """Destination groups that asked for a pause → until when (UTC microseconds)."""
    return {
        row["name"].removeprefix("rest:"): row["next_at"]
        for row in tx.all("paces.rests", now=tx.now())
    }


def rest(tx: Tx, group: str, until: int) -> None:
    """Leave a destination group alone until an instant, or until a later one already set."""
    tx.run("paces.rest", name=f"rest:{group}", until=until)


def used(tx: Tx, route: str, day: str) -> int:
    """Messages that a route carried on a day (ISO date in the newsroom's zone).

    Locked until the transaction ends: two senders must not both take the day's last ones.
    """
    return int(tx.value("paces.lock_day", route=route, day=day))


def used_on(tx: Tx, day: str) -> dict[str, int]:
    """Messages that each route carried on a day; only to be looked at."""
    return {row["route"]: row["messages"] for row in tx.all("paces.used_on", day=day)}


def use(tx: Tx, route: str, day: str, count: int) -> None:
    """Count messages for a route's day; negative for what came back unused."""
    tx.run("paces.use", route=route, day=day, count=count)


def use_for(tx: Tx, worker: int, day: str, claims: Mapping[str, Sequence[tuple[int, int]]]) -> None:
    """Count for a day what a worker holds, by route: (distribution, delivery) of each."""
    rows = []
    for route, places in claims.items():
        use(tx, route, day, len(places))
        rows += [(distribution, delivery, worker, route, day) for distribution, delivery in places]
    if rows:
        tx.bulk("paces.keep_claims", ("distribution", "delivery", "worker", "route", "day"), rows)
        tx.run("paces.drop_old_claims", worker=worker, day=day)


def not_begun(tx: Tx, worker: int, places: Iterable[tuple[int, int]]) -> Counter[tuple[str, str]]:
    """Of these deliveries (distribution, delivery) of a worker, how many count for which route and
    day; they do so no more, which is to be told to `use` when other locks are taken."""
    found: Counter[tuple[str, str]] = Counter()
    for distribution, delivery in sorted(places):
        place = {"distribution": distribution, "delivery": delivery, "worker": worker}
        for row in tx.all("paces.drop_claim", **place):
            found[row["route"], row["day"]] += 1
    return found


def give_back(tx: Tx, unused: Mapping[tuple[str, str], int]) -> None:
    """Take off what `not_begun` found."""
    for (route, day), count in sorted(unused.items()):
        use(tx, route, day, -count)


def worker_left(tx: Tx, worker: int) -> None:
    """Everything the worker held had its outcome."""
    tx.run("paces.drop_claims", worker=worker)
