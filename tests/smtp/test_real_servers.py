"""The client against servers that others wrote: aiosmtpd, and Postfix's smtp-sink where it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from mailer.smtp import Connection, Endpoint, Phase, SmtpFailure

from tests.ports import unused_port
from tests.smtp.authority import Authority
from tests.smtp.helpers import QUICK, ListSource, endpoint, outgoing, send, text

Runner = Callable[[Awaitable[None]], None]
LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
PATIENT = replace(QUICK, banner=20, dot=20)
SINK = shutil.which("smtp-sink", path="/usr/sbin:" + os.environ.get("PATH", ""))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


class Keeper:
    """aiosmtpd's handler: keeps all, refuses one recipient."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 kept"


@contextlib.asynccontextmanager
async def aiosmtpd_server(keeper: Keeper, **settings: Any) -> Any:
    loop = asyncio.get_running_loop()
    transports: list[asyncio.Transport] = []

    def make() -> SMTP:
        server = SMTP(keeper, hostname="other.example.org", loop=loop, **settings)
        made = server.connection_made

        def connection_made(transport: asyncio.Transport) -> None:
            transports.append(transport)
            made(transport)

        server.connection_made = connection_made  # type: ignore[method-assign, assignment]
        return server

    listener = await loop.create_server(make, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)


@LOOPS
def test_aiosmtpd(run: Runner) -> None:
    """A strict server of another make, without PIPELINING: order, dots, a refusal, UTF-8."""

    async def scene() -> None:
        keeper = Keeper()
        async with aiosmtpd_server(keeper, enable_SMTPUTF8=True) as port:
            items = [
                outgoing(1),
                outgoing(2, rcpt_to="nobody@example.net"),
                outgoing(3, b"Subject: x\r\n\r\n.a\r\n..b\r\n.\r\n"),
                outgoing(4, rcpt_to="józef@example.net"),
            ]
            source = ListSource(items)
            assert await send(endpoint(port), source) is None
            assert source.codes == {1: 250, 2: 550, 3: 250, 4: 250}
            assert keeper.mails == [
                ("j1@example.net", text(1)),
                ("j3@example.net", items[2].chunks[0]),
                ("józef@example.net", text(4)),
            ]

    run(scene())


@LOOPS
@pytest.mark.parametrize("password", ["right", "wrong"])
def test_aiosmtpd_with_tls_and_sign_in(run: Runner, authority: Authority, password: str) -> None:
    """A14: STARTTLS with a checked certificate, then AUTH, against another make of server."""

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = data.login == b"press" and data.password == b"right"
        return AuthResult(success=right, handled=False)

    async def scene() -> None:
        keeper = Keeper()
        settings = {
            "tls_context": authority.context(),
            "require_starttls": True,
            "auth_required": True,
            "authenticator": check,
        }
        async with aiosmtpd_server(keeper, **settings) as port:
            place = endpoint(
                port, tls="required", ca_file=authority.file, user="press", password=password
            )
            if password == "wrong":
                with pytest.raises(SmtpFailure) as failure:
                    await Connection.open(place)
                assert (failure.value.reply.phase, failure.value.reply.code) == (Phase.AUTH, 535)
                assert not keeper.mails
                return
            source = ListSource([outgoing(1), outgoing(2)])
            assert await send(place, source) is None
            assert source.codes == {1: 250, 2: 250}
            assert [mail[1] for mail in keeper.mails] == [text(1), text(2)]

    run(scene())


@contextlib.contextmanager
def smtp_sink(folder: Path, *options: str) -> Iterator[int]:
    """Postfix's sink with the given options on a port of its own; dumps go to `folder`."""
    assert SINK is not None
    port = unused_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    folder.chmod(0o777)
    with subprocess.Popen([SINK, *user, *options, f"127.0.0.1:{port}", "100"]) as process:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


