"""How long a release in many languages takes to compile: `python -m benchmarks.languages`.

Prints for each sample text the milliseconds of one warm compilation (both parts, styles inlined,
the median of five) and the seconds of a preview of twelve languages; leaves with 1 above 150 ms or
2 s.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from mailer.message import compile_release
from tests.message.samples import SENDER, TEMPLATES, preview_parts, values
from tests.message.sheets import CODES, sample

MOST_MS, MOST_PREVIEW = 150.0, 2.0
_TWELVE = CODES[:12]


def main() -> int:
    """Measure and print; 1 when something is slower than it should be."""
    texts = {code: sample(code) for code in CODES}
    for text in texts.values():
        compile_release(text, SENDER, TEMPLATES)
    slowest = 0.0
    for code, text in texts.items():
        spent = []
        for _ in range(5):
            began = time.perf_counter()
            compile_release(text, SENDER, TEMPLATES)
            spent.append((time.perf_counter() - began) * 1000)
        slowest = max(slowest, median(spent))
        print(f"{code}  {median(spent):6.1f} ms")
    began = time.perf_counter()
    for code in _TWELVE:
        preview_parts(compile_release(texts[code], SENDER, TEMPLATES), values(language=code))
    preview = time.perf_counter() - began
    print(f"slowest {slowest:.1f} ms (at most {MOST_MS:.0f})")
    print(f"preview of {len(_TWELVE)} languages {preview:.2f} s (at most {MOST_PREVIEW:.0f})")
    return int(slowest > MOST_MS or preview > MOST_PREVIEW)


if __name__ == "__main__":
    sys.exit(main())
