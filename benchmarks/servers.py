"""The mail servers that everything is sent into: Postfix's smtp-sink, and our own `sink.c`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Server:
    """A server on loopback; `count_file` is where the cheap sink tells what it took."""

    port: int
    count_file: Path | None = None

    def bytes_taken(self) -> int:
        """Bytes of content so far, as told when the last connection went (cheap sink only)."""
        assert self.count_file is not None
        if not self.count_file.exists():
            return 0
        return int(json.loads(self.count_file.read_text())["bytes"])


@contextmanager
def smtp_sink() -> Iterator[Server]:
    """Postfix's smtp-sink on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program("smtp-sink", "postfix"), *as_nobody, f"127.0.0.1:{port}", "1000"]
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Server(port)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cheap_sink(folder: Path, *, delay: int = 0, chunking: bool = False) -> Iterator[Server]:
    """Our own sink, compiled on first use; `delay` is milliseconds before each answer."""
    binary = folder / "sink"
    if not binary.exists():
        compiler = program("cc", "gcc libc6-dev")
        subprocess.run([compiler, "-O2", "-o", str(binary), str(HERE / "sink.c")], check=True)
    count_file = folder / "sink.json"
    count_file.unlink(missing_ok=True)
    argv = [str(binary), "--delay", str(delay), "--count-file", str(count_file)]
    process = subprocess.Popen(
        [*argv, "--chunking"] if chunking else argv, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()), count_file)
    finally:
        process.terminate()
        process.wait()


def program(name: str, package: str) -> str:
    """The path of a program; Postfix's live outside an ordinary PATH. Raises SystemExit with how
    to install it when it is not here."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"{name} is not here. Debian and Ubuntu: apt-get install {package}")
    return found
