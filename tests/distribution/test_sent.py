"""`show --eml`: the very bytes that a real server got, whatever has changed since."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from mailer import config as configuration
from mailer.config import Config
from mailer.distribution import journal as journals
from mailer.distribution.context import open_newsroom
from mailer.distribution.dkim import keygen
from mailer.distribution.journal import Journal
from mailer.distribution.log import log, show
from mailer.distribution.recovery import boot_id, recover
from mailer.distribution.sent import as_sent
from mailer.errors import CheckFailed, NotFound
from mailer.message.tokens import rotate_keys
from mailer.store import ledger

from tests.distribution.press import Press
from tests.message.foreign import by_dkimpy

DKIM = """
[dkim]
domain = "example.org"
selector = "mailer"
key_file = "keys/mailer.pem"
ed25519_selector = "second"
ed25519_key_file = "keys/second.pem"
"""


class _Anywhere(Controller):
    """On a port of the system's choice, at which aiosmtpd then knocks itself."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class Capture:
    """An aiosmtpd server that keeps what it gets, byte for byte, and defers whom it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.later = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.got.append((envelope.rcpt_tos[0], envelope.content))
        if self.later:
            self.later -= 1
            return "451 4.3.0 later"
        return "250 2.0.0 taken"

    def __enter__(self) -> Capture:
        self._controller = _Anywhere(
            self, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True, data_size_limit=10**7
        )
        self._controller.start()
        self.port = self._controller.port
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def signing(config: Config, text: str = DKIM) -> Config:
    """The same newsroom with keys that sign."""
    path = config.path
    path.write_text(path.read_text() + text)
    bare = configuration.load(path, {}, signing_keys=False)
    keygen(bare)
    if "ed25519" in text:
        keygen(bare, kind="ed25519")
    return configuration.load(path, {})


@pytest.fixture
def server() -> Iterator[Capture]:
    with Capture() as server:
        yield server


def office(folder: Path, store_url: str, server: Capture, *, sign: bool = True) -> Press:
    press = Press(folder, store_url, port=server.port, sending='retry = ["1s"]')
    if sign:
        press.config = signing(press.config)
    press.people(
        "brussels",
        ["b1@example.com", "Zoë@bücher.example", '"odd one"@example.net'],
    )
    press.queue("list:brussels")
    return press


def everything_changes(config: Config) -> Config:
    """Another name, sender, zone and address; templates of its own; keys rotated and gone."""
    text = config.path.read_text().partition("[dkim]")[0]
    for old, new in (
        ("Example Newsroom", "Another Newsroom"),
        ("press@example.org", "news@other.example"),
        ("127.0.0.1:8025", "127.0.0.1:9999"),
        ("Europe/Brussels", "Asia/Tokyo"),
        ("1 Example Street", "2 Other Street"),
    ):
        assert old in text
        text = text.replace(old, new)
    config.path.write_text(text)
    for name in ("mailer.pem", "second.pem"):
        (config.keys_dir / name).unlink(missing_ok=True)
    token = config.keys_dir / "token.keys"
    token.write_text(rotate_keys(token.read_text(), lambda count: bytes(range(count))))
    layout = config.home / "templates" / "email"
    layout.mkdir(parents=True)
    (layout / "release.txt").write_text("{{ unsubscribe_url }}")
    return configuration.load(config.path, {})


@pytest.mark.parametrize("sign", [True, False])
def test_the_bytes_come_back_after_everything_has_changed(
    tmp_path: Path, store_url: str, server: Capture, sign: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design decision 7, H16, A11: byte for byte what the server got, without configuration,
    templates, words of the program or keys for signing of that time; Message-IDs in the log too."""
    with office(tmp_path / "room", store_url, server, sign=sign) as press:
        press.run()
        before = list(log(press.room))
        assert {row["state"] for row in before} == {"accepted"}
        records = {}
        if sign:
            from mailer.distribution.dkim import records as dns

            records = {record.name: record.value for record in dns(press.config)}
    for _, content in server.got if sign else []:
        assert by_dkimpy([content], records) == [{"mailer": True, "second": True}]
    config = everything_changes(press.config)
    monkeypatch.setattr("mailer.message.phrases.greeting", lambda *_: "Hello")
    monkeypatch.setattr("mailer.message.phrases.reason", lambda *_: "Because")
    with open_newsroom(config) as room:
        after = list(log(room))
        assert [row["message_id"] for row in after] == [row["message_id"] for row in before]
        for row in after:
            sent = as_sent(room, row["delivery"])
            [got] = [data for rcpt, data in server.got if rcpt == row["email"]]
            assert sent.data == got
            [attempt] = show(room, row["delivery"])["attempt_list"]
            assert attempt["sha256"] == sent.sha256 == hashlib.sha256(got).hexdigest()


def test_each_attempt_has_bytes_of_its_own(tmp_path: Path, store_url: str, server: Capture) -> None:
    """A18, A19: another Date and signature, one Message-ID; the last is shown unless named."""
    server.later = 3
    with office(tmp_path / "room", store_url, server) as press:
        press.run()
        time.sleep(1.3)
        press.run()
        for row in list(log(press.room)):
            first, second = (data for rcpt, data in server.got if rcpt == row["email"])
            assert first != second
            assert as_sent(press.room, row["delivery"]).data == second
            assert as_sent(press.room, row["delivery"], 1).data == first
            assert as_sent(press.room, row["message_id"], 2).data == second
            with pytest.raises(NotFound, match="no attempt 3"):
                as_sent(press.room, row["delivery"], 3)


