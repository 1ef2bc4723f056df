"""What processes on any machine are given to do, by Procrastinate's jobs: one table of kinds.

The ledger is the truth and a job only wakes somebody up (design decisions 2 and 12): a `send` job
makes one more process run the sender for all open waves of the queues it serves, whatever
distribution the job was made for, and each delivery is still claimed through the gates in the SQL.
So a lost job costs at most the second until the next sweep makes it again, and one too many ends at
once. An `import` or `export` does what an officer handed over, which lies in the store and is
fenced there. A kind that is still to come is a line in `KINDS` and a function in `worker.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailer.config import Config
from mailer.errors import ConfigError, UsageError
from mailer.store import errands, jobs, ledger
from mailer.store.base import Tx
from mailer.store.jobs import Job
from mailer.store.ledger import OpenWave


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task. Of what waits in one queue the highest `priority` is taken first. `once` and
    `lock` are filled in with the task's arguments: equal ones never wait beside each other, or
    never run at the same time. Sending has no lock: claims are its lock."""

    name: str
    queue: str
    priority: int
    once: str = ""
    lock: str = ""

    def job(self, **arguments: int | str) -> Job:
        """One task of this kind."""
        once, lock = (text.format(**arguments) for text in (self.once, self.lock))
        return Job(self.name, self.queue, self.priority, arguments, once, lock)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("send_kill", "urgent", 100, once="send_kill:{distribution}:{shard}"),
        Kind("send_correction", "urgent", 90, once="send_correction:{distribution}:{shard}"),
        Kind("send_lift", "urgent", 80, once="send_lift:{distribution}:{shard}"),
        Kind("send", "normal", 50, once="send:{distribution}:{shard}"),
        Kind("send_follow_up", "follow-up", 10, once="send_follow_up:{distribution}:{shard}"),
        Kind("import", "imports", 8, once="import:{errand}", lock="import:{errand}"),
        Kind("export", "exports", 6, once="export:{errand}", lock="export:{errand}"),
        Kind("tidy", "upkeep", 5, once="tidy", lock="tidy"),
        Kind("retention", "upkeep", 0, once="retention", lock="retention"),
    )
}
"""Every kind there is, most urgent first."""

SENDING = tuple(name for name in KINDS if name.startswith("send"))
"""The kinds that run the sender."""

QUEUES = tuple(dict.fromkeys(kind.queue for kind in KINDS.values()))
"""The queues that a worker may serve."""

BACKGROUND = tuple(dict.fromkeys(k.queue for k in KINDS.values() if k.name not in SENDING))
"""Those of them whose tasks may take minutes: a process of its own does them, beside the senders,
so that nothing to be sent ever waits for one."""

_MOST_URGENT = ((10, "send_kill"), (20, "send_correction"), (49, "send_lift"))


def kind_of(wave: OpenWave) -> Kind:
    """By its distribution's priority, and by whether an embargo ended."""
    for most, name in _MOST_URGENT:
        if wave.priority <= most:
            return KINDS[name]
    if wave.urgent:
        return KINDS["send_lift"]
    return KINDS["send" if wave.priority <= 50 else "send_follow_up"]


def chosen(names: str) -> tuple[str, ...]:
    """The queues named in a list with commas, all for ""; UsageError for an unknown one."""
    found = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    for name in found:
        if name not in QUEUES:
            raise UsageError(f'"{name}" is no queue.', hint=f"The queues are {', '.join(QUEUES)}.")
    return found or QUEUES


def require_shared(config: Config) -> None:
    """Refuse (ConfigError) a store that only one machine can have."""
    if config.store.url.startswith("sqlite"):
        raise ConfigError(
            "a worker is one of several machines, and they can share only a store on PostgreSQL.",
            where=str(config.path),
            hint="On one machine use `mailer run` or `mailer serve`.",
        )


def wake(tx: Tx, waves: Iterable[OpenWave] | None = None) -> int:
    """Make the tasks that all open waves (or those given) call for, with the caller's
    transaction: a shard for each process that could take one. How many are new."""
    takers = jobs.takers(tx)
    if not takers:
        return 0
    distributions: dict[int, Kind] = {}
    for wave in ledger.open_waves(tx) if waves is None else waves:
        distributions.setdefault(wave.distribution, kind_of(wave))
    return jobs.add(
        tx,
        [
            kind.job(distribution=number, shard=shard)
            for number, kind in distributions.items()
            for shard in range(1, takers + 1)
        ],
    )


def hand_on(tx: Tx) -> int:
    """Make the tasks that open errands call for, with the caller's transaction; how many."""
    if not jobs.takers(tx):
        return 0
    waiting = errands.open_ones(tx)
    return jobs.add(tx, [KINDS[kind].job(errand=number) for number, kind in waiting])


def retention(tx: Tx) -> bool:
    """Leave it to a worker to remove what is past its retention; False when there is none."""
    if not jobs.takers(tx):
        return False
    jobs.add(tx, [KINDS["retention"].job()])
    return True


def tidy(tx: Tx) -> bool:
    """Leave it to a worker to remove what was left lying; False when there is none."""
    if not jobs.takers(tx):
        return False
    jobs.add(tx, [KINDS["tidy"].job()])
    return True
