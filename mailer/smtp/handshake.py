"""From a connected socket to a session ready for messages: banner, EHLO, STARTTLS, AUTH.

Runs once per connection, so it is written for reading, not for speed. Every failure is an
`SmtpFailure` that says in which phase and why; nothing falls back to less protection than the
endpoint asks for (A14).
"""

from __future__ import annotations

import base64
import functools
import ssl
from typing import Protocol

from mailer.smtp.model import Endpoint, Phase, Reply, Session, SmtpFailure, Tls
from mailer.smtp.proof import KEYWORD, is_proof
from mailer.smtp.reply import make_reply, printable

Answer = tuple[int, list[bytes]]


class Dialogue(Protocol):
    """What the handshake needs of a connection."""

    session: Session

    async def ask(self, line: bytes, phase: Phase, limit: float) -> Answer:
        """Write a line (b"" writes nothing) and wait for its reply; raises SmtpFailure."""
        ...

    async def upgrade(self, context: ssl.SSLContext, host: str, limit: float) -> None:
        """Begin TLS; raises SmtpFailure, also when the server sent anything before it."""
        ...


async def greet(line: Dialogue, endpoint: Endpoint) -> None:
    """Bring a fresh connection to where MAIL may be said; raises SmtpFailure."""
    check_name(endpoint)
    session = line.session
    code, lines = await line.ask(b"", Phase.BANNER, endpoint.timeouts.banner)
    if code != 220:
        raise SmtpFailure(make_reply(Phase.BANNER, code, lines))
    await _hello(line, endpoint)
    if endpoint.tls in (Tls.OFFERED, Tls.REQUIRED) and not session.tls:
        await _start_tls(line, endpoint)
    if endpoint.user:
        await _authenticate(line, endpoint)
    if endpoint.sandbox_key is not None and session.loopback:
        answer = session.extensions.get(KEYWORD, "")
        session.is_our_sandbox = bool(answer) and is_proof(
            endpoint.sandbox_key, endpoint.helo_name, answer
        )


def check_name(endpoint: Endpoint) -> None:
    """Refuse names and credentials that would break out of their line; raises ValueError."""
    name = endpoint.helo_name
    if not name or not name.isascii() or not name.isprintable() or " " in name:
        raise ValueError("the EHLO name must be a host name in ASCII or an address literal")
    if any(char in endpoint.user + endpoint.password for char in "\0\r\n"):
        raise ValueError("user and password of a mail server hold no line ends")


def tls_context(endpoint: Endpoint, *, verify: bool = True) -> ssl.SSLContext:
    """TLS 1.2 or later with the certificate checked against authorities and host name."""
    return _context(endpoint.ca_file, verify)


