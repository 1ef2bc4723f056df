"""A newsroom with made-up journalists at example.com, and `mailer run --once` over it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Measured, measure

HERE = Path(__file__).resolve().parent
RELEASE = HERE.parent / "releases" / "000_0b2022afc5ecdcac.txt"
FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmytro", "Elif", "Fatima", "Giulia", "Henk", "Iveta")


@dataclass(frozen=True)
class Newsroom:
    """One newsroom in its own folder, ready to send the sample release to everybody in it."""

    folder: Path
    journalists: int

    @classmethod
    def make(cls, folder: Path, journalists: int) -> Newsroom:
        """Lay one out: a list "bench" of all journalists and a list "one" of a single one."""
        run([sys.executable, "-m", "mailer", "init", str(folder)])
        for name, begin, count in (("bench", 0, journalists), ("one", journalists, 1)):
            with (folder / f"{name}.csv").open("w", encoding="utf-8") as file:
                file.write("email,first_name,last_name,outlet,country,language,source\n")
                for n in range(begin, begin + count):
                    first = FIRST_NAMES[n % len(FIRST_NAMES)]
                    file.write(f"j{n}@example.com,{first},N{n},Outlet {n % 800},BE,en,form\n")
        shutil.copy(RELEASE, folder / "bench.txt")
        room = cls(folder, journalists)
        for command in (["lists", "import", "bench.csv"], ["lists", "import", "one.csv"]):
            run(room.command(*command), cwd=folder)
        return room

    def copy(self, folder: Path) -> Newsroom:
        """The same once more, so that each run begins with the same ledger."""
        shutil.copytree(self.folder, folder)
        return Newsroom(folder, self.journalists)

    def command(self, *words: str) -> list[str]:
        """A command line of the mailer under test."""
        config = str(self.folder / "config.toml")
        return [sys.executable, "-m", "mailer", "--config", config, *words]

    def sample(self) -> Path:
        """One message as it goes over the wire (`message.eml`, with .txt and .html beside it)."""
        folder = self.folder / "preview"
        run(self.command("preview", "bench.txt", "--out", str(folder)), cwd=self.folder)
        return folder / "message.eml"

    def queue(self, name: str, settings: Mapping[str, str]) -> int:
        """Queue the release to a list; the distribution's number."""
        words = self.command("queue", "bench.txt", "--to", f"list:{name}", "--at", "now", "--json")
        return int(told(words, self.folder, environ(settings))["distribution"])

    def send(self, settings: Mapping[str, str]) -> Measured:
        """Queue to everybody and measure `run --once`, less that of a run of one message."""
        env = environ(settings)
        results = []
        for name, count in (("one", 1), ("bench", self.journalists)):
            distribution = self.queue(name, settings)
            once = self.command("run", "--once", "--json")
            results.append(measure(once, count, env=env, cwd=self.folder, memory=True))
            self.check(distribution, count)
        return results[1].less(results[0])

    def check(self, distribution: int, count: int) -> None:
        """Everything of it must have been accepted, or the figures mean nothing."""
        words = self.command("status", str(distribution), "--json")
        counts = told(words, self.folder, None)["counts"]
        if counts != {"accepted": count}:
            raise SystemExit(f"Of {count} messages not all were accepted: {counts}")


def environ(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment with settings such as SMTP__URL, as MAILER_SMTP__URL."""
    return {**os.environ, **{f"MAILER_{name}": value for name, value in settings.items()}}


def run(argv: list[str], cwd: Path | None = None) -> None:
    """Run a command; its words are shown only when it fails."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def told(argv: list[str], cwd: Path, env: Mapping[str, str] | None) -> Any:
    """What a command with --json says."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)
