"""The sandbox mail server: it keeps everything, sends nothing on, and proves itself."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.clock import ManualClock
from mailer.errors import ConfigError, Refused
from mailer.smtp import Connection
from mailer.smtp.inbox import Inbox
from mailer.smtp.sandbox import KEY_VARIABLE, SandboxServer

from tests.smtp.helpers import ListSource, endpoint, outgoing, send, text

KEY = b"k" * 32


def with_sandbox(
    folder: Path, step: Callable[[SandboxServer], Awaitable[None]], key: bytes | None = KEY
) -> Inbox:
    """Run `step` beside a sandbox and return its inbox."""

    async def run() -> None:
        clock = ManualClock(1_700_000_000_000_000)
        server = SandboxServer("127.0.0.1", 0, folder / "inbox.db", key, clock=clock)
        await server.start()
        try:
            await step(server)
        finally:
            await server.stop()

    asyncio.run(run())
    return Inbox(folder / "inbox.db")


def test_keeps_what_it_gets(tmp_path: Path) -> None:
    """Every message is there, byte for byte, with its envelope, newest first."""
    items = [outgoing(number) for number in range(1, 121)]

    async def step(server: SandboxServer) -> None:
        assert Inbox(tmp_path / "inbox.db").count() == 0
        source = ListSource(items)
        await send(endpoint(server.port), source)
        assert set(source.codes.values()) == {250}
        assert Inbox(tmp_path / "inbox.db").count() == 120

    inbox = with_sandbox(tmp_path, step)
    assert [caught.raw for caught in inbox.each()] == [text(number) for number in range(1, 121)]
    newest = inbox.list()[0]
    assert newest.rcpt_to == ("j120@example.net",)
    assert newest.mail_from == "bounces@example.org"
    assert newest.subject == "number 120"
    assert newest.received_at == 1_700_000_000_000_000
    assert newest.size == len(text(120))
    assert newest.raw == b""
    assert [len(inbox.list(page, size=50)) for page in (1, 2, 3, 4)] == [50, 50, 20, 0]
    assert inbox.list(3, size=50)[-1].rcpt_to == ("j1@example.net",)
    full = inbox.get(newest.id)
    assert full is not None
    assert full.raw == text(120)
    assert inbox.get(10**9) is None
    assert inbox.count(recipient="J7@example.net") == 1
    assert [caught.subject for caught in inbox.list(recipient="j7@EXAMPLE.net")] == ["number 7"]
    assert (tmp_path / "inbox.db").stat().st_mode & 0o777 == 0o600
    inbox.clear()
    assert inbox.count() == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([b".", b"..", b".\r\n", b"a", b"\r\n", b"\xe9"]), max_size=8))
def test_bytes_arrive_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    """B13, B15: dots at the beginning of lines are content, whatever stands around them."""
    content = b"".join(pieces) + b"\r\n"

    async def step(server: SandboxServer) -> None:
        source = ListSource([outgoing(1, content), outgoing(2)])
        await send(endpoint(server.port), source)
        assert source.codes == {1: 250, 2: 250}

    inbox = with_sandbox(tmp_path_factory.mktemp("box"), step)
    assert [caught.raw for caught in inbox.each()] == [content, text(2)]


def test_headers_shown(tmp_path: Path) -> None:
    """Subject is decoded and unfolded, Message-ID found however it is written."""
    content = (
        b"SUBJECT: =?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?q?_society?=\r\n"
        b"message-id:\r\n <a.b@example.org>\r\n\r\nSubject: not this\r\n"
    )

    async def step(server: SandboxServer) -> None:
        await send(endpoint(server.port), ListSource([outgoing(1, content)]))

    found = with_sandbox(tmp_path, step).list()[0]
    assert (found.subject, found.message_id) == ("Café society", "<a.b@example.org>")


def test_proves_itself(tmp_path: Path) -> None:
    """Decision 13: the right key knows it, another one and none do not."""

    async def step(server: SandboxServer) -> None:
        for key, known in [(KEY, True), (b"other", False), (None, False)]:
            connection = await Connection.open(endpoint(server.port, sandbox_key=key))
            assert connection.session.is_our_sandbox is known
            assert connection.session.loopback
            assert "PIPELINING" in connection.session.extensions
            await connection.close()

    with_sandbox(tmp_path, step)

    async def without(server: SandboxServer) -> None:
        connection = await Connection.open(endpoint(server.port, sandbox_key=KEY))
        assert not connection.session.is_our_sandbox
        await connection.close()

    with_sandbox(tmp_path, without, key=None)


def test_other_programs_may_use_it(tmp_path: Path) -> None:
    """It is an ordinary mail server for other clients, wrong commands included."""

    def talk(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.helo("other.example.org")
            assert client.docmd("DATA")[0] == 503
            assert client.sendmail("a@example.org", ["b@example.net", "c@example.net"], "x") == {}
            assert client.docmd("NONSENSE")[0] == 500

    async def step(server: SandboxServer) -> None:
        await asyncio.get_running_loop().run_in_executor(None, talk, server.port)

    inbox = with_sandbox(tmp_path, step)
    assert inbox.list()[0].rcpt_to == ("b@example.net", "c@example.net")


def test_a_message_it_cannot_keep_is_not_accepted(tmp_path: Path) -> None:
    """The 250 follows the commit: without the commit there is none."""

    async def step(server: SandboxServer) -> None:
        def fail(batch: object) -> None:
            raise OSError("disk full")

        assert server._writer is not None
        server._writer.add = fail  # type: ignore[method-assign]
        source = ListSource([outgoing(1)])
        await send(endpoint(server.port), source)
        assert source.codes == {1: 452}
        assert "disk full" in source.outcomes[1].reply.text

    assert with_sandbox(tmp_path, step).count() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    """Decision 13: it never becomes a mail server for others."""
    server = SandboxServer(host, 0, tmp_path / "inbox.db", KEY)
    with pytest.raises(Refused, match="does not listen"):
        asyncio.run(server.start())


def test_a_port_in_use(tmp_path: Path) -> None:
    """A taken port is one clear sentence."""

    async def step(server: SandboxServer) -> None:
        other = SandboxServer("127.0.0.1", server.port, tmp_path / "other.db", KEY)
        with pytest.raises(ConfigError, match=f"port {server.port}"):
            await other.start()

    with_sandbox(tmp_path, step)


def start(folder: Path, *more: str, key: str = KEY.hex()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mailer.smtp.sandbox", "--port", "0", "--inbox",
         str(folder / "inbox.db"), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, KEY_VARIABLE: key},
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["stdin", "SIGTERM"])
def test_process_of_its_own(tmp_path: Path, ending: str) -> None:
    """One ready line, then it serves until its standard input closes or SIGTERM comes."""
    with start(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        word, host, port = process.stdout.readline().split()
        assert (word, host) == ("ready", "127.0.0.1")
        source = ListSource([outgoing(number) for number in range(20)])
        asyncio.run(send(endpoint(int(port)), source))
        assert set(source.codes.values()) == {250}
        if ending == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""
    assert Inbox(tmp_path / "inbox.db").count() == 20


def test_what_was_accepted_survives_a_kill(tmp_path: Path) -> None:
    """The 250 follows the commit: SIGKILL right after loses nothing."""
    with start(tmp_path) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[2])
        source = ListSource([outgoing(number) for number in range(50)])
        asyncio.run(send(endpoint(port), source))
        process.kill()
        process.wait(10)
    assert Inbox(tmp_path / "inbox.db").count() == 50


def test_process_refuses_in_one_sentence(tmp_path: Path) -> None:
    """A wrong host or key ends the process with the contract's exit code and no traceback."""
    for arguments, key, code in [(["--host", "0.0.0.0"], "", 6), ([], "not hex", 3)]:
        with start(tmp_path, *arguments, key=key) as process:
            _, complaint = process.communicate(timeout=10)
            assert process.returncode == code
            assert complaint.count("\n") == 1
            assert "Traceback" not in complaint
