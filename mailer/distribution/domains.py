"""Whether mail to a domain can arrive at all, by the DNS: asked only when an officer says so.

A domain that does not exist, says that it takes no mail (null MX, RFC 7505), or has neither mail
server nor address (RFC 5321 section 5.1) is certain. A server that gives no answer says nothing
about the domain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from mailer.errors import ConfigError, UsageError

__all__ = ["Fate", "ask_domains", "dns_server"]

Fate = Literal["takes mail", "does not exist", "takes no mail", "has no mail server", "not known"]

# Questions at a time, seconds for each, and how many may fail before any was answered.
_AT_ONCE = 40
_LIFETIME = 5.0
_PATIENCE = 20


def dns_server(text: str) -> tuple[str, int]:
    """HOST or HOST:PORT of a DNS server, by its number. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon or (text.count(":") > 1 and not text.startswith("[")):
        host, port = text, "53"
    host = host.strip("[]")
    try:
        dns.resolver.Resolver(configure=False).nameservers = [host]
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"“{text}” is no address of a DNS server.",
            where="--dns-server",
            hint="Give its number, like 192.0.2.53 or 127.0.0.1:5353.",
        ) from None
    return host, number


def ask_domains(
    domains: Collection[str],
    *,
    server: tuple[str, int] | None = None,
    progress: Callable[[int], None] = lambda asked: None,
) -> dict[str, Fate]:
    """The fate of mail to each domain (A-labels), each asked once.

    `server` instead of those of this machine. When none of the first answers comes, the rest is
    not asked: "not known". Raises ConfigError where this machine has no DNS server.
    """
    return asyncio.run(_Asking(_resolver(server), progress).all(domains))


def _resolver(server: tuple[str, int] | None) -> dns.asyncresolver.Resolver:
    try:
        resolver = dns.asyncresolver.Resolver(configure=server is None)
    except dns.resolver.NoResolverConfiguration:
        raise ConfigError(
            "this machine has no DNS server to ask.", hint="Name one with --dns-server."
        ) from None
    if server is not None:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    resolver.lifetime, resolver.timeout = _LIFETIME, _LIFETIME / 2
    return resolver


class _Asking:
    """One round of questions."""

    def __init__(
        self, resolver: dns.asyncresolver.Resolver, progress: Callable[[int], None]
    ) -> None:
        self._resolver, self._progress = resolver, progress
        self._fates: dict[str, Fate] = {}
        self._answered = self._failed = 0

    async def all(self, domains: Collection[str]) -> dict[str, Fate]:
        waiting = iter(domains)

        async def work() -> None:
            for domain in waiting:
                hopeless = not self._answered and self._failed >= _PATIENCE
                self._fates[domain] = "not known" if hopeless else await self._ask(domain)
                self._progress(len(self._fates))

        await asyncio.gather(*(work() for _ in range(min(_AT_ONCE, len(domains)))))
        return self._fates

    async def _ask(self, domain: str) -> Fate:
        try:
            name = dns.name.from_text(domain)
            fate = await self._by_mx(name)
        except dns.resolver.NXDOMAIN:
            fate = "does not exist"
        except (dns.exception.DNSException, OSError):
            self._failed += 1
            return "not known"
        self._answered += 1
        return fate

    async def _by_mx(self, name: dns.name.Name) -> Fate:
        if found := await self._records(name, "MX"):
            servers = [record.exchange for record in found]
            return "takes no mail" if servers == [dns.name.root] else "takes mail"
        for kind in ("A", "AAAA"):
            if await self._records(name, kind):
                return "takes mail"
        return "has no mail server"

    async def _records(self, name: dns.name.Name, kind: str) -> list[Any]:
        answer = await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        return [] if answer.rrset is None else list(answer.rrset)
