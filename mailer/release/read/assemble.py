"""From pieces and front matter to a `Release`: the recognisers in their order.

What the author states in the front matter goes first; what is read from the text fills the rest.
Whatever nobody recognised stays in the body or, as a last resort, in `removed` with a warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mailer.release import headline as capitals
from mailer.release.account import account, is_bare
from mailer.release.model import (
    Block,
    BlockKind,
    Contact,
    Dateline,
    Embargo,
    Event,
    Finding,
    Inline,
    Issuer,
    Kind,
    PlaceholderLink,
    Quote,
    Release,
    Removed,
    Severity,
)
from mailer.release.read import (
    contacts,
    dateline,
    embargo,
    event,
    eventwords,
    furniture,
    marks,
    quotes,
    several,
)
from mailer.release.read import issuer as issuers
from mailer.release.read import sections as parts
from mailer.release.read import top as tops
from mailer.release.read.declared import (
    bad_value,
    kind_of,
    language_of_name,
    own_boilerplate,
    own_contacts,
    own_dateline,
    own_media,
    own_notes,
    slug_of,
)
from mailer.release.read.frontmatter import FrontMatter
from mailer.release.read.language import detect, detect_surely, direction_for
from mailer.release.read.paper import Paper
from mailer.release.read.pieces import Piece, drop_start
from mailer.release.read.sniff import Format
from mailer.release.read.source import Source
from mailer.release.text import direction_of, fold, words

_NUMERIC = re.compile(r"\d{4}-\d\d-\d\d")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(slots=True)
class _Draft:
    removed: list[Removed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def assemble(source: Source, paper: Paper) -> Release:
    """Put a release together.

    Raises InputError for front matter values that mean nothing, and for two releases in a file.
    """
    draft = _Draft(list(paper.removed), list(paper.findings))
    front, pieces, placeholders = paper.front, paper.pieces, paper.placeholders
    language, direction = _language(source, front, pieces)
    several.refuse(pieces, source, language)
    pieces = event.apart(pieces)
    lifted = furniture.lift(pieces, source.lines, language)
    draft.findings += lifted.findings
    if paper.format in {Format.TEXT, Format.MARKDOWN}:
        draft.findings += furniture.broken_words(source.lines)
    names = _organisation_names(lifted, front, language)
    top = tops.read(
        lifted.pieces,
        language,
        source.today,
        known_headline=front.get("headline"),
        organisations={fold(name) for name in names if name},
    )
    sections = parts.read(top.rest, language, found_contacts=bool(top.contact_groups))
    draft.removed += [*lifted.removed, *top.removed, *sections.removed]
    draft.removed += [Removed("markup", p.first, p.last, p.raw) for p in paper.unused]
    if front.raw:
        last = front.first + front.lines - 1
        draft.removed.append(Removed("front_matter", front.first, last, front.raw))
    headline = front.get("headline") or (_one_line(top.headline) if top.headline else "")
    headline = headline or paper.headline or ""
    kind, occasion = _event(draft, source, front, top, sections.body, headline, language)
    line, lead, body = _lead(draft, source, front, top, sections.body, language)
    said = quotes.find(lead, body, language)
    issuer = issuers.find(front, lifted, sections, lead, body, top, language)
    if issuer is None and paper.issuer:
        issuer = Issuer(paper.issuer, inferred=True)
    people, intro = _contacts(draft, source, front, top, sections, said, issuer)
    held = _embargo(draft, source, front, top, language)
    draft.findings += _placeholder_findings(placeholders, source)
    draft.findings += quotes.findings(said, _lines_of(lead, body))
    draft.findings += _unknown_keys(front, source)
    boilerplate = sections.boilerplate
    if front.get("boilerplate"):
        boilerplate = own_boilerplate(front, issuer)
    release = Release(
        slug=slug_of(source, front, headline),
        kind=kind,
        language=language,
        direction=direction,
        headline=headline,
        lead=_marked(lead, language, direction) if lead else None,
        body=tuple(_marked(block, language, direction) for block in body),
        headline_suggestion=_suggestion(front, headline, lead, body, language),
        subject=front.get("subject"),
        subhead=front.get("subhead") or (_one_line(top.subhead) if top.subhead else None),
        dateline=line,
        status_line=front.get("status_line") or (top.status[1] if top.status else None),
        embargo=held,
        notes=(*own_notes(front), *sections.notes, *paper.notes),
        quotes=said,
        boilerplate=boilerplate,
        contacts=people,
        contact_intro=front.get("contact_intro") or intro,
        issuer=issuer,
        offices=(*lifted.offices, *sections.offices),
        links=tuple(sections.links),
        media=own_media(front, paper.media),
        end_mark=front.get("end_mark") or sections.end_mark,
        placeholder_links=tuple(placeholders),
        wordmark=lifted.wordmark or top.wordmark or sections.wordmark,
        removed=tuple(draft.removed),
        findings=tuple(draft.findings),
        source_name=source.name,
        encoding=source.encoding,
        source_format=paper.format,
        language_stated=_language_stated(source, front),
        variants=_variants(source, front),
        translates=_translates(source, front),
        metadata=front.metadata,
        headline_line=front.places.get("headline")
        or (top.headline.first if top.headline else None),
        dateline_line=front.places.get("date")
        or top.dateline_line
        or (lead.line if lead else None),
        event=occasion,
    )
    release = _keep_targets(_headline_language(release, front), pieces)
    return _account_for_all(release, source)


def _language(source: Source, front: FrontMatter, pieces: list[Piece]) -> tuple[str, str]:
    declared = front.get("language") or language_of_name(source.name)
    if declared and not _LANGUAGE.fullmatch(declared.replace("_", "-")):
        raise bad_value(
            source, front, "language", f"'{declared}' is no language code", "Write 'en' or 'pt-BR'."
        )
    text = "\n".join(piece.text for piece in pieces)
    language = declared.replace("_", "-") if declared else detect(text, source.default_language)
    direction = (front.get("direction") or direction_for(language)).lower()
    if direction not in {"ltr", "rtl"}:
        raise bad_value(
            source, front, "direction", f"'{direction}' is no direction", "Write 'ltr' or 'rtl'."
        )
    return language, direction


def _language_stated(source: Source, front: FrontMatter) -> bool:
    """Whether the author says it: in the front matter, or by the file's name."""
    keys = ("language", "variants", "translates")
    return bool(language_of_name(source.name)) or any(front.get(key) for key in keys)


