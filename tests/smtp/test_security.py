"""TLS, certificates, sign-in and the sandbox's proof, against a server with a test authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from mailer.smtp import Connection, Endpoint, Phase, Reply, Session, SmtpFailure
from mailer.smtp.handshake import greet
from mailer.smtp.proof import sandbox_proof

from tests.smtp.authority import Authority
from tests.smtp.chaos import CLOSE, HANG, Chaos, Raw, chaos
from tests.smtp.helpers import QUICK, ListSource, endpoint, outgoing, send

STARTTLS = ("PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN")
SECRET = {"user": "press", "password": "kept to ourselves"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def connect(
    place: Callable[[int], Endpoint], **server: object
) -> tuple[Chaos, ListSource, Connection]:
    """Open, send one message, close; returns what is to be looked at."""

    async def run() -> tuple[Chaos, ListSource, Connection]:
        async with chaos(**server) as running:  # type: ignore[arg-type]
            source = ListSource([outgoing(1)])
            connection = await Connection.open(place(running.port))
            task = asyncio.ensure_future(connection.run(source))
            await asyncio.wait_for(source.all_over.wait(), 5)
            await connection.close(2)
            await task
            return running, source, connection

    return asyncio.run(run())


def fails(place: Callable[[int], Endpoint], **server: object) -> tuple[Chaos, Reply]:
    """Open a connection that must not come about."""

    async def run() -> tuple[Chaos, Reply]:
        async with chaos(**server) as running:  # type: ignore[arg-type]
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place(running.port))
            await asyncio.sleep(0.05)
            return running, failure.value.reply

    return asyncio.run(run())


@pytest.mark.parametrize("mode", ["required", "offered"])
def test_starttls(authority: Authority, mode: str) -> None:
    """A14: after STARTTLS the EHLO is said anew, and everything else inside TLS."""
    server, source, connection = connect(
        lambda port: endpoint(port, tls=mode, ca_file=authority.file),
        keywords=STARTTLS,
        tls=authority.context(),
    )
    assert source.codes == {1: 250}
    assert connection.session.tls == "TLSv1.3"
    inside = server.lines.index(b"(TLS)")
    assert server.lines[:inside] == [b"EHLO client.example.org\r\n", b"STARTTLS\r\n"]
    assert server.lines[inside + 1] == b"EHLO client.example.org\r\n"


def test_what_was_said_before_tls_is_forgotten(authority: Authority) -> None:
    """RFC 3207 section 4.2: only the extensions offered inside TLS count."""
    _, source, connection = connect(
        lambda port: endpoint(port, tls="required", ca_file=authority.file),
        keywords=("STARTTLS", "PIPELINING", "SIZE 1", "AUTH PLAIN"),
        inside=("8BITMIME",),
        tls=authority.context(),
    )
    assert connection.session.extensions == {"8BITMIME": ""}
    assert source.codes == {1: 250}


def test_implicit_tls(authority: Authority) -> None:
    """A14: TLS from the first byte (port 465)."""
    server, source, connection = connect(
        lambda port: endpoint(port, tls="implicit", ca_file=authority.file),
        implicit=authority.context(),
    )
    assert source.codes == {1: 250}
    assert connection.session.tls == "TLSv1.3"
    assert len(server.mails) == 1


def test_large_message_inside_tls(authority: Authority) -> None:
    """A message larger than all buffers goes through TLS whole."""

    async def run() -> None:
        async with chaos(implicit=authority.context()) as server:
            large = outgoing(1, *[b"y" * 998 + b"\r\n"] * 5_000)
            place = endpoint(server.port, tls="implicit", ca_file=authority.file)
            source = ListSource([large, outgoing(2)])
            assert await send(place, source) is None
            assert source.codes == {1: 250, 2: 250}
            assert server.mails[0].content == b"".join(large.chunks)

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["implicit", "required"])
@pytest.mark.parametrize("fault", ["stranger", "name", "expired"])
def test_certificates_are_checked(
    authority: Authority, tmp_path: Path, mode: str, fault: str
) -> None:
    """A14: an unknown authority, another name, an old certificate: nothing is sent."""
    signer = Authority(tmp_path) if fault == "stranger" else authority
    context = signer.context(
        address="192.0.2.1" if fault == "name" else "127.0.0.1",
        days=-1 if fault == "expired" else 2,
    )
    server, reply = fails(
        lambda port: endpoint(port, tls=mode, ca_file=authority.file, **SECRET),
        keywords=STARTTLS,
        **({"implicit": context} if mode == "implicit" else {"tls": context}),
    )
    assert (reply.phase, reply.code, reply.enhanced) == (Phase.STARTTLS, 554, "5.7.5")
    assert reply.local
    assert "certificate" in reply.text
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in server.lines)


def test_a_local_server_with_its_own_certificate(authority: Authority, tmp_path: Path) -> None:
    """With "offered", a server on this machine may have the certificate of its installation."""
    _, source, connection = connect(
        lambda port: endpoint(port, tls="offered"),
        keywords=STARTTLS,
        tls=Authority(tmp_path).context(),
    )
    assert source.codes == {1: 250}
    assert connection.session.tls


@pytest.mark.parametrize(
    ("script", "code"),
    [({"STARTTLS": ["454 4.7.0 not now"]}, 454), ({"STARTTLS": [CLOSE]}, 0),
     ({"STARTTLS": [HANG]}, 0), ({"STARTTLS": [Raw(b"220 go\r\nnot TLS at all\r\n")]}, 0),
     (None, 530)],
)  # fmt: skip
def test_required_never_falls_back(script: dict[str, list[object]] | None, code: int) -> None:
    """A14: when TLS is required there is no way to clear text."""
    server, reply = fails(
        lambda port: endpoint(port, tls="required", **SECRET),
        script=script or {},
        keywords=STARTTLS if script else ("AUTH PLAIN",),
    )
    assert (reply.phase, reply.code) == (Phase.STARTTLS, code)
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in server.lines)


def test_offered_and_declined_goes_on() -> None:
    """With "offered", a server that declines TLS is one that does not offer it."""
    server, source, connection = connect(
        lambda port: endpoint(port, tls="offered"),
        script={"STARTTLS": ["454 4.7.0 not now"]},
        keywords=STARTTLS,
    )
    assert source.codes == {1: 250}
    assert connection.session.tls == ""
    assert len(server.mails) == 1


@pytest.mark.parametrize("words", [b"250-evil\r\n250 AUTH PLAIN\r\n", b"250-half a line"])
@pytest.mark.parametrize("mode", ["required", "offered"])
def test_words_smuggled_before_tls(authority: Authority, mode: str, words: bytes) -> None:
    """RFC 3207 section 6: what came behind the answer to STARTTLS in clear text is not believed."""
    _, reply = fails(
        lambda port: endpoint(port, tls=mode, ca_file=authority.file),
        keywords=STARTTLS,
        tls=authority.context(),
        smuggle=words,
    )
    assert reply.phase == Phase.STARTTLS
    assert reply.code == 0


@pytest.mark.parametrize("offer", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=PLAIN", "AUTH plain"])
def test_sign_in(offer: str) -> None:
    """PLAIN where offered, else LOGIN; on loopback also without TLS."""
    server, source, _ = connect(
        lambda port: endpoint(port, **SECRET), keywords=("PIPELINING", offer)
    )
    assert source.codes == {1: 250}
    said = [line for line in server.lines if not line.startswith((b"EHLO", b"MAIL", b"RCPT"))]
    if "LOGIN" in offer and "PLAIN" not in offer:
        assert said[:3] == [b"AUTH LOGIN\r\n", b"cHJlc3M=\r\n", b"a2VwdCB0byBvdXJzZWx2ZXM=\r\n"]
    else:
        assert said[0] == b"AUTH PLAIN AHByZXNzAGtlcHQgdG8gb3Vyc2VsdmVz\r\n"


def test_sign_in_tries_the_next_mechanism() -> None:
    """504 says "not this mechanism"; LOGIN is then tried."""
    server, source, _ = connect(
        lambda port: endpoint(port, **SECRET),
        script={"AUTH": ["504 5.5.4 not PLAIN"]},
        keywords=("AUTH PLAIN LOGIN",),
    )
    assert b"AUTH LOGIN\r\n" in server.lines
    assert source.codes == {1: 250}


@pytest.mark.parametrize("answer", ["535 5.7.8 wrong", "454 4.7.0 later", "421 4.7.0 bye", CLOSE])
def test_sign_in_refused(answer: str) -> None:
    """A refusal to sign in is told with the server's words; nothing is sent without it."""
    server, reply = fails(
        lambda port: endpoint(port, **SECRET),
        script={"AUTH": [answer]},
        keywords=("AUTH PLAIN LOGIN",),
    )
    assert reply.phase == Phase.AUTH
    assert reply.code == (int(answer[:3]) if answer != CLOSE else 0)
    assert "kept" not in reply.text
    assert not any(line.startswith(b"MAIL") for line in server.lines)


