"""What a proven address may do: see what is held of it, have a copy, move, be erased, join topics.

A link in a message is forwarded with the message, so it only lets one choose. For all else a link
goes to the address itself: for half an hour, for one act (F7, design decision 9). Whoever asks gets
the same answer, whatever is known here. A sign-up counts once it is confirmed by such a link, with
the words that were shown (GDPR art. 7); unconfirmed ones are forgotten after a week.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailer.audience.address import AddressError, normalise
from mailer.clock import SECOND, to_datetime
from mailer.distribution import subjects
from mailer.distribution.context import Newsroom, address_hash
from mailer.distribution.tongues import Words
from mailer.errors import NotFound, Refused
from mailer.message.tokens import DATA, JOIN, MOVE, Fresh, Token, read_fresh
from mailer.store import audience, fresh, suppression
from mailer.store.base import Tx
from mailer.store.core import add_event
from mailer.store.fresh import Link
from mailer.store.people import staying
from mailer.store.suppression import ALL, OFFICE, Reason, list_scope

__all__ = ["DATA", "JOIN", "MOVE", "Fresh"]

SHORT = 30 * 60 * SECOND
"""How long (µs) a link to one's data, or to a new address, works."""

WEEK = 7 * 86_400 * SECOND
"""How long a sign-up waits to be confirmed, and is kept."""

MOST_AN_HOUR = 3
"""Links that one address is sent in an hour at most."""

_OWN = (Reason.OPT_OUT, Reason.OBJECTION, Reason.ERASED)
"""Why somebody gets nothing, where signing up himself takes it back (F13). A complaint, a dead
mailbox and an officer's word do not end by a form that anybody can fill in."""

_ACTOR = "journalist:fresh-link"


@dataclass(frozen=True, slots=True)
class Topic:
    """A list that anybody may join."""

    id: int
    title: str


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a person, in short: the address he has proven to be his, his name, where all
    that came from, on what basis, since when, and the topics he signed up to."""

    email: str
    name: str
    outlet: str
    source: str
    source_date: str
    basis: str
    since: int
    topics: tuple[str, ...]
    language: str


def read(room: Newsroom, text: str) -> Fresh | None:
    """What a short-lived link stands for, whether it still works or not; None when it is none of
    ours."""
    return read_fresh(room.keys, text)


def ask_for_data(room: Newsroom, token: Token, words: Words) -> None:
    """Have a link to his data mailed to whoever a message's link belongs to, if his address is held
    and was not sent too many. Raises StoreUnavailable."""
    with room.store.write() as tx:
        person = staying(tx, token.journalist)
        row = fresh.address(tx, person)
        if row is None or _too_many(tx, bytes(row["hash"])):
            return
        fresh.add(
            tx,
            DATA,
            hash=bytes(row["hash"]),
            journalist=person,
            language=words.language,
            expires_at=tx.now() + SHORT,
        )
        _tell(tx, "fresh_link", person, {"delivery": token.delivery})


def held(room: Newsroom, asked: Fresh) -> Held | None:
    """What is held of the link's person; None for a link that no longer works."""
    with room.store.read() as tx:
        link = _working(tx, asked, DATA)
        row = fresh.held(tx, link.journalist) if link and link.journalist else None
        if link is None or link.journalist is None or row is None:
            return None
        topics = fresh.topics_of(tx, link.journalist)
    return Held(
        email=row["email"],
        name=f"{row['first_name']} {row['last_name']}".strip(),
        outlet=row["outlet"],
        source=row["source"],
        source_date=row["source_date"],
        basis=row["consent_basis"],
        since=row["created_at"],
        topics=tuple(each["title"] for each in topics),
        language=link.language,
    )


def copy(room: Newsroom, asked: Fresh) -> str | None:
    """Everything held of the link's person as one JSON document (GDPR art. 15, 20); None for a link
    that no longer works. Reading does not use the link up."""
    with room.store.read() as tx:
        link = _working(tx, asked, DATA)
    if link is None or link.journalist is None:
        return None
    try:
        return "".join(subjects.subject_export(room, link.journalist, _ACTOR))
    except NotFound:
        return None