def _variants(source: Source, front: FrontMatter) -> tuple[str, ...]:
    tags = (front.get("variants") or "").replace("_", "-").split()
    for tag in tags:
        if not _LANGUAGE.fullmatch(tag):
            raise bad_value(
                source, front, "variants", f"'{tag}' is no language code", "Write [en, fr]."
            )
    return tuple(dict.fromkeys(tags))


def _translates(source: Source, front: FrontMatter) -> int | None:
    number = front.get("translates")
    if number is None:
        return None
    if not (number.isascii() and number.isdigit() and int(number[:9]) > 0):
        raise bad_value(
            source, front, "translates", f"'{number}' is no revision", "Write its number, as 2."
        )
    return int(number[:9])


def _organisation_names(lifted: furniture.Lifted, front: FrontMatter, language: str) -> list[str]:
    """Names that are letterhead when they stand alone on top."""
    names = [office.label for office in lifted.offices]
    names += [lifted.wordmark or "", front.get("issuer") or ""]
    for piece in lifted.pieces:
        if len(piece.text) < 90 and marks.is_about(piece.text, language):
            names.append(marks.about_name(piece.text))
        for email in contacts.EMAIL.findall(piece.text):
            names.append(email.split("@")[1].split(".")[0])
    return names


def _lead(
    draft: _Draft,
    source: Source,
    front: FrontMatter,
    top: tops.Top,
    body: list[Piece],
    language: str,
) -> tuple[Dateline | None, Block | None, tuple[Block, ...]]:
    """The dateline, the lead without it, and the body's blocks."""
    line = own_dateline(source, front, language) or top.dateline
    blocks = [piece.block() for piece in body]
    if not blocks or blocks[0].kind is not BlockKind.PARAGRAPH:
        return line, None, tuple(blocks)
    lead, rest = blocks[0], tuple(blocks[1:])
    opening = dateline.parse_opening(lead.text, language, source.today)
    if opening is None:
        return line, lead, rest
    found, length = opening
    taken = lead.text[:length]
    dropped = Counter(words(taken)) - Counter(words(found.text))
    if line is None and dropped:
        # The wire service's name, "(Reuters)", is no part of the place.
        at = lead.line or 1
        draft.removed.append(Removed("wire_service", at, at, " ".join(dropped.elements())))
    if line is None:
        return found, replace(lead, inlines=drop_start(lead.inlines, length)), rest
    if found.date is not None and line.date is not None and found.date != line.date:
        draft.findings.append(
            Finding(
                "datelines_differ",
                Severity.WARNING,
                f"The dateline says {line.date.isoformat()}, the lead begins with "
                f"{found.date.isoformat()}.",
                lead.line,
                1,
                "Make both the same, or delete one.",
            )
        )
        return line, lead, rest
    draft.findings.append(
        Finding(
            "duplicate_dateline",
            Severity.WARNING,
            f"The lead repeats the dateline: “{taken.strip()}”. It was taken off.",
            lead.line,
            1,
            "Delete one of the two.",
        )
    )
    shown = line
    if (found.city and not line.city) or _NUMERIC.fullmatch(line.text):
        # The fuller of the two is shown: "18 November" above, "BRUSSELS, 18 November" in the lead.
        shown, taken = replace(found, date=found.date or line.date), line.text
    line = replace(
        shown, repeated=taken, date=shown.date or found.date, city=shown.city or found.city
    )
    return line, replace(lead, inlines=drop_start(lead.inlines, length)), rest


