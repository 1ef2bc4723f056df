"""Several machines of one newsroom: hosts of their own, with folders of their own, on one store.

Each machine has a copy of the newsroom's folder, a name (MAILER_HOST) and a process group that dies
as a whole. They share a database and a chaos server that writes down what it gets.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from mailer.distribution.log import status, status_of
from mailer.store import jobs
from mailer.store.jobs import Job
from mailer.store.postgres import _WORKER_LOCK

from tests.campaign.witness import Record, read_record
from tests.distribution.press import Press
from tests.distribution.sending import kill, members, role_of, wait_gone
from tests.exactness import Comparison, compare, rows
from tests.smtp.helpers import Outside

ROOT = Path(__file__).parents[2]
CONNECTIONS = 4

_TURNED_CLOCK = """
from mailer.clock import SystemClock
from pathlib import Path
FILE, now = Path({file!r}), SystemClock.now
SystemClock.now = lambda self: now(self) + int(FILE.read_text() or 0)
"""

_NO_RENEWALS = """
CREATE OR REPLACE FUNCTION no_renewals() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no renewal' USING ERRCODE = '57P03'; END $$;
CREATE TRIGGER no_renewals BEFORE UPDATE OF lease_at ON workers
FOR EACH ROW WHEN (NEW.host = '{host}') EXECUTE FUNCTION no_renewals();
"""

_NO_ROOM = """
CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON attempts FOR EACH ROW EXECUTE FUNCTION no_room();
"""

_HOLD = """
import sys, time
from mailer.store import open_store
with open_store(sys.argv[1]).alone() as mine:
    assert mine
    print("holding", flush=True)
    time.sleep(600)
"""


class Machine:
    """One host: `start` runs `mailer worker` (or what `words` say) in its folder."""

    def __init__(self, home: Path, folder: Path, name: str, **environ: str) -> None:
        self.name = name
        self.folder = folder
        shutil.copytree(home, folder, ignore=shutil.ignore_patterns("spool"))
        self.config = folder / "config.toml"
        self._errors = folder / "stderr"
        self._clock = folder / "clock"
        self._clock.write_text("0")
        self._site = folder / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(_TURNED_CLOCK.format(file=str(self._clock)))
        self._environ = {**os.environ, "MAILER_HOST": name, "PYTHONSAFEPATH": "1", **environ}
        self.install(ROOT)
        self.process: subprocess.Popen[bytes] | None = None

    def install(self, program: Path) -> None:
        """From its next start on it runs the package `mailer` that is in this folder."""
        self._environ["PYTHONPATH"] = f"{self._site}{os.pathsep}{program}"

    @property
    def version(self) -> str:
        """The version of the program that is installed here."""
        asks = [sys.executable, "-c", "import mailer; print(mailer.__version__)"]
        return subprocess.check_output(asks, env=self._environ, text=True).strip()

    def start(self, *words: str, **environ: str) -> None:
        """Run a command in a process group of its own."""
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "mailer", "--config", str(self.config)),
                    *(words or ("worker",)),
                ],
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**self._environ, **environ},
            )

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "mailer", "--config", str(self.config), *words]
        return subprocess.run(
            command, env=self._environ, text=True, capture_output=True, check=False, timeout=60
        )

    def doctor(self) -> tuple[int, str]:
        """The doctor's exit code, and his words without the line breaks."""
        done = self.say("doctor")
        return done.returncode, " ".join(done.stdout.split())

    def turn_clock(self, seconds: float) -> None:
        """This machine's clock is off by so much from now."""
        fresh = self._clock.with_suffix(".next")
        fresh.write_text(str(round(seconds * 1e6)))
        fresh.rename(self._clock)

    @property
    def said(self) -> str:
        """What it wrote on standard error."""
        return self._errors.read_text("utf-8") if self._errors.exists() else ""

    @property
    def senders(self) -> list[int]:
        """The process ids of its senders."""
        assert self.process is not None
        return [pid for pid in members(self.process.pid) if role_of(pid) == "sender"]

    def kill(self) -> None:
        """All of it dies at once."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        wait_gone(self.process.pid)

    def end(self) -> int:
        """End it in order; its exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(60)
        wait_gone(self.process.pid)
        return code


