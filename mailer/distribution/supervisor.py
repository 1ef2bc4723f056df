"""One supervisor per newsroom and host: starts the children, restarts what dies, ends them all.

It opens no database. Each child is a process of its own that talks in JSON lines and leaves when
its pipe closes (design decision 5). A second supervisor is refused and told whose process is in
the way. SIGTERM and SIGINT end everything in order: no new MAIL FROM, replies awaited.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailer.config import Config
from mailer.distribution.context import host_name, read_token_keys, with_folder
from mailer.distribution.files import on_disk
from mailer.distribution.inbox import inbox_path
from mailer.distribution.tasks import BACKGROUND
from mailer.errors import ConfigError, MailerError, Refused, StoreUnavailable

Event = dict[str, Any]

_ONCE_SWEEP = 0.1
_END_WITHIN = 30.0
_RESTART_AFTER = 0.5
_TROUBLE_FOR = 30.0
_TROUBLE_GAP = 15.0
_MOST_RESTARTS = 10
_HEALED_AFTER = 3.0
_HEALS = (StoreUnavailable.exit_code, Refused.exit_code)


@dataclass(slots=True)
class Summary:
    """What a run did: deliveries by state, and whether anything needs a person."""

    counts: dict[str, int] = field(default_factory=dict)
    recovered: dict[str, int] = field(default_factory=dict)
    restarted: int = 0

    def add(self, event: Event) -> None:
        """Count a `progress` or `recovered` event."""
        if event["event"] == "progress":
            for state, n in event.items():
                if state not in ("event", "child"):
                    self.counts[state] = self.counts.get(state, 0) + n
        elif event["event"] == "recovered":
            for word in ("requeued", "recorded", "in_doubt"):
                self.recovered[word] = self.recovered.get(word, 0) + event[word]

    @property
    def failed(self) -> bool:
        """True when a delivery of this run ended refused, expired or in doubt."""
        bad = sum(self.counts.get(state, 0) for state in ("refused", "expired", "in_doubt"))
        return bad + self.recovered.get("in_doubt", 0) > 0


@dataclass(slots=True)
class _Child:
    name: str
    argv: list[str]
    process: subprocess.Popen[bytes]
    environ: dict[str, str]
    ending: bool = False
    said_fatal: bool = False


@dataclass(slots=True)
class _Trouble:
    """How long a child, its restarts included, has been in trouble without a break."""

    since: float
    last: float
    deaths: int = 0


class Supervisor:
    """Runs one newsroom on this host until told to stop, or with `once` until nothing is due.

    `web` is the command of the web child, or None. `sandbox` starts our own mail server also
    when the route is not the default one. With `queues` this is one machine of several: its senders
    take tasks of those, and what makes a child leave (a store that is away, another schema or key)
    is said and tried again. `tell` gets every event: `ready`, `progress`, `swept`, `recovered`,
    `restarted`, `trouble`, `blocked`, `stands`, `goes_on`, each with the child's name.
    """

    def __init__(
        self,
        config: Config,
        *,
        once: bool,
        web: list[str] | None = None,
        sandbox: bool = False,
        queues: Sequence[str] = (),
        tell: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._once = once
        self._web = web
        self._sandbox = sandbox
        self._queues = [name for name in queues if name not in BACKGROUND]
        self._background = [name for name in queues if name in BACKGROUND]
        self._joins = ["--joins"] if queues else []
        self._absent: list[tuple[float, _Child]] = []
        self._stands: tuple[float, str] | None = None
        self._tell = tell
        self._events: queue.Queue[tuple[_Child, Event | None]] = queue.Queue()
        self._children: list[_Child] = []
        self._summary = Summary()
        self._stop = threading.Event()
        self._failure: MailerError | None = None
        self._senders_started = False
        self._ready = False
        self._troubles: dict[str, _Trouble] = {}

    def stop(self) -> None:
        """End in order; from a signal handler or another thread."""
        self._stop.set()

    def run(self) -> Summary:
        """Work until the end; raises what a child could not get over (configuration, store …).

        With `once` a store or disk that cannot be used for half a minute ends the run as well
        (StoreUnavailable), and so does a child that dies again and again; without, both are
        reported and tried again for ever.
        """
        with _writable(self._config.spool_dir):
            with_folder(self._config)
        with alone_on_host(self._config), self._signals():
            try:
                self._start_sandbox()
                self._spawn(
                    "scheduler", self._role("scheduler", "--every", self._every(), *self._joins)
                )
                while not self._stop.is_set():
                    self._handle(*self._next())
                    self._call_back()
            finally:
                self._end_all()
        if self._failure is not None:
            raise self._failure
        return self._summary

    # Events --------------------------------------------------------------------------------

    def _next(self) -> tuple[_Child | None, Event | None]:
        try:
            return self._events.get(timeout=0.2)
        except queue.Empty:
            return None, None

    def _handle(self, child: _Child | None, event: Event | None) -> None:
        if child is None:
            return
        if event is None:
            self._died(child)
            return
        kind = event["event"]
        self._summary.add(event)
        self._tell({**event, "child": child.name})
        if kind == "swept":
            self._ready = True
        if kind in ("swept", "progress"):
            self._troubles.pop(child.name, None)
        elif kind == "trouble":
            self._troubled(child, event["reason"])
        if kind == "fatal":
            self._fatal(child, event)
        elif kind in ("stands", "goes_on") and child.name == "scheduler":
            stands = kind == "stands"
            self._stands = (time.monotonic(), event["reason"]) if stands else None
        elif kind == "blocked" and self._once:
            self._failure = Refused(event["reason"] + ".", hint="See `mailer doctor`.")
            self.stop()
        elif kind == "ready" and child.name == "scheduler" and self._web:
            if not any(each.name == "web" for each in self._children):
                self._spawn("web", self._web)
        elif kind == "swept":
            # Not before a first sweep: what an older ledger, or one left long ago, still has open
            # is held back by then.
            if event["looked"] and (event["busy"] or not self._once):
                self._start_senders()
            elif self._once and not event["busy"]:
                self.stop()

    def _fatal(self, child: _Child, event: Event) -> None:
        if self._joins and event["exit_code"] in _HEALS:
            child.said_fatal = True
            self._tell({"event": "trouble", "reason": event["reason"], "child": child.name})
            self._absent.append((time.monotonic() + _HEALED_AFTER, child))
            return
        # A store that is away for a while must not end what already ran: the child comes back.
        if event["exit_code"] == StoreUnavailable.exit_code and self._ready:
            self._troubled(child, event["reason"])
            return
        child.said_fatal = True
        self._fail(event)

    def _call_back(self) -> None:
        """Begin again the children that left because of what may be mended meanwhile; with `once`
        a machine that does not fit the others of its store leaves when that does not pass."""
        now = time.monotonic()
        due = [child for at, child in self._absent if at <= now]
        self._absent = [(at, child) for at, child in self._absent if at > now]
        for child in due:
            self._spawn(child.name, child.argv, child.environ)
        if self._once and self._stands is not None:
            since, reason = self._stands
            # Machines that died lately count until they are taken for gone.
            if now - since > self._config.sending.rescue_after + _TROUBLE_FOR:
                self._failure = Refused(reason)
                self.stop()

    def _troubled(self, child: _Child, reason: str, *, died: bool = False) -> None:
        """Note a trouble; with `once`, one that does not pass ends the run (H20)."""
        now = time.monotonic()
        trouble = self._troubles.get(child.name)
        if trouble is None or now - trouble.last > _TROUBLE_GAP:
            trouble = self._troubles[child.name] = _Trouble(now, now)
        trouble.last = now
        trouble.deaths += died
        if not self._once or self._stop.is_set():
            return
        if trouble.deaths > _MOST_RESTARTS:
            self._failure = MailerError(f"{child.name} dies again and again ({reason}).")
            self.stop()
        elif not died and now - trouble.since >= _TROUBLE_FOR:
            self._fail({"reason": reason, "exit_code": StoreUnavailable.exit_code})

    def _fail(self, event: Event) -> None:
        error: type[MailerError] = MailerError
        for kind in (ConfigError, Refused, StoreUnavailable):
            if kind.exit_code == event["exit_code"]:
                error = kind
        self._failure = error(event["reason"])
        self.stop()

    def _died(self, child: _Child) -> None:
        if child.ending or child not in self._children:
            return
        self._children.remove(child)
        code = child.process.wait()
        if child.said_fatal:
            return
        # A signal to the whole group ends a child in order before this process has seen its own.
        if self._stop.wait(_RESTART_AFTER):
            return
        self._summary.restarted += 1
        self._tell({"event": "restarted", "child": child.name, "code": code})
        self._troubled(child, f"exit code {code}", died=True)
        if not self._stop.is_set():
            self._spawn(child.name, child.argv, child.environ)

    # Children ------------------------------------------------------------------------------

    def _start_senders(self) -> None:
        if self._senders_started:
            return
        self._senders_started = True
        if self._background:
            self._spawn("tasks", self._role("tasks", queues=self._background))
            if not self._queues:
                return
        count = self._config.sending.processes or os.cpu_count() or 1
        for number in range(1, count + 1):
            name = f"sender-{number}"
            options = ("--name", name, "--share", str(count))
            self._spawn(name, self._role("sender", *options, queues=self._queues))

    def _start_sandbox(self) -> None:
        """Our own mail server, when the route is the default one and its port is free."""
        own = self._config.sandbox_route
        route = own or self._config.routes[0]
        wanted = self._sandbox or own is not None
        if not wanted or not _is_free(route.host, route.port):
            return
        key = read_token_keys(self._config).derive("sandbox").hex()
        argv = [sys.executable, "-m", "mailer.smtp.sandbox", "--host", route.host]
        argv += ["--port", str(route.port), "--inbox", str(inbox_path(self._config))]
        self._spawn("sandbox", argv, {"MAILER_SANDBOX_KEY": key})
        began = time.monotonic()
        while _is_free(route.host, route.port) and time.monotonic() - began < 15:
            time.sleep(0.02)

    def _role(self, role: str, *options: str, queues: Sequence[str] = ()) -> list[str]:
        head = [sys.executable, "-m", "mailer.distribution.child", role]
        tasks = ["--queues", ",".join(queues)] if queues else []
        return [*head, "--config", str(self._config.path), *options, *tasks]

    def _every(self) -> str:
        return str(_ONCE_SWEEP if self._once else 1.0)

    def _spawn(self, name: str, argv: list[str], environ: dict[str, str] | None = None) -> None:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environ or {})},
        )
        child = _Child(name, argv, process, environ or {})
        self._children.append(child)
        threading.Thread(target=self._listen, args=(child,), daemon=True).start()

    def _listen(self, child: _Child) -> None:
        assert child.process.stdout is not None
        for line in child.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                self._events.put((child, event))
        self._events.put((child, None))

    def _end_all(self) -> None:
        """Senders first, so that what they settle is still swept; the rest after them."""
        senders = [c for c in self._children if c.name.startswith("sender")]
        others = [c for c in self._children if c not in senders]
        for group in (senders, others):
            for child in group:
                child.ending = True
                with contextlib.suppress(OSError):
                    if child.process.stdin is not None:
                        child.process.stdin.close()
            deadline = time.monotonic() + _END_WITHIN
            for child in group:
                try:
                    child.process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()
        while True:
            try:
                child, event = self._events.get(timeout=0.05)
            except queue.Empty:
                return
            if event is not None:
                self._summary.add(event)
                self._tell({**event, "child": child.name})
                if event["event"] == "fatal" and self._failure is None:
                    self._fail(event)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        kinds = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(kind, lambda *_: self.stop()) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)


@contextlib.contextmanager
def alone_on_host(config: Config) -> Iterator[None]:
    """Be, while the block runs, what a newsroom has once on a host: its supervisor, or whoever
    keeps one from starting. Raises Refused, with the process id in the way."""
    path = config.spool_dir / f"supervisor-{host_name()}.lock"
    with _writable(path.parent):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(fd, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise Refused(
            f"mailer already runs this newsroom on this machine (process {owner}).",
            hint="It also sends what is queued now; stop it first to run another.",
        ) from None
    try:
        with _writable(path.parent):
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(fd)


def _writable(folder: Path) -> contextlib.AbstractContextManager[None]:
    return on_disk("the spool folder cannot be written", folder)


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