def test_what_cannot_be_proved_is_not_shown(
    tmp_path: Path, store_url: str, server: Capture
) -> None:
    """Design decision 7: erased, never tried, unknown, or altered: a sentence each."""
    with office(tmp_path / "room", store_url, server) as press:
        rows = list(log(press.room))
        with pytest.raises(NotFound, match="has no attempt with a message"):
            as_sent(press.room, rows[0]["delivery"])
        with pytest.raises(NotFound, match="there is no delivery"):
            as_sent(press.room, "bcdefgh")
        press.run()
        as_sent(press.room, rows[0]["delivery"])
        with press.room.store.write() as tx:
            tx.execute("UPDATE attempts SET sent_date = sent_date + 1000000", {})
        with pytest.raises(CheckFailed, match="is not what was sent"):
            as_sent(press.room, rows[0]["delivery"])
        with press.room.store.write() as tx:
            tx.execute("DELETE FROM slot_values", {})
        with pytest.raises(NotFound, match="was erased"):
            as_sent(press.room, rows[0]["delivery"])


def test_without_the_key_of_its_links_it_says_which_and_what_is_known(
    tmp_path: Path, store_url: str, server: Capture
) -> None:
    """Decision 7: an old key that was deleted; time, answer and SHA-256 remain."""
    with office(tmp_path / "room", store_url, server, sign=False) as press:
        press.run()
        [row] = log(press.room, email="b1@example.com")
        whole = as_sent(press.room, row["delivery"])
        key = press.room.keys.current_id
        token = press.config.keys_dir / "token.keys"
        rotated = rotate_keys(token.read_text(), lambda count: bytes(range(count)))
        lines = [line for line in rotated.splitlines() if not line.startswith(f"{key} ")]
        token.write_text("\n".join(lines) + "\n")
        with open_newsroom(press.config) as room, pytest.raises(CheckFailed) as caught:
            as_sent(room, row["delivery"])
    said = str(caught.value)
    assert f"token key {key}, which is missing" in said
    assert row["last_attempt_at"] in said and whole.sha256 in said
    assert "(250 2.0.0 taken)" in said or "(250 taken)" in said


def test_a_signature_survives_the_sender(tmp_path: Path, store_url: str, server: Capture) -> None:
    """H7, H9: the journal of a dead sender has it, so what is in doubt can be shown too."""
    with office(tmp_path / "room", store_url, server) as press:
        press.run()
        [row] = log(press.room, email="b1@example.com")
        sent = as_sent(press.room, row["delivery"])
        [(delivery, date, sha256, signer, signature)] = press.rows(
            "SELECT delivery, sent_date, sha256, signer, signature FROM attempts "
            "WHERE delivery IN (SELECT d.id FROM deliveries d JOIN addresses a "
            "ON a.journalist = d.journalist WHERE a.email = 'b1@example.com')"
        )
        # As if the sender had died between the final dot and the reply.
        journal = Journal(press.config.spool_dir / "journals", "dead")
        journal.reserve(1)
        journal.dotted(delivery, 1, date, bytes(sha256), signer, bytes(signature))
        with press.room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host="here",
                name="s",
                pid=1,
                boot_id=boot_id(),
                journal=str(journal.path),
                config_digest="c",
            )
            tx.execute("DELETE FROM attempts", {})
            tx.execute(
                "UPDATE deliveries SET state = 1, attempts = 0, worker = :worker "
                "WHERE id = :delivery",
                {"worker": worker, "delivery": delivery},
            )
        os.close(journal._lock)
        assert journals.is_dead(journal.path)
        assert recover(press.room, host="here").in_doubt == 1
        assert as_sent(press.room, row["delivery"]).data == sent.data


def test_the_command_writes_the_bytes(tmp_path: Path, server: Capture, capfdbinary: Any) -> None:
    """Contract, `show DELIVERY --eml`: nothing but the message on stdout."""
    from mailer.cli.main import run

    with office(tmp_path / "room", f"sqlite:///{tmp_path / 'm.db'}", server) as press:
        press.run()
        [row] = log(press.room, email="b1@example.com")
    [got] = [data for rcpt, data in server.got if rcpt == "b1@example.com"]
    call = ["--config", str(press.config.path), "show", row["delivery"]]
    capfdbinary.readouterr()
    assert run([*call, "--eml"]) == 0
    assert capfdbinary.readouterr().out == got
    assert run([*call, "--eml", "--json"]) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert base64.b64decode(document["eml_base64"]) == got
    assert document["sha256"] == hashlib.sha256(got).hexdigest()
    assert run([*call, "--attempt", "1"]) == 2
    assert run([*call, "--eml", "--attempt", "9"]) == 5
    with press.room.store.write() as tx:
        tx.execute("UPDATE attempts SET sent_date = 5", {})
    assert run([*call, "--eml"]) == 1
    assert b"is not what was sent" in capfdbinary.readouterr().err
