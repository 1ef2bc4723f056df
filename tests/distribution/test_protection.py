"""A newsroom whose mail server cannot protect the connection: nothing leaves, everything waits.

The server is the chaos server as a process of its own, the run is `mailer run --once` with the
server's own authority as the only one that this machine trusts (A14).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mailer.distribution import routes

from tests.distribution.room import open_room
from tests.distribution.sending import Office
from tests.smtp.chaos import read_record
from tests.smtp.helpers import Outside

PEOPLE = 3
KEYWORDS = ["PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"]
REFUSED = "the server's certificate was not accepted: "
BROKEN = "TLS could not be started: "
UNKNOWN = REFUSED + "no authority that this machine trusts has signed it"


def run(office: Office, ca: Path) -> int:
    """`mailer run --once`; the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "--config", str(office.config.path), "run", "--once"],
        env={**os.environ, "SSL_CERT_FILE": str(ca), "MAILER_SMTP_PASSWORD": "kept to ourselves"},
        capture_output=True,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"kept to ourselves" not in done.stderr + done.stdout
    return done.returncode


def office_for(folder: Path, server: Outside, scheme: str = "smtp", query: str = "") -> Office:
    """A newsroom with a queued distribution and a route that asks for protection and signs in."""
    store = f"sqlite:///{folder / 'room' / 'mailer.db'}"
    office = Office(folder / "room", server.port, store, PEOPLE, sending='retry = ["1h"]')
    text = office.config.path.read_text()
    plain = f"smtp://127.0.0.1:{server.port}?starttls=never"
    assert plain in text
    url = f"{scheme}://press@127.0.0.1:{server.port}{query}"
    text = text.replace(plain, url) + '\n[smtp.timeouts]\nstarttls = "1s"\nconnect = "1s"\n'
    office.config.path.write_text(text)
    return office


def all_wait(office: Office, words: str) -> None:
    """Every delivery waits for its next try, and log and routes say why in these words."""
    rows = office.rows()
    assert [row["state"] for row in rows] == ["deferred"] * PEOPLE
    for row in rows:
        assert row["reason"] == f"mail service default is away: STARTTLS: {words}"
        assert row["due_at"] > row["queued_at"]
    with open_room(office.config) as room:
        [way] = routes.ls(room)
    assert way["state"] == "resting"
    assert words in way["reason"]


@pytest.mark.parametrize(("scheme", "query"), [("smtp", "?starttls=required"), ("smtps", "")])
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", f"554 5.7.5 {REFUSED}it has expired"),
        ("other-name", f"554 5.7.5 {REFUSED}it was made for another address"),
        ("self-signed", f"554 5.7.5 {UNKNOWN}"),
        ("valid", ""),
    ],
)
def test_a_certificate_that_proves_nothing(
    tmp_path: Path, scheme: str, query: str, certificate: str, words: str
) -> None:
    """A14: nobody is told anything, not even the password; the exit code says deferred (0)."""
    profile = {
        "keywords": KEYWORDS,
        "certificate": certificate,
        "implicit": scheme == "smtps",
    }
    record, ca = tmp_path / "record", tmp_path / "ca.pem"
    with Outside(record, profile, ca=ca) as server:
        office = office_for(tmp_path, server, scheme, query)
        assert run(office, ca) == 0
    talks = read_record(record, "connection")
    in_clear = [] if scheme == "smtps" else ["EHLO", "STARTTLS"]
    assert all(talk["clear"] == in_clear for talk in talks)
    if words:
        assert not read_record(record) and not read_record(record, "envelope")
        assert all(talk["tls"] == "" for talk in talks)
        assert bool(talks) == (scheme == "smtp")
        all_wait(office, words)
    else:
        assert len(read_record(record)) == PEOPLE
        assert {talk["tls"] for talk in talks} == {"TLSv1.3"}
        assert office.states() == {"accepted": PEOPLE}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (("TLS", "<close>"), f"{BROKEN}the server ended the connection"),
        (("TLS", "<reset>"), f"{BROKEN}Connection reset by peer"),
        (("TLS", {"raw": "\x15\x03\x01\x00\x02\x02\x28", "close": True}),
         f"{BROKEN}sslv3 alert handshake failure"),
        (("TLS", {"raw": "250 what is this\r\n", "close": True}), f"{BROKEN}wrong version number"),
        (("TLS", "<hang>"), f"{BROKEN}SSL handshake is taking longer than 1.0 seconds: "
                            "aborting the connection"),
        (("STARTTLS", "454 4.7.0 no certificate today"), "454 4.7.0 no certificate today"),
        (("STARTTLS", "<close>"), "the server closed the connection"),
    ],
)  # fmt: skip
def test_a_handshake_that_breaks(tmp_path: Path, rule: tuple[str, Any], words: str) -> None:
    """A14, RFC 3207 section 4: whatever goes wrong after STARTTLS, there is no way back to clear
    text once a user is named."""
    verb, act = rule
    profile = {
        "keywords": KEYWORDS,
        "certificate": "valid",
        "rules": [{"verb": verb, "act": act}],
    }
    record, ca = tmp_path / "record", tmp_path / "ca.pem"
    with Outside(record, profile, ca=ca) as server:
        office = office_for(tmp_path, server)
        assert run(office, ca) == 0
    assert not read_record(record) and not read_record(record, "envelope")
    talks = read_record(record, "connection")
    assert talks
    assert all(set(talk["clear"]) <= {"EHLO", "STARTTLS", "QUIT"} for talk in talks)
    all_wait(office, words)


def test_a_renewed_certificate_lets_everything_go(tmp_path: Path) -> None:
    """A14: what waited leaves, protected, once the certificate is right and an officer says so."""
    record, ca = tmp_path / "record", tmp_path / "ca.pem"
    profile = {"keywords": KEYWORDS, "certificate": "expired"}
    with Outside(record, profile, ca=ca) as server:
        office = office_for(tmp_path, server)
        assert run(office, ca) == 0
    assert office.states() == {"deferred": PEOPLE}
    with Outside(record, {**profile, "certificate": "valid"}, ca=ca, port=server.port):
        with open_room(office.config) as room:
            routes.resume(room, "default", "anna")
        assert run(office, ca) == 0
    assert office.states() == {"accepted": PEOPLE}
    assert all("MAIL" not in talk["clear"] for talk in read_record(record, "connection"))
    assert sum(talk["tls"] != "" for talk in read_record(record, "connection")) > 0
