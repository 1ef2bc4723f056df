"""What is packaged beside the program fits it: alert rules, their runbooks, systemd units."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml
from mailer.cli.main import app
from mailer.distribution import supervisor
from mailer.distribution.telemetry import BOUNDS, Figures
from mailer.web.metrics import scrape
from prometheus_client.parser import text_string_to_metric_families

REPOSITORY = Path(__file__).parent.parent
UNITS = [
    REPOSITORY / "packaging" / "systemd" / name
    for name in ("mailer.service", "mailer-worker@.service")
]
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
ALERTS = yaml.safe_load((REPOSITORY / "packaging" / "alerts.yaml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
LABELS = r"\{[a-z,]+\}"


def published() -> dict[str, set[str]]:
    """Every metric of a full page, with its labels; a histogram under its own name."""
    place = ("default", "other")
    figures = Figures(
        answers={("accepted", *place): 1},
        buckets={"other": (1,) * (len(BOUNDS) + 1)},
        took={"other": 1.0},
        queued=1,
        claimed=1,
        deferred={place: 1},
        in_doubt={place: 1},
        backlog_age=0,
        queue_age=0,
        waiting={"distribution": 1, "batch": 1, "draft": 0, "route": 0},
        workers=1,
        workers_alive=1,
        behind=0,
    )
    looked: Any = SimpleNamespace(
        look=lambda: figures, store_errors=0, spooled=lambda: 0, free_bytes=lambda: 1
    )
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(scrape(looked).decode()):
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return found


def test_alerts_ask_for_metrics_that_exist() -> None:
    known = set(published())
    for rule in RULES:
        names = set(re.findall(r"mailer_\w+", rule["expr"]))
        assert names and names <= known, rule["alert"]


def test_every_alert_has_its_runbook_and_no_other() -> None:
    assert re.findall(r"^\*\*(Mailer\w+)\.\*\*", OPERATIONS, re.MULTILINE) == [
        rule["alert"] for rule in RULES
    ]


def test_every_metric_stands_in_the_table_with_its_labels() -> None:
    rows = [line for line in OPERATIONS.splitlines() if line.startswith("| `mailer_")]
    documented = {
        name: set((labels or "{}")[1:-1].split(",")) - {""}
        for row in rows
        for name, labels in re.findall(rf"`(mailer_\w+)({LABELS})?`", row.split(" | ")[0])
    }
    assert documented == published()


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists_and_lets_it_end_in_order(path: Path) -> None:
    """Decision 5: the supervisor ends senders, then the rest, before anything is killed."""
    service = unit(path)["Service"]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    program, command = service["ExecStart"].split()
    assert program.endswith("/mailer") and command in commands
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 2 * supervisor._END_WITHIN
    assert "PASSWORD" not in path.read_text()


def test_a_worker_is_as_confined_as_the_rest_and_shares_no_folder() -> None:
    """H9: the instance names machine and folder; nothing else differs from mailer.service."""
    serve, worker = (dict(unit(path)["Service"]) for path in UNITS)
    own = {key for key in serve | worker if serve.get(key) != worker.get(key)}
    assert own == {
        *("Environment", "EnvironmentFile", "ExecStart", "ReadWritePaths", "WorkingDirectory")
    }
    assert "MAILER_HOST=%i" in worker["Environment"].split()
    assert worker["ReadWritePaths"] == worker["WorkingDirectory"] == "/srv/newsroom-%i"


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_unit(tmp_path: Path, path: Path) -> None:
    """Where systemd is here, it finds nothing to complain of in our file."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    text = path.read_text().replace("/opt/mailer/bin/mailer", sys.executable)
    copy = tmp_path / path.name.replace("@", "@press-2")
    copy.write_text(text)
    done = subprocess.run(
        [program, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if str(copy) in line]
    assert complaints == [] and done.returncode == 0, done.stderr
