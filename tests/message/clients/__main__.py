"""Writes what is tolerated, and why, into docs/email-html.md: `python -m tests.message.clients`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.message.clients.support import PROGRAMS, features, lacking
from tests.message.clients.tolerated import ACCESSIBILITY, CONFORMANCE, LACKING, UNKNOWN

PAGE = Path(__file__).parents[3] / "docs" / "email-html.md"


def with_tables(page: str) -> str:
    """The page with its tables between the marks made anew."""
    for name, table in (("lacking", _lacking()), ("others", _others())):
        marks = f"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
        page, count = re.subn(
            marks, lambda found, table=table: found[1] + table + found[2], page, flags=re.DOTALL
        )
        assert count == 1, f"docs/email-html.md lacks the marks of “{name}”"
    return page


def _lacking() -> str:
    lines = ["| feature | not in | partly in | why it is used all the same |", "|---|---|---|---|"]
    for slug, reason in LACKING.items():
        answers = lacking(slug)
        cells = [_programs(answers, "n"), _programs(answers, "a")]
        title = features()[slug]["title"].replace("<", "&lt;").replace("|", "\\|")
        lines.append(f"| {title} | {' | '.join(cells)} | {reason} |")
    return "\n".join(lines) + "\n"


def _programs(answers: dict[str, str], wanted: str) -> str:
    """ "Gmail ios, android", or only "Gmail" where it is all of that family."""
    families = []
    for family, platforms in PROGRAMS.items():
        found = [each for each in platforms if answers.get(f"{family} {each}") == wanted]
        whole = len(found) == len(platforms)
        if found:
            families.append(family if whole else f"{family} ({', '.join(found)})")
    return "; ".join(families) or "–"


def _others() -> str:
    lines = ["| who says so | what | why it stays |", "|---|---|---|"]
    lists = (
        ("caniemail has no entry", UNKNOWN),
        ("html-validate", CONFORMANCE),
        ("axe-core", ACCESSIBILITY),
    )
    for who, reasons in lists:
        lines += [f"| {who} | `{name}` | {reason} |" for name, reason in reasons.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
    print(PAGE)
