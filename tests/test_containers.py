"""compose.yaml and the Dockerfile fit the program. No container is started here: what they say is
held against the commands, the configuration and the package they are about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from mailer import config
from mailer.cli.main import app
from mailer.config import Config
from mailer.config_values import is_loopback
from mailer.distribution import supervisor

from tests.ports import unused_port

REPOSITORY = Path(__file__).parent.parent
COMPOSE_TEXT = (REPOSITORY / "compose.yaml").read_text("utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
MACHINES = ("web", "worker-1", "worker-2")
"""The services that send."""
OURS = (*MACHINES, "init")
ENV = {"MAILER_DB_PASSWORD": "from-the-env-file"}
VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def filled(text: str, given: dict[str, str]) -> str:
    """As compose fills in variables; KeyError for a required one that is missing."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return given[name] if given.get(name) or kind != ":-" else rest

    return VARIABLE.sub(value, text)


def environ(service: str) -> dict[str, str]:
    found = SERVICES[service]["environment"]
    return {name: filled(value, ENV) for name, value in found.items()}


def loaded(service: str) -> Config:
    """The sample configuration as that service reads it."""
    return config.load(REPOSITORY / "config.toml", environ(service))


def can_be_called(words: list[str]) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[0] in commands, words
    with commands[words[0]].make_context(words[0], list(words[1:])):
        pass


def published() -> dict[int, int]:
    """Ports of the host that lead to ports of the common network."""
    found = [port.rsplit(":", 2) for port in SERVICES["net"]["ports"]]
    assert {host for host, _, _ in found} == {"127.0.0.1"}
    return {int(outer): int(inner) for _, outer, inner in found}


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    """Also with the options it is given, and that of a health check."""
    service = SERVICES[name]
    assert "entrypoint" not in service and DOCKERFILE.rstrip().endswith('ENTRYPOINT ["mailer"]')
    can_be_called(service["command"])
    words = service.get("healthcheck", {"test": []})["test"]
    if words[1:2] == ["mailer"]:
        can_be_called(words[2:])


def test_all_share_one_network_in_which_only_the_public_pages_listen_openly() -> None:
    """The database, the desk and the sandbox answer on loopback, so one network holds them all."""
    for name, service in SERVICES.items():
        if name == "net":
            assert service["networks"] == ["newsroom"] and "network_mode" not in service
        else:
            assert service["network_mode"] == "service:net"
            assert not {"ports", "networks", "expose"} & service.keys(), name
    assert "listen_addresses=127.0.0.1" in SERVICES["db"]["command"]
    web = loaded("web").web
    assert is_loopback(web.desk.host) and not is_loopback(web.public.host)
    sandbox = loaded("web").sandbox_route
    assert sandbox is not None and is_loopback(sandbox.host)
    ports = published()
    assert ports.pop(8025) == web.public.port

    [(outer, door)] = ports.items()
    desk = SERVICES["desk"]
    assert desk["profiles"] == ["desk"], "closed until somebody opens it"
    listens, leads = desk["command"]
    assert listens.startswith(f"TCP-LISTEN:{door},") and leads == f"TCP:127.0.0.1:{web.desk.port}"
    assert outer == web.desk.port and desk["entrypoint"] == ["socat"] and "socat" in DOCKERFILE


def test_each_machine_has_its_name_and_spool_and_all_share_the_newsroom() -> None:
    """H9: one store and one configuration; a spool is one machine's own."""
    names = [environ(name)["MAILER_HOST"] for name in MACHINES]
    assert len(set(names)) == len(MACHINES)
    shared, spools = set(), []
    for name in MACHINES:
        [newsroom, spool] = [each.rsplit(":", 1) for each in SERVICES[name]["volumes"]]
        assert (newsroom[1], spool[1]) == ("/srv/newsroom", "/srv/newsroom/spool")
        shared.add(newsroom[0])
        spools.append(spool[0])
    assert len(shared) == 1 and len(set(spools)) == len(MACHINES)
    assert {*spools, "database"} == COMPOSE["volumes"].keys()
    assert SERVICES["init"]["volumes"] == SERVICES["web"]["volumes"]
    assert environ("init")["MAILER_HOST"] == environ("web")["MAILER_HOST"]
    assert len({loaded(name).digest() for name in MACHINES}) == 1
    assert {loaded(name).store.url for name in OURS} == {
        "postgresql://mailer:from-the-env-file@127.0.0.1:5432/mailer"
    }


