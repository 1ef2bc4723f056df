"""`lists check`: what speaks against the addresses of a list, nothing of it decided or changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mailer.audience.doubts import Doubt, doubts_about
from mailer.distribution.context import Newsroom
from mailer.distribution.domains import Fate, ask_domains
from mailer.distribution.lists import list_number, settle
from mailer.store import audience

__all__ = ["ListCheck", "check_list"]


@dataclass(slots=True)
class ListCheck:
    """A list being looked through. `people` and `counts` (findings by kind) are whole once
    `findings` came to its end, `errors` too: of addresses that mail cannot reach."""

    findings: Iterator[dict[str, Any]]
    people: int = 0
    errors: int = 0
    domains: int = 0
    unanswered: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def check_list(
    room: Newsroom,
    name: str,
    *,
    dns: bool = False,
    server: tuple[str, int] | None = None,
    progress: Callable[[int], None] = lambda asked: None,
) -> ListCheck:
    """Look through who is on a list now and not suppressed for it, on hold included.

    With `dns` each domain is asked for once (`server`: instead of this machine's servers). Raises
    NotFound, or ConfigError where there is no server to ask.
    """
    settle(room)
    with room.store.read() as tx:
        number = list_number(tx, name)
        fates: dict[str, Fate] = {}
        if dns:
            found = {_domain(row["email"]) for row in audience.members(tx, number)}
    if dns:
        fates = ask_domains(sorted(found), server=server, progress=progress)
    check = ListCheck(iter(()), domains=len(fates))
    check.unanswered = sum(fate == "not known" for fate in fates.values())
    check.findings = _findings(room, number, fates, check)
    return check


def _findings(
    room: Newsroom, number: int, fates: dict[str, Fate], check: ListCheck
) -> Iterator[dict[str, Any]]:
    with room.store.read() as tx:
        for row in audience.members(tx, number):
            check.people += 1
            email = row["email"]
            doubts = [*_of_domain(fates.get(_domain(email), "not known"), email)]
            doubts += doubts_about(email)
            check.errors += any(doubt.level == "error" for doubt in doubts)
            for doubt in doubts:
                check.counts[doubt.kind] = check.counts.get(doubt.kind, 0) + 1
                yield {
                    "email": email,
                    "level": doubt.level,
                    "kind": doubt.kind,
                    "finding": doubt.text,
                    "suggestion": doubt.suggestion,
                }


def _of_domain(fate: Fate, email: str) -> Iterator[Doubt]:
    if fate not in ("takes mail", "not known"):
        yield Doubt("domain", "error", f"the domain {_domain(email)} {fate}")


def _domain(email: str) -> str:
    return email.rpartition("@")[2]
