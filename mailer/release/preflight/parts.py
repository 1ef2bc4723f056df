"""Checks of the parts a release must or should have, and of its subject (D1, D13, D20, A21)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.release.preflight.hours import Hours, read_hours
from mailer.release.preflight.look import Hit, Look
from mailer.release.read.marks import label
from mailer.release.times import stamp_in

SUBJECT_LIMIT = 70
"""Characters of a subject that inboxes show (D20)."""

_FREE_SECOND_LEVEL = frozenset(["co", "com", "org", "net", "gov", "gob", "gouv", "edu", "ac", "or"])
_REPLY = re.compile(r"(re|fwd?|aw|wg|tr|odp|sv|vs|rv|res|enc|ynt|отв|пер)\s*:", re.IGNORECASE)


def no_headline(look: Look) -> Iterator[Hit]:
    if not look.release.headline:
        yield Hit(
            "The release has no headline.",
            "Put it above the text on a line of its own, or in the front matter as 'headline'.",
            1,
            1,
        )


def no_body(look: Look) -> Iterator[Hit]:
    release = look.release
    if release.lead is None and not any(block.text.strip() for block in release.body):
        yield Hit("The release has no text below its headline.", "Write at least a lead.", 1, 1)


def no_contact(look: Look) -> Iterator[Hit]:
    if not any(contact.email or contact.phone for contact in look.release.contacts):
        yield Hit(
            "The release names nobody to ask.",
            "End it with 'Media contact:' and a name with an address or telephone number.",
            1,
            1,
        )


def no_boilerplate(look: Look) -> Iterator[Hit]:
    if look.release.boilerplate is None:
        yield Hit(
            "There is no paragraph about the issuer.", "Add one under a heading such as 'About …'."
        )


def no_issuer(look: Look) -> Iterator[Hit]:
    if look.release.issuer is None:
        yield Hit("Nothing says who publishes this.", "Name the issuer in the text.")


def no_date(look: Look) -> Iterator[Hit]:
    if look.release.dateline is None or look.release.dateline.date is None:
        yield Hit("The release has no date.", "Begin with place and date.")


def contact_not_reachable(look: Look) -> Iterator[Hit]:
    for contact in look.release.contacts:
        if not contact.email and not contact.phone:
            yield look.hit(
                f"{contact.name} has neither an address nor a telephone number.",
                "Add one, or take the name out of the contacts.",
                None,
                contact.name,
            )


def contact_outside_domain(look: Look) -> Iterator[Hit]:
    """D13 with A1: journalists trust an address at the domain the message comes from."""
    domain = look.setting.domain.lower()
    seen: set[str] = set()
    for contact in look.release.contacts:
        address = contact.email or ""
        own = address.rpartition("@")[2].lower()
        if not domain or not own or own in seen or _same_house(own, domain):
            continue
        seen.add(own)
        yield look.hit(
            f"The contact's address {address} is not at {domain}, where the message comes from.",
            "Give an address of the newsroom's own, or leave it if the contact is a partner's.",
            None,
            address,
        )


def contact_without_hours(look: Look) -> Iterator[Hit]:
    """D13: under an embargo, somebody has to be known to answer when it ends."""
    release = look.release
    reachable = [contact for contact in release.contacts if contact.email or contact.phone]
    if (
        release.embargo is not None
        and reachable
        and not any(contact.hours for contact in reachable)
    ):
        yield look.hit(
            "No contact says when he can be reached, and this is under an embargo.",
            "Write hours and zone beside one, such as 'Mon–Fri 8:00–18:00 CET'.",
            None,
            reachable[0].email or reachable[0].phone or "",
        )


def contact_off_at_lift(look: Look) -> Iterator[Hit]:
    """D13: reachable when the news is free. Silent as soon as one contact is."""
    lift = look.setting.lift
    if look.release.embargo is not None:
        lift = look.release.embargo.instant
    if lift is None:
        return
    known: list[tuple[str, Hours]] = []
    for contact in look.release.contacts:
        hours = read_hours(contact, look.setting.zone)
        if hours is None:
            continue
        if hours.open_at(lift):
            return
        known.append((contact.name, hours))
    for name, hours in known:
        yield look.hit(
            f"{name} answers {hours.text}; this is free at {stamp_in(lift, hours.zone)}, "
            "outside these hours.",
            "Name somebody who can be asked then, or choose another time.",
            None,
            hours.text,
        )


def headline_all_caps(look: Look) -> Iterator[Hit]:
    release = look.release
    if release.headline.isupper() and sum(map(str.isalpha, release.headline)) > 6:
        yield Hit(
            "The headline is in capitals, which read as shouting and cost deliverability.",
            release.headline_suggestion,
            *_headline_place(look),
        )


def headline_longer_than_subject(look: Look) -> Iterator[Hit]:
    subject = look.release.subject or look.release.headline
    if len(subject) > SUBJECT_LIMIT:
        what = "subject" if look.release.subject else "headline"
        yield Hit(
            f"The {what} has {len(subject)} characters; inboxes show about {SUBJECT_LIMIT}.",
            "Give a shorter one in the front matter as 'subject'.",
            *_headline_place(look),
        )


def subject_all_caps(look: Look) -> Iterator[Hit]:
    subject = look.release.subject or ""
    if subject.isupper() and len(subject) > 12:
        yield look.hit("The subject is in capitals.", "Write it in sentence case.", None, subject)


def subject_says_only_press_release(look: Look) -> Iterator[Hit]:
    subject = look.release.subject or look.release.headline
    if subject and label(subject) is not None:
        yield Hit(
            f"“{subject}” says nothing of the news.",
            "Say in the subject what has happened.",
            *_headline_place(look),
        )


def subject_false_reply(look: Look) -> Iterator[Hit]:
    if _REPLY.match(look.release.subject or look.release.headline):
        yield Hit(
            "The subject begins as if it were a reply or forwarded.",
            "Take that off.",
            *_headline_place(look),
        )


def _headline_place(look: Look) -> tuple[int | None, int | None]:
    line = look.release.headline_line
    return look.at(line, look.release.headline.split(" ")[0])


def _same_house(one: str, other: str) -> bool:
    """Whether two domains are one organisation's: equal, one below the other, or both below the
    same name. Without a list of suffixes, "co.uk" and the like count as one ending."""
    first, second = one.split("."), other.split(".")
    shared = 0
    while shared < min(len(first), len(second)) and first[-1 - shared] == second[-1 - shared]:
        shared += 1
    if shared == min(len(first), len(second)):
        return True
    least = 3 if len(first[-1]) == 2 and first[-2] in _FREE_SECOND_LEVEL else 2
    return shared >= least
