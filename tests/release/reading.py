"""What the tests of the reader share: short ways to read text, and the 2015 release."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from mailer.release import check, read_release, source_text
from mailer.release.account import account
from mailer.release.model import Finding, Release, Severity

DATA = Path(__file__).parent / "data"
SAMPLE = DATA / "000_0b2022afc5ecdcac.txt"
TODAY = date(2026, 11, 24)


def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SAMPLE.with_suffix(".expected.json").read_text("utf-8"))
    return loaded


def read(text: str | bytes, name: str = "release.txt", **options: Any) -> Release:
    """Read a release and hold the reader to its first promise: no word of the file is lost."""
    data = text.encode() if isinstance(text, str) else text
    release = read_release(data, name=name, **options)
    assert account(source_text(data, name=name), release) == []
    assert "not_placed" not in [removed.reason for removed in release.removed]
    return release


def sample() -> Release:
    return read(SAMPLE.read_bytes(), SAMPLE.name)


def codes(findings: tuple[Finding, ...], severity: Severity = Severity.WARNING) -> list[str]:
    return [finding.code for finding in findings if finding.severity is severity]


def errors(release: Release, today: date | None = TODAY) -> list[str]:
    return codes(check(release, today=today), Severity.ERROR)


def warnings(release: Release, today: date | None = TODAY) -> list[str]:
    return codes(check(release, today=today))


def body(release: Release) -> list[str]:
    return [block.text for block in release.body]


def lead(release: Release) -> str:
    return release.lead.text if release.lead else ""
