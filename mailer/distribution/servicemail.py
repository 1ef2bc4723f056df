"""Mails of the program itself: the short-lived links that a person asked for a moment ago.

They wait in the store with their link (`store/fresh.py`) and are sent by the process that serves
the pages, through the service that [service_mail] names, else through the one that serves the
recipient's domain. The gates of a distribution do not apply: whoever said stop may still ask what
is held of him. That nothing leaves while `live = false` applies all the same (decision 13).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.utils import parseaddr

from mailer.clock import SECOND
from mailer.config import RouteConfig
from mailer.distribution.context import Newsroom
from mailer.distribution.enrolment import endpoint_of
from mailer.distribution.safety import recipient_refusal, route_refusal
from mailer.distribution.tongues import Words
from mailer.message.letter import letter
from mailer.message.model import Sender
from mailer.message.tokens import DATA, JOIN, MOVE, Fresh, mint_fresh
from mailer.smtp.client import Connection
from mailer.smtp.model import Outcome, Outgoing, Session, SmtpFailure
from mailer.smtp.routes import pick
from mailer.store import fresh
from mailer.store.base import Row

LINK_PATH = "/f/"
"""What the path of a short-lived link begins with."""

_AT_ONCE = 20
_LEASE = 300 * SECOND
"""Microseconds after which a mail that its process took and never told of is tried again."""

_AGAIN = (10, 60, 300, 900)
"""Seconds to the next try after a refusal for now; the last repeats until the link expires."""

_SUBJECTS = {DATA: "mail_link", MOVE: "mail_change", JOIN: "mail_join"}


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one mail ended: `state` is sent, failed, or "" for another try."""

    state: str
    reply: str


def is_due(room: Newsroom) -> bool:
    """Whether there is anything for `send_due`; a look into an index. Raises StoreUnavailable."""
    with room.store.read() as tx:
        return fresh.is_due(tx)


async def send_due(room: Newsroom) -> int:
    """Send what waits, record how it ended, forget what has expired; how many were sent.

    Safe in several processes at once. Raises StoreUnavailable.
    """
    rows = await asyncio.to_thread(_take, room)
    by_route: dict[str, list[tuple[Row, Outgoing]]] = {}
    ends: dict[int, _Ended] = {}
    for row in rows:
        mail = await asyncio.to_thread(_outgoing, room, row)
        if mail is None:
            ends[row["id"]] = _Ended("failed", "nobody has that address any more")
            continue
        route = _route(room, mail.rcpt_to)
        if route is None:
            ends[row["id"]] = _Ended("", "no mail service serves that domain")
            continue
        by_route.setdefault(route.name, []).append((row, mail))
    for mails in by_route.values():
        route = _route(room, mails[0][1].rcpt_to)
        assert route is not None
        ends |= await _deliver(room, route, [mail for _, mail in mails])
    await asyncio.to_thread(_record, room, rows, ends)
    return sum(end.state == "sent" for end in ends.values())


class _Few:
    """A source of a few mails that tells when all have ended."""

    def __init__(self, mails: Sequence[Outgoing]) -> None:
        self._waiting = list(mails)
        self._left = len(mails)
        self.outcomes: dict[int, Outcome] = {}
        self.done = asyncio.Event()

    def next(self) -> Outgoing | None:
        return self._waiting.pop(0) if self._waiting else None

    def dotting(self, item: Outgoing) -> bool:
        return True

    def outcome(self, item: Outgoing, outcome: Outcome) -> None:
        self.outcomes[item.delivery] = outcome
        self._left -= 1
        if not self._left:
            self.done.set()


def _take(room: Newsroom) -> list[Row]:
    with room.store.write() as tx:
        fresh.forget(tx)
        return fresh.take(tx, most=_AT_ONCE, until=tx.now() + _LEASE)


def _route(room: Newsroom, email: str) -> RouteConfig | None:
    own = room.config.service_mail
    if own is not None and own.route is not None:
        return own.route
    return pick(room.config.routes, email.rpartition("@")[2])


