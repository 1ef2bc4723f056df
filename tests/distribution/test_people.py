"""One person: from where, standing twice, made one of two, a hold cleared (E7, E9, F11)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.audience import duplicates as pairs
from mailer.distribution import duplicates, people, suppressions
from mailer.distribution.context import Newsroom
from mailer.distribution.imports import undo_import
from mailer.distribution.lists import count_segment, import_file
from mailer.distribution.queue import Order, queue
from mailer.distribution.subjects import subject_erase, subject_export
from mailer.errors import NotFound, Refused, UsageError
from mailer.store import suppression
from mailer.store.suppression import ALL, OFFICE, Reason

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, list_file
from tests.distribution.test_sent import Capture

HEADER = "email,first_name,last_name,outlet,phone,consent_basis,source,beats"


def bring(room: Newsroom, name: str, *rows: str) -> Any:
    return import_file(room, list_file(room, name, HEADER, *rows), actor="anna")


def test_merged(room: Newsroom) -> None:
    """Lists, wishes and do-not-contact of either hold for both, the address that went is known as
    the other's, and its history is reachable from the one who stays."""
    bring(room, "one", "ada@example.com,Ada,Nowak,,,opt_in,form,energy")
    bring(room, "two", "a.nowak@example.com,Ada,Nowak,Daily,+32 2 555 01 02,opt_in,card,eu")
    with room.store.write() as tx:
        wish = "INSERT INTO preferences (journalist, weekly_cap, updated_at) VALUES (:j, :cap, 0)"
        tx.execute(wish, {"j": 1, "cap": 5})
        tx.execute(wish, {"j": 2, "cap": 2})
    release = room.config.home / "release.md"
    release.write_text(RELEASE, "utf-8")
    queue(room, Order(str(release), ["list:two"]), "anna")
    done = people.merge(room, ["ada@example.com", "A.Nowak@example.com"], "anna")
    assert done == {
        "stays": "ada@example.com", "merged": ["a.nowak@example.com"], "moved": 1, "stopped": 0,
    }  # fmt: skip
    facts = people.show(room, "a.nowak@example.com")
    assert (facts["email"], facts["asked_for"]) == ("ada@example.com", "a.nowak@example.com")
    assert (facts["outlet"], facts["beats"]) == ("Daily", "energy; eu")
    assert [each["list"] for each in facts["lists"]] == ["one", "two"]
    assert [each["source"] for each in facts["provenance"]] == ["form", "card"]
    assert [each["state"] for each in facts["messages"]] == ["queued"]
    assert facts["history"][0]["what"] == "journalists_merged"
    with room.store.read() as tx:
        rows = tx.rows("SELECT journalist, weekly_cap FROM preferences", {})
    assert [tuple(dict(each).values()) for each in rows] == [(1, 2)]
    # The address that went comes in again: it is the other's, and he is one.
    again = bring(room, "three", "a.nowak@example.com,,,Weekly,,opt_in,form,")
    assert again.counts["new"] == 0 and people.show(room, "ada@example.com")["outlet"] == "Weekly"
    both = bring(
        room,
        "four",
        "a.nowak@example.com,,,,,opt_in,form,",
        "ada@example.com,,,Monthly,,opt_in,form,",
    )
    assert both.counts["new"] == 0 and count_segment(room, "list:four")["selected"] == 1
    # Who says stop by an old link says it for both.
    with room.store.write() as tx:
        suppression.add(
            tx,
            room.address_hash("a.nowak@example.com"),
            scope=ALL,
            reason=Reason.OPT_OUT,
            actor="journalist",
            evidence={},
        )
    assert count_segment(room, "list:one")["suppressed"] == 1
    assert people.show(room, "ada@example.com")["messages"][0]["state"] == "suppressed"
    assert bring(room, "five", "ada@example.com,,,,,opt_in,form,").counts["suppressed"] == 1
    with pytest.raises(Refused, match="merged already"):
        people.merge(room, ["ada@example.com", "a.nowak@example.com"], "anna")