def _embargo(
    draft: _Draft, source: Source, front: FrontMatter, top: tops.Top, language: str
) -> Embargo | None:
    declared = front.get("embargo")
    if declared is None and top.embargo is None:
        return None
    if declared is not None:
        line, text = front.places.get("embargo"), declared
        zone = front.get("timezone")
        if zone and "/" not in text and not re.search(r"Z$|[+-]\d\d:?\d\d$", text.strip()):
            text = f"{text} {zone}"
        held, found = embargo.parse(
            text, language=language, zone=source.zone, line=line, today=source.today
        )
        held = replace(held, text=declared) if held else None
        if top.embargo is not None:
            number, other = top.embargo
            draft.removed.append(Removed("repeated_embargo", number, number, other))
    else:
        assert top.embargo is not None
        line, text = top.embargo
        held, found = embargo.parse(
            text, language=language, zone=source.zone, line=line, today=source.today
        )
        if held is None:
            draft.removed.append(Removed("embargo", line, line, text))
    draft.findings += found
    return held


def _event(
    draft: _Draft,
    source: Source,
    front: FrontMatter,
    top: tops.Top,
    body: list[Piece],
    headline: str,
    language: str,
) -> tuple[Kind, Event | None]:
    """What the text is, and the event it invites to: stated, or labelled under an invitation."""
    kind = kind_of(source, front, top.kind, headline)
    open_to_reading = top.kind is None and not front.get("kind")
    if "event" in front.values:
        own, found = event.stated(source, front, language)
        draft.findings += found
        return (Kind.ADVISORY if open_to_reading and kind is Kind.RELEASE else kind), own
    block = event.find(body)
    if block.is_event and open_to_reading and eventwords.invites(headline):
        kind = Kind.ADVISORY
    if not block.is_event or kind is not Kind.ADVISORY:
        return kind, None
    read, found = event.labelled(block, source, language, front.get("timezone"))
    draft.findings += found
    return kind, read