class Fleet:
    """A newsroom on PostgreSQL with `people` journalists, a server, and machines; ends with the
    block. `delay` is the server's, in seconds before each answer to a message's end."""

    def __init__(
        self,
        folder: Path,
        url: str,
        people: int,
        *,
        sending: str = "",
        delay: float = 0.0,
        rules: list[dict[str, Any]] | None = None,
        connections: int = CONNECTIONS,
    ) -> None:
        self._folder = folder
        self._record = folder / "record"
        self.server = Outside(
            self._record,
            {"rules": rules or [{"verb": "DOT", "act": {"wait": delay}}] if delay else rules or []},
        )
        self.press = Press(
            folder / "room",
            url,
            port=self.server.port,
            connections=connections,
            sending='retry = ["1s"]\n' + sending,
        )
        self.room = self.press.room
        self.press.people("all", [f"j{n}@d{n % 7}.example.com" for n in range(1, people + 1)])
        self.machines: list[Machine] = []
        self._holders: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            if machine.process is not None:
                for pid in members(machine.process.pid):
                    kill(pid, signal.SIGKILL)
                machine.process.wait()
        for holder in self._holders:
            holder.kill()
            holder.wait()
        self.server.end()
        self.room.close()

    def machine(self, name: str, **environ: str) -> Machine:
        """One more machine."""
        machine = Machine(self.press.config.home, self._folder / name, name, **environ)
        self.machines.append(machine)
        return machine

    def queue(self, to: str = "list:all", **options: Any) -> int:
        """Queue a release; the distribution's number."""
        queued = self.press.queue(to, **options)
        assert queued.distribution is not None
        return queued.distribution

    def counts(self, number: int) -> dict[str, int]:
        """Deliveries of a distribution by state."""
        found: dict[str, int] = status_of(self.room, number)["counts"]
        return found

    def state(self, number: int) -> str:
        """Where a distribution stands."""
        found: str = status_of(self.room, number)["state"]
        return found

    def until(self, holds: Callable[[], object], what: str, seconds: float = 60.0) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            told = "\n".join(f"{each.name}: {each.said}" for each in self.machines)
            assert time.monotonic() < end, f"never: {what}\n{told}"
            time.sleep(0.02)

    def record(self) -> Record:
        """What the server saw until now."""
        return read_record(self._record)

    def sent_by(self) -> dict[str, int]:
        """How many answers each machine recorded."""
        return {
            row["host"]: row["n"]
            for row in rows(
                self.room.store,
                "SELECT w.host AS host, count(*) AS n FROM attempts a "
                "JOIN workers w ON w.id = a.worker GROUP BY w.host",
            )
        }

    def compare(self, **options: Any) -> Comparison:
        """The ledger beside the server's record."""
        options.setdefault("in_flight", CONNECTIONS)
        return compare(self.room.store, self.record().seen, **options)

    def taken(self, domain: str) -> list[tuple[int, int]]:
        """When each message to a domain began and when its end was answered (UTC µs)."""
        entries = [json.loads(line) for line in self._record.read_bytes().splitlines()]
        return sorted(
            (entry["mail_at"], entry["at"])
            for entry in entries
            if entry["kind"] == "message" and f"@{domain}>" in entry["rcpt_to"]
        )

    def first_claimed(self, domain: str) -> int:
        """When the claim was made (UTC µs) whose message was the first to a domain: its place in
        a queue was taken with it, however late its MAIL FROM came."""
        there = self.press.rows(
            "SELECT d.id FROM deliveries d JOIN addresses a ON a.journalist = d.journalist "
            "WHERE a.email LIKE :them",
            them=f"%@{domain}",
        )
        mail_at, first = min((at, id) for at, id in self.record().mails if (id,) in set(there))
        claims = self.press.rows("SELECT at, data FROM events WHERE kind = 'claimed'")
        return max(
            int(at)
            for at, data in claims
            if at <= mail_at and first in json.loads(data)["deliveries"]
        )

    def seen(self, host: str) -> bool:
        """Whether a machine has told the others that it is there."""
        found = self.press.rows("SELECT host FROM machines WHERE host = :host", host=host)
        return bool(found)

    def status_text(self) -> str:
        """What `status` says beside the figures."""
        found = status(self.room)
        return "\n".join(found.decisions + found.notes)

    def claims_of(self, host: str) -> int:
        """How many deliveries a machine's senders hold."""
        held: int = self.press.rows(
            "SELECT count(*) AS n FROM deliveries d JOIN workers w ON w.id = d.worker "
            "WHERE d.state = 1 AND w.host = :host",
            host=host,
        )[0][0]
        return held

    def tasks(self, status: str = "todo") -> int:
        """How many tasks wait, or are being done."""
        found: int = self.press.rows(
            "SELECT count(*) AS n FROM procrastinate_jobs WHERE status::text = :status",
            status=status,
        )[0][0]
        return found

    def takers(self) -> int:
        """How many processes take tasks."""
        with self.room.store.read() as tx:
            return jobs.takers(tx)

    def lose_tasks(self) -> None:
        """Whatever waits is gone."""
        with self.room.store.write() as tx:
            tx.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'", {})

    def double_tasks(self, number: int) -> None:
        """Tasks that nobody needs."""
        with self.room.store.write() as tx:
            jobs.add(tx, [Job("send", "normal", 50, {"distribution": number, "shard": 9})] * 2)

    @contextlib.contextmanager
    def no_renewals(self, host: str, *, hangs: bool = False) -> Iterator[int]:
        """Meanwhile no lease of a host can be renewed: it fails, or the database answers nobody.
        Gives the instant (UTC µs) from which that is so."""
        with psycopg.connect(self.room.store.url, autocommit=True) as connection:
            if hangs:
                with connection.transaction():
                    connection.execute("LOCK TABLE workers, control IN ACCESS EXCLUSIVE MODE")
                    yield time.time_ns() // 1000
                return
            connection.execute(_NO_RENEWALS.format(host=host))  # type: ignore[call-overload]
            try:
                yield time.time_ns() // 1000
            finally:
                connection.execute("DROP TRIGGER no_renewals ON workers")

    @contextlib.contextmanager
    def no_room(self) -> Iterator[None]:
        """Meanwhile the database's disk is full, for what is written of answers."""
        with psycopg.connect(self.room.store.url, autocommit=True) as connection:
            connection.execute(_NO_ROOM)
            try:
                yield
            finally:
                connection.execute("DROP TRIGGER no_room ON attempts")

    def now(self) -> int:
        """The instant (UTC µs) by the database's clock."""
        with self.room.store.read() as tx:
            return tx.now()

    def disconnect_all(self) -> None:
        """The server ends every connection to this database, as when it restarts."""
        with psycopg.connect(self.room.store.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def cut_off(self, host: str) -> None:
        """The server misses a host's senders, and frees what they held in it."""
        with psycopg.connect(self.room.store.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN workers w "
                "ON l.locktype = 'advisory' AND l.objid = w.id AND l.classid = %s "
                "WHERE w.host = %s AND w.left_at IS NULL",
                (_WORKER_LOCK, host),
            )

    @contextlib.contextmanager
    def schema(self, version: int) -> Iterator[None]:
        """Meanwhile the store has another schema version."""
        with self.room.store.write() as tx:
            tx.execute("CREATE TABLE kept AS SELECT * FROM migrations", {})
            tx.execute("DELETE FROM migrations", {})
            tx.run("core.record_migration", number=version, name="another", at=tx.now())
        try:
            yield
        finally:
            with self.room.store.write() as tx:
                tx.execute("DELETE FROM migrations", {})
                tx.execute("INSERT INTO migrations SELECT * FROM kept", {})
                tx.execute("DROP TABLE kept", {})

    def hold_the_sweep(self) -> subprocess.Popen[bytes]:
        """A process in the middle of a sweep."""
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, self.room.store.url], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"holding\n"
        process.stdout.close()
        self._holders.append(process)
        return process
