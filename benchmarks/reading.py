"""How long a release file takes to be read: ten pages of each format, in this process.

    python -m benchmarks.reading
    python -m benchmarks.reading FILE…     files of your own

It only prints. The aim is a second for ten pages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from mailer.release import read_release
from tests.release.making import Blocks, as_docx, as_html, as_mail, as_pdf, as_text

RUNS = 5
PAGES = 10
_SENTENCE = (
    "The ministry has put twelve gauges into the river and its three largest tributaries, each of "
    "which reports the height of the water every five minutes of the day and of the night. "
)


def ten_pages() -> Blocks:
    """A release of some 34,000 letters with headings, lists and a table."""
    blocks: Blocks = [("title", "Twelve Gauges Watch the River by Day and by Night")]
    blocks.append(("text", "Marburg, 9 November 2026 – " + _SENTENCE * 2))
    for part in range(PAGES * 3):
        blocks.append(("heading", f"Part {part + 1} of the report"))
        blocks += [("text", _SENTENCE * 4), ("items", [_SENTENCE, _SENTENCE])]
    blocks.append(("table", [[str(row), "gauges", "valley"] for row in range(20)]))
    blocks.append(("text", "Press contact:\nAnn Bee\nann@example.org\n+32 2 555 12 12"))
    return blocks


def measured(data: bytes, name: str) -> float:
    """Seconds for one reading, the median of some, the first of all (imports) left out."""
    read_release(data, name=name)
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        read_release(data, name=name)
        times.append(perf_counter() - started)
    return median(times)


def main(names: list[str]) -> int:
    """Print a line for each format, or each file that is named."""
    blocks = ten_pages()
    files = {
        "a.docx": as_docx(blocks),
        "a.pdf": as_pdf(blocks),
        "a.html": as_html(blocks),
        "a.eml": as_mail(blocks),
        "a.txt": as_text(blocks).encode(),
    }
    if names:
        files = {name: Path(name).read_bytes() for name in names}
    for name, data in files.items():
        print(f"{name:<24} {len(data) / 1000:8.0f} kB {measured(data, name) * 1000:8.0f} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
