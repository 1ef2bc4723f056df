"""A newsroom the way an officer fills it: list files imported, a release file queued."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailer.clock import Clock
from mailer.config import Config
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import import_file
from mailer.distribution.queue import Order, Queued, queue
from mailer.distribution.supervisor import Summary, Supervisor

from tests.distribution.room import make_config, open_room, write_release

HEADER = "email,first_name,outlet,beats,country,language,timezone,consent_basis,source"


class Press:
    """An open newsroom with one release file; lists come in with `people`."""

    def __init__(
        self,
        folder: Path,
        store_url: str,
        *,
        port: int = 1,
        sending: str = "",
        connections: int = 4,
        clock: Clock | None = None,
    ) -> None:
        self.config: Config = make_config(
            folder, port=port, store=store_url, sending=sending, connections=connections
        )
        self.room: Newsroom = open_room(self.config, clock)
        self.release = write_release(folder)

    def __enter__(self) -> Press:
        return self

    def __exit__(self, *_: object) -> None:
        self.room.close()

    def people(
        self, name: str, people: Sequence[str | tuple[str, str]], *, beats: str = "eu"
    ) -> None:
        """Import a list of addresses, each with a zone (Europe/Brussels when none is given)."""
        rows = [HEADER]
        for each in people:
            email, zone = (each, "Europe/Brussels") if isinstance(each, str) else each
            rows.append(f"{email},Ada,Daily,{beats},BE,en,{zone},opt_in,form")
        path = self.config.home / f"{name}.csv"
        path.write_text("\n".join(rows) + "\n", "utf-8")
        import_file(self.room, path, actor="anna")

    def queue(self, *to: str, dry_run: bool = False, **options: Any) -> Queued:
        """Queue the release; `release` among the options names another."""
        options.setdefault("release", str(self.release))
        return queue(self.room, Order(to=to, **options), "anna", dry_run=dry_run)

    def run(self) -> Summary:
        """`run --once`."""
        return Supervisor(self.config, once=True).run()

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """What the store answers, as plain tuples."""
        with self.room.store.read() as tx:
            found = [dict(row) for row in tx.rows(sql, params)]  # type: ignore[call-overload]
        return [tuple(row.values()) for row in found]

    def sizes(self) -> dict[str, int]:
        """How many rows each table has."""
        names = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            if self.room.store.dialect == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {
            name: self.rows(f"SELECT count(*) AS n FROM {name}")[0][0]
            for (name,) in sorted(self.rows(names))
        }

    def deliveries(self, number: int | None) -> Counter[tuple[str, str, str]]:
        """(address, list, zone of the wave) of a distribution's deliveries, with their number."""
        assert number is not None
        return Counter(
            self.rows(
                "SELECT a.email, l.name, w.zone FROM deliveries d "
                "JOIN addresses a ON a.journalist = d.journalist JOIN lists l ON l.id = d.list "
                "JOIN waves w ON w.distribution = d.distribution AND w.id = d.wave "
                "WHERE d.distribution = :number",
                number=number,
            )
        )
