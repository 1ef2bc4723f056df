"""The words the SMTP client and its callers share: phases, replies, endpoints, messages.

Nothing here touches a socket. `Source` is what the sending engine implements; the client calls
it from the event loop for each message.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Phase(StrEnum):
    """Where in the SMTP dialogue something was said (RFC 5321 section 3)."""

    CONNECT = "CONNECT"
    BANNER = "BANNER"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "DOT"
    QUIT = "QUIT"


class Tls(StrEnum):
    """How a connection is protected (A14).

    `implicit`: TLS from the first byte (port 465). `required`: STARTTLS or nothing.
    `offered`: STARTTLS where the server offers it. `never`: clear text.
    """

    IMPLICIT = "implicit"
    REQUIRED = "required"
    OFFERED = "offered"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait in each phase, by RFC 5321 section 4.5.3.2 where it names one (H10).

    `block` is the longest time without any progress while content is being written.
    """

    connect: float = 60.0
    banner: float = 300.0
    ehlo: float = 300.0
    starttls: float = 120.0
    auth: float = 120.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0


@dataclass(slots=True)  # two for each message: frozen ones take three times as long
class Reply:
    """What the server answered, or why there is no answer.

    `code` is 0 when there was none: no connection, connection lost, time-out, or an answer that
    is not SMTP. `enhanced` is "" or a code such as "5.1.1" (RFC 3463). `text` is printable, at
    most 512 bytes of UTF-8, lines joined by a space, without the codes. `local` marks a refusal
    that this client made itself because the server's announcement left no other outcome.
    """

    phase: Phase
    code: int
    enhanced: str = ""
    text: str = ""
    local: bool = False

    def __str__(self) -> str:
        head = " ".join(part for part in (str(self.code or ""), self.enhanced) if part)
        return f"{self.phase}: {head} {self.text}".replace(":  ", ": ").rstrip()


class SmtpFailure(Exception):
    """A connection could not be opened; `reply` says in which phase and why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SMTP server and how to speak to it.

    `helo_name` is a host name or an address literal (A13). With `sandbox_key` the client checks
    whether the server is this newsroom's own sandbox. `ca_file` names a PEM file of authorities
    to trust instead of the system's. `messages_per_connection` is how many messages one
    connection carries before it is ended and opened anew (H11); 0 is no limit.
    """

    host: str
    port: int
    tls: str = Tls.OFFERED
    user: str = ""
    password: str = field(default="", repr=False)
    helo_name: str = "localhost"
    timeouts: Timeouts = Timeouts()
    sandbox_key: bytes | None = field(default=None, repr=False)
    ca_file: str = ""
    messages_per_connection: int = 0


@dataclass(slots=True)
class Outgoing:
    """One message for one recipient (H11), ready for the wire.

    `chunks` joined are the whole message: CRLF line ends, the last line ended, dots not doubled
    (the client does that). `size` is their length in bytes, 0 if not known. `whole` are the
    chunks joined, if the caller has made that anyway. `context` belongs to the caller.
    """

    delivery: int
    mail_from: str
    rcpt_to: str
    chunks: list[bytes]
    size: int
    smtputf8: bool = False
    context: Any = None
    whole: bytes = b""


@dataclass(slots=True)  # two for each message: frozen ones take three times as long
class Outcome:
    """How one message ended; `dotted`: its final dot was, or may have been, written (H7)."""

    reply: Reply
    dotted: bool


class Source(Protocol):
    """Where a connection gets messages; every call happens in the event loop and must be quick."""

    def next(self) -> Outgoing | None:
        """The next message, or None when there is nothing now (call `Connection.wake` later)."""
        ...

    def dotting(self, item: Outgoing) -> bool:
        """Called right before content and final dot are written; False drops the connection."""
        ...

    def outcome(self, item: Outgoing, outcome: Outcome) -> None:
        """Called exactly once for each message taken."""
        ...


@dataclass(slots=True)
class Session:
    """What is known of an open connection.

    `extensions`: EHLO keyword in capitals -> its parameters. `peer`: the server's IP address.
    `loopback`: both ends of the socket are loopback addresses. `tls`: version such as "TLSv1.3",
    or "".
    """

    extensions: dict[str, str] = field(default_factory=dict)
    peer: str = ""
    loopback: bool = False
    is_our_sandbox: bool = False
    tls: str = ""


def is_loopback(host: str) -> bool:
    """Whether an IP address is a loopback one, IPv4 written inside IPv6 included."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
