"""What was found in a release and what is doubtful, as labelled values for `release show`."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.release.model import (
    Block,
    Contact,
    Event,
    Moment,
    Office,
    Quote,
    Release,
    Removed,
    Severity,
)
from mailer.release.times import stamp_in

Row = tuple[str, str]


def describe(release: Release) -> list[tuple[str, list[Row]]]:
    """Sections of (title, rows of (label, value)); values may hold line breaks. No styling."""
    sections = [
        ("Release", list(_identity(release))),
        ("Text", list(_text(release))),
        ("Quotes", [row for quote in release.quotes for row in _quote(quote)]),
        ("Contacts", [(contact.name, _contact(contact)) for contact in release.contacts]),
        ("Issuer and offices", list(_issuer(release))),
        ("Left out", [_removed(removed) for removed in release.removed]),
        ("Doubtful", list(_doubts(release))),
    ]
    return [(title, rows) for title, rows in sections if rows]


def event_lines(event: Event) -> str:
    """The event's time and place for lists and comparisons, one part a line."""
    lines = [_moment(event.start, event.zone)]
    if event.end is not None:
        lines[0] += f" – {_moment(event.end, event.zone)}"
    lines[0] += f" {event.zone}"
    lines += event.place
    lines += [line for line in (event.online, event.what, *event.who, event.access) if line]
    if event.deadline is not None:
        lines.append(f"until {_moment(event.deadline, event.zone)}")
    lines += [line for line in (event.photo, event.languages, event.note) if line]
    return "\n".join(lines)


def _moment(moment: Moment, zone: str) -> str:
    return moment.day.isoformat() if moment.instant is None else stamp_in(moment.instant, zone)


def _identity(release: Release) -> Iterator[Row]:
    yield "Id", release.slug
    yield "Kind", release.kind.value
    yield "Language", f"{release.language}, {release.direction}"
    if release.status_line:
        yield "Status", release.status_line
    if release.embargo:
        yield (
            "Embargo",
            f"{stamp_in(release.embargo.instant, release.embargo.zone)} {release.embargo.zone}",
        )
    if release.event:
        yield "Event", event_lines(release.event)
    text = release.source_format in {"plain text", "Markdown"}
    yield (
        "File",
        f"{release.source_name}, {release.encoding}"
        if text
        else f"{release.source_name}, {release.source_format} "
        "(lines are counted in the text read out of it)",
    )


def _text(release: Release) -> Iterator[Row]:
    yield "Headline", release.headline or "(none)"
    if release.headline_suggestion:
        yield "Suggested", release.headline_suggestion
    if release.subject:
        yield "Subject", release.subject
    if release.subhead:
        yield "Subhead", release.subhead
    if release.dateline:
        yield "Dateline", release.dateline.text
        if release.dateline.repeated:
            yield "Repeated", f"{release.dateline.repeated.strip()} (taken off the lead)"
    if release.lead:
        yield "Lead", release.lead.text
    for index, block in enumerate(release.body):
        yield f"Body {index + 1}", _block(block)
    if release.boilerplate:
        yield release.boilerplate.heading, "\n".join(b.text for b in release.boilerplate.blocks)
    for block in release.notes:
        yield "Note", _block(block)
    for link in release.links:
        yield "Link", f"{link.text} {link.href or ''}".strip()
    if release.end_mark:
        yield "End mark", release.end_mark


def _block(block: Block) -> str:
    kind = block.kind.value
    return block.text if kind == "paragraph" else f"({kind}) {block.text}"


def _quote(quote: Quote) -> Iterator[Row]:
    role = f", {quote.role}" if quote.role else ""
    marks = "" if quote.marked_in_source else " (proposed, no quotation marks in the text)"
    yield (
        quote.speaker,
        f"body {quote.paragraph + 1}{role}{marks}"
        if quote.paragraph >= 0
        else f"lead{role}{marks}",
    )
    for part in quote.parts:
        yield "surely", part.text_min
        if part.text_max != part.text_min:
            yield "perhaps", part.text_max


def _contact(contact: Contact) -> str:
    role = contact.role
    if role and contact.role_from:
        role = f"{role} (from a {contact.role_from})"
    phone = contact.phone
    if phone and contact.phone_e164 and contact.phone_e164 != phone:
        phone = f"{phone} ({contact.phone_e164})"
    values = (role, contact.email, phone, contact.hours, contact.warning)
    return "\n".join(value for value in values if value)


def _issuer(release: Release) -> Iterator[Row]:
    if release.issuer:
        yield "Issuer", release.issuer.name + (" (inferred)" if release.issuer.inferred else "")
    if release.wordmark:
        yield "Letterhead", release.wordmark
    for office in release.offices:
        yield office.label or "Office", _office(office)


def _office(office: Office) -> str:
    return "\n".join([*office.lines, *([office.phone] if office.phone else [])])


def _doubts(release: Release) -> Iterator[Row]:
    for finding in release.findings:
        if finding.severity is not Severity.NOTE:
            place = f"line {finding.line}" if finding.line else "file"
            yield place, finding.message


def _removed(removed: Removed) -> Row:
    """What was left out: by its lines, or in words where it stands in none."""
    if removed.first_line:
        return _place(removed.first_line, removed.last_line), removed.reason
    return removed.reason.replace("_", " "), removed.text


def _place(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first}–{last}"
