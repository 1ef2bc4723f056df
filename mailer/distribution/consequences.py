"""What follows from refusals: addresses suppressed, a distribution or a way out that stops itself.

`apply` is called in the transaction that records answers; a batch of plain accepts costs nothing.
Successes are not written down anywhere: whether there was one is asked when a doubt is added, so
accepting stays cheap and nothing can forget to clear a doubt. Rules (requirements G6 to G8, G21;
the numbers' reasons stand in docs/decisions/0009-what-follows-from-answers.md):

- an address that does not exist is suppressed at once; a domain that does not exist, or words
  that may pass, on a second day; full, switched off and given up after at least five days over
  at least thirty without a success;
- a policy refusal says nothing of the address; repeated ones pause the way out;
- refusals of the message itself, or many dead addresses at the start, stop the distribution.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, to_datetime
from mailer.distribution.context import Newsroom
from mailer.feedback.judge import Judgement, Verdict, judge
from mailer.store import distributions, doubts, routes, suppression
from mailer.store.base import Row, Tx
from mailer.store.core import raise_control
from mailer.store.doubts import AddressDoubt
from mailer.store.ledger import Result
from mailer.store.states import DeliveryState

ACTOR = "judge"
"""Who acts in the history when a server's answer did."""

DAY = 86_400 * SECOND

SOFT_DAYS, SOFT_SPAN = 5, 30 * DAY
"""A soft doubt suppresses after so many days with one, over so long, without a success (G7)."""

SETTLED = 6 * DAY
"""An accepted message that has not come back for so long was a success: a relay behind our own
server gives up after five days at most (RFC 5321 section 4.5.4.1)."""

IN_A_ROW = 3
"""Equal refusals in a row, none accepted in between, that stop a route or a distribution."""

MOST_SHARE = 0.2
"""Share of refusals among the last `WINDOW` answers that stops (G21)."""

LEAST_OF_PROVIDER, WEIGHT = 5, 0.1
"""Policy refusals of one provider count from so many, and only pause a route when the provider
gave at least this share of the route's answers: one outlet must not stop everybody."""

FIRST, MOST_DEAD, LEAST_DEAD = 200, 0.05, 10
"""More than this share of dead addresses among the first answers stops a distribution (G21), from
so many on: three of twenty are no sign of a rotten list."""

WINDOW = 200
_LINES = 1000

_SOFT = frozenset({"mailbox_full", "account_off"})
_NOT_THEIRS = frozenset({"too_fast", "sign_in", "opening", "blocked", "authentication", "security"})
_GROUP = Callable[[str], str]


def domain_of(email: str) -> str:
    """The destination group of an address where nobody knows better: its domain."""
    return email.rpartition("@")[2].lower()


def apply(room: Newsroom, tx: Tx, results: Iterable[Result], *, group: _GROUP = domain_of) -> None:
    """Do what follows from these answers, inside the transaction that recorded them.

    `group` gives the provider of an address; answers that were accepted, lost or made up by this
    program are passed over.
    """
    refused = [
        (result, judge(result.phase, result.code, result.enhanced, result.reply))
        for result in results
        if result.code >= 400
    ]
    if not refused:
        return
    for result, found in refused:
        _of_the_address(room, tx, result, found)
    final = [(r, found) for r, found in refused if r.state is DeliveryState.REFUSED]
    for distribution in {r.distribution for r, found in final if found.scope == "message"}:
        _stop_for_message(tx, distribution)
    for distribution in {r.distribution for r, found in final if found.verdict is Verdict.DEAD}:
        _stop_for_dead(tx, distribution)
    for route in {r.route for r, found in final if found.verdict is Verdict.POLICY}:
        _pause_route(tx, route, group)


