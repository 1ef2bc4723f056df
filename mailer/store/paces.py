"""How fast each route and destination may be used, over all processes and machines.

The store is the one owner of a rate: whoever claims takes places in a queue whose places lie
1/rate apart, and sends each message not before its place (H12, A31). So a rate is exact over
time, however many senders share it and however unevenly they work, and nothing is dealt out to
one that is idle. Here too are the rests that destinations ask for (G11) and the messages a route
carried per day, for its warm-up.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.clock import SECOND
from mailer.store.base import Tx


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