def test_no_secret_stands_in_the_repository() -> None:
    """Passwords come from outside, and without the database's nothing starts."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "URL" in name:
                assert VARIABLE.search(value), name
                assert not re.search(r":[^/$@]+@", VARIABLE.sub("$", value)), name
    for name in ("web", "db"):
        needed = SERVICES[name]["environment"]
        with pytest.raises(KeyError, match="MAILER_DB_PASSWORD"):
            [filled(value, {}) for value in needed.values()]
    ignored = (REPOSITORY / ".gitignore").read_text().split()
    assert {"/.env", "/newsroom/"} <= set(ignored)
    assert not re.search(r"(?i)^(ARG|ENV)\b.*(password|secret)", DOCKERFILE, re.MULTILINE)


def test_what_serves_is_looked_after_and_may_end_in_order() -> None:
    """Decision 5: nothing is killed before senders and the rest had their time."""
    for name in MACHINES:
        service = SERVICES[name]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert int(service["stop_grace_period"].removesuffix("s")) > 2 * supervisor._END_WITHIN
        assert service["init"] is True, "a first process that passes SIGTERM on and reaps"
    assert "pg_isready" in SERVICES["db"]["healthcheck"]["test"]
    assert "/healthz" in SERVICES["web"]["healthcheck"]["test"][-1]
    for name in OURS:
        for other, on in SERVICES[name]["depends_on"].items():
            assert on == {"condition": "service_healthy"} and "healthcheck" in SERVICES[other]


def test_the_health_check_of_the_pages_asks_what_they_answer(tmp_path: Path) -> None:
    """It fails while nobody serves, and passes once `mailer serve` does."""
    public, route = unused_port(), unused_port()
    _, python, *words = SERVICES["web"]["healthcheck"]["test"]
    assert python == "python"
    check = [sys.executable, *[word.replace(":8025/", f":{public}/") for word in words]]
    known = {
        **os.environ,
        "MAILER_WEB__PUBLIC": f"127.0.0.1:{public}",
        "MAILER_WEB__DESK": "127.0.0.1:0",
        "MAILER_SMTP__URL": f"smtp://127.0.0.1:{route}",
    }
    mailer = [sys.executable, "-m", "mailer"]
    subprocess.run([*mailer, "init", str(tmp_path)], env=known, check=True, capture_output=True)
    assert subprocess.run(check, capture_output=True, check=False).returncode == 1
    serving = subprocess.Popen(
        [*mailer, "--config", str(tmp_path / "config.toml"), "serve"],
        env=known,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert serving.poll() is None and time.monotonic() < end
            time.sleep(0.1)
    finally:
        serving.terminate()
        assert serving.wait(60) == 0


def copied() -> list[tuple[str, str]]:
    """What the Dockerfile copies from the repository, and to where."""
    lines = re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE)
    return [(source, words.split()[-1]) for words in lines for source in words.split()[:-1]]


def test_the_image_is_built_from_what_the_package_needs() -> None:
    """All that pyproject.toml names, to the same place, and nothing that an office works with."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *("pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]),
        *(*wheel["packages"], *wheel["force-include"]),
    }
    assert {source for source, _ in copied()} == needed
    for source, target in copied():
        assert (REPOSITORY / source).exists()
        assert target == (f"./{source}" if (REPOSITORY / source).is_dir() else "./")
    let_in = (REPOSITORY / ".dockerignore").read_text().split("\n")
    assert "*" in let_in
    assert {line[1:] for line in let_in if line.startswith("!")} == needed


def test_the_image_runs_as_nobody_who_matters() -> None:
    """The user that owns the newsroom's folder, in it, with the program in its path."""
    final = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER mailer$", final, re.MULTILINE)
    assert re.search(r"^WORKDIR /srv/newsroom$", final, re.MULTILINE)
    installed = re.search(r"^COPY --from=build (\S+) (\S+)$", final, re.MULTILINE)
    assert installed and installed[1] == installed[2] and f"PATH={installed[1]}/bin:" in final
    arguments = set(re.findall(r"^ARG (\w+)", final, re.MULTILINE))
    for service in SERVICES.values():
        if "build" in service:
            assert service["build"]["args"].keys() == arguments
            assert service["cap_drop"] == ["ALL"] and service["read_only"] is True
    version = re.search(r"^FROM python:(\d+)\.(\d+)", DOCKERFILE, re.MULTILINE)
    assert version and (int(version[1]), int(version[2])) >= (3, 11)
