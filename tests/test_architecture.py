"""The house's rules, checked on the source: who may import whom, what stays pure, what is said.

cli, web → distribution → release, audience, message, smtp, feedback, store. The lower six do not
import each other, except message → release and store → (release, audience). Imports inside
functions and under TYPE_CHECKING count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "mailer"
MODULES = sorted(PACKAGE.rglob("*.py"))

LOWER = {"release", "audience", "message", "smtp", "feedback", "store"}
ALLOWED = {
    "cli": {"distribution"},
    "web": {"distribution"},
    "distribution": LOWER,
    "message": {"release"},
    "store": {"release", "audience"},
}
PURE = {"release", "audience", "message", "feedback"}
SETTINGS = {
    "config", "config_keys", "config_rules", "config_values", "config_reader", "defaults",
}  # fmt: skip
TOP = {"cli", "web", "distribution"}

# What a pure package may not know: databases, sockets, clocks, chance, processes.
IMPURE_MODULES = {
    "asyncio", "aiosmtplib", "aiosmtpd", "apscheduler", "ftplib", "getpass", "http", "httpx",
    "imaplib", "multiprocessing", "psycopg", "random", "requests", "secrets", "select",
    "selectors", "signal", "smtplib", "socket", "socketserver", "sqlite3", "sqlite_utils", "ssl",
    "subprocess", "threading", "time", "urllib.request", "uuid", "uvloop",
}  # fmt: skip
IMPURE_CALLS = {
    ("os", "environ"), ("os", "getenv"), ("os", "urandom"), ("datetime", "now"),
    ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
}  # fmt: skip
IMPURE_CLOCK = {"SystemClock", "ManualClock", "Clock"}

MOST_LINES = 550
MOST_LINES_OF_A_FUNCTION = 90


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def _layer(path: Path) -> str:
    """The package a file belongs to; "" for the modules at the root."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def _imports(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, wherever the import stands."""
    home = ["mailer", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def arrow_faults(path: Path, tree: ast.AST) -> list[str]:
    """Imports that go against the arrows."""
    layer, faults = _layer(path), []
    for line, name in _imports(path, tree):
        parts = name.split(".")
        if parts[0] != "mailer" or len(parts) < 2:
            continue
        target = parts[1]
        if target in LOWER | TOP and target != layer and layer:
            if target not in ALLOWED.get(layer, set()):
                faults.append(f"{_name(path)}:{line} {layer} → {target}")
        elif target in SETTINGS and layer not in TOP | {""}:
            faults.append(f"{_name(path)}:{line} {layer} → {target}")
        elif not layer and target in LOWER | TOP and path.stem != "__main__":
            faults.append(f"{_name(path)}:{line} a root module → {target}")
    return faults


def purity_faults(path: Path, tree: ast.AST) -> list[str]:
    """What makes a file depend on more than its arguments."""
    faults = []
    for line, name in _imports(path, tree):
        hit = next((m for m in IMPURE_MODULES if name == m or name.startswith(m + ".")), None)
        if hit or (name.startswith("mailer.clock.") and name.split(".")[2] in IMPURE_CLOCK):
            faults.append(f"{_name(path)}:{line} imports {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            owner_name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if (owner_name, node.attr) in IMPURE_CALLS:
                faults.append(f"{_name(path)}:{node.lineno} uses {owner_name}.{node.attr}")
    return faults


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Every module of the package, parsed once."""
    return {path: ast.parse(path.read_text("utf-8"), str(path)) for path in MODULES}


def test_arrows(trees: dict[Path, ast.Module]) -> None:
    """Nobody imports against the arrows."""
    assert [fault for path, tree in trees.items() for fault in arrow_faults(path, tree)] == []


def test_pure_packages(trees: dict[Path, ast.Module]) -> None:
    """release, audience, message and feedback know no database, socket, clock or environment."""
    faults = [
        fault
        for path, tree in trees.items()
        if _layer(path) in PURE
        for fault in purity_faults(path, tree)
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("file", "source", "arrows", "impurities"),
    [
        ("cli/x.py", "from mailer.store import open_store", 1, 0),
        ("cli/x.py", "from mailer import store", 1, 0),
        ("cli/x.py", "from ..distribution import queue", 0, 0),
        ("cli/x.py", "from ..store import core", 1, 0),
        ("smtp/x.py", "def f():\n    import mailer.config", 1, 0),
        ("message/x.py", "if TYPE_CHECKING:\n    from mailer.audience import lists", 1, 0),
        ("message/x.py", "from mailer.release.model import Release", 0, 0),
        ("release/x.py", "from mailer.message import merge", 1, 0),
        ("store/x.py", "import mailer.distribution.queue", 1, 0),
        ("clock.py", "import mailer.store", 1, 0),
        ("release/x.py", "import datetime\ndatetime.datetime.now()", 0, 1),
        ("release/x.py", "from datetime import date\ndate.today()", 0, 1),
        ("audience/x.py", "import os\nos.environ['HOME']", 0, 1),
        ("feedback/x.py", "def f():\n    from urllib.request import urlopen", 0, 1),
        ("feedback/x.py", "from urllib.parse import quote\nfrom mailer.clock import SECOND", 0, 0),
        ("message/x.py", "from mailer.clock import SystemClock", 0, 1),
    ],
)
def test_the_rules_bite(file: str, source: str, arrows: int, impurities: int) -> None:
    """Each rule finds what it is there for, and leaves the rest alone."""
    path, tree = PACKAGE / file, ast.parse(source)
    assert len(arrow_faults(path, tree)) == arrows
    assert len(purity_faults(path, tree)) == impurities


def test_every_module_says_what_it_is_for(trees: dict[Path, ast.Module]) -> None:
    """A file begins with a docstring."""
    silent = [_name(path) for path, tree in trees.items() if not ast.get_docstring(tree)]
    assert silent == []


def test_files_and_functions_stay_small(trees: dict[Path, ast.Module]) -> None:
    """Nothing grows past what one reads in one go."""
    long = [
        f"{_name(path)}: {count} lines"
        for path in trees
        if (count := path.read_text("utf-8").count("\n")) > MOST_LINES
    ]
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{_name(path)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_nothing_is_left_for_later() -> None:
    """No marks of unfinished work, and no test that is passed over."""
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|pytest\.(skip|xfail|mark\.(skip|xfail))")
    files = [*MODULES, *sorted((REPOSITORY / "tests").rglob("*.py"))]
    found = [
        f"{_name(path)}:{number}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []
