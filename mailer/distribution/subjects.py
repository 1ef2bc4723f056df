"""What somebody may ask of what is held on him: all of it, and its end (E11, E12; ADR 36).

An export is one JSON document with everything the store and this machine's folders hold on an
address, each part with where it stands. An erasure takes out all that is personal and leaves a
keyed hash, so that no import brings him back, and the ledger's rows without a person, so that
figures stay. Its steps are short and may be repeated: whoever is killed leaves a row in the store,
and the sweep or the next call goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mailer.audience.address import as_written
from mailer.clock import SECOND
from mailer.distribution import named, remains, subscriptions
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.distribution.pace import Pace
from mailer.errors import NotFound
from mailer.store import subjects, suppression
from mailer.store.base import Tx
from mailer.store.core import add_event
from mailer.store.subjects import Subject
from mailer.store.suppression import ALL, Reason

FORMAT = 1
"""Version of the exported document."""

PATIENCE = 15.0
"""Seconds that an erasure waits for messages which a sender has in hand."""


@dataclass(slots=True)
class Erased:
    """What an erasure did. `finished` is False while a sender still has a message to him in hand:
    the sweep does the rest. `removed` counts by kind; `remains` are sentences about what cannot be
    reached from here."""

    finished: bool = False
    known: bool = True
    removed: dict[str, int] = field(default_factory=dict)
    remains: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def subject_export(room: Newsroom, who: str | int, actor: str) -> Iterator[str]:
    """Everything held on an address or a journalist as one JSON document, piece by piece (E11).

    Raises UsageError for what is no address and NotFound where nothing is held, before the first
    piece. The history keeps that it was made (E22).
    """
    _take_in(room)
    subject, email = _subject(room, who)
    with room.store.read() as tx:
        hashes = [each.hash for each in _same(tx, subject)]
        suppressed = [asdict(one) for each in hashes for one in suppression.find(tx, each)]
    found = remains.holding(room, _needles(subject, email))
    if subject.journalist is None and not suppressed and not found.any():
        raise NotFound(f"nothing is held on {email}.")
    with room.store.write() as tx:
        add_event(tx, "subject_exported", actor, journalist=subject.journalist)
    return _document(room, subject, email, suppressed, found)


def subject_erase(
    room: Newsroom, who: str | int, actor: str, *, patience: float = PATIENCE
) -> Erased:
    """Remove everything personal of an address or a journalist (E12).

    What is queued for him stops at once, by the same rule as when he opts out; what a sender has in
    hand ends normally, for which this waits up to `patience` seconds. May be repeated, also for
    somebody of whom only the hash is left. Raises UsageError for what is no address.
    """
    _take_in(room)
    subject, email = _subject(room, who)
    done = Erased(known=subject.journalist is not None)
    begun: list[tuple[Subject, int | None]] = []
    with room.store.write() as tx:
        # With whoever was found to be the same person; all of it begins at once.
        for each in _same(tx, subject):
            held = suppression.find(tx, each.hash)
            _stop(tx, each, actor)
            again = not done.known and any(one.reason == Reason.ERASED for one in held)
            begun.append((each, None if again else subjects.begin(tx, each, actor)))
    until = room.clock.monotonic() + patience
    for each, number in begun:
        while _in_hand(room, each) and room.clock.monotonic() < until:
            time.sleep(0.05)
        if _in_hand(room, each):
            done.remains.append(
                "A message to this person is just being sent. The rest goes by itself once its "
                "answer is here, while `mailer serve`, `run` or `worker` is running, or with this "
                "command again."
            )
            return done
        _carry_out(room, each, each.email or email, number, actor, done)
    done.finished = True
    return done


def go_on(room: Newsroom) -> bool:
    """Carry out what other processes left unfinished; True when there was something to do."""
    with room.store.read() as tx:
        open_ones = subjects.open_ones(tx)
    worked = remains.compact_later(room)
    for row in open_ones:
        with room.store.read() as tx:
            subject = subjects.find(tx, bytes(row["hash"]))
        if _in_hand(room, subject):
            continue
        _carry_out(room, subject, subject.email, row["id"], row["actor"], Erased())
        worked = True
    return worked


def _carry_out(
    room: Newsroom,
    subject: Subject,
    email: str | None,
    number: int | None,
    actor: str,
    done: Erased,
) -> None:
    needles = _needles(subject, email)
    counts = done.removed
    if subject.journalist is not None:
        with room.store.write() as tx:  # what a sender had in hand may have come back to be retried
            _stop(tx, subject, actor)
        for kind, step in (
            ("deliveries", subjects.clean_deliveries),
            ("events", subjects.clean_events),
        ):
            pace, after = Pace(room), 0
            while True:
                with room.store.write() as tx, pace.step(tx):
                    last, cleaned = step(tx, subject.journalist, after, pace.size)
                counts[kind] = counts.get(kind, 0) + cleaned
                if last is None:
                    break
                after = last
    with room.store.read() as tx:
        found = list(subjects.mentions(tx, needles, subject.journalist))
    for start in range(0, len(found), 100):
        with room.store.write() as tx:
            changed = subjects.replace(tx, found[start : start + 100], needles)
        counts["mentions"] = counts.get("mentions", 0) + changed
    gone = remains.clean(room, needles)
    for kind, n in gone.removed.items():
        counts[kind] = counts.get(kind, 0) + n
    with room.store.write() as tx:
        if subject.journalist is not None:
            counts["rows"] = counts.get("rows", 0) + subjects.forget_rows(tx, subject.journalist)
        counted = {kind: n for kind, n in counts.items() if n}
        if number is not None:
            subjects.finish(tx, number, subject, actor, counted)
    done.removed = counted
    if email is not None:
        left = [*gone.remains, *remains.compact(room, email)]
        done.remains += [each for each in left if each not in done.remains]


def _same(tx: Tx, subject: Subject) -> list[Subject]:
    """The person's entries: one, or several that were merged."""
    if subject.journalist is None:
        return [subject]
    return subjects.same_person(tx, subject.journalist)


