"""One delivery in words, for an officer on the telephone: `show`, and `log --email` as a table.

The first line answers "did I get it?"; what only a postmaster needs comes with --verbose. Times
are on the newsroom's clocks with UTC beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mailer.cli.output import folded, line, state
from mailer.distribution.instants import clock, clock_with_utc

_LABEL = 13


def tell_delivery(found: Mapping[str, Any], zone: str, *, verbose: bool = False) -> None:
    """Print what `distribution.log.show` found, in at most 80 columns; `zone` is an IANA name."""
    line(_standing(found, zone), begin=found["state"])
    if found["feedback"]:
        line("came back since", begin=found["feedback"])
    _row("to", found["email"] or "erased")
    mark = "" if found["kind"] == "release" else f"{found['kind']}: "
    _row("release", f"{mark}{found['release']}")
    _row("distribution", _of(found["distribution"], found["list"]))
    _row("delivery", found["delivery"])
    if found["state"] not in _REASON_FIRST:
        _row("reason", found["reason"])
    if answer := said(found):
        by = f"mail service {found['route']}" if found["route"] else "the mail server"
        _row("server said", f"{answer} ({by})")
    if found["copy"] == "past_retention":
        _row("copy", "past its retention: time, answer and SHA-256 remain")
    if verbose:
        _row("message id", found["message_id"])
        _row("queued", clock_with_utc(found["queued_at"], zone))
    if found["attempt_list"]:
        line()
        line(f"Attempts ({zone})")
    for tried in found["attempt_list"]:
        _attempt(tried, zone, verbose)
    line()
    line(f"History ({zone})")
    for event in found["events"]:
        folded(f"{clock_with_utc(event['at'], zone, name=False)}  {_happened(event)}", 2, 6)


def tell_log(rows: Iterable[Mapping[str, Any]], zone: str, empty: str) -> None:
    """Print rows of the log of one person: when, state and release, below them why or the answer.

    `empty` stands instead of no rows.
    """
    row = None
    for row in rows:
        if row["delivery"]:
            name = str(row["delivery"])
        else:
            name = f"(none in {row['distribution']})"
        mark = "" if row["kind"] == "release" else f"{row['kind']}: "
        when = clock(row["last_attempt_at"] or row["due_at"] or row["queued_at"], zone)
        shown = state(row["state"], colour=False)
        folded(f"{name:<11}  {when}  {shown:<12}  {mark}{row['release']}", 0, 13)
        for words in (row["reason"], said(row), _due(row, zone)):
            if words:
                folded(words, 13, 13)
    line(empty if row is None else f"Times are those of {zone}.")


def said(row: Mapping[str, Any]) -> str:
    """A mail server's answer in full, as it gave it; "" when there is none."""
    parts = (row["smtp_code"], row["enhanced_code"], row["smtp_reply"])
    return " ".join(str(part) for part in parts if part)


_REASON_FIRST = ("suppressed", "skipped", "cancelled")


_SKIPPED = {
    "cap": "cap: he had as many in seven days as he or the newsroom allows",
    "away": "away: he is away, by his own word",
    "paused": "paused: he wants nothing until he says so",
    "quiet": "quiet: it would have had to wait longer than `longest_wait`",
    "event": "event: it would have left only after what it invites to began",
    "no embargoes": "no embargoes: he wants nothing before it is free",
}
"""Rules' short reasons in words."""


def _standing(found: Mapping[str, Any], zone: str) -> str:
    """What goes on after the state's word in the first line."""
    tried, due = (
        clock_with_utc(found[key], zone) if found[key] else ""
        for key in ("last_attempt_at", "due_at")
    )
    reason = found["reason"] or "no reason is kept"
    sentences = {
        "accepted": f"by the mail server on {tried}",
        "refused": f"by the mail server on {tried}",
        "deferred": f"waiting to retry, next try at {due}",
        "queued": f"not tried yet, due at {due}",
        "claimed": "being sent now",
        "in_doubt": f"not certain: the server may have it, its answer was lost ({tried})",
        "expired": f"given up after {found['attempts']} attempts, the last on {tried}",
    }
    if found["state"] == "deferred" and not found["attempts"] and found["reason"]:
        return f"{reason}, due at {due}"
    if found["state"] == "skipped":
        return _SKIPPED.get(reason, reason)
    if found["state"] == "suppressed":
        return reason if reason.startswith("do not contact") else f"do not contact: {reason}"
    sentence = sentences.get(found["state"], reason)
    # Nobody tried, or nobody knows when: then it says so without a gap where the time would be.
    return sentence if tried or due else sentence.partition(" on ")[0].partition(" (")[0]


def _attempt(tried: Mapping[str, Any], zone: str, verbose: bool) -> None:
    begin = f"{tried['number']}  {clock_with_utc(tried['at'], zone, name=False)}"
    where = _PHASES.get(tried["phase"], tried["phase"])
    folded(f"{begin}  {state(tried['state'], colour=False)} by {tried['route']}", 2, 6)
    folded(f"{where}: {said(tried) or 'no answer'}", 5, 7)
    if verbose and tried["sha256"]:
        folded(f"sha256 {tried['sha256']}", 5, 7)


_PHASES = {
    "CONNECT": "connecting",
    "BANNER": "greeting",
    "EHLO": "greeting",
    "STARTTLS": "encryption",
    "AUTH": "signing in",
    "MAIL": "our address",
    "RCPT": "the journalist's address",
    "DATA": "before the message",
    "DOT": "the whole message",
    "QUIT": "leaving",
}
"""Where in the dialogue the server spoke, in words."""

_EVENTS = {
    "scheduled": "distribution planned",
    "sending": "distribution begins to send",
    "done": "distribution done",
    "paused": "distribution paused",
    "waiting": "distribution waits for an officer",
    "cancelled": "distribution cancelled",
    "killed": "distribution withdrawn",
    "reopened": "distribution opened again",
    "wave_open": "its batch begins",
    "wave_finish": "its batch is done",
    "wave_hold": "its batch waits for an officer",
    "wave_drop": "its batch is dropped",
    "wave_cancel": "its batch is cancelled",
    "claimed": "taken up to be sent",
    "given_back": "given back untried",
    "resend": "to be sent again",
    "in_doubt": "not certain",
    "deferred": "waiting to retry",
    "suppressed": "do not contact",
}


def _happened(event: Mapping[str, Any]) -> str:
    kind = event["event"]
    words = _EVENTS.get(kind, kind.replace("_", " "))
    reason = event.get("data", {}).get("reason")
    actor = str(event["actor"]).replace("worker:", "sender ")
    return f"{words}{f': {reason}' if reason else ''}, {actor}"


def _of(distribution: int, name: str | None) -> str:
    return f"{distribution}, list {name}" if name else str(distribution)


def _due(row: Mapping[str, Any], zone: str) -> str:
    if not row["due_at"]:
        return ""
    what = "next try" if row["attempts"] else "due"
    return f"{what} at {clock_with_utc(row['due_at'], zone)}"


def _row(label: str, value: object) -> None:
    if value not in (None, ""):
        folded(f"{label:<{_LABEL}}{value}", 0, _LABEL)
