"""The job engine's tables (Procrastinate) in a store on PostgreSQL, and putting jobs into them.

Its schema is Procrastinate's own and comes with that package; `migrate` applies it with ours, and
later only what a newer package adds. Jobs are derived from the ledger: losing or doubling one
does no harm, so they are put in with the rows they follow from, and made again by the sweep.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mailer.errors import StoreUnavailable
from mailer.store.base import Store, Tx
from mailer.store.core import fact, set_fact

if TYPE_CHECKING:
    from procrastinate import App

    from mailer.store.postgres import PostgresTx

ALIVE_FOR = 20.0
"""Seconds of silence after which a process that takes jobs counts as gone."""

FACT = "procrastinate"
"""Fact of a database (not of its newsroom): the last change of these tables that it has."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do. `once` keeps an equal one from waiting beside it; `lock` from running at
    the same time ("" for neither). Of two the higher `priority` is taken first."""

    task: str
    queue: str
    priority: int
    arguments: dict[str, int | str]
    once: str = ""
    lock: str = ""


def migrate(store: Store) -> list[str]:
    """Bring the job engine's tables up to the installed package; what was applied."""
    if store.dialect != "postgresql":
        return []
    with store.exclusive() as tx:
        known = fact(tx, FACT)
        if known is None:
            missing = [_folder() / "schema.sql"]
        else:
            missing = [path for path in _changes() if path.name > known]
        for path in missing:
            # Many statements at once, functions among them: as it stands, without parameters.
            cast("PostgresTx", tx).connection.execute(path.read_bytes())
        if missing:
            set_fact(tx, FACT, latest())
    return [f"procrastinate_{path.stem}" for path in missing]


def latest() -> str:
    """The last change of the schema that the installed package works with."""
    return _changes()[-1].name


def check(tx: Tx) -> None:
    """Refuse tables that are not the installed package's (StoreUnavailable)."""
    error = difference(tx)
    if error is not None:
        raise error


def difference(tx: Tx) -> StoreUnavailable | None:
    """What is wrong with the tables; None when they are the installed package's."""
    known = fact(tx, FACT) or ""
    if known == latest():
        return None
    if known < latest():
        return StoreUnavailable(
            "the job tables of the store are older than this program's.",
            hint="Run `mailer store migrate`.",
        )
    return StoreUnavailable(
        "the job tables of the store are newer than this program's.",
        hint="Upgrade mailer and Procrastinate on this machine.",
    )


def takers(tx: Tx) -> int:
    """How many processes are there to take jobs; 0 where jobs would wait in vain."""
    if tx.dialect != "postgresql" or fact(tx, FACT) != latest():
        return 0
    count: int = tx.value("jobs.takers", silence=ALIVE_FOR)
    return count


def add(tx: Tx, jobs: Iterable[Job]) -> int:
    """Put jobs in with the caller's transaction; how many of them did not wait already."""
    waiting = {row["once"] for row in tx.all("jobs.waiting")}
    new = [job for job in jobs if not job.once or job.once not in waiting]
    return sum(_add(tx, job) for job in new)


def _add(tx: Tx, job: Job) -> bool:
    import psycopg
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

    connection = cast("PostgresTx", tx).connection
    deferrer = _app().configure_task(
        name=job.task,
        allow_unknown=True,
        queue=job.queue,
        priority=job.priority,
        lock=job.lock or None,
        queueing_lock=job.once or None,
        connection=connection,
    )
    try:
        with connection.transaction():  # within the caller's: a savepoint
            deferrer.defer(**job.arguments)
    except AlreadyEnqueued:
        return False  # somebody else was quicker
    except ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            raise error.__cause__ from None  # the store says it in its own words
        return False  # the sweep makes it again, if it is still wanted
    return True


@cache
def _app() -> App:
    from procrastinate import App, SyncPsycopgConnector

    return App(connector=SyncPsycopgConnector())


@cache
def _folder() -> Path:
    # Found without importing it, which takes longer than most commands.
    found = importlib.util.find_spec("procrastinate")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "sql"


@cache
def _changes() -> list[Path]:
    return sorted((_folder() / "migrations").glob("*.sql"))