def say_of_address(
    room: Newsroom, tx: Tx, delivery: int, found: Judgement, words: str, at: int, *, soft: bool
) -> bool:
    """Take one judged answer or report into account for the address a delivery went to.

    `soft`: a failure that counts only over weeks (G7), as the caller knows the delivery's end.
    `words` are the server's own. True when the address is suppressed by it. Shared with the
    reader of bounces, which marks the delivery as bounced first.
    """
    dead = found.verdict is Verdict.DEAD
    if not (dead or soft):
        return False
    row = doubts.addressee(tx, delivery)
    if row is None:
        return False
    evidence: dict[str, Any] = {"by": "mail server", "delivery": delivery, "text": words}
    evidence["rule"] = found.reason
    if not dead or found.needs_second_day:
        reason = "domain" if dead else "soft"
        doubt, undisturbed = _add_doubt(room, tx, row["journalist"], reason, delivery, at)
        if dead:
            enough = doubt.days >= 2
        else:
            enough = doubt.days >= SOFT_DAYS and doubt.last_at - doubt.first_at >= SOFT_SPAN
        if not (enough and undisturbed):
            return False
        evidence["days"] = doubt.days
    hash = _hash(room, row)
    if hash is None or any(s.scope == suppression.ALL for s in suppression.find(tx, hash)):
        return False
    suppression.add(
        tx, hash, scope=suppression.ALL, reason=suppression.Reason.DEAD, actor=ACTOR,
        evidence=evidence,
    )  # fmt: skip
    doubts.forget(tx, row["journalist"])
    return True


def _of_the_address(room: Newsroom, tx: Tx, result: Result, found: Judgement) -> None:
    words = " ".join(str(p) for p in (result.code, result.enhanced, result.reply) if p)
    temporary = found.verdict is Verdict.TEMPORARY
    gave_up = result.state is DeliveryState.EXPIRED or (found.final and temporary)
    soft = temporary and (found.reason in _SOFT or (gave_up and found.reason not in _NOT_THEIRS))
    say_of_address(room, tx, result.delivery, found, words, result.at, soft=soft)


def _add_doubt(
    room: Newsroom, tx: Tx, journalist: int, reason: str, delivery: int, at: int
) -> tuple[AddressDoubt, bool]:
    """One more doubt; and whether nothing accepted since the first might still prove it wrong."""
    zone = ZoneInfo(room.config.newsroom.timezone)
    before = doubts.of_address(tx, journalist, reason)
    success = None
    if before is not None:
        success = doubts.first_success(tx, journalist, after=before.first_at, but=delivery)
        if success is not None and success <= at - SETTLED:
            before, success = None, None
    if before is None:
        doubt = AddressDoubt(1, at, at)
    else:
        again = _day(before.last_at, zone) < _day(at, zone)
        doubt = AddressDoubt(before.days + again, before.first_at, max(before.last_at, at))
    doubts.keep(tx, journalist, reason, doubt)
    return doubt, success is None


def _day(instant: int, zone: ZoneInfo) -> date:
    return to_datetime(instant).astimezone(zone).date()


def _hash(room: Newsroom, row: Row) -> bytes | None:
    """The hash of the address that the message went to; None when nobody knows it any more."""
    sent_to = json.loads(row["frozen"]).get("email") if row["frozen"] else None
    if sent_to is None or sent_to == row["email"]:
        return None if row["hash"] is None else bytes(row["hash"])
    return room.address_hash(sent_to)


def _judged(row: Row) -> Judgement | None:
    """The judgement of a refusal in the history; None for any other line."""
    if row["kind"] != "refused" or not row["code"]:
        return None
    return judge(row["phase"], row["code"], row["enhanced"], row["reply"])


