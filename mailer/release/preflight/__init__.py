"""The check before sending: what blocks a release, and what its author should look at.

Errors are only those of the contract: no headline, no body, no contact, an embargo that cannot be
read for certain, and a template mark left in the text (D16). All else is a warning; the author
decides. Pure: the day, the sender's domain and the moment of the lift are handed in. What can
only be seen on the finished message, in the audience or in the network is checked further up
(`mailer/message/checks.py`, `mailer/distribution/preflight.py`), under codes of the same table.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from mailer.release.model import Finding, Release, Severity
from mailer.release.preflight import links
from mailer.release.preflight.look import Look
from mailer.release.preflight.look import Setting as Setting
from mailer.release.preflight.parts import SUBJECT_LIMIT as SUBJECT_LIMIT
from mailer.release.preflight.table import CHECKS as CHECKS
from mailer.release.preflight.table import ORDER as ORDER

_RANKS = {code: rank for rank, code in enumerate(ORDER)}
_SEVERITIES = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check(
    release: Release, *, today: date | None = None, setting: Setting | None = None
) -> tuple[Finding, ...]:
    """All findings on a release: those of its reading and those of the whole, in `ORDER`.

    What `setting` does not say is not judged: without `today` nothing has passed. `today` alone is
    short for a setting with that day.
    """
    look = Look(release, setting or Setting(today=today))
    found = list(release.findings)
    for row in CHECKS:
        if row.function is not None:
            found += [
                Finding(row.code, row.severity, hit.message, hit.line, hit.column, hit.suggestion)
                for hit in row.function(look)
            ]
    return in_order(found)


def web_targets(release: Release, setting: Setting) -> dict[str, tuple[int | None, int | None]]:
    """The web addresses that a release links to, each once, with line and column."""
    look = Look(release, setting)
    found: dict[str, tuple[int | None, int | None]] = {}
    for inline, line in links.targets(look):
        href = (inline.href or "").partition("#")[0]
        if href.lower().startswith(("http://", "https://")):
            found.setdefault(href, look.at(line, href))
    return found


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as they are shown: errors first, then in `ORDER`, those of one code by line."""
    return tuple(
        sorted(
            findings,
            key=lambda f: (_SEVERITIES[f.severity], _RANKS.get(f.code, len(ORDER)), f.line or 0),
        )
    )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding blocks a queue."""
    return any(finding.severity is Severity.ERROR for finding in findings)
