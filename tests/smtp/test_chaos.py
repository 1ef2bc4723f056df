"""The chaos server itself: what other tests conclude from its record must be so."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from mailer.message.tokens import delivery_code
from mailer.smtp import Connection, SmtpFailure

from tests.smtp.acts import CLOSE, HANG, LOST, PROFILES, Drip, profile
from tests.smtp.chaos import chaos, read_record
from tests.smtp.helpers import ListSource, Outside, endpoint, outgoing, send

ROOT = Path(__file__).parents[2]


def numbered(number: int) -> bytes:
    name = f"<{delivery_code(number)}.ledger@example.org>"
    return f"Subject: {number}\r\nMessage-ID: {name}\r\n\r\nHello\r\n.dot\r\n".encode()


def test_the_process_form_records_what_it_took(tmp_path: Path) -> None:
    """The record names delivery, times, digest and whether the answer left; it outlives SIGKILL."""
    record = tmp_path / "record.jsonl"
    command = [sys.executable, "-m", "tests.smtp.chaos", "--record", str(record)]
    with subprocess.Popen(
        [*command, "--profile", '{"rules": [{"verb": "DOT", "act": "<lost>", "skip": 2}]}'],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[2])
        source = ListSource([outgoing(number, numbered(number)) for number in (7, 8, 9, 10)])
        asyncio.run(send(endpoint(port), source))
        server.kill()
    messages = read_record(record)
    assert [entry["delivery"] for entry in messages] == [7, 8, 9]
    assert [entry["answered"] for entry in messages] == [True, True, False]
    assert all(entry["taken"] for entry in messages)
    assert [entry["sha256"] for entry in messages] == [
        hashlib.sha256(numbered(number)).hexdigest() for number in (7, 8, 9)
    ]
    assert all(entry["mail_at"] <= entry["dot_at"] <= entry["at"] for entry in messages)
    assert messages[0]["rcpt_to"] == "<j7@example.net>"
    assert messages[2]["answer"] == LOST
    assert source.codes == {7: 250, 8: 250, 9: 0, 10: 0}


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_each_profile_is_made(name: str) -> None:
    """A profile is made anew each time, since its rules count."""
    assert profile(name).rules is not profile(name).rules


@pytest.mark.parametrize(
    ("act", "taken"),
    [("250 Ok", True), (LOST, True), (HANG, True), (CLOSE, False), ("451 no", False)],
)
def test_taken_says_who_is_responsible(act: str, taken: bool) -> None:
    """A lost answer is a taken message, a close instead of an answer is none."""

    async def run() -> None:
        async with chaos({"DOT": [act]}) as server:
            await send(endpoint(server.port), ListSource([outgoing(1)]))
            [entry] = [entry for entry in server.record if entry["kind"] == "message"]
            assert entry["taken"] is taken
            assert entry["answered"] is act[0].isdigit()

    asyncio.run(run())


def test_an_answer_in_drops_is_given_with_its_last_byte() -> None:
    """Whoever has read it may vanish at once: the record must say already that it was given."""

    async def run() -> None:
        async with chaos({"DOT": [Drip("250 Ok\r\n", 0.05)]}) as server:
            source = ListSource([outgoing(1)])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            await asyncio.wait_for(source.all_over.wait(), 5)
            running.cancel()
            await asyncio.sleep(0.2)
            [entry] = [entry for entry in server.record if entry["kind"] == "message"]
            assert entry["answered"]

    asyncio.run(run())


def test_orders_take_effect_while_it_runs(tmp_path: Path) -> None:
    """The rules of a line on its standard input take the place of those before."""
    record = tmp_path / "record.jsonl"
    with Outside(record, {"rules": [{"verb": "RCPT", "act": "550 no"}]}) as server:
        for number, rules in ((1, None), (2, [{"verb": "DOT", "act": "451 no"}]), (3, [])):
            if rules is not None:
                server.obey(rules)
            asyncio.run(send(endpoint(server.port), ListSource([outgoing(number)])))
    assert [entry["refused"] for entry in read_record(record, "envelope")] == [550]
    assert [entry["answer"][:3] for entry in read_record(record)] == ["451", "250"]


def test_the_record_says_what_came_in_clear(tmp_path: Path) -> None:
    """A14 is judged by it, for every way in which TLS begins or breaks."""
    record = tmp_path / "record.jsonl"
    profile = {"keywords": ["STARTTLS"], "certificate": "valid"}
    with Outside(record, profile, ca=tmp_path / "ca.pem") as server:
        for tls in ("never", "required"):
            place = endpoint(server.port, tls=tls, ca_file=str(tmp_path / "ca.pem"))
            asyncio.run(send(place, ListSource([outgoing(1)])))
        server.obey([{"verb": "TLS", "act": CLOSE}])
        with pytest.raises(SmtpFailure, match="TLS could not be started"):
            asyncio.run(Connection.open(place))
    assert [(entry["clear"], entry["tls"]) for entry in read_record(record, "connection")] == [
        (["EHLO", "MAIL", "RCPT", "DATA", "QUIT"], ""),
        (["EHLO", "STARTTLS"], "TLSv1.3"),
        (["EHLO", "STARTTLS"], ""),
    ]


def test_each_mail_from_stands_in_one_line() -> None:
    """H15 is judged by the times of MAIL FROM: none may be missing, whatever became of it."""

    async def run() -> None:
        script = {"RCPT": ["550 no"], "MAIL": ["250 Ok", "450 no"]}
        async with chaos(script) as server:  # type: ignore[arg-type]
            await send(endpoint(server.port), ListSource([outgoing(n) for n in range(5)]))
            said = [line for line in server.lines if line.startswith(b"MAIL")]
            assert len([entry for entry in server.record if "mail_at" in entry]) == len(said) == 5

    asyncio.run(run())