def _outgoing(room: Newsroom, row: Row) -> Outgoing | None:
    email = row["email"]
    if not email and row["journalist"] is not None:
        with room.store.read() as tx:
            found = fresh.address(tx, row["journalist"])
        email = found["email"] if found else ""
    if not email:
        return None
    words = Words(row["language"])
    newsroom = room.sender.name
    kind = _SUBJECTS[row["purpose"]]
    titles = words.listed(json.loads(row["data"]).get("titles", []))
    token = mint_fresh(room.keys, Fresh(row["purpose"], row["id"], row["expires_at"] // SECOND))
    own = room.config.service_mail
    sender = room.sender if own is None or not own.sender else _from(room, own.sender)
    now = room.clock.now()
    domain = parseaddr(sender.sender)[1].rpartition("@")[2]
    template = letter(
        sender,
        to=email,
        subject=words(f"{kind}_subject", newsroom=newsroom),
        paragraphs=[
            words(f"{kind}_text", newsroom=newsroom, topics=titles),
            f"{room.sender.public_url}{LINK_PATH}{token}",
            words("mail_ignore"),
        ],
        language=words.language,
        # Each try is the same mail, so that a server that has it knows it again.
        message_id=f"service-{row['id']}.{room.sender.ledger_id}@{domain}",
        date=now,
    )
    chunks = template.merge({})
    if room.config.dkim is not None:
        from mailer.message.dkim import Signer, SigningKey

        keys = [
            SigningKey(room.config.dkim.domain, key.selector, key.key)
            for key in room.config.dkim.keys
        ]
        chunks = [Signer(template, keys, bulk=False).sign(chunks, now).header, *chunks]
    return Outgoing(
        delivery=row["id"],
        mail_from=room.config.newsroom.bounce_address,
        rcpt_to=email,
        chunks=chunks,
        size=sum(map(len, chunks)),
        smtputf8=not email.isascii(),
    )


def _from(room: Newsroom, mailbox: str) -> Sender:
    return replace(room.sender, sender=mailbox)


async def _deliver(
    room: Newsroom, route: RouteConfig, mails: Sequence[Outgoing]
) -> dict[int, _Ended]:
    try:
        connection = await Connection.open(endpoint_of(room, route))
    except SmtpFailure as failure:
        return {mail.delivery: _Ended("", str(failure.reply)) for mail in mails}
    refused = _refused(room, connection.session, mails)
    few = _Few([mail for mail in mails if mail.delivery not in refused])
    if len(refused) < len(mails):
        running = asyncio.create_task(connection.run(few))
        waiting = asyncio.create_task(few.done.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        await connection.close()
        waiting.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
    else:
        await connection.close()
    ends = {number: _Ended("", reason) for number, reason in refused.items()}
    for mail in mails:
        if mail.delivery in refused:
            continue
        outcome = few.outcomes.get(mail.delivery)
        if outcome is None:
            ends[mail.delivery] = _Ended("", "the connection was lost")
            continue
        code = outcome.reply.code
        state = "sent" if 200 <= code < 300 else "failed" if code >= 500 else ""
        ends[mail.delivery] = _Ended(state, str(outcome.reply))
    return ends


def _refused(room: Newsroom, session: Session, mails: Sequence[Outgoing]) -> dict[int, str]:
    live = room.config.live
    whole = route_refusal(session, live=live)
    reasons = {
        mail.delivery: whole or recipient_refusal(session, mail.rcpt_to, live=live)
        for mail in mails
    }
    return {number: reason for number, reason in reasons.items() if reason}


def _record(room: Newsroom, rows: Sequence[Row], ends: dict[int, _Ended]) -> None:
    if not rows:
        return
    with room.store.write() as tx:
        for row in rows:
            end = ends.get(row["id"], _Ended("", "not tried"))
            if end.state:
                fresh.ended(tx, row["id"], end.state, end.reply)
            else:
                wait = _AGAIN[min(row["attempts"], len(_AGAIN)) - 1] * SECOND
                fresh.again(tx, row["id"], tx.now() + wait, end.reply)
