"""`lists check`: a list looked through, with a real DNS server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mailer.distribution.context import Newsroom
from mailer.distribution.domains import ask_domains, dns_server
from mailer.distribution.listcheck import check_list
from mailer.distribution.lists import import_file
from mailer.errors import NotFound, UsageError

from tests.distribution.nameserver import Nameserver, nameserver
from tests.distribution.room import make_config, open_room

RECORDS = {
    ("good.example", "MX"): "10 mx.good.example.",
    ("null.example", "MX"): "0 .",
    ("address.example", "A"): "192.0.2.1",
    ("six.example", "AAAA"): "2001:db8::1",
    ("bare.example", "TXT"): "no mail here",
    ("xn--w-uga1v8h.example", "MX"): "10 mx.good.example.",
    ("fails.example", "FAILS"): "",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Nameserver]:
    with nameserver(RECORDS) as running:
        yield running


@pytest.fixture
def room(store_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    with open_room(make_config(tmp_path / "newsroom", port=2525, store=store_url)) as room:
        yield room


def test_the_fate_of_mail_to_a_domain(server: Nameserver) -> None:
    """A28: RFC 5321 section 5.1, RFC 7505; no answer says nothing about the domain."""
    names = [name for name, _ in RECORDS]
    fates = ask_domains([*names, "nowhere.example"], server=dns_server(server.address))
    assert fates == {
        "good.example": "takes mail",
        "null.example": "takes no mail",
        "address.example": "takes mail",
        "six.example": "takes mail",
        "bare.example": "has no mail server",
        "xn--w-uga1v8h.example": "takes mail",
        "fails.example": "not known",
        "nowhere.example": "does not exist",
    }


def test_a_silent_server_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A28: after the first failures without an answer nobody else is asked for."""
    monkeypatch.setattr("mailer.distribution.domains._LIFETIME", 0.2)
    fates = ask_domains(
        [f"d{number}.example" for number in range(5000)], server=dns_server("127.0.0.1:9")
    )
    assert len(fates) == 5000
    assert set(fates.values()) == {"not known"}


@pytest.mark.parametrize("text", ["dns.example", "127.0.0.1:x", "127.0.0.1:0", ""])
def test_a_server_is_given_by_its_number(text: str) -> None:
    """A28"""
    with pytest.raises(UsageError, match="no address of a DNS server"):
        dns_server(text)
    assert dns_server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    assert dns_server("192.0.2.1") == ("192.0.2.1", 53)


def test_a_list_is_looked_through(room: Newsroom, server: Nameserver) -> None:
    """E7, A28: each domain asked for once, findings with level and suggestion, nothing changed."""
    path = room.config.home / "press.csv"
    path.write_text(
        "email,source,basis\n"
        + "\n".join(
            f"{email},card,{basis}"
            for email, basis in [
                ("anna@good.example", "opt_in"),
                ("jan@good.example", "opt_in"),
                ("ola@null.example", ""),
                ("ewa@nowhere.example", "opt_in"),
                ("kim@gmial.com", "opt_in"),
                ("redakcja@address.example", "opt_in"),
                ("gone@nowhere.example", "objected"),
            ]
        )
    )
    import_file(room, path, actor="anna")
    quiet = check_list(room, "press")
    assert [each["email"] for each in quiet.findings] == [
        "kim@gmial.com",
        "redakcja@address.example",
    ]
    assert (quiet.people, quiet.errors, quiet.domains) == (6, 0, 0)
    server.asked.clear()
    asked: list[int] = []
    check = check_list(
        room, "press", dns=True, server=dns_server(server.address), progress=asked.append
    )
    found = {each["email"]: each for each in check.findings if each["kind"] == "domain"}
    assert {email: each["finding"] for email, each in found.items()} == {
        "ola@null.example": "the domain null.example takes no mail",
        "ewa@nowhere.example": "the domain nowhere.example does not exist",
        "kim@gmial.com": "the domain gmial.com does not exist",
    }
    assert (check.people, check.errors, check.domains) == (6, 3, 5)
    assert check.counts == {"domain": 3, "typo": 1, "role": 1}
    assert max(server.asked.values()) == 1
    assert asked[-1] == 5
    with pytest.raises(NotFound, match="Did you mean press"):
        check_list(room, "pres")
