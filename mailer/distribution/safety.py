"""What may leave at all: the rule that keeps a fresh install from mailing real people.

While `live = false`, a delivery leaves only to our own sandbox server, which proves itself at
EHLO with a keyword keyed with this newsroom's token key (the port proves nothing), or from
loopback to loopback for a recipient at a name reserved for examples and tests (RFC 2606): a
relay on this machine is a way to the world (design decision 13).
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from mailer.config import Config
from mailer.errors import ConfigError
from mailer.smtp.destinations import PROVIDERS
from mailer.smtp.model import Session

_RESERVED_DOMAINS = ("example.com", "example.net", "example.org")
_RESERVED_TOP = ("example", "test", "invalid")

NOT_LIVE = "not live: only the sandbox, or loopback with example addresses, may be mailed"


def require_ready(config: Config) -> None:
    """Refuse to begin sending with what is bound to fail.

    Raises ConfigError for a mail service whose password is missing and for a destination without
    domains that is no known provider. What a live newsroom must
    have besides (postal address, sender, keys, store) the configuration, the keys and the store
    refuse when they are opened.
    """
    for route in config.routes:
        if route.user and not route.password:
            given = "password_file under [smtp], or MAILER_SMTP_PASSWORD"
            raise ConfigError(
                f"the mail service knows the user {route.user} but no password is given.",
                where=str(config.path),
                hint=f"Set {given if route.name == 'default' else 'its password_file'}.",
            )
    for each in config.destinations:
        if not each.domains and each.name not in PROVIDERS:
            near = get_close_matches(each.name, PROVIDERS, 1)
            raise ConfigError(
                f'[[destinations]] limits "{each.name}", which is no known provider and has no '
                "domains.",
                where=str(config.path),
                hint=f'Did you mean "{near[0]}"?' if near else "Say which domains it has.",
            )


def route_refusal(session: Session, *, live: bool) -> str | None:
    """Why nothing at all may be said to this server, or None."""
    if live or session.is_our_sandbox or session.loopback:
        return None
    return (
        f"live = false, and {session.peer or 'the mail service'} is neither this newsroom's "
        "sandbox nor on loopback: nothing was sent"
    )


def recipient_refusal(session: Session, email: str, *, live: bool) -> str | None:
    """Why this recipient may not be mailed through this server, or None."""
    if live or session.is_our_sandbox or (session.loopback and is_reserved(email)):
        return None
    return NOT_LIVE


def is_reserved(email: str) -> bool:
    """True for an address at or below a name that RFC 2606 keeps for examples and tests."""
    return _is_reserved_domain(email.rpartition("@")[2])


@lru_cache(maxsize=65_536)
def _is_reserved_domain(domain: str) -> bool:
    domain = domain.rstrip(".").lower()
    labels = domain.split(".")
    return ".".join(labels[-2:]) in _RESERVED_DOMAINS or labels[-1] in _RESERVED_TOP
