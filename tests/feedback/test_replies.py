"""What real servers say, provider by provider, and what each answer means.

The wordings are those that providers document and that MTAs and filters have in their source;
addresses and hosts are made up. The shapes of anonymised real bounces are among them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mailer.feedback.judge import Verdict, judge

REPLIES = Path(__file__).with_name("replies.tsv")


def _cases() -> list[tuple[str, str, str]]:
    who, found = "", []
    for line in REPLIES.read_text("utf-8").splitlines():
        if line.startswith("# "):
            who = line[2:]
        elif line:
            reply, _, meaning = line.partition("\t")
            found.append((who, reply, meaning))
    return found


CASES = _cases()


def _judged(line: str) -> tuple[Verdict, str, bool]:
    code, _, rest = line.partition(" ")
    enhanced = re.match(r"([45]\.\d{1,3}\.\d{1,3})\s+", rest)
    text = rest[enhanced.end() :] if enhanced else rest
    found = judge("RCPT", int(code), enhanced[1] if enhanced else "", text)
    return found.verdict, found.scope, found.final


@pytest.mark.parametrize(
    ("who", "line", "meaning"), CASES, ids=[f"{who}: {line[:50]}" for who, line, _ in CASES]
)
def test_what_providers_say(who: str, line: str, meaning: str) -> None:
    """G5 to G11: each answer of the table means what its provider says that it means."""
    verdict, scope, final = _judged(line)
    assert f"{verdict} {scope}" == meaning
    assert final == line.startswith("5")


def test_the_table_is_worth_its_name() -> None:
    """A good number of answers from many servers, of every meaning."""
    assert len(CASES) > 200
    assert {meaning.split()[0] for _, _, meaning in CASES} == {
        "temporary", "dead", "policy", "message", "unknown",
    }  # fmt: skip


FULL = re.compile(r"quota|full|voll|lleno|piena|pleine|expired|storage|disk|too old", re.I)


@pytest.mark.parametrize("line", [line for _, line, _ in CASES if FULL.search(line)])
def test_full_and_expired_are_never_dead(line: str) -> None:
    """G10: whatever code stands before the words, a class of its own or "no such user"."""
    text = line.partition(" ")[2]
    for code, enhanced in ((550, "5.1.1"), (554, "5.0.0"), (550, ""), (552, "5.2.2")):
        plain = re.sub(r"^#?[45]\.\d+\.\d+ ", "", text)
        assert judge("RCPT", code, enhanced, plain).verdict != Verdict.DEAD, (code, enhanced)
