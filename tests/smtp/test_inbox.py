"""Searching what the sandbox caught, while it goes on catching."""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from mailer.smtp.inbox import Inbox, InboxWriter

MAILS = (
    ("ada@example.org", "Bridge opens in Zürich", "Ten years of work ended today."),
    ("bob@example.net", "=?utf-8?q?Die_Br=C3=BCcke_NEAR_Basel?=", "Alles im Fluss."),
    ("ada.x@example.org", 'Tunnel "north": a C* star', "Under the bridge-head."),
    ("眞子@example.com", "新しい橋 opens", "Привет, Мир"),
)


def mail(to: str, subject: str, body: str) -> bytes:
    return (
        f"From: Open Dialog <press@example.org>\r\nTo: <{to}>\r\n"
        f"Subject: {subject}\r\n\r\n{body}\r\n"
    ).encode()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[InboxWriter]:
    writer = InboxWriter(tmp_path / "inbox.db")
    writer.add([(1, "bounces+b1@example.org", [mail_[0]], mail(*mail_)) for mail_ in MAILS])
    yield writer
    writer.close()


@pytest.fixture
def inbox(tmp_path: Path, writer: InboxWriter) -> Inbox:
    return Inbox(tmp_path / "inbox.db")


def found(inbox: Inbox, search: str) -> list[int]:
    ids = [caught.id for caught in inbox.list(search=search)]
    assert len(ids) == inbox.count(search=search)
    return ids


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("bridge", [3, 1]),
        ("BRIDGE zurich", [1]),
        ("Brücke", [2]),
        ("basel brucke", [2]),
        ("bri", [3, 1]),
        ("bri opens", []),
        ("opens bri", [1]),
        ("ada", [3, 1]),
        ("ada@example.org", [1]),
        ("ada@exa", [1]),
        ("open dialog", [4, 3, 2, 1]),
        ("bounces+b1@example.org", [4, 3, 2, 1]),
        ("fluss", [2]),
        ("привет", [4]),
        ("新し", [4]),
        ("眞子@example.com", [4]),
        ('"opens in"', [1]),
        ('"in opens"', []),
        ('"ope"', []),
        ('tunnel "north', [3]),
        ('nor"th', []),
        ("NEAR", [2]),
        ("NEAR(bridge opens)", []),
        ("bridge OR tunnel", []),
        ("bridge NOT tunnel", []),
        ("north:", [3]),
        ("subject:bridge", []),
        ("c*", [4, 3]),
        ("bridge-head", [3]),
        ("-bridge", [3, 1]),
        ("bridge - *", [3, 1]),
        ("^bridge", [3, 1]),
        ("{subject} bridge", []),
        ("bridge\nopens", [1]),
        ("bridge\0opens", [1]),
        ("'", []),
        ('"', []),
        ('""', []),
        ("*", []),
        ("\ud800", []),
    ],
)
def test_words_are_found_and_nothing_is_syntax(inbox: Inbox, search: str, ids: list[int]) -> None:
    assert found(inbox, search) == ids


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    some.one_of(
        some.text(max_size=20),
        some.lists(
            some.sampled_from(
                [
                    "bridge",
                    "NEAR",
                    "AND",
                    "OR",
                    "NOT",
                    '"',
                    "'",
                    "*",
                    ":",
                    "-",
                    "(",
                    ")",
                    "^",
                    "+",
                    "{",
                    "}",
                    ",",
                    " ",
                    "\n",
                    "\u2028",
                    "\0",
                    "\ud800",
                    "é",
                    "²",
                    "subject",
                ]
            ),
            max_size=12,
        ).map("".join),
    )
)
def test_no_search_is_an_error(inbox: Inbox, search: str) -> None:
    assert len(inbox.list(search=search)) <= len(MAILS)


def test_a_search_sees_what_came_since_the_last(inbox: Inbox, writer: InboxWriter) -> None:
    assert found(inbox, "harbour") == []
    writer.add(
        [(2, "", ["c@example.org"], mail("c@example.org", f"Harbour {n}", "x")) for n in range(450)]
    )
    assert inbox.count(search="harbour") == 450
    assert [c.subject for c in inbox.list(9, size=50, search="harbour")][-1] == "Harbour 0"
    assert inbox.list(10, size=50, search="harbour") == []
    assert inbox.count(search="harbour 7", recipient="C@example.org") == 11


