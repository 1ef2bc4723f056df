"""How quick the preview is: `python -m benchmarks.preview`.

Prints, with what each may take: the first compilation of a process (with the template engine, the
inliner and the locale data to load), warm ones and a preview of twelve languages
(`benchmarks.languages`), and for `mailer preview --watch` the time from a save until the frame in a
real browser has loaded the new message (the median of ten, release and template in turn). Leaves
with 1 when something is slower.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from mailer.distribution.newsroom import lay_out
from mailer.message.templates import package_templates
from playwright.sync_api import Page, sync_playwright

from benchmarks import languages

MOST_COLD_MS, MOST_REFRESH_MS = 300.0, 300.0
_SAVES = 10

_COLD = """
import time
from tests.message.sheets import sample
from tests.message.samples import SENDER, TEMPLATES
text = sample("en")
began = time.perf_counter()
from mailer.message import compile_release
compile_release(text, SENDER, TEMPLATES)
print((time.perf_counter() - began) * 1000)
"""

_NOTE_LOADS = """() => {
  window.loads = [];
  document.addEventListener("load", (event) => {
    if (event.target.title === "The message in light mode") loads.push(Date.now());
  }, true);
}"""


def main() -> int:
    """Measure and print; 1 when something is slower than it should be."""
    slow = languages.main()
    cold = median(_cold() for _ in range(3))
    print(f"first compilation of a process {cold:.0f} ms (at most {MOST_COLD_MS:.0f})")
    spent = _refreshes()
    middle = median(spent)
    print(
        f"save to picture {middle:.0f} ms (at most {MOST_REFRESH_MS:.0f}), "
        f"from {min(spent):.0f} to {max(spent):.0f}; load {os.getloadavg()[0]:.1f}"
    )
    return int(slow or cold > MOST_COLD_MS or middle > MOST_REFRESH_MS)


def _cold() -> float:
    command = [sys.executable, "-c", _COLD]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _refreshes() -> list[float]:
    """Milliseconds from each save to the light frame's load."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder) / "room"
        lay_out(room)
        release = room / "specimen.md"
        text = (package_templates() / "specimens" / "specimen.md").read_text("utf-8")
        release.write_text(text, "utf-8")
        own = room / "templates" / "email" / "release.html"
        own.parent.mkdir(parents=True)
        command = [sys.executable, "-m", "mailer", "preview", "--watch", "--json", release.name]
        process = subprocess.Popen(command, cwd=room, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
                )
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                page.goto(url)
                page.wait_for_timeout(1500)
                page.evaluate(_NOTE_LOADS)
                spent = []
                for number in range(_SAVES):
                    changed = text.replace("# A specimen", f"# {number} A specimen")
                    block = f"{{% block greeting %}}<p>{number}</p>{{% endblock %}}"
                    if number % 2:
                        spent.append(_save(page, release, changed))
                    else:
                        whole = f'{{% extends "email/release.html" %}}{block}'
                        spent.append(_save(page, own, whole))
                browser.close()
            return spent
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _save(page: Page, path: Path, text: str) -> float:
    page.evaluate("loads.length = 0")
    began = time.time() * 1000
    path.write_text(text, "utf-8")
    # The page's policy lets nothing be evaluated in it again and again, as waiting for it would.
    while not page.evaluate("loads.length"):
        page.wait_for_timeout(400)
        if time.time() * 1000 - began > 10_000:
            raise TimeoutError(f"The page did not follow {path.name}.")
    spent = float(page.evaluate("loads[0]")) - began
    page.wait_for_timeout(400)
    return spent


if __name__ == "__main__":
    sys.exit(main())