def test_one_person_is_erased_and_undone_as_one(room: Newsroom) -> None:
    """E11, E12: an export has both addresses, an erasure takes both; an import that brought both
    and is undone leaves who was merged known, on no list."""
    one = bring(room, "one", "a@example.com,A,B,,,opt_in,form,", "b@example.com,A,B,,,opt_in,form,")
    people.merge(room, ["a@example.com", "b@example.com"], "anna")
    text = "".join(subject_export(room, "b@example.com", "anna"))
    assert "profile (merged with a@example.com)" in json.loads(text)["held"]
    undo_import(room, one.number, "anna")
    assert people.show(room, "b@example.com")["lists"] == []
    again = bring(room, "two", "b@example.com,,,,,opt_in,form,")
    assert again.counts["new"] == 0 and count_segment(room, "list:two")["recipients"] == 1
    subject_erase(room, "a@example.com", "anna")
    with room.store.read() as tx:
        assert tx.rows("SELECT count(*) AS n FROM addresses", {})[0]["n"] == 0
    back = bring(room, "two", "a@example.com,,,,,opt_in,f,", "b@example.com,,,,,opt_in,f,")
    assert back.counts["suppressed"] == 2


def test_suppressions_of_either_hold_for_both(room: Newsroom) -> None:
    """Whichever stays (F11); one address, or one nobody has, is refused and nothing is done."""
    bring(room, "one", "a@example.com,A,B,,,opt_in,form,", "b@example.com,A,B,,,opt_in,form,")
    suppressions.add(room, ["b@example.com"], "anna")
    with pytest.raises(UsageError):
        people.merge(room, ["a@example.com", "A@example.com"], "anna")
    with pytest.raises(NotFound):
        people.merge(room, ["a@example.com", "b@example.com", "c@example.com"], "anna")
    assert count_segment(room, "list:one")["recipients"] == 1
    people.merge(room, ["a@example.com", "b@example.com"], "anna")
    assert count_segment(room, "list:one")["recipients"] == 0


def test_a_doubt_about_either_holds_both(room: Newsroom) -> None:
    """Merging settles no doubt: whoever was not to be selected is not as the other either (E9)."""
    bring(room, "one", "a@example.com,A,B,,,opt_in,form,", "b@example.com,A,B,,,bought,form,")
    people.merge(room, ["a@example.com", "b@example.com"], "anna")
    facts = people.show(room, "a@example.com")
    assert (facts["state"], facts["hold"]) == ("on_hold", "the basis is “bought”")
    assert count_segment(room, "list:one")["recipients"] == 0


def test_a_hold_is_cleared_an_opt_out_never(room: Newsroom) -> None:
    """E9: an officer's decision is history; with somebody who said stop nobody is cleared."""
    bring(room, "one", "a@example.com,A,B,,,bought,form,", "b@example.com,B,C,,,bought,form,")
    with room.store.write() as tx:
        suppression.add(
            tx,
            room.address_hash("b@example.com"),
            scope=ALL,
            reason=Reason.OPT_OUT,
            actor="journalist",
            evidence={},
        )
    with pytest.raises(Refused, match="must not be contacted"):
        people.clear(room, ["a@example.com", "b@example.com"], "anna")
    assert count_segment(room, "list:one")["on_hold"] == 1
    done = people.clear(room, ["a@example.com"], "anna", reason="he wrote himself")
    assert done == {"cleared": ["a@example.com"], "not_on_hold": []}
    assert people.clear(room, ["a@example.com"], "anna")["not_on_hold"] == ["a@example.com"]
    line = people.show(room, "a@example.com")["history"][0]
    assert (line["what"], line["by"], line["data"]["reason"]) == (
        "hold_cleared", "anna", "he wrote himself",
    )  # fmt: skip
    assert count_segment(room, "list:one")["recipients"] == 1


def test_who_stopped_press_mail_is_not_cleared(room: Newsroom) -> None:
    """Topics that he asked for do not take back that he said stop to the rest (E12, F13)."""
    bring(room, "one", "a@example.com,A,B,,,bought,form,")
    with room.store.write() as tx:
        hash = room.address_hash("a@example.com")
        how = {"reason": Reason.OPT_OUT, "actor": "journalist", "evidence": {}}
        suppression.add(tx, hash, scope=OFFICE, **how)
    with pytest.raises(Refused, match="must not be contacted"):
        people.clear(room, ["a@example.com"], "anna")


