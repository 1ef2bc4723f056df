"""What SpamAssassin says of a message, where it is installed: its local tests alone, no network.

`spamassassin` is run as a program of its own. `spamc` is not used: the daemon behind it decides
by itself whether it asks the network, and learns from what it sees.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from mailer.release.model import Finding, Severity

PATIENCE = 30.0
"""Seconds that SpamAssassin may take."""

DOUBTFUL = 0.5
"""The share of the points that mean spam from which on there is a warning."""

_STATUS = re.compile(rb"^X-Spam-Status: \w+, score=(-?[\d.]+) required=(-?[\d.]+)", re.MULTILINE)
_SCORES = re.compile(rb"^X-Spam-Scores: (.*(?:\r?\n[ \t].*)*)", re.MULTILINE)


def spam_program() -> str | None:
    """Where SpamAssassin is, or None."""
    return shutil.which("spamassassin")


def spam_findings(message: bytes, *, patience: float = PATIENCE) -> Iterator[Finding]:
    """The score of a message: a warning from half of spam's points on, else a note. Nothing where
    SpamAssassin is missing, fails or takes too long."""
    program = spam_program()
    output = _run(program, message, patience) if program else None
    status = _STATUS.search(output) if output else None
    if output is None or status is None:
        return
    score, required = float(status[1]), float(status[2])
    scores = _SCORES.search(output)
    rules = re.findall(rb"(\w+)=(-?[\d.]+)", scores[1]) if scores else []
    weighty = sorted((float(points), name.decode("ascii")) for name, points in rules)
    named = ", ".join(f"{name} {points:g}" for points, name in reversed(weighty) if points >= 0.5)
    high = score >= DOUBTFUL * required
    yield Finding(
        "spam_score",
        Severity.WARNING if high else Severity.NOTE,
        f"SpamAssassin gives {score:g} of the {required:g} points that mean spam"
        f"{f' ({named})' if named else ''}.",
        suggestion="Change what the rules named object to." if high else None,
    )


def _run(program: str, message: bytes, patience: float) -> bytes | None:
    with tempfile.TemporaryDirectory(prefix="mailer-spam-") as home:
        try:
            done = subprocess.run(
                # -L no network, -x no preferences made; nothing is learned from a draft.
                [
                    program,
                    "-L",
                    "-x",
                    "--cf=use_bayes 0",
                    "--cf=add_header all Scores _TESTSSCORES(,)_",
                ],
                input=message,
                capture_output=True,
                timeout=patience,
                check=False,
                cwd=home,
                env={**os.environ, "HOME": home},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return done.stdout if done.returncode == 0 else None
