"""`mailer dkim`, the doctor's look at it, and signed previews."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

from mailer.defaults import defaults_dir

from tests.cli.conftest import Mailer
from tests.message.foreign import by_dkimpy


def _zone(text: str) -> dict[str, str]:
    """Names and texts of the TXT records in a zone file's lines."""
    found = {}
    for name, value in re.findall(r"(\S+)\. IN TXT ((?:\([^)]*\))|\"[^\"]*\")", text):
        strings = re.findall(r'"([^"]*)"', value)
        assert all(len(each) <= 255 for each in strings)
        found[name] = "".join(strings)
    return found


def _sign(room: Path, text: str) -> None:
    path = room / "config.toml"
    path.write_text(path.read_text() + "\n" + text)


def test_from_a_new_key_to_a_signed_message(mailer: Mailer, room: Path) -> None:
    """A5, A11: what keygen prints is what must be published and written down."""
    made = mailer("dkim", "keygen", "--json")
    assert made.code == 0
    key = room / "keys" / "mailer.pem"
    assert made.json["key_file"] == str(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE" not in made.out + made.err
    _sign(room, made.json["config"])
    dns = mailer("dkim", "dns")
    assert dns.code == 0
    records = _zone(dns.out)
    assert records == {made.json["name"]: made.json["value"]}
    assert made.json["name"] == "mailer._domainkey.example.org"
    assert "".join(made.json["strings"]) == made.json["value"]
    [release] = sorted((defaults_dir() / "releases").glob("*.txt"))[:1]
    assert mailer("preview", release, "--out", room / "p").code == 0
    message = (room / "p" / "message.eml").read_bytes()
    assert by_dkimpy([message], records) == [{"mailer": True}]


def test_a_second_key_and_the_records_of_both(mailer: Mailer, room: Path) -> None:
    """A6: off by default, under its own selector; the keys of [dkim] may have yet to be made."""
    _sign(
        room,
        '[dkim]\ndomain = "example.org"\nselector = "a"\nkey_file = "keys/one.pem"\n'
        'ed25519_selector = "b"\ned25519_key_file = "keys/two.pem"\n',
    )
    assert mailer("dkim", "dns").code == 3
    first, second = mailer("dkim", "keygen"), mailer("dkim", "keygen", "--ed25519")
    assert (first.code, second.code) == (0, 0)
    assert "write into config.toml" not in first.err + second.err
    records = mailer("dkim", "dns", "--json").json["records"]
    assert [each["name"] for each in records] == [
        "a._domainkey.example.org",
        "b._domainkey.example.org",
    ]
    assert records[1]["value"].startswith("v=DKIM1; k=ed25519; p=")
    assert _zone(first.out + second.out) == {each["name"]: each["value"] for each in records}
    assert "DKIM" not in json.dumps([each["name"] for each in records])


def test_a_key_is_never_overwritten(mailer: Mailer, room: Path) -> None:
    """A11: 6; another selector makes another file, a weak key is wrong usage."""
    assert mailer("dkim", "keygen").code == 0
    before = (room / "keys" / "mailer.pem").read_bytes()
    again = mailer("dkim", "keygen")
    assert again.code == 6 and "never overwritten" in again.err
    assert (room / "keys" / "mailer.pem").read_bytes() == before
    assert mailer("dkim", "keygen", "--selector", "2026b").code == 0
    assert (room / "keys" / "2026b.pem").exists()
    assert mailer("dkim", "keygen", "--bits", "1024", "--selector", "x").code == 2
    assert mailer("dkim", "keygen", "--out", room / "no" / "such.pem").code == 3
    assert mailer("dkim", "dns").code == 5


def test_the_doctor_looks_at_keys_and_domain(mailer: Mailer, room: Path) -> None:
    """A2, A5: a domain that does not fit the sender fails; nobody asks the DNS."""

    def verdicts() -> dict[str, str]:
        checks = mailer("doctor", "--json").json["checks"]
        return {each["state"]: each["message"] for each in checks if each["name"] == "dkim"}

    assert "not signed here" in verdicts()["ok"]
    assert mailer("dkim", "keygen").code == 0
    section = '[dkim]\ndomain = "{}"\nselector = "mailer"\nkey_file = "keys/mailer.pem"\n'
    plain = (room / "config.toml").read_text()
    for domain, state in (
        ("example.org", "ok"),
        ("mail.example.org", "ok"),
        ("example.com", "fail"),
        ("other.example", "fail"),
    ):
        (room / "config.toml").write_text(plain + "\n" + section.format(domain))
        assert state in verdicts(), domain
        assert ("fail" in verdicts()) == (state == "fail")
    (room / "config.toml").write_text(
        plain.replace("press@example.org", "press@a.example.org") + section.format("b.example.org")
    )
    assert "only if example.org belongs to one organisation" in verdicts()["warning"]
