"""Checks of an invitation: its time, its place, who may come and who can be asked there (D9)."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.release.model import Kind, Moment
from mailer.release.preflight.hours import read_hours
from mailer.release.preflight.look import Hit, Look
from mailer.release.times import stamp_in


def not_read(look: Look) -> Iterator[Hit]:
    """An advisory that says nowhere when: what was tried and failed the reader has said."""
    said = any(finding.code.startswith("event_") for finding in look.release.findings)
    if look.release.kind is Kind.ADVISORY and look.release.event is None and not said:
        yield Hit(
            "The advisory says no time of an event: the message shows no event box.",
            "Write lines such as 'WHEN: …' and 'WHERE: …', or 'event:' in the front matter.",
            1,
            1,
        )


def ends_before_start(look: Look) -> Iterator[Hit]:
    event = look.release.event
    if event is not None and event.end is not None and _before(event.end, event.start):
        yield Hit("The event ends before it begins.", "Correct its end.", event.line, 1)


def in_the_past(look: Look) -> Iterator[Hit]:
    event, today = look.release.event, look.setting.today
    if event is not None and today is not None and (event.end or event.start).day < today:
        yield Hit(
            f"The event was on {event.start.day.isoformat()}, which has passed.",
            "Correct its date, or send it knowingly.",
            event.line,
            1,
        )


def without_place(look: Look) -> Iterator[Hit]:
    event = look.release.event
    if event is not None and not event.place and not event.online:
        yield Hit(
            "The event has neither a place nor an address online.",
            "Say where it is: 'place' or 'online' of 'event' in the front matter.",
            event.line,
            1,
        )


def deadline(look: Look) -> Iterator[Hit]:
    event, today = look.release.event, look.setting.today
    if event is None or event.deadline is None:
        return
    if _before(event.start, event.deadline):
        what = "is after the event has begun"
    elif today is not None and event.deadline.day < today:
        what = "has passed"
    else:
        return
    yield Hit(
        f"The last day to register, {event.deadline.day.isoformat()}, {what}.",
        "Correct it, or take it out.",
        event.line,
        1,
    )


def contact_off(look: Look) -> Iterator[Hit]:
    """Journalists ring from the door. Silent as soon as one contact is there."""
    event = look.release.event
    if event is None or event.start.instant is None:
        return
    hours = [read_hours(contact, look.setting.zone) for contact in look.release.contacts]
    known = [one for one in hours if one is not None]
    if not known or any(one.open_at(event.start.instant) for one in known):
        return
    yield look.hit(
        f"No contact answers when the event begins, {stamp_in(event.start.instant, event.zone)}.",
        "Name somebody who can be rung from the door.",
        None,
        known[0].text,
    )


def embargoed(look: Look) -> Iterator[Hit]:
    release = look.release
    if release.kind is Kind.ADVISORY and release.embargo is not None:
        yield look.hit(
            "An advisory under an embargo: it is not for publication at any time.",
            "Take the embargo off; say in the text what must not be told before the event.",
            None,
            release.embargo.text,
        )


def _before(one: Moment, other: Moment) -> bool:
    if one.instant is not None and other.instant is not None:
        return one.instant < other.instant
    return one.day < other.day