def _contacts(
    draft: _Draft,
    source: Source,
    front: FrontMatter,
    top: tops.Top,
    sections: parts.Sections,
    said: tuple[Quote, ...],
    issuer: Issuer | None,
) -> tuple[tuple[Contact, ...], str | None]:
    """Contacts of the front matter, then those of the text, each person once; roles carried over
    from quotes."""
    name = issuer.name if issuer else ""
    parsed = contacts.parse(top.contact_groups + sections.contact_groups, default_name=name)
    draft.removed += [
        Removed("contact_label", left.line, left.line, left.text) for left in parsed.leftovers
    ]
    sections.links += [Inline(url, _with_scheme(url)) for url in parsed.urls]
    people = own_contacts(source, front)
    stated = len(people)
    known = {contact.email: at for at, contact in enumerate(people) if contact.email}
    for contact in parsed.contacts:
        at = known.get(contact.email) if contact.email else None
        if at is not None and (
            at < stated or contact.name in (people[at].name, contact.email, name)
        ):
            people[at] = _same_person(people[at], contact)
            fields = (contact.name, contact.role, contact.email, contact.phone, contact.hours)
            text = " ".join(filter(None, fields))
            draft.removed.append(Removed("repeated_contact", 1, 1, text))
        else:
            if contact.email:
                known[contact.email] = len(people)
            people.append(contact)
    roles = {quote.speaker.casefold(): quote.role for quote in said if quote.role}
    people = [
        replace(contact, role=roles[contact.name.casefold()], role_from="quote")
        if contact.role is None and contact.name.casefold() in roles
        else contact
        for contact in people
    ]
    lines = source.lines
    for contact in people:
        if contact.warning and contact.email:
            at = next((i for i, text in enumerate(lines, 1) if contact.email in text), None)
            column = lines[at - 1].find(contact.email) + 1 if at else None
            draft.findings.append(
                Finding(
                    "contact_address_name_mismatch",
                    Severity.WARNING,
                    f"The address {contact.email} spells the surname differently from "
                    f"{contact.name}.",
                    at,
                    column,
                    "Check the address; it is kept as it stands.",
                )
            )
    if top.contact_intro and sections.contact_intro:
        draft.removed.append(Removed("label", 1, 1, sections.contact_intro))
    return tuple(people), top.contact_intro or sections.contact_intro


def _same_person(stated: Contact, found: Contact) -> Contact:
    """A contact with what only a later mention of the same address says of him."""
    named = stated.name != stated.email
    fuller = found.role if stated.role and (found.role or "").startswith(stated.role) else None
    return replace(
        stated,
        name=stated.name if named else found.name,
        role=fuller or stated.role or found.role,
        phone=stated.phone or found.phone,
        phone_e164=stated.phone_e164 if stated.phone else found.phone_e164,
        hours=stated.hours or found.hours,
        warning=stated.warning or (None if named else found.warning),
    )


def _suggestion(
    front: FrontMatter, headline: str, lead: Block | None, body: tuple[Block, ...], language: str
) -> str | None:
    declared = front.get("headline_suggestion")
    if declared:
        return declared
    texts = [block.text for block in ([lead] if lead else []) + list(body)]
    return capitals.suggest(headline, texts, language)


def _headline_language(release: Release, front: FrontMatter) -> Release:
    """A headline in another script, or declared to be in another language, is marked as such."""
    declared = front.get("headline_language")
    if declared:
        return replace(
            release, headline_language=declared, headline_direction=direction_for(declared)
        )
    direction = direction_of(release.headline) if any(map(str.isalpha, release.headline)) else None
    if direction is None or direction == release.direction:
        return release
    language = detect_surely(release.headline) or ("en" if direction == "ltr" else None)
    return replace(release, headline_language=language, headline_direction=direction)