@functools.lru_cache(maxsize=8)
def _context(ca_file: str, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_failure(phase: Phase, error: Exception) -> SmtpFailure:
    """A TLS handshake that failed: a bad certificate is a refusal of ours, the rest a loss."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(error.verify_code, error.verify_message.rstrip("."))
        text = f"the server's certificate was not accepted: {why}"
        return SmtpFailure(Reply(phase, 554, "5.7.5", printable(text), local=True))
    if isinstance(error, ssl.SSLError):
        why = (error.reason or error.strerror or "").replace("_", " ").lower()
    else:
        why = getattr(error, "strerror", None) or str(error)
    text = f"TLS could not be started: {why or 'the server ended the connection'}"
    return SmtpFailure(Reply(phase, 0, "", printable(text)))


_CERTIFICATE = {
    10: "it has expired",
    18: "no authority that this machine trusts has signed it",
    19: "no authority that this machine trusts has signed it",
    20: "no authority that this machine trusts has signed it",
    21: "no authority that this machine trusts has signed it",
    62: "it was made for another name",
    64: "it was made for another address",
}
"""OpenSSL's X509_V_ERR numbers of what officers meet, in words (x509_vfy.h)."""


async def _hello(line: Dialogue, endpoint: Endpoint) -> None:
    name = endpoint.helo_name.encode("ascii")
    limit = endpoint.timeouts.ehlo
    code, lines = await line.ask(b"EHLO " + name + b"\r\n", Phase.EHLO, limit)
    line.session.extensions.clear()
    if 200 <= code < 300:
        for raw in lines[1:]:
            keyword, _, parameters = raw.decode("ascii", "replace").strip().partition(" ")
            if keyword.upper().startswith("AUTH="):  # an old spelling, still seen
                keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
            if keyword.upper() == "AUTH" and "AUTH" in line.session.extensions:
                parameters = f"{line.session.extensions['AUTH']} {parameters}"
            line.session.extensions[keyword.upper()] = parameters.strip()
        return
    if code >= 500:
        code, lines = await line.ask(b"HELO " + name + b"\r\n", Phase.EHLO, limit)
        if 200 <= code < 300:
            return
    raise SmtpFailure(make_reply(Phase.EHLO, code, lines))


async def _start_tls(line: Dialogue, endpoint: Endpoint) -> None:
    required = endpoint.tls == Tls.REQUIRED
    if "STARTTLS" not in line.session.extensions:
        if not required:
            return
        text = "TLS is required and the server does not offer STARTTLS"
        raise SmtpFailure(Reply(Phase.STARTTLS, 530, "5.7.10", text, local=True))
    limit = endpoint.timeouts.starttls
    code, lines = await line.ask(b"STARTTLS\r\n", Phase.STARTTLS, limit)
    if code != 220:
        if not required and code != 421:  # offered and then declined is as if not offered
            return
        raise SmtpFailure(make_reply(Phase.STARTTLS, code, lines))
    # A server on this machine often has a certificate made at installation. What never leaves
    # the machine needs no certificate, unless TLS was asked for by name.
    verify = required or not line.session.loopback
    await line.upgrade(tls_context(endpoint, verify=verify), endpoint.host, limit)
    await _hello(line, endpoint)  # RFC 3207 section 4.2: what was known before is forgotten


async def _authenticate(line: Dialogue, endpoint: Endpoint) -> None:
    session = line.session
    if not (session.tls or session.loopback):
        text = "the password is not sent in clear text; use smtps:// or starttls=required"
        raise SmtpFailure(Reply(Phase.AUTH, 538, "5.7.11", text, local=True))
    offered = session.extensions.get("AUTH", "").upper().split()
    answer: Answer | None = None
    for mechanism, speak in (("PLAIN", _plain), ("LOGIN", _login)):
        if mechanism in offered:
            answer = await speak(line, endpoint)
            if answer[0] == 235:
                return
            if answer[0] not in (504, 534):  # "not this mechanism": try the next one
                break
    if answer is not None:
        raise SmtpFailure(make_reply(Phase.AUTH, *answer))
    text = "the server does not offer AUTH PLAIN or LOGIN, and a user is configured"
    raise SmtpFailure(Reply(Phase.AUTH, 504, "5.7.4", text, local=True))


async def _plain(line: Dialogue, endpoint: Endpoint) -> Answer:
    """RFC 4616 with an initial response."""
    secret = base64.b64encode(f"\0{endpoint.user}\0{endpoint.password}".encode())
    limit = endpoint.timeouts.auth
    return await line.ask(b"AUTH PLAIN " + secret + b"\r\n", Phase.AUTH, limit)


async def _login(line: Dialogue, endpoint: Endpoint) -> Answer:
    limit = endpoint.timeouts.auth
    answer = await line.ask(b"AUTH LOGIN\r\n", Phase.AUTH, limit)
    for secret in (endpoint.user, endpoint.password):
        if answer[0] != 334:
            break
        coded = base64.b64encode(secret.encode())
        answer = await line.ask(coded + b"\r\n", Phase.AUTH, limit)
    return answer
