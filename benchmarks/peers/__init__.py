"""The programs that mailer is compared with, each as one command to be measured."""

from __future__ import annotations

import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

from benchmarks.measure import Measured, measure
from benchmarks.servers import program

HERE = Path(__file__).resolve().parent


def smtp_source(port: int, messages: int, size: int, connections: int) -> Measured:
    """Postfix's load generator with as many bytes per message, less a run of one message."""

    def run(count: int) -> Measured:
        argv = [program("smtp-source", "postfix"), "-d", "-s", str(min(count, connections))]
        argv += ["-l", str(size), "-m", str(count), "-f", "a@example.org", "-t", "b@example.com"]
        return measure([*argv, f"127.0.0.1:{port}"], count)

    start = run(1)
    return run(messages).less(start)


def peer(name: str, port: int, messages: int, connections: int, eml: Path) -> Measured:
    """A mail library that builds and sends the same text and HTML, less a run of one message."""
    text, html = _parts(eml)
    if name == "nodemailer":
        command = [_node(), str(HERE / "nodemailer.js")]
    else:
        command = [sys.executable, str(HERE / "aiosmtplib_peer.py")]

    def run(count: int) -> Measured:
        argv = [*command, str(port), str(count), str(connections), str(text), str(html)]
        return measure(argv, count)

    start = run(1)
    return run(messages).less(start)


def _parts(eml: Path) -> tuple[Path, Path]:
    """The text and HTML of a message as files, each with a place for a name."""
    message = message_from_bytes(eml.read_bytes())
    found = []
    for kind in ("plain", "html"):
        part = next(p for p in message.walk() if p.get_content_type() == f"text/{kind}")
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        path = eml.with_name(f"peer.{kind}")
        path.write_bytes(payload + b"\nSLOT\n")
        found.append(path)
    return found[0], found[1]


def _node() -> str:
    """node's path, with nodemailer installed beside the peer's script."""
    node, npm = program("node", "nodejs"), program("npm", "npm")
    if not (HERE / "node_modules").is_dir():
        words = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run([npm, *words], cwd=HERE, check=True)
    return node
