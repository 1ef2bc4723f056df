"""The check before sending: what blocks a release, and what its author should look at.

Errors are only those of the contract: no headline, no body, no contact, an embargo that cannot be
read for certain, and a template mark left in the text (D16). All else is a warning; the author
decides. Pure: today's date is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from mailer.release.model import Block, BlockKind, Finding, Release, Severity
from mailer.release.read.embargo import local_date
from mailer.release.read.marks import label

SUBJECT_LIMIT = 70
"""Characters of a subject that inboxes show (D20)."""

ORDER = (
    "no_headline",
    "no_body",
    "no_contact",
    "embargo_without_zone",
    "embargo_in_gap",
    "embargo_in_fold",
    "embargo_weekday_mismatch",
    "headline_all_caps",
    "headline_longer_than_subject",
    "subject_all_caps",
    "subject_says_only_press_release",
    "subject_false_reply",
    "duplicate_dateline",
    "datelines_differ",
    "no_date",
    "placeholder_link",
    "insecure_link",
    "file_is_of_another_format",
    "attached_mail_read",
    "page_is_a_picture",
    "tracked_changes_accepted",
    "hidden_text_left_out",
    "comments_left_out",
    "forwarder_left_out",
    "sender_not_in_text",
    "page_around_left_out",
    "page_margin_left_out",
    "columns_read",
    "words_joined",
    "relative_link",
    "active_content_removed",
    "footnotes_as_notes",
    "embedded_left_out",
    "picture_left_out",
    "large_picture",
    "attachments_left_out",
    "page_furniture_removed",
    "sentence_joined",
    "word_broken_at_line_end",
    "html_as_text",
    "footnote_mark",
    "unmarked_quote",
    "editor_insertion_in_quote",
    "contact_address_name_mismatch",
    "contact_not_reachable",
    "doubled_word",
    "repeated_paragraph",
    "leftover_mark",
    "words_not_placed",
    "unknown_front_matter_key",
    "no_issuer",
    "no_boilerplate",
    "embargo_zone_season",
    "embargo_in_the_past",
    "date_in_the_past",
)
"""Findings are shown in this order, those of one code by line."""

# Words that some languages rightly set twice ("that that", "nous nous", "die die").
_TWICE = frozenset(
    [
        "that",
        "had",
        "is",
        "nous",
        "vous",
        "die",
        "der",
        "das",
        "sie",
        "ihr",
        "ha",
        "si",
        "bye",
        "very",
        "so",
        "go",
        "no",
        "tak",
        "bardzo",
        "że",
        "się",
        "вот",
        "очень",
        "long",
        "far",
        "many",
        "more",
        "blah",
        "ngoro",
        "hula",
        "chow",
        "can",
        "tut",
        "pom",
        "aye",
        "boo",
        "knock",
    ]
)
_TEMPLATE_MARK = re.compile(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}", re.DOTALL)
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|hr|em|strong|div|span|img|table|t[rdh]|ul|ol|li|h[1-6]|font|center|script|"
    r"style|iframe|sup|sub|small|blockquote)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,20}\]")
_LEFTOVER = re.compile(
    r"\[(?:insert|your|add|name|date|tbc|tbd|tk|link)\b[^\]]*\]|"
    r"<insert[^>]*>|\blorem ipsum\b|(?<!\w)(?:XX+|TBC|TBD|TKTK)(?!\w)",
    re.IGNORECASE,
)


def check(release: Release, *, today: date | None = None) -> tuple[Finding, ...]:
    """All findings on a release: those of its reading and those of the whole, in `ORDER`.

    `today` in the newsroom's zone is needed to see dates that have passed. Template errors and
    the size of the HTML are judged where the message is made.
    """
    found = [
        *release.findings,
        *_missing(release),
        *_subject(release),
        *_links(release),
        *_template_marks(release),
        *_markup(release),
        *_wording(release),
        *_dates(release, today),
    ]
    ranks = {code: rank for rank, code in enumerate(ORDER)}
    severities = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    return tuple(
        sorted(
            found,
            key=lambda f: (severities[f.severity], ranks.get(f.code, len(ORDER)), f.line or 0),
        )
    )


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Whether any finding blocks a queue."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _missing(release: Release) -> Iterator[Finding]:
    if not release.headline:
        yield _error(
            "no_headline",
            "The release has no headline.",
            "Put it above the text on a line of its own, or in the front matter as 'headline'.",
        )
    if release.lead is None and not any(block.text.strip() for block in release.body):
        yield _error(
            "no_body", "The release has no text below its headline.", "Write at least a lead."
        )
    if not any(contact.email or contact.phone for contact in release.contacts):
        yield _error(
            "no_contact",
            "The release names nobody to ask.",
            "End it with 'Media contact:' and a name with an address or telephone number.",
        )
    if release.boilerplate is None:
        yield _warning(
            "no_boilerplate",
            "There is no paragraph about the issuer.",
            "Add one under a heading such as 'About …'.",
        )
    if release.issuer is None:
        yield _warning(
            "no_issuer", "Nothing says who publishes this.", "Name the issuer in the text."
        )
    if release.dateline is None or release.dateline.date is None:
        yield _warning("no_date", "The release has no date.", "Begin with place and date.")


def _markup(release: Release) -> Iterator[Finding]:
    """HTML tags and footnote marks, which are sent as the words they are."""
    for code, pattern, what, advice in (
        (
            "html_as_text",
            _TAG,
            "HTML",
            "Take the tags out, or write Markdown: **bold**, *slanted*.",
        ),
        ("footnote_mark", _FOOTNOTE, "A footnote's mark", "Write the note into the text."),
    ):
        for block in _all_blocks(release):
            plain = "".join(inline.text for inline in block.inlines if not inline.code)
            match = pattern.search(plain)
            if match and block.kind is not BlockKind.CODE:
                message = f"{what} in the text is sent as it stands: “{match.group()[:40]}”."
                yield _warning(code, message, advice, block.line)
                break


def _subject(release: Release) -> Iterator[Finding]:
    """Rules of D20 and A21 for what will be the Subject."""
    subject = release.subject or release.headline
    if not subject:
        return
    line = release.headline_line
    if release.headline.isupper() and sum(map(str.isalpha, release.headline)) > 6:
        yield _warning(
            "headline_all_caps",
            "The headline is in capitals, which read as shouting and cost deliverability.",
            release.headline_suggestion,
            line,
        )
    if len(subject) > SUBJECT_LIMIT:
        what = "subject" if release.subject else "headline"
        yield _warning(
            "headline_longer_than_subject",
            f"The {what} has {len(subject)} characters; inboxes show about {SUBJECT_LIMIT}.",
            "Give a shorter one in the front matter as 'subject'.",
            line,
        )
    if release.subject and release.subject.isupper() and len(release.subject) > 12:
        yield _warning(
            "subject_all_caps", "The subject is in capitals.", "Write it in sentence case."
        )
    if label(subject) is not None:
        yield _warning(
            "subject_says_only_press_release",
            f"“{subject}” says nothing of the news.",
            "Say in the subject what has happened.",
            line,
        )
    if re.match(r"(re|fwd?|aw|wg|tr|odp)\s*:", subject, re.IGNORECASE):
        yield _warning(
            "subject_false_reply",
            "The subject begins as if it were a reply or forwarded.",
            "Take that off.",
            line,
        )


def _links(release: Release) -> Iterator[Finding]:
    for block in _all_blocks(release):
        for inline in block.inlines:
            if inline.href and inline.href.lower().startswith("http://"):
                yield _warning(
                    "insecure_link",
                    f"The link to {inline.href} is not encrypted.",
                    "Write https:// if the site has it.",
                    block.line,
                )


def _template_marks(release: Release) -> Iterator[Finding]:
    """Marks of a template language anywhere in the text: never sent (D16)."""
    texts: list[tuple[str | None, int | None]] = [
        (release.headline, release.headline_line),
        (release.subject, release.headline_line),
        (release.subhead, release.headline_line),
        (release.status_line, None),
        (release.dateline.text if release.dateline else None, release.dateline_line),
        (release.boilerplate.heading if release.boilerplate else None, None),
        (release.contact_intro, None),
    ]
    for contact in release.contacts:
        texts += [(contact.name, None), (contact.role, None), (contact.hours, None)]
    texts += [(link.text, None) for link in release.links]
    for block in _all_blocks(release):
        texts.append(("".join(inline.text for inline in block.inlines), block.line))
    for text, line in texts:
        for match in _TEMPLATE_MARK.finditer(text or ""):
            yield Finding(
                "leftover_mark",
                Severity.ERROR,
                f"The template mark “{_clip(match.group())}” was left in the text.",
                line,
                None if line is None else 1,
                "Fill it in or delete it.",
            )


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def _wording(release: Release) -> Iterator[Finding]:
    seen: dict[str, int | None] = {}
    for block in _all_blocks(release):
        own = "".join(inline.text for inline in block.inlines if not inline.code)
        if block.kind is BlockKind.CODE:
            continue
        for match in re.finditer(r"(?<![\w'’-])([^\W\d_]{2,})\s+\1(?![\w'’-])", own):
            word = match.group(1)
            if word.lower() not in _TWICE and not word[0].isupper():
                yield _warning(
                    "doubled_word",
                    f"“{_clip(match.group())}” says a word twice.",
                    f"Write “{_clip(word)}”.",
                    block.line,
                )
        for match in _LEFTOVER.finditer(own):
            yield _warning(
                "leftover_mark",
                f"“{_clip(match.group())}” looks like something still to be filled in.",
                "Fill it in or delete it.",
                block.line,
            )
        if len(own) > 60:
            if own in seen:
                yield _warning(
                    "repeated_paragraph",
                    f"This paragraph stands already at line {seen[own]}.",
                    "Delete one of the two.",
                    block.line,
                )
            seen.setdefault(own, block.line)
    for contact in release.contacts:
        if not contact.email and not contact.phone:
            yield _warning(
                "contact_not_reachable",
                f"{contact.name} has neither an address nor a telephone number.",
                "Add one, or take the name out of the contacts.",
            )


def _dates(release: Release, today: date | None) -> Iterator[Finding]:
    if today is None:
        return
    day = release.dateline.date if release.dateline else None
    if day is not None and day < today:
        yield _warning(
            "date_in_the_past",
            f"The release is dated {day.isoformat()}, which has passed.",
            "Change the date, or send it knowingly.",
            release.dateline_line,
        )
    if release.embargo is not None and local_date(release.embargo) < today:
        yield _warning(
            "embargo_in_the_past",
            "The embargo has ended already.",
            "Take it out, or correct the date.",
        )


def _all_blocks(release: Release) -> Iterator[Block]:
    boilerplate = release.boilerplate.blocks if release.boilerplate else ()
    lead = (release.lead,) if release.lead else ()
    for block in (*lead, *release.body, *release.notes, *boilerplate):
        yield from block.walk()


def _error(code: str, message: str, suggestion: str) -> Finding:
    return Finding(code, Severity.ERROR, message, 1, 1, suggestion)


def _warning(code: str, message: str, suggestion: str | None, line: int | None = None) -> Finding:
    return Finding(code, Severity.WARNING, message, line, None if line is None else 1, suggestion)
