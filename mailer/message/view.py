"""A release as templates see it: decided, ordered and in the right language.

Templates place things; what is shown at all, in which words, is decided here once for the HTML
part, the text part and the page. Nothing here alters the author's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mailer.clock import SECOND, to_datetime
from mailer.message.colour import Palette
from mailer.message.invitation import Row
from mailer.message.invitation import rows as event_rows
from mailer.message.media import Gallery, gallery
from mailer.message.model import Sender
from mailer.message.phrases import (
    RTL,
    OwnWords,
    babel_locale,
    base_language,
    kind_label,
    long_date,
    phrase_language,
    phrases,
)
from mailer.message.theme import PLAIN, Theme
from mailer.release.model import Block, BlockKind, Inline, Kind, Release
from mailer.release.read.marks import is_contact, is_notes

_BANDS = {
    Kind.CORRECTION: "◆",
    Kind.REFILE: "◆",
    Kind.UPDATE: "◆",
    Kind.HOLD: "▲",
    Kind.CLEARED: "●",
    Kind.EMBARGO_CHANGE: "■",
    Kind.KILL: "×",
}


@dataclass(frozen=True, slots=True)
class Status:
    """What stands above the headline (D2).

    With a `sign` there is a band: `word` ("Embargoed until", "Withdrawn …") and a `line` below
    it. `kind` is the everyday kind line ("Press release"), with `everyday` after it ("For
    immediate release"). Each may be "".
    """

    sign: str = ""
    word: str = ""
    line: str = ""
    alarm: bool = False
    kind: str = ""
    everyday: str = ""


@dataclass(frozen=True, slots=True)
class Typography:
    """Font stacks and line heights for a script. Sizes are px (C15)."""

    serif: str
    sans: str
    body_leading: int
    head_leading: int


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part after the body. `own`: the heading is the author's, not a fixed phrase."""

    heading: str
    blocks: tuple[Block, ...] = ()
    intro: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """The same release in another language: its tag, the language's own name, the page's URL."""

    language: str
    name: str
    url: str

    @property
    def direction(self) -> str:
        return "rtl" if base_language(self.language) in RTL else "ltr"


@dataclass(frozen=True, slots=True)
class Languages:
    """A text's own page (empty: the release's), and the other languages it is there in."""

    url: str = ""
    others: tuple[Other, ...] = ()


_MARGINS = 48
"""Pixels beside the column's text, both sides together (templates/email/partials/style.css)."""

ALONE = Languages()
"""A release in one language."""


@dataclass(frozen=True)
class View:
    """Everything that a layout places; see the fields' names in `templates/email`."""

    release: Release
    sender: Sender
    language: str
    direction: str
    t_language: str
    t_direction: str
    status: Status
    subject: str
    preheader: str
    dateline: str
    lead: Block | None
    body: tuple[Block, ...]
    speakers: dict[int, str]
    end_mark: str
    notes: Section
    contacts: Section
    light: Palette
    dark: Palette
    type: Typography
    theme: Theme
    media: Gallery
    languages: Languages = ALONE
    event: tuple[Row, ...] = ()

    @property
    def start(self) -> str:
        """The side where lines begin: "left", or "right" for right-to-left text."""
        return "right" if self.direction == "rtl" else "left"

    @property
    def end(self) -> str:
        return "left" if self.direction == "rtl" else "right"

    @property
    def t_end(self) -> str:
        """The side where lines of the fixed phrases end."""
        return "left" if self.t_direction == "rtl" else "right"

    @property
    def online_url(self) -> str:
        """The release's page: one for everybody, nothing personal in it (design decision 15)."""
        return self.languages.url or f"{self.sender.public_url}/r/{self.release.slug}"

    @property
    def documents(self) -> tuple[tuple[str, str], ...]:
        """What else the release is there as: name and address. Nothing of one that is withdrawn, on
        hold, or under an embargo that a notice speaks of: what nobody is to use is not offered."""
        if self.release.kind in (Kind.KILL, Kind.HOLD, Kind.EMBARGO_CHANGE):
            return ()
        return ("PDF", f"{self.online_url}.pdf"), ("Word", f"{self.online_url}.docx")

    @property
    def calendar_url(self) -> str:
        """The file for calendars, of a release with an event."""
        return f"{self.online_url}.ics"


def view_of(
    release: Release,
    sender: Sender,
    theme: Theme = PLAIN,
    inside: Mapping[str, bytes] | None = None,
) -> View:
    """Decide how a release is shown; `inside` are the pictures that the message itself carries, by
    their SHA-256. Raises CheckFailed for a theme that cannot be read."""
    light, dark = theme.palettes(sender.accent)
    spoken = phrase_language(release.language)
    words = phrases(release.language, sender.own_words)
    return View(
        release=release,
        sender=sender,
        language=release.language,
        direction=release.direction,
        t_language=spoken,
        t_direction="rtl" if spoken in RTL else "ltr",
        status=_status(release, words, sender.own_words),
        subject=subject(release, sender.own_words),
        preheader=_preheader(release),
        dateline=_dateline(release),
        lead=release.lead,
        body=release.body,
        speakers=_speakers(release),
        end_mark=release.end_mark or words["end_mark"],
        notes=_notes(release, words),
        contacts=_contacts(release, words),
        event=event_rows(release, words),
        light=light,
        dark=dark,
        type=_typography(release.language, theme),
        theme=theme,
        media=gallery(release, sender, theme.width - _MARGINS, inside),
    )


def subject(release: Release, own: OwnWords = ()) -> str:
    """The Subject: the news itself, after a short label for embargoes and notices (D2, D20)."""
    text = " ".join((release.subject or release.headline).split())
    words = phrases(release.language, own)
    if release.kind in _BANDS or release.kind is Kind.ADVISORY:
        return f"{words[f'prefix_{release.kind.value}']}: {text}"
    if release.embargo:
        when = _moment(release)
        day = _babel_date(when, "MMMd", release.language)
        return f"{words['prefix_embargo']} {day} {when:%H:%M} {_zone_name(when)}: {text}"
    return text


def embargo_in(release: Release, zone: str = "") -> str:
    """When a release's embargo ends, as the band of a message says it; in one `zone` alone where
    that is named. "" without an embargo."""
    if release.embargo is None:
        return ""
    if zone:
        embargo = replace(release.embargo, zone=zone, reader="")
        release = replace(release, embargo=embargo)
    return _lift(release)


def directed(text: str, direction: str) -> list[tuple[str, bool]]:
    """`text` in pieces; True marks left-to-right runs inside right-to-left text.

    Such a run is a Latin name or a number with its Latin unit: "312 mg/kg" would otherwise be
    shown as "mg/kg 312". Joined, the pieces are `text`.
    """
    if direction != "rtl":
        return [(text, False)]
    pieces: list[tuple[str, bool]] = []
    last = 0
    for run in _LATIN_RUN.finditer(text):
        if run.start() > last:
            pieces.append((text[last : run.start()], False))
        pieces.append((run[0], True))
        last = run.end()
    if last < len(text):
        pieces.append((text[last:], False))
    return pieces


_LATIN_RUN = re.compile(
    r"(?:\d[\d.,]*[ \u00a0])?[A-Za-z\u00c0-\u024f][\w.,/&+@'’\-]*"
    r"(?:[ \u00a0][A-Za-z0-9][\w.,/&+@'’\-]*)*(?<![.,'’\-])",
    re.ASCII,
)


def _notes(release: Release, words: Mapping[str, str]) -> Section:
    """The notes under their own heading where they have one: never two that say the same."""
    first = release.notes[0] if release.notes else None
    if first is not None and first.kind is BlockKind.SUBHEADING and is_notes(first.text):
        return Section(first.text.rstrip(" :："), release.notes[1:], own=True)
    return Section(words["notes"], release.notes)


def _contacts(release: Release, words: Mapping[str, str]) -> Section:
    """The contacts under their own heading; a sentence that leads to them stands below ours."""
    intro = (release.contact_intro or "").strip()
    title = intro.rstrip(" :：")
    known = title == words["contacts"] or is_contact(title)
    if title and len(title.split()) <= 4 and len(title) <= 40 and known:
        return Section(title, own=True)
    return Section(words["contacts"], intro=intro)


def _status(release: Release, words: Mapping[str, str], own: OwnWords) -> Status:
    label = kind_label(release.language, release.kind.value, own)
    sign = _BANDS.get(release.kind, "")
    alarm = release.kind in (Kind.HOLD, Kind.KILL)
    until = _lift(release) if release.embargo and release.kind is not Kind.KILL else ""
    if sign:
        line = f"{words['embargoed']} {until}" if until else release.status_line or ""
        return Status(sign, label, line, alarm)
    if until:
        return Status("■", words["embargoed"], until, kind=label)
    if release.status_line is not None:
        return Status(kind=label, everyday=release.status_line)
    everyday = "not_for_publication" if release.kind is Kind.ADVISORY else "immediate"
    return Status(kind=label, everyday=words[everyday])


def _lift(release: Release) -> str:
    """The embargo's end: weekday, date, time, zone and UTC offset (D2); in the reader's zone too,
    where that is another time (D5)."""
    assert release.embargo is not None
    when = _moment(release)
    said = f"{_babel_date(when, 'full', release.language)}, {_time(when)}"
    if not release.embargo.reader:
        return said
    there = when.astimezone(ZoneInfo(release.embargo.reader))
    if there.date() == when.date():
        return f"{said}, {_time(there)}"
    return f"{said}; {_babel_date(there, 'full', release.language)}, {_time(there)}"


def _time(when: datetime) -> str:
    offset, zone = when.strftime("%z"), _zone_name(when)
    named = f" {zone}" if zone[:1].isalpha() and not zone.startswith("UTC") else ""
    return f"{when:%H:%M}{named} (UTC{offset[:3]}:{offset[3:5]})"


def _moment(release: Release) -> datetime:
    assert release.embargo is not None
    instant = release.embargo.instant // SECOND * SECOND
    return to_datetime(instant).astimezone(ZoneInfo(release.embargo.zone))


def _zone_name(when: datetime) -> str:
    name = when.tzname() or ""
    if name[:1].isalpha():
        return name
    offset = when.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"


def _babel_date(when: datetime, form: str, language: str) -> str:
    from babel.dates import format_date, format_skeleton

    locale = babel_locale(language)
    if form == "MMMd":
        return str(format_skeleton("MMMd", when, locale=locale))
    return str(format_date(when.date(), form, locale=locale))


def _dateline(release: Release) -> str:
    if release.dateline is None:
        return ""
    text = release.dateline.text.strip()
    # Front matter writes dates for programs; readers get them in words.
    text = _ISO_DATE.sub(lambda found: long_date(found[0], release.language), text)
    return f"{text.rstrip(' –—-')} – " if text else ""


_ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d$")


def _preheader(release: Release) -> str:
    """40 to 90 characters that repeat the subhead or the lead's beginning, cut at a word (C20)."""
    first = release.lead or next((block for block in release.body if block.text), None)
    text = " ".join((release.subhead or (first.text if first else "")).split())
    if len(text) <= 90:
        return text
    cut = text[:89]
    head, space, _ = cut.rpartition(" ")
    return f"{(head if space and len(head) >= 40 else cut).rstrip(' ,;:–—-')}…"


def _speakers(release: Release) -> dict[int, str]:
    """Per body block set apart as a quotation: who says it, unless the block says so itself."""
    found: dict[int, str] = {}
    for quote in release.quotes:
        if not 0 <= quote.paragraph < len(release.body):
            continue
        block = release.body[quote.paragraph]
        if block.kind is BlockKind.QUOTE and quote.speaker not in block.text:
            role = f", {quote.role}" if quote.role else ""
            found[quote.paragraph] = f"{quote.speaker}{role}"
    return found


_SERIF = "Georgia, 'Times New Roman', Times, serif"
_SANS = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_SCRIPTS: dict[str, tuple[str, str]] = {
    "ja": (
        "'Hiragino Mincho ProN', 'Yu Mincho', 'Noto Serif CJK JP', serif",
        "'Hiragino Sans', 'Yu Gothic', Meiryo, 'Noto Sans CJK JP', sans-serif",
    ),
    "zh": (
        "'Songti SC', STSong, SimSun, 'Noto Serif CJK SC', serif",
        "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
    ),
    "ko": (
        "AppleMyungjo, Batang, 'Noto Serif CJK KR', serif",
        "'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans CJK KR', sans-serif",
    ),
    "th": ("'Thonburi', 'Leelawadee UI', Tahoma, serif", "'Thonburi', 'Leelawadee UI', sans-serif"),
    "hi": (
        "'Kohinoor Devanagari', 'Nirmala UI', 'Noto Serif Devanagari', serif",
        "'Kohinoor Devanagari', 'Nirmala UI', 'Noto Sans Devanagari', sans-serif",
    ),
}


def _typography(language: str, theme: Theme) -> Typography:
    base = language.partition("-")[0].lower()
    serif, sans = _SCRIPTS.get(base, (theme.serif or _SERIF, theme.sans or _SANS))
    if base in ("he", "ar", "fa", "ur"):
        # Georgia has none of these letters; the next in line on every system does.
        serif = "'Times New Roman', 'Noto Serif Hebrew', 'Noto Naskh Arabic', serif"
        sans = "-apple-system, 'Segoe UI', Arial, 'Noto Sans Hebrew', 'Noto Sans Arabic'"
        sans += ", sans-serif"
    tall = base in ("ja", "zh", "ko", "th", "hi", "ar", "fa", "ur")
    return Typography(serif, sans, 31 if tall else 27, 40 if tall else 34)


def plain(inlines: Sequence[Inline]) -> str:
    """The words of inlines."""
    return "".join(inline.text for inline in inlines)
