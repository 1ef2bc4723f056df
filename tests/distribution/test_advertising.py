"""Advertising is kept back by country when it is planned, and said before (E15 to E19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.distribution.advertising import sentence
from mailer.distribution.context import Newsroom
from mailer.distribution.lists import import_file
from mailer.distribution.people import merge
from mailer.distribution.queue import Order, queue
from mailer.distribution.single import send_to
from mailer.errors import ConfigError, Refused
from mailer.store import suppression
from mailer.store.advertising import facts
from mailer.store.core import add_event

from tests.distribution.room import RELEASE, make_config, open_room


@pytest.fixture
def room(store_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    with open_room(make_config(tmp_path / "newsroom", port=2525, store=store_url)) as room:
        yield room


HEADER = "email,first_name,last_name,outlet,country,consent_basis,source"
KINDS = '\n[advertising]\nkinds = ["release"]\nreason = "it offers a book for sale"\n'


def test_kept_back_and_previewed(store_url: str, tmp_path: Path) -> None:
    """The decision stands with its reason; whom the law protects is left out, with the same words
    in the dry run and in the plan; with nobody left it is refused. A copy for the office's own
    people is no advertising."""
    config = make_config(tmp_path / "room", port=2525, store=store_url, sending=KINDS)
    rows = [f"p{n}@example.com,P,L,Daily,PL,legitimate_interest,form" for n in range(3)]
    rows += [
        "yes@example.com,Y,S,Daily,PL,opt_in,form",
        "redactie@example.com,,,Daily,BE,legitimate_interest,form",
        "us@example.com,U,S,Daily,US,public_contact,form",
        "no@example.com,N,O,Daily,,public_contact,form",
    ]
    path = config.home / "press.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    release = config.home / "release.md"
    release.write_text(RELEASE, "utf-8")
    with open_room(config) as room:
        import_file(room, path, actor="anna")
        order = Order(str(release), ["list:press"])
        preview = queue(room, order, "anna", dry_run=True)
        queued = queue(room, order, "anna")
        assert preview.recipients == queued.recipients == 3
        assert preview.left_out == queued.left_out
        said = sorted(sentence(why, count) for why, count in queued.left_out.items())
        assert said[0].startswith("Country unknown: 1 kept back because the country is not known")
        assert said[1].startswith("Poland: 3 kept back because prior consent is needed")
        with room.store.read() as tx:
            audience = tx.rows("SELECT audience FROM distributions", {})[0]["audience"]
        assert json.loads(audience)["advertising"] == {
            "is": True, "reason": "it offers a book for sale",
        }  # fmt: skip
        only = replace(
            order, leave_out=["yes@example.com", "us@example.com", "redactie@example.com"]
        )
        with pytest.raises(Refused, match="Poland"):
            queue(room, only, "anna")
        assert queued.distribution is not None
        with pytest.raises(Refused, match=r"p0@example\.com gets no advertising: Poland"):
            send_to(room, queued.distribution, "p0@example.com", "anna")
        board = config.home / "board.csv"
        board.write_text(f"{HEADER}\nb@example.com,B,O,,PL,legitimate_interest,form\n", "utf-8")
        import_file(room, board, kind="internal", actor="anna")
        beside = queue(room, replace(order, to=["list:press", "list:board"]), "anna")
        assert (beside.recipients, beside.left_out) == (3, queued.left_out)
        assert beside.internal is not None and beside.internal["recipients"] == 1


def test_consent_is_what_was_confirmed(room: Newsroom) -> None:
    """Being on a topic list proves nothing; having asked for it and confirmed does, as long as he
    is on it, and for whoever he was merged with (E15)."""
    path = room.config.home / "topic.csv"
    rows = [f"{who}@example.com,P,L,Daily,PL,legitimate_interest,form" for who in "abcd"]
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    import_file(room, path, kind="topic", actor="anna")
    with room.store.write() as tx:
        # As after a change of address: on the list, by no import's doing.
        tx.execute("UPDATE memberships SET import = NULL", {})
        for who in (2, 3):
            add_event(tx, "consent", "journalist", journalist=who, data={"lists": [1]})
        suppression.leave_list(tx, 3, 1)
    with room.store.read() as tx:
        people = facts(tx, [1, 2, 3, 4])
    assert [each.signed_up for each in people.values()] == [False, True, False, False]
    merge(room, ["d@example.com", "b@example.com"], "anna")
    with room.store.read() as tx:
        assert facts(tx, [4])[4].signed_up


def test_press_information_is_none(tmp_path: Path) -> None:
    """Nothing is kept back of kinds that are no advertising; what is needs a reason (3)."""
    config = make_config(tmp_path / "room", port=2525)
    path = config.home / "press.csv"
    path.write_text(f"{HEADER}\np@example.com,P,L,Daily,PL,legitimate_interest,form\n", "utf-8")
    release = config.home / "release.md"
    release.write_text(RELEASE, "utf-8")
    with open_room(config) as room:
        import_file(room, path, actor="anna")
        assert queue(room, Order(str(release), ["list:press"]), "anna").left_out == {}
    for wrong in ('kinds = ["release"]', 'kinds = ["kill"]\nreason = "x"'):
        config.path.write_text(f"{config.path.read_text()}\n[advertising]\n{wrong}\n")
        with pytest.raises(ConfigError):
            configuration.load(config.path, {})
        config.path.write_text(config.path.read_text().partition("\n[advertising]")[0])
