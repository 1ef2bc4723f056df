"""Second opinions by programs of others: on DKIM signatures (dkimpy, OpenDKIM, mailauth), on HTML.

None asks the DNS: each gets the records from us. A verifier takes messages and records (name →
text of the TXT record) and gives, for each message, its result by selector: True is a pass.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import dkim

HERE = Path(__file__).parent
Results = list[dict[str, bool]]


def by_dkimpy(messages: Sequence[bytes], records: Mapping[str, str]) -> Results:
    """In this process."""

    def record(name: bytes, timeout: int = 5) -> bytes:
        return records[name.decode().rstrip(".")].encode()

    found: Results = []
    for message in messages:
        verifier = dkim.DKIM(message)
        results: dict[str, bool] = {}
        count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
        for index in range(count):
            try:
                passed = verifier.verify(index, dnsfunc=record)
            except dkim.DKIMException:
                passed = False
            results[verifier.signature_fields[b"s"].decode()] = passed
        found.append(results)
    return found


def by_opendkim(messages: Sequence[bytes], records: Mapping[str, str], folder: Path) -> Results:
    """OpenDKIM's filter over files, its keys from a file."""
    program = shutil.which("opendkim", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, "the test needs OpenDKIM; see the Makefile"
    keys, settings = folder / "keys", folder / "opendkim.conf"
    keys.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    settings.write_text(
        f"Mode v\nTestPublicKeys {keys}\nOn-BadSignature accept\nTemporaryDirectory {folder}\n"
    )
    files = _written(messages, folder / "messages")
    ended = subprocess.run(
        [program, "-vv", "-x", settings, "-t", ",".join(map(str, files))],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    blocks = ended.stdout.split("### INSHEADER: ")[1:]
    assert len(blocks) == len(messages), ended.stderr[-2000:]
    return [
        {
            selector: result == "pass"
            for result, selector in re.findall(r"dkim=(\w+)[^;]*? header\.s=([\w-]+)", block)
        }
        for block in blocks
    ]


def by_mailauth(messages: Sequence[bytes], records: Mapping[str, str], folder: Path) -> Results:
    """mailauth, in one run of node."""
    node_modules()
    keys = folder / "keys.json"
    keys.write_text(json.dumps(records))
    files = _written(messages, folder / "messages")
    ended = subprocess.run(
        ["node", HERE / "verify.js", keys, folder / "messages"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    return [
        {selector: result == "pass" for selector, result in found[file.name].items()}
        for file in files
    ]


def _written(messages: Sequence[bytes], folder: Path) -> list[Path]:
    if not folder.exists():
        folder.mkdir()
        for index, message in enumerate(messages):
            (folder / f"{index:05}.eml").write_bytes(message)
    return sorted(folder.iterdir())


def node_modules() -> Path:
    """The folder of what package.json names, installed once, whatever tests run beside this one."""
    modules = HERE / "node_modules"
    modules.mkdir(exist_ok=True)
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]

    def there(name: str) -> str:
        manifest = modules / name / "package.json"
        return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else ""

    with (modules / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(there(name) != version for name, version in wanted.items()):
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"],
                cwd=HERE,
                check=True,
                timeout=300,
            )
    return modules


def by_html_validate(pages: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """html-validate (WHATWG HTML): the rules that each page breaks, as "rule: message (line)"."""
    node_modules()
    for name, html in pages.items():
        (folder / name).write_text(html, "utf-8")
    ended = subprocess.run(
        ["node", HERE / "conform.mjs", *(folder / name for name in pages)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return {
        name: [f"{rule}: {message} (line {line})" for rule, message, line in found]
        for name, found in json.loads(ended.stdout).items()
    }


def axe_core() -> str:
    """axe-core's source, to be run in a page."""
    return (node_modules() / "axe-core" / "axe.min.js").read_text("utf-8")