def test_sign_in_not_offered() -> None:
    """A user is configured and the server cannot sign anybody in: that is said, not ignored."""
    _, reply = fails(lambda port: endpoint(port, **SECRET), keywords=("AUTH CRAM-MD5",))
    assert (reply.phase, reply.code, reply.local) == (Phase.AUTH, 504, True)


class FarAway:
    """A dialogue with a server that is not on this machine; `said` is what it was told."""

    def __init__(self, *keywords: str) -> None:
        self.session = Session()
        self.said: list[bytes] = []
        self._keywords = [b"hi", *(keyword.encode() for keyword in keywords)]

    async def ask(self, line: bytes, phase: Phase, limit: float) -> tuple[int, list[bytes]]:
        self.said.append(line)
        return (220 if phase == Phase.BANNER else 250), self._keywords

    async def upgrade(self, context: ssl.SSLContext, host: str, limit: float) -> None:
        raise AssertionError("nobody asked for TLS")


def test_password_never_in_clear_text() -> None:
    """A14: without TLS the password goes to this machine only."""
    away = FarAway("AUTH PLAIN LOGIN")
    place = Endpoint("192.0.2.1", 25, tls="offered", helo_name="client.example.org", **SECRET)
    with pytest.raises(SmtpFailure) as failure:
        asyncio.run(greet(away, place))
    assert failure.value.reply.enhanced == "5.7.11"
    assert away.said == [b"", b"EHLO client.example.org\r\n"]