if SINK is not None:

    @LOOPS
    @pytest.mark.parametrize("options", [[], ["-p"]], ids=["pipelined", "lock-step"])
    def test_smtp_sink(run: Runner, options: list[str], tmp_path: Path) -> None:
        """Postfix's sink counts as many messages as were sent, over several connections."""

        async def scene() -> None:
            place = endpoint(port)
            sources = [
                ListSource(outgoing(number, text(number), b"x" * 998 + b"\r\n")
                           for number in range(first, first + 100))
                for first in range(0, 400, 100)
            ]  # fmt: skip
            assert await asyncio.gather(*(send(place, source) for source in sources)) == [None] * 4
            assert all(set(source.codes.values()) == {250} for source in sources)

        with smtp_sink(tmp_path, *options) as port:
            run(scene())

    @pytest.mark.parametrize(
        ("options", "phase", "code"),
        [(["-r", "rcpt"], Phase.RCPT, 450), (["-f", "mail"], Phase.MAIL, 500),
         (["-f", "data"], Phase.DATA, 500), (["-r", "."], Phase.DOT, 450),
         (["-f", "."], Phase.DOT, 500)],
    )  # fmt: skip
    def test_smtp_sink_that_refuses(
        options: list[str], phase: Phase, code: int, tmp_path: Path
    ) -> None:
        """G5: with a command refused each time, each message has its own refusal."""

        async def scene() -> None:
            source = ListSource([outgoing(number) for number in range(20)])
            assert await send(endpoint(port), source) is None
            assert {outcome.reply.phase for outcome in source.outcomes.values()} == {phase}
            assert set(source.codes.values()) == {code}

        with smtp_sink(tmp_path, *options) as port:
            asyncio.run(scene())

    @pytest.mark.parametrize("command", ["mail", "rcpt", "data", "."])
    def test_smtp_sink_that_disconnects(command: str, tmp_path: Path) -> None:
        """H7: a server that hangs up on a command leaves a doubt only after the dot."""

        async def scene() -> None:
            source = ListSource([outgoing(1)])
            ended = await send(endpoint(port), source)
            assert ended is not None
            assert source.codes == {1: 0}
            assert source.outcomes[1].dotted == (command == ".")

        with smtp_sink(tmp_path, "-q", command) as port:
            asyncio.run(scene())


POSTFIX = shutil.which("postfix", path="/usr/sbin:" + os.environ.get("PATH", ""))
MAIN = """
compatibility_level = 3.6
queue_directory = {0}/spool
data_directory = {0}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = postfix.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_transport = discard:
relay_transport = discard:
maillog_file = {0}/log
maillog_file_prefixes = {0}
alias_maps =
local_recipient_maps =
smtpd_recipient_restrictions =
  check_recipient_access inline:{{nobody@example.net=REJECT}}, permit_mynetworks, reject
message_size_limit = 3000000
header_checks = regexp:{0}/etc/headers
"""
MASTER = """
127.0.0.1:{} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def postfix() -> Iterator[tuple[int, Path]]:
    """A Postfix of its own that throws everything away; gives its port and its log."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # its user is not the one who runs the tests
        port = unused_port()
        for each in ("etc", "spool", "data"):
            (folder / each).mkdir()
        shutil.chown(folder / "data", "postfix")
        (folder / "etc/main.cf").write_text(MAIN.format(folder))
        (folder / "etc/master.cf").write_text(MASTER.format(port))
        (folder / "etc/headers").write_text("/^Subject: bad/ REJECT 5.7.1 not this subject\n")
        command = [POSTFIX or "", "-c", str(folder / "etc")]
        subprocess.run([*command, "start"], check=True, capture_output=True)
        try:
            yield port, folder / "log"
        finally:
            subprocess.run([*command, "abort"], check=True, capture_output=True)


if POSTFIX is not None and os.geteuid() == 0:  # it starts for root only

    def test_postfix_with_chunking() -> None:
        """RFC 3030 with the most usual relay: refusals at RCPT and BDAT, large messages, dots."""
        big = [b"." + b"z" * 900 + b"\r\n"] * 2_000
        bad = b"Subject: bad\r\n\r\nx\r\n"
        items = [
            outgoing(1), outgoing(2, rcpt_to="nobody@example.net"), outgoing(3, text(3, ".\r\n")),
            outgoing(4, bad), outgoing(5), outgoing(6, text(6), *big), outgoing(7, bad, *big),
            outgoing(8), outgoing(9, text(9), *big * 2), outgoing(10),
        ]  # fmt: skip

        async def scene(port: int) -> None:
            source = ListSource(items)
            place = endpoint(port, timeouts=PATIENT)
            connection = await Connection.open(place)
            assert "CHUNKING" in connection.session.extensions
            await connection.close()
            assert await send(place, source) is None
            codes = {1: 250, 2: 554, 3: 250, 4: 550, 5: 250, 6: 250, 7: 550, 8: 250, 9: 552}
            assert source.codes == {**codes, 10: 250}
            assert source.outcomes[7].dotted

        with postfix() as (port, log):
            uvloop.run(scene(port))
            for _ in range(100):
                if log.read_text().count("status=sent") == 6:
                    break
                time.sleep(0.1)
            assert log.read_text().count("status=sent") == 6


@LOOPS
def test_nobody_there(run: Runner) -> None:
    """Both loops tell an absent server and a name that is none alike."""

    async def scene() -> None:
        port = unused_port()
        for place in (
            endpoint(port),
            Endpoint("no..name", 25, timeouts=QUICK),
            Endpoint("x" * 80 + ".invalid", 25, timeouts=QUICK),
        ):
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place)
            assert failure.value.reply.phase == Phase.CONNECT
            assert failure.value.reply.code == 0

    run(scene())