def _stop(tx: Tx, subject: Subject, actor: str) -> None:
    suppression.add(tx, subject.hash, scope=ALL, reason=Reason.ERASED, actor=actor, evidence={})


def _subject(room: Newsroom, who: str | int) -> tuple[Subject, str | None]:
    """Whom it is about, and his address as it was asked for."""
    with room.store.read() as tx:
        if isinstance(who, int):
            found = subjects.of_journalist(tx, who)
            if found is None:
                raise NotFound(f"there is no journalist {who}, or only what has no name any more.")
            return found, found.email
        email = named.address(who, "the address")
        return subjects.find(tx, room.address_hash(email)), email


def _needles(subject: Subject, email: str | None) -> list[str]:
    emails = [each for each in (subject.email, email) if each]
    return list(dict.fromkeys([*emails, *map(as_written, emails), *subject.names]))


def _in_hand(room: Newsroom, subject: Subject) -> bool:
    with room.store.read() as tx:
        return subject.journalist is not None and subjects.claimed(tx, subject.journalist) > 0


def _take_in(room: Newsroom) -> None:
    """What he asked for by a link counts first."""
    if subscriptions.waiting(room):
        subscriptions.drain(room)


def _document(
    room: Newsroom,
    subject: Subject,
    email: str | None,
    suppressed: Sequence[Mapping[str, Any]],
    found: remains.Found,
) -> Iterator[str]:
    head = {
        "format": "mailer subject export",
        "version": FORMAT,
        "made_at": iso(room.clock.now()),
        "newsroom": room.config.newsroom.name,
        "postal_address": room.config.newsroom.postal_address,
        "address": email,
        "journalist": subject.journalist,
    }
    yield json.dumps(head, ensure_ascii=False, indent=2)[:-2] + ',\n  "held": {'
    separator = "\n"
    with room.store.read() as tx:
        for name, source, rows in _sections(tx, subject, email, suppressed, found):
            opened = f"{separator}    {json.dumps(name)}: {{\n"
            opened += f'      "source": {json.dumps(source)},\n      "rows": ['
            between = "\n"
            for row in rows:
                yield opened + between + "        " + json.dumps(_plain(row), ensure_ascii=False)
                opened, between = "", ",\n"
            if opened:
                continue  # nothing of that kind
            separator = ",\n"
            yield "\n      ]\n    }"
    yield "\n  }\n}\n"


def _sections(
    tx: Tx,
    subject: Subject,
    email: str | None,
    suppressed: Sequence[Mapping[str, Any]],
    found: remains.Found,
) -> Iterator[tuple[str, str, Iterator[Mapping[str, Any]]]]:
    for each in _same(tx, subject) if subject.journalist is not None else ():
        for kind, source, rows in subjects.sections(tx, each):
            other = each.journalist != subject.journalist
            name = f"{kind} (merged with {each.email})" if other else kind
            if kind != "suppressions":
                yield name, f"store: {source}", rows
    yield "suppressions", "store: suppressions", iter(suppressed)
    mentioned = subjects.mentions(tx, _needles(subject, email), subject.journalist)
    words = (
        {"table": each.table, "column": each.column, "row": each.key, "text": each.text}
        for each in mentioned
    )
    yield "mentions", "store: texts in rows of others that name him", words
    yield "files", "this machine's folders", iter(found.files)
    yield "handed_over", "store: errands, errand_parts", iter(found.errands)


def _plain(value: Any, name: str = "") -> Any:
    """A row as JSON has it: instants in ISO 8601, states in words, bytes as hexadecimal digits."""
    if isinstance(value, Mapping):
        return {key: _plain(each, key) for key, each in value.items()}
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int) and (name == "at" or name.endswith(_INSTANTS)):
        return iso(value // SECOND * SECOND) if value else None
    return value


_INSTANTS = ("_at", "_until")
