"""Files in other formats, to be compared: `python -m tests.release.golden --diff` or `--accept`.

Each file in `golden/` has a `.read.txt` beside it: what was found in it, as `release show` says it.
A change of reading shows as a diff; when it is what was meant, `--accept` writes it down.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from mailer.release import read_release, source_text
from mailer.release.account import account
from mailer.release.describe import describe

from tests.release.reading import TODAY

FOLDER = Path(__file__).parent / "golden"


def files() -> list[Path]:
    """The releases, in the order of their names."""
    kept = (".read.txt", "README.md")
    return sorted(path for path in FOLDER.iterdir() if not path.name.endswith(kept))


def reading(path: Path) -> str:
    """All that was found in a file; words that went missing, if any, at the end."""
    data = path.read_bytes()
    release = read_release(data, name=path.name, today=TODAY, zone="Europe/Brussels")
    rows: list[str] = []
    for title, found in describe(release):
        rows.append(title)
        for label, value in found:
            first, *more = value.split("\n")
            rows.append(f"  {label}: {first}")
            rows += [f"    {line}" for line in more]
    missing = account(source_text(data, name=path.name), release)
    rows += [f"MISSING {word}" for word in missing]
    return "\n".join(rows) + "\n"


def differences(path: Path) -> str:
    """A unified diff from what is kept to what is read now; empty when equal."""
    target = path.with_name(path.name + ".read.txt")
    kept = target.read_text("utf-8") if target.exists() else ""
    now = reading(path)
    lines = difflib.unified_diff(
        kept.splitlines(keepends=True),
        now.splitlines(keepends=True),
        f"kept/{path.name}",
        path.name,
    )
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Show or accept all differences; 1 when there are some to look at."""
    if arguments == ["--accept"]:
        for path in files():
            path.with_name(path.name + ".read.txt").write_text(reading(path), encoding="utf-8")
        return 0
    if arguments != ["--diff"]:
        print(__doc__)
        return 2
    found = "".join(map(differences, files()))
    print(found or "Nothing has changed.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