def test_a_sandbox_is_on_this_machine() -> None:
    """Decision 13: the right proof from another machine is a copied one."""
    away = FarAway(f"X-MAILER-SANDBOX {sandbox_proof(b'key', 'localhost')}")
    asyncio.run(greet(away, Endpoint("192.0.2.1", 25, sandbox_key=b"key")))
    assert not away.session.is_our_sandbox
    away.session.loopback = True
    asyncio.run(greet(away, Endpoint("127.0.0.1", 25, sandbox_key=b"key")))
    assert away.session.is_our_sandbox


def test_secrets_are_not_shown() -> None:
    """E21: neither the password nor the sandbox key stands in what may be logged."""
    place = Endpoint("127.0.0.1", 25, sandbox_key=b"keykeykey", timeouts=QUICK, **SECRET)
    assert "kept" not in repr(place)
    assert "keykey" not in repr(place)


@pytest.mark.parametrize("name", ["a b", "a\r\nMAIL FROM:<x@example.org>", "", "é.example.org"])
def test_ehlo_name_is_checked(name: str) -> None:
    """A13: the EHLO name is one word in ASCII."""
    with pytest.raises(ValueError, match="EHLO"):
        asyncio.run(Connection.open(endpoint(9, helo_name=name)))


def test_sandbox_proof() -> None:
    """Decision 13: only the right key's answer to our own name makes a server the sandbox."""
    key = b"k" * 32
    right = sandbox_proof(key, "client.example.org")
    for answer, ours, expected in [
        (right, key, True),
        (right.upper(), key, True),
        (right, b"other key", False),
        (right, None, False),
        (sandbox_proof(key, "other.example.org"), key, False),
        ("", key, False),
        (right[:-1], key, False),
    ]:
        _, _, connection = connect(
            lambda port, ours=ours: endpoint(port, sandbox_key=ours),  # type: ignore[misc]
            keywords=("PIPELINING", f"X-MAILER-SANDBOX {answer}"),
        )
        assert connection.session.is_our_sandbox is expected
