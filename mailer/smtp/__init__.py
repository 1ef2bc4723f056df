"""Sending by SMTP: the pipelined client, routes and pacing, and the sandbox mail server.

`Connection` carries messages from a `Source`; `routes` chooses the way out and keeps the pace;
`sandbox` is the loopback server that shows what would have been sent. The package knows no
configuration, ledger or judgement: it returns phase, code, enhanced code and text.
"""

from mailer.smtp.client import Connection
from mailer.smtp.model import (
    Endpoint,
    Outcome,
    Outgoing,
    Phase,
    Reply,
    Session,
    SmtpFailure,
    Source,
    Timeouts,
    Tls,
)

__all__ = [
    "Connection",
    "Endpoint",
    "Outcome",
    "Outgoing",
    "Phase",
    "Reply",
    "Session",
    "SmtpFailure",
    "Source",
    "Timeouts",
    "Tls",
]