def _stop_for_message(tx: Tx, distribution: int) -> None:
    """The same fault of the message told again and again: nobody else shall be refused it."""
    answers = 0
    unbroken = True
    row_of: Counter[str] = Counter()
    in_all: Counter[str] = Counter()
    words: dict[str, str] = {}
    for row in doubts.recent_of(tx, distribution, _LINES):
        if row["kind"] == "resumed" or answers == WINDOW:
            break
        if row["kind"] not in ("accepted", "refused"):
            continue
        answers = min(WINDOW, answers + _weight(row))
        found = _judged(row)
        if found is not None and found.scope == "message":
            in_all[found.reason] += 1
            row_of[found.reason] += unbroken
            words.setdefault(found.reason, _said(row))
        unbroken = unbroken and row["kind"] != "accepted"
    for reason, count in in_all.most_common(1):
        if count < IN_A_ROW:
            return
        if row_of[reason] >= IN_A_ROW or count > MOST_SHARE * answers:
            _wait(tx, distribution, f"{count} times refused as a message: {words[reason]}")


def _stop_for_dead(tx: Tx, distribution: int) -> None:
    """Too many addresses that do not exist at the start: the list is not what it seems."""
    answers = dead = 0
    for row in doubts.first_of(tx, distribution, _LINES):
        if row["kind"] == "waiting" and row["actor"] == ACTOR:
            return  # an officer has decided about it
        if answers < FIRST and row["kind"] in ("accepted", "refused"):
            answers = min(FIRST, answers + _weight(row))
            dead += row["verdict"] == Verdict.DEAD
    if dead >= LEAST_DEAD and dead > MOST_DEAD * answers:
        _wait(tx, distribution, f"{dead} of the first {answers} addresses do not exist")


def _wait(tx: Tx, distribution: int, reason: str) -> None:
    """Ask an officer, unless nothing is left to be decided about."""
    waves = distributions.waves(tx, distribution)
    if not any(
        wave["state"] == "scheduled"
        or (wave["state"] == "sending" and distributions.has_open(tx, distribution, wave["id"]))
        for wave in waves
    ):
        return
    if not distributions.move(tx, distribution, "waiting", ACTOR, reason=reason):
        return
    for wave in waves:
        if wave["state"] == "sending":
            distributions.move_wave(tx, distribution, wave["id"], "hold", ACTOR)
    raise_control(tx)


def _pause_route(tx: Tx, route: str, group: _GROUP) -> None:
    """Refusals of who we are: what follows would be lost for good, so stop and ask."""
    answers: Counter[str] = Counter()
    policies: Counter[str] = Counter()
    in_a_row: Counter[str] = Counter()
    said: dict[str, str] = {}
    unbroken = True
    for row in doubts.recent(tx, _LINES):
        if row["kind"] == "route_resumed" and json.loads(row["place"]).get("route") == route:
            break
        by, together = doubts.told_together(row)
        if route not in (row["route"], by):
            continue
        room = WINDOW - answers.total()
        if not room:
            break
        if together:
            answers.update(map(group, doubts.emails(tx, row["distribution"], together[-room:])))
            unbroken = False
            continue
        provider = group(row["email"]) if row["email"] else ""
        answers[provider] += 1
        found = _judged(row)
        if found is not None and found.verdict is Verdict.POLICY:
            policies[provider] += 1
            said.setdefault(provider, _said(row))
            if found.scope == "route" and unbroken:
                in_a_row[found.reason] += 1
                said.setdefault(found.reason, _said(row))
        unbroken = unbroken and row["kind"] != "accepted"
    for reason, count in in_a_row.items():
        if count >= IN_A_ROW:
            routes.pause(tx, route, f"{count} times in a row: {said[reason]}", ACTOR)
            return
    for provider, count in policies.items():
        of = answers[provider]
        if (
            count >= LEAST_OF_PROVIDER
            and count > MOST_SHARE * of
            and of >= WEIGHT * answers.total()
        ):
            why = f"{count} of the last {of} messages to {provider or 'one provider'}"
            routes.pause(tx, route, f"{why}: {said[provider]}", ACTOR)
            return


def _weight(row: Row) -> int:
    """How many answers a history line tells of."""
    return len(doubts.told_together(row)[1]) or 1


def _said(row: Row) -> str:
    return " ".join(str(row[key]) for key in ("code", "enhanced", "reply") if row[key])[:200]
