"""`mailer status`, `log` and `show`: reading the ledger."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli.base import FORMAT, Commands, current, existing, say
from mailer.cli.output import Column, document, emit, ended, line

if TYPE_CHECKING:
    from mailer.distribution.context import Newsroom


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("status", status)
    app.add("log", log)
    app.add("show", show)


def status(
    distribution: Annotated[
        int | None,
        typer.Argument(
            metavar="DISTRIBUTION", help="One distribution, in detail.", callback=existing
        ),
    ] = None,
) -> None:
    """What is due, what needs a decision, and where each distribution stands."""
    from mailer.distribution import log as ledger

    with current().newsroom() as room:
        if distribution is not None:
            found = ledger.status_of(room, distribution)
            document(found) if current().json else _one(found)
            return
        stands = ledger.status(room)
    if current().json:
        document(
            {
                "distributions": stands.distributions,
                "next_due": stands.next_due,
                "decisions": stands.decisions,
                "notes": stands.notes,
            }
        )
        return
    for sentence in stands.decisions:
        line(sentence, begin="waiting")
    for sentence in stands.notes:
        line(sentence, begin="resting")
    if stands.decisions or stands.notes:
        line()
    columns = [
        Column("distribution", "NO", number=True),
        Column("release", "RELEASE", weight=3, least=10),
        Column("state", "STATE", state=True),
        Column("due_at", "DUE"),
        Column("recipients", "PEOPLE", number=True),
        Column("accepted", "ACCEPTED", number=True),
        Column("open", "OPEN", number=True),
        Column("failed", "FAILED", number=True),
    ]
    rows = [_with_counts(row) for row in stands.distributions]
    emit(rows, columns, empty="Nothing is queued yet: mailer queue RELEASE --to SEGMENT")
    if stands.next_due:
        say(f"Next due: {_minute(stands.next_due)}.")


def log(
    distribution: Annotated[
        int | None,
        typer.Argument(metavar="DISTRIBUTION", help="Only this distribution.", callback=existing),
    ] = None,
    email: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only this address.")] = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Only this state (accepted, deferred, bounced …)."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only what was touched since (ISO 8601).")
    ] = None,
    format: FORMAT = "table",
) -> None:
    """One row for each delivery: what was sent to whom, and what the mail server said.

    With --email also why the person was left out of a distribution that selected him.
    """
    from mailer.cli.delivery import tell_log
    from mailer.distribution import instants
    from mailer.distribution import log as ledger
    from mailer.distribution.accountability import watched

    form = current().format(format)
    columns = [
        Column("delivery", "DELIVERY"),
        Column("email", "ADDRESS", weight=3, least=16),
        Column("state", "STATE", state=True),
        Column("last_attempt", "LAST ATTEMPT"),
        Column("answer", "ANSWER", weight=2, least=12),
    ]
    with current().newsroom() as room:
        found = ledger.log(
            room,
            distribution=distribution,
            email=email,
            state=state,
            since=None if since is None else instants.since(room, since),
        )
        found = watched(room, found, current().actor, "log")
        with ended(found):
            if form == "table" and email is not None:
                tell_log(found, room.config.newsroom.timezone, _nothing(room, email))
                return
            rows: Iterable[Mapping[str, Any]] = found
            if form == "table":
                rows = map(_answered, found)
            else:
                columns = [Column(name, name) for name in ledger.LOG_COLUMNS]
            emit(rows, columns, form, empty=_nothing(room, email))


def _nothing(room: Newsroom, email: str | None) -> str:
    from mailer.distribution import log as ledger

    if email is None:
        return "No delivery is like that."
    if ledger.is_known(room, email):
        return f"No delivery is like that: no audience selected {email}, or not in that state."
    return f"Nobody in the store has the address {email}."


def show(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `mailer log` names it.")],
    eml: Annotated[bool, typer.Option("--eml", help="Write the very bytes sent.")] = False,
    attempt: Annotated[
        int | None, typer.Option(metavar="N", help="With --eml: of this attempt, else the last.")
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Also the Message-ID and the SHA-256 of what was sent."),
    ] = False,
) -> None:
    """One delivery: every attempt, the server's words, and its history."""
    from mailer.cli.delivery import tell_delivery
    from mailer.distribution import log as ledger

    if eml:
        _eml(delivery, attempt)
        return
    if attempt is not None:
        raise typer.BadParameter("it goes with --eml", param_hint="--attempt")
    with current().newsroom() as room:
        found = ledger.show(room, delivery)
    if current().json:
        document(found)
        return
    tell_delivery(found, room.config.newsroom.timezone, verbose=verbose)


def _eml(delivery: str, attempt: int | None) -> None:
    from mailer.distribution.sent import as_sent

    with current().newsroom() as room:
        sent = as_sent(room, delivery, attempt)
    if current().json:
        encoded = base64.b64encode(sent.data).decode("ascii")
        document({"attempt": sent.attempt, "sha256": sent.sha256, "eml_base64": encoded})
        return
    sys.stdout.buffer.write(sent.data)
    sys.stdout.buffer.flush()


def _one(found: Mapping[str, Any]) -> None:
    line(f"distribution {found['distribution']}: {found['headline']}", begin=found["state"])
    for sentence in found["decisions"]:
        line(sentence, begin="waiting")
    for sentence in found["notes"]:
        line(sentence, begin="deferred")
    for key in ("reason", "due_at", "zone", "embargo_until", "recipients", "actor", "finished_at"):
        if found[key] not in (None, ""):
            line(f"{key.replace('_', ' '):<13} {found[key]}")
    for word, count in found["counts"].items():
        line(f"{count:,}", begin=word)
    for why, count in found["skipped_for"].items():
        line(f"skipped: {why} {count:,}")
    for why, count in found["left_out"].items():
        line(f"left out: {why} {count}")
    if len(found["waves"]) > 1:
        line()
        emit(
            found["waves"],
            [
                Column("wave", "WAVE", number=True),
                Column("due_at", "DUE"),
                Column("language", "LANGUAGE"),
                Column("awaits", "AWAITS"),
                Column("zone", "ZONE", weight=1),
                Column("state", "STATE", state=True),
                Column("recipients", "PEOPLE", number=True),
            ],
        )


def _with_counts(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = row["counts"]
    mark = "" if row["kind"] == "release" else f"{row['kind']}: "
    return {
        **row,
        "release": mark + row["release"],
        "due_at": _minute(row["due_at"]),
        "accepted": counts.get("accepted", 0),
        "failed": sum(counts.get(word, 0) for word in ("refused", "expired", "in_doubt")),
    }


def _answered(row: dict[str, Any]) -> dict[str, Any]:
    from mailer.cli.delivery import said

    mark = "" if row["kind"] == "release" else f"{row['kind']}: "
    return {
        **row,
        "delivery": row["delivery"] or f"(none in {row['distribution']})",
        "answer": mark + (row["reason"] or said(row)),
        "last_attempt": _minute(row["last_attempt_at"]),
    }


def _minute(moment: str | None) -> str:
    """An ISO instant short enough for a table, still with its zone."""
    return "" if moment is None else moment[:16].replace("T", " ") + "Z"