def _marked(block: Block, language: str, direction: str) -> Block:
    """Mark a block whose script runs the other way."""
    children = tuple(_marked(child, language, direction) for child in block.children)
    # An address is Latin in any language and says nothing of its paragraph's.
    text = re.sub(r"(?:https?://|www\.)\S+|(?<!\S)[^\s@]+@\S+", "", block.text)
    other = direction_of(text)
    letters = sum(map(str.isalpha, text))
    if letters < 3 or other == direction:
        return replace(block, children=children)
    found = detect_surely(text)
    if found == language.split("-")[0]:
        found = None
    return replace(block, children=children, language=found, direction=other)


def _placeholder_findings(links: list[PlaceholderLink], source: Source) -> list[Finding]:
    lines = source.lines
    found: list[Finding] = []
    for link in links:
        row = lines[link.line - 1] if link.line <= len(lines) else ""
        column = row.find(f"[{link.text.split()[0] if link.text else ''}")
        found.append(
            Finding(
                "placeholder_link",
                Severity.WARNING,
                f"The link of “{link.text}” leads nowhere ({link.target or 'empty'}); the "
                f"words are "
                "sent without it.",
                link.line,
                column + 1 if column >= 0 else 1,
                "Put the address in, or take the link off.",
            )
        )
    return found


def _unknown_keys(front: FrontMatter, source: Source) -> list[Finding]:
    return [
        Finding(
            "unknown_front_matter_key",
            Severity.WARNING if like else Severity.NOTE,
            f"The front matter's '{key}' means nothing to mailer.",
            line,
            1,
            f"Did you mean '{like}'?" if like else None,
        )
        for key, line, like in front.unknown
    ]


def _keep_targets(release: Release, pieces: list[Piece]) -> Release:
    """Addresses of links in a headline or contact line, which show their words only."""
    have = Counter(
        inline.href for inline in _all_inlines(release) if inline.href and not is_bare(inline)
    )
    lost: list[Removed] = []
    for piece in pieces:
        children = [
            inline for child in piece.children for b in child.walk() for inline in b.inlines
        ]
        for inline in (*piece.inlines, *children):
            if not inline.href or is_bare(inline):
                continue
            if have[inline.href] > 0:
                have[inline.href] -= 1
            else:
                lost.append(Removed("link_target", piece.first, piece.last, inline.href))
    return replace(release, removed=(*release.removed, *lost))


def _all_inlines(release: Release) -> Iterator[Inline]:
    boilerplate = release.boilerplate.blocks if release.boilerplate else ()
    lead = (release.lead,) if release.lead else ()
    for block in (*lead, *release.body, *release.notes, *boilerplate):
        for inner in block.walk():
            yield from inner.inlines
    yield from release.links


def _account_for_all(release: Release, source: Source) -> Release:
    """The last resort: words that no rule placed are kept and the author is told."""
    missing = account(source.text if source.whole is None else source.whole, release)
    if not missing:
        return release
    lines = source.lines
    at = next((i for i, row in enumerate(lines, 1) if missing[0] in row), 1)
    text = " ".join(missing)
    removed = (*release.removed, Removed("not_placed", at, at, text))
    finding = Finding(
        "words_not_placed",
        Severity.WARNING,
        f"These words of the file are shown nowhere in the release: {text[:200]}.",
        at,
        1,
        "Write them in a paragraph of their own if they belong to the text.",
    )
    return replace(release, removed=removed, findings=(*release.findings, finding))


def _lines_of(lead: Block | None, body: tuple[Block, ...]) -> dict[int, int | None]:
    places = {index: block.line for index, block in enumerate(body)}
    places[-1] = lead.line if lead else None
    return places


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"https://{url}"


def _one_line(piece: Piece) -> str:
    return " ".join(piece.text.split())