def ask_to_move(room: Newsroom, asked: Fresh, email: str, words: Words) -> bool | None:
    """Have a new address confirmed by a link sent there; it uses this link up.

    None for a link that no longer works, False for what is no address: nothing was done.
    """
    wanted = _address(email)
    with room.store.write() as tx:
        link = _working(tx, asked, DATA)
        row = fresh.address(tx, link.journalist) if link and link.journalist else None
        if link is None or row is None:
            return None
        if wanted is None:
            return False
        hash = address_hash(room.suppression_key, wanted)
        fresh.use(tx, link.id)
        if not _too_many(tx, hash) and hash != bytes(row["hash"]) and not _refuses(tx, hash):
            fresh.add(
                tx,
                MOVE,
                hash=hash,
                email=wanted,
                journalist=link.journalist,
                language=words.language,
                expires_at=tx.now() + SHORT,
                data={"from": bytes(row["hash"]).hex()},
            )
    return True


def link_language(room: Newsroom, asked: Fresh) -> str | None:
    """The language of a link that still works; None for one that does not."""
    with room.store.read() as tx:
        link = _working(tx, asked, asked.purpose)
    return link.language if link else None


def move(room: Newsroom, asked: Fresh) -> bool:
    """Write to the confirmed address from now on; False for a link that no longer works."""
    with room.store.write() as tx:
        link = _working(tx, asked, MOVE)
        row = fresh.address(tx, link.journalist) if link and link.journalist else None
        if link is None or link.journalist is None or row is None:
            return False
        fresh.use(tx, link.id)
        if bytes(row["hash"]).hex() != link.data["from"]:
            return False  # the address on file has changed since he asked
        evidence = {"method": "fresh-link"}
        target = fresh.move(tx, link.journalist, link.email, link.hash, _ACTOR, evidence)
        data = {} if target == link.journalist else {"goes_on_as": target}
        _tell(tx, "address_changed", link.journalist, data)
    return True


def erase(room: Newsroom, asked: Fresh) -> bool:
    """Erase the link's person; False for a link that no longer works. The link goes with him, and
    works as long as it did not come to that."""
    with room.store.read() as tx:
        link = _working(tx, asked, DATA)
    if link is None or link.journalist is None:
        return False
    try:
        subjects.subject_erase(room, link.journalist, _ACTOR)
    except NotFound:
        return False  # by a second click
    with room.store.write() as tx:
        fresh.drop_of(tx, link.journalist)
    return True


def topics(room: Newsroom) -> list[Topic]:
    """The topics that anybody may sign up to."""
    with room.store.read() as tx:
        return [Topic(row["id"], row["title"]) for row in fresh.open_topics(tx)]


def set_open(room: Newsroom, name: str, actor: str, *, open: bool) -> bool:
    """Let anybody sign up to a list of kind topic, or no more; True when that changes anything.

    Raises NotFound, and Refused for a list of another kind.
    """
    from mailer.audience.text import fold

    with room.store.write() as tx:
        row = audience.lists_by_name(tx).get(fold(name))
        if row is None:
            raise NotFound(f'there is no list "{name}".', hint="`mailer lists ls` shows the lists.")
        if row["kind"] != "topic":
            raise Refused(
                f'"{row["name"]}" is a list of kind {row["kind"]}, which journalists never chose.',
                hint="Only lists of kind topic are open for sign-up: lists import --kind topic.",
            )
        changed = fresh.set_open(tx, row["id"], open)
        if changed:
            data = {"list": row["name"]}
            add_event(tx, "list_opened" if open else "list_closed", actor, data=data)
    return changed