def test_a_cleared_doubt_holds_nobody_again(room: Newsroom) -> None:
    """What an officer decided stands through the same file again, with its words but for the basis
    that was in doubt; another doubt holds (E9)."""
    bring(room, "one", "a@example.com,A,B,,,bought,form,")
    people.clear(room, ["a@example.com"], "anna")
    bring(room, "two", "a@example.com,A,B,,,opt_in,card,")
    again = bring(room, "one", "a@example.com,A,B,Daily,,bought,form,")
    assert (again.counts["on_hold"], again.counts["changed"]) == (0, 1)
    facts = people.show(room, "a@example.com")
    assert (facts["state"], facts["outlet"]) == ("active", "Daily")
    assert (facts["consent_basis"], facts["source"]) == ("opt_in", "card")
    other = bring(room, "one", "a@example.com,A,B,,,,form,")
    assert other.counts["on_hold"] == 1
    assert people.show(room, "a@example.com")["state"] == "on_hold"
    # What was decided of the first doubt settles nothing of the second.
    bring(room, "one", "a@example.com,A,B,Daily,,bought,form,")
    assert people.show(room, "a@example.com")["state"] == "on_hold"


def test_a_new_wish_in_the_notes_is_looked_at(room: Newsroom) -> None:
    """Only the same notes are cleared, not what is written there next (E9, E12)."""
    head = "email,consent_basis,source,notes\n"
    path = room.config.home / "one.csv"

    def again(notes: str) -> str:
        path.write_text(f"{head}a@example.com,opt_in,form,{notes}\n", "utf-8")
        import_file(room, path, actor="anna")
        return str(people.show(room, "a@example.com")["state"])

    assert again("wife of the do not mail officer") == "on_hold"
    people.clear(room, ["a@example.com"], "anna")
    assert again("wife of the do not mail officer") == "active"
    assert again("do not mail him any more") == "on_hold"


def test_from_where(room: Newsroom) -> None:
    """E7: by list and import the file's own words, who and when; the export has them too."""
    bring(room, "one", "a@example.com,Ada,Nowak,,,opt_in,web form,")
    bring(room, "two", "a@example.com,,,,,public_contact,masthead,", "s@example.com,,,,,opt_in,f,")
    suppressions.add(room, ["s@example.com"], "anna")
    told = [
        (each["list"], each["source"], each["consent_basis"], each["file"], each["by"])
        for each in people.show(room, "a@example.com")["provenance"]
    ]
    assert told == [
        ("one", "web form", "opt_in", "one.csv", "anna"),
        ("two", "masthead", "public_contact", "two.csv", "anna"),
    ]
    header, *rows = people.export_provenance(room, "two")
    assert header == list(people.PROVENANCE_COLUMNS)
    assert [(row[0], row[5], row[7], row[9]) for row in rows] == [
        ("a@example.com", "masthead", "public_contact", "two.csv")
    ]
    with pytest.raises(NotFound, match="no journalist"):
        people.show(room, "z@example.com")


def test_proposed_and_never_merged(room: Newsroom) -> None:
    """The same name and outlet, name and telephone, and varieties of an address, in one group where
    they hang together."""
    bring(
        room,
        "one",
        "j.muller@gmail.com,Jörg,Müller,Daily X,,opt_in,form,",
        "jmuller+press@gmial.com,,,,,opt_in,form,",
        "joerg@dailyx.example,MULLER,Jorg,daily x,,opt_in,form,",
        "x@example.com,Jörg,Müller,Other,+49 30 1234567,opt_in,form,",
        "y@example.org,Jorg,Müller,,0049 (0)30 123 45 67,opt_in,form,",
        "news@example.com,,Newsroom,Daily X,,opt_in,form,",
        "desk@example.com,,Newsroom,Daily X,,opt_in,form,",
    )
    bring(room, "two", "y@example.org,,,,,opt_in,form,")
    found: dict[int, list[str]] = {}
    for row in duplicates.ls(room):
        found.setdefault(row["group"], []).append(row["email"].partition("@")[0])
    assert list(found.values()) == [["j.muller", "jmuller+press", "joerg"], ["x", "y"]]
    assert [row["email"] for row in duplicates.ls(room, "two")] == [
        "x@example.com", "y@example.org",
    ]  # fmt: skip
    assert count_segment(room, "list:one")["recipients"] == 7


