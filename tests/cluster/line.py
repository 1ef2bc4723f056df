"""A network line to a database server, which can be cut: between two machines' TCP, in one process.

Whoever connects to the line's port reaches the server's socket. `cut` is what happens when a cable
is pulled and somebody says so: connections are reset, new ones refused. `hush` is a short silence:
what was said meanwhile arrives when the line is mended. `swallow` is what happens
when nobody says anything: a firewall that forgot them, a switch that died. Connections stay open
and nothing passes, in either direction; new ones are taken and get no answer. After `mend` new
connections pass. Those that lost anything stay dead for ever without a word: what is written into
them is acknowledged and thrown away, so that neither keepalives nor the system's timers of
unacknowledged data help.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path
from urllib.parse import urlsplit

_OPEN, _CUT, _HUSHED, _SWALLOWS = "open", "cut", "hushed", "swallows"


class Line:
    """Listens at `port` of loopback from its making until the end of its block."""

    def __init__(self, server: Path, *, notices: float = 20.0) -> None:
        self._server = server
        self._notices = notices
        self._state = _OPEN
        self._halves: set[_Half] = set()
        self.passed = 0
        """Connections that reached the server."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._do(self._listen())
        self.port: int = self._listener.sockets[0].getsockname()[1]

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, url: str) -> str:
        """The database of that URL, reached over this line."""
        return f"postgresql://postgres@127.0.0.1:{self.port}{urlsplit(url).path}"

    def cut(self) -> None:
        """Reset every connection; refuse new ones."""
        self._do(self._set(_CUT))

    def hush(self) -> None:
        """Let nothing through in either direction, keep it, and say nothing."""
        self._do(self._set(_HUSHED))

    def swallow(self) -> None:
        """Say nothing, and let nothing pass."""
        self._do(self._set(_SWALLOWS))

    def mend(self) -> None:
        """All that is not dead passes again."""
        self._do(self._set(_OPEN))

    def _do(self, work):  # type: ignore[no-untyped-def]
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Half(self, None), "127.0.0.1", 0)

    async def _set(self, state: str) -> None:
        self._state = state
        for half in list(self._halves):
            if state == _CUT:
                half.reset()
            elif state == _OPEN:
                half.go_on()
            elif state == _SWALLOWS:
                half.dead = True
                if half.is_servers:
                    self._loop.call_later(self._notices, half.reset)

    async def _end(self) -> None:
        self._listener.close()
        for half in list(self._halves):
            half.reset()
        await asyncio.sleep(0)


class _Half(asyncio.Protocol):
    """One side of a connection: to the client, or (with its `other`) to the server."""

    def __init__(self, line: Line, other: _Half | None) -> None:
        self._line = line
        self.other = other
        self.is_servers = other is not None
        self.dead = False
        self._early: list[bytes] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._line._halves.add(self)
        if self.other is not None:
            return
        if self._line._state in (_OPEN, _HUSHED):
            task = self._line._loop.create_task(self._reach())
            task.add_done_callback(lambda done: done.exception())
        elif self._line._state == _CUT:
            self.reset()
        else:
            self.dead = True

    async def _reach(self) -> None:
        try:
            _, other = await self._line._loop.create_unix_connection(
                lambda: _Half(self._line, self), str(self._line._server)
            )
        except OSError:
            self.reset()  # the server is not there
            return
        if self.transport is None or self.transport.is_closing():
            other.reset()
            return
        self._line.passed += 1
        self.other, other.dead = other, self.dead
        if self._line._state != _HUSHED:
            self.go_on()

    def data_received(self, data: bytes) -> None:
        self._early.append(data)
        if self._line._state != _HUSHED:
            self.go_on()

    def go_on(self) -> None:
        """Pass on what came in until now, if the other side is there."""
        if self.other is not None:
            for data in self._early:
                self._pass(data)
            self._early.clear()

    def _pass(self, data: bytes) -> None:
        other = self.other
        if not self.dead and other is not None and other.transport is not None:
            other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._line._halves.discard(self)
        # The end of a connection is something said as well: nothing of it passes a dead line.
        if self.other is not None and not self.dead:
            self.other.reset()

    def reset(self) -> None:
        if self.transport is not None:
            with contextlib.suppress(OSError):
                self.transport.abort()