def ask_to_join(
    room: Newsroom, email: str, wanted: Sequence[int], agreed: str, words: Words
) -> bool:
    """Have a sign-up confirmed by a link sent to the address. `agreed` are the words shown beside
    the button. False for what is no address; otherwise True, whatever is known of it (F13)."""
    address = _address(email)
    if address is None:
        return False
    hash = address_hash(room.suppression_key, address)
    with room.store.write() as tx:
        chosen = [row for row in fresh.open_topics(tx) if row["id"] in set(wanted)]
        if not chosen or _too_many(tx, hash) or _refuses(tx, hash):
            return True
        fresh.add(
            tx,
            JOIN,
            hash=hash,
            email=address,
            language=words.language,
            expires_at=tx.now() + WEEK,
            data={
                "lists": [row["id"] for row in chosen],
                "titles": [row["title"] for row in chosen],
                "words": agreed,
            },
        )
    return True


def asked_topics(room: Newsroom, asked: Fresh) -> tuple[str, list[str]] | None:
    """Language and topics of a sign-up that waits to be confirmed; None for none."""
    with room.store.read() as tx:
        link = _working(tx, asked, JOIN)
    return (link.language, list(link.data["titles"])) if link else None


def join(room: Newsroom, asked: Fresh) -> bool:
    """Confirm a sign-up: a member from now on, with a record of what was agreed to (GDPR art. 7);
    False for a link that no longer works.

    Who had stopped all press mail gets these topics and nothing else (F13).
    """
    with room.store.write() as tx:
        link = _working(tx, asked, JOIN)
        if link is None or not fresh.use(tx, link.id):
            return False
        if _refuses(tx, link.hash):
            return False
        still_open = {row["id"] for row in fresh.open_topics(tx)}
        chosen = [number for number in link.data["lists"] if number in still_open]
        if not chosen:
            return False
        person = fresh.person_for(
            tx,
            link.hash,
            link.email,
            language=link.language,
            zone=room.config.newsroom.timezone,
            source=f"{room.sender.public_url}/subscribe",
            day=to_datetime(tx.now()).date().isoformat(),
        )
        _take_back(tx, link, chosen)
        for number in chosen:
            fresh.join(tx, number, person)
        data = {
            "lists": chosen,
            "titles": link.data["titles"],
            "words": link.data["words"],
            "language": link.language,
            "asked_at": link.created_at,
        }
        _tell(tx, "consent", person, data)
    return True


def _take_back(tx: Tx, link: Link, chosen: Sequence[int]) -> None:
    """Let a person's own stop give way to what he just asked for."""
    scopes = {list_scope(number) for number in chosen}
    evidence = {"method": "sign-up"}
    for each in suppression.find(tx, link.hash):
        if each.scope == ALL:
            suppression.remove(tx, link.hash, scope=ALL, actor=_ACTOR, evidence=evidence)
            suppression.add(
                tx,
                link.hash,
                scope=OFFICE,
                reason=each.reason,
                actor=_ACTOR,
                evidence=evidence,
                at=each.created_at,
            )
        elif each.scope in scopes:
            suppression.remove(tx, link.hash, scope=each.scope, actor=_ACTOR, evidence=evidence)


def _refuses(tx: Tx, hash: bytes) -> bool:
    """Whether something stands against mail to an address that its owner cannot take back here."""
    return any(each.reason not in _OWN for each in suppression.find(tx, hash))


def _too_many(tx: Tx, hash: bytes) -> bool:
    return fresh.recent(tx, hash) >= MOST_AN_HOUR


def _working(tx: Tx, asked: Fresh, purpose: str) -> Link | None:
    """The link's row. Its end must be the one in the token: a ledger put back from a backup gives
    numbers a second time, and an older link must not open what is another person's now."""
    link = fresh.find(tx, asked.link, purpose) if asked.purpose == purpose else None
    if link is None or link.expires_at // SECOND != asked.expires:
        return None
    return replace(link, journalist=link.journalist and staying(tx, link.journalist))


def _address(text: str) -> str | None:
    try:
        return normalise(text.strip()).email if len(text) <= 254 else None
    except AddressError:
        return None


def _tell(tx: Tx, kind: str, journalist: int, data: dict[str, Any]) -> None:
    add_event(tx, kind, _ACTOR, journalist=journalist, data=data)