NAMES = st.text(st.characters(categories=("L",)), min_size=1, max_size=8)


@given(NAMES, NAMES, NAMES, st.from_regex(r"[a-z]{2,6}\.[a-z]{2,6}", fullmatch=True))
def test_varieties_share_a_key(first: str, last: str, outlet: str, local: str) -> None:
    """Case, order, dots and plus tags, and two letters that changed places, hide nobody."""

    def keys(first: str, last: str, outlet: str, email: str) -> set[tuple[str, str]]:
        facts = {"first_name": first, "last_name": last, "outlet": outlet, "email": email}
        return set(pairs.keys(**facts, phone=""))

    one = keys(first, last, outlet, f"{local}@dailyx.example")
    assert one & keys(last, first, outlet, "other@example.org") or not pairs.folded_name(
        first, last
    )
    tagged = f"{local.replace('.', '')}+press@dialyx.example"
    assert (pairs.ADDRESS, pairs.folded_address(tagged)) in one
    assert pairs.folded_address(f"{local}@gmial.com") == pairs.folded_address(f"{local}@gmail.com")


def test_no_quadratic_work() -> None:
    """A hundred thousand people of whom each has a namesake elsewhere, and a role that a thousand
    share, take seconds, and ten times as many ten times that."""

    def crowd(count: int) -> Iterator[dict[str, Any]]:
        for n in range(count):
            yield {
                "id": n + 1,
                "email": f"j{n}@example.com",
                "first_name": "Editor" if n < count // 100 else "Ada",
                "last_name": "Desk" if n < count // 100 else f"Nowak{n // 2}",
                "outlet": "Daily",
                "phone": "",
            }

    took = []
    for count in (10_000, 100_000):
        began = time.process_time()
        groups = duplicates.find(crowd(count), lambda _: True)  # type: ignore[arg-type]
        took.append(time.process_time() - began)
        assert len(groups) == 1 + (count - count // 100) // 2
    assert took[1] < 30 * took[0] + 1, took


def test_informed_once(store_url: str, tmp_path: Path) -> None:
    """E9: the first message that is accepted says what is kept of him and what he may ask; the
    next does not, the history of the person says when he was told, and the template is one."""
    with Capture() as server, Press(tmp_path / "room", store_url, port=server.port) as press:
        press.people("brussels", ["b1@example.com", "b2@example.net"])
        press.queue("list:brussels")
        assert people.show(press.room, "b1@example.com")["informed_at"] is None
        press.run()
        first = [parsed(data) for _, data in server.got]
        assert len(first) == 2 and all("complain to a data protection" in text for text in first)
        assert all("because you agreed to it (GDPR art. 6(1)(a))" in text for text in first)
        # As if the second had been refused: then he is not informed.
        with press.room.store.write() as tx:
            tx.execute("UPDATE deliveries SET state = 4 WHERE journalist = 2", {})
        press.queue("list:brussels")
        press.run()
        later = {who: parsed(data) for who, data in server.got[2:]}
        told = {who: "complain to a data protection" in text for who, text in later.items()}
        assert list(told.values()).count(True) == 1
        facts = people.show(press.room, "b1@example.com")
        assert facts["informed_at"] is not None
        assert facts["informed_by"] in [each["delivery"] for each in facts["messages"]]
        assert press.rows("SELECT count(DISTINCT compiled) AS n FROM distributions") == [(1,)]
        header, *rows = people.export_provenance(press.room, "brussels")
        assert all(row[header.index("informed_at")] for row in rows)


def parsed(data: bytes) -> str:
    """The plain text of a message, in one line."""
    part = message_from_bytes(data, policy=policy.default).get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())
