"""Messages kept to be compared: `python -m tests.message.golden --diff` or `--accept`.

Each sample release has three files in `golden/`: the header as it goes over the wire, the text
part and the HTML part. A change of layout or header shows as a diff that can be read; when it is
what was meant, `--accept` writes it down.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from mailer.message import compile_release
from mailer.message.render import message_parts

from tests.message.samples import RELEASES, SENDER, TEMPLATES, values

FOLDER = Path(__file__).parent / "golden"


def rendered(name: str) -> dict[str, str]:
    """File name to content for one sample."""
    release = RELEASES[name]()
    template = compile_release(release, SENDER, TEMPLATES)
    data = b"".join(template.merge(values(language=release.language)))
    parts = message_parts(data)
    head = data.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n") + "\n"
    return {
        f"{name}.head.txt": head,
        f"{name}.body.txt": parts.text,
        f"{name}.html": parts.html,
    }


def differences(name: str) -> str:
    """A unified diff from what is kept to what is made now; empty when equal."""
    lines: list[str] = []
    for file, now in rendered(name).items():
        path = FOLDER / file
        kept = path.read_text(encoding="utf-8") if path.exists() else ""
        lines += difflib.unified_diff(
            kept.splitlines(keepends=True), now.splitlines(keepends=True), f"kept/{file}", file
        )
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Show or accept all differences; 1 when there are some to look at."""
    if arguments == ["--accept"]:
        FOLDER.mkdir(exist_ok=True)
        for name in RELEASES:
            for file, content in rendered(name).items():
                (FOLDER / file).write_text(content, encoding="utf-8")
        return 0
    if arguments != ["--diff"]:
        print(__doc__)
        return 2
    found = "".join(map(differences, RELEASES))
    print(found or "Nothing has changed.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