def test_cleared_messages_are_not_found_and_their_numbers_not_reused(
    inbox: Inbox, writer: InboxWriter, tmp_path: Path
) -> None:
    assert found(inbox, "bridge") == [3, 1]
    inbox.clear()
    assert found(inbox, "bridge") == [] and inbox.count() == 0
    with sqlite3.connect(tmp_path / "inbox.db") as database:
        assert database.execute("select count(*) from words").fetchone() == (0,)
    database.close()
    writer.add([(3, "", ["d@example.org"], mail("d@example.org", "Bridge closes", "x"))])
    assert found(inbox, "bridge") == [5]


def test_only_the_text_of_a_message_is_searched(inbox: Inbox, writer: InboxWriter) -> None:
    """Neither HTML's tags nor encoded bytes are words; a broken message hinders nobody."""
    html = "<style>p {color: teal}</style><p class=olive>Caf&eacute; lights</p>"
    encoded = base64.b64encode("Flüsse steigen".encode("latin-1")).decode()
    head = "From: x@example.org\r\nSubject: x\r\n"
    raws = [
        f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{html}",
        f"{head}Content-Type: text/plain; charset=latin-1\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}",
        f"{head}Content-Type: text/plain; charset=no-such\r\n\r\nstrange signs",
        "Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\xff",
        "",
    ]
    writer.add([(2, "", ["e@example.org"], raw.encode("latin-1")) for raw in raws])
    assert found(inbox, "café lights") == [5]
    assert found(inbox, "teal") == found(inbox, "olive") == found(inbox, encoded) == []
    assert found(inbox, "flüsse steigen") == [6]
    assert found(inbox, "strange signs") == [7]
    assert found(inbox, "e@example.org") == [9, 8, 7, 6, 5]


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    some.lists(
        some.sampled_from(
            [
                b"Content-Type: ",
                b"text/plain",
                b"text/html",
                b"multipart/mixed",
                b"; charset=",
                b"utf-7",
                b"idna",
                b"boundary=a",
                b"\r\n",
                b"\r\n\r\n",
                b"--a",
                b"=?utf-7?q?+2AA-?=",
                b"From: ",
                b"To: ",
                b"Subject: ",
                b"+2AA-",
                b"\xff",
                b"\0",
                b"&#xd800;",
                b"<p",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_bytes_are_kept_and_do_not_hinder_searches(
    inbox: Inbox, writer: InboxWriter, raw: bytes
) -> None:
    writer.add([(2, "", ["odd@example.org"], raw)])
    assert inbox.list(search="odd@example.org")[0].size == len(raw)
    assert inbox.count(search="bridge tunnel") == 1


def test_searching_while_the_server_writes(inbox: Inbox, writer: InboxWriter) -> None:
    """Several searches at once learn each message once, and neither side is refused."""
    with ThreadPoolExecutor(3) as threads:
        searches = [threads.submit(inbox.count, search="quay") for _ in range(3)]
        for batch in range(60):
            writer.add(
                [
                    (batch, "", ["f@example.org"], mail("f@example.org", "Quay", "x"))
                    for _ in range(10)
                ]
            )
            searches.append(threads.submit(inbox.count, search="quay"))
        counts = [search.result() for search in searches]
    assert max(counts) <= 600 and inbox.count(search="quay") == 600


def test_a_failed_batch_leaves_nothing(inbox: Inbox, writer: InboxWriter) -> None:
    """All of a batch is committed or none of it, and the writer goes on."""
    good = (2, "", ["g@example.org"], mail("g@example.org", "Good", "x"))
    with pytest.raises(UnicodeEncodeError):
        writer.add([good] * 300 + [(2, "\ud800", ["h@example.org"], b"")])
    assert inbox.count() == len(MAILS)
    writer.add([good])
    assert inbox.count() == len(MAILS) + 1


def test_an_absent_inbox_is_searched_in_vain(tmp_path: Path) -> None:
    assert Inbox(tmp_path / "none.db").list(search="x") == []
    assert Inbox(tmp_path / "none.db").count(search="x") == 0
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "module", ["mailer.cli.main", "mailer.distribution.sender", "mailer.distribution.supervisor"]
)
def test_the_inbox_costs_others_no_start_up(module: str) -> None:
    """Commands, senders and the supervisor start without the library of the inbox."""
    asked = f"import sys, {module}; print('sqlite_utils' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert answer.stdout == "False\n", answer.stderr
