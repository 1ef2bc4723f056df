"""The release: what a press office publishes, as structure.

Readers make it, preflight judges it, the message and the page show it. All parts are immutable.
The text is the author's: nothing here was corrected, and what a reader only believes is marked
(`inferred`, `marked_in_source`) or said in a `Finding`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from mailer.clock import from_datetime


class Kind(StrEnum):
    """What sort of publication it is (design section 2, D9)."""

    RELEASE = "release"
    STATEMENT = "statement"
    ADVISORY = "advisory"
    UPDATE = "update"
    CORRECTION = "correction"
    REFILE = "refile"
    HOLD = "hold"
    CLEARED = "cleared"
    EMBARGO_CHANGE = "embargo-change"
    KILL = "kill"


class Severity(StrEnum):
    """An error blocks a queue, a warning is shown, a note only explains how the text was read."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing recognised, doubtful or wrong in a release, with its place (1-based)."""

    code: str
    severity: Severity
    message: str
    line: int | None = None
    column: int | None = None
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Inline:
    """A run of text of one kind. A line break inside a paragraph is "\\n" in `text`."""

    text: str
    href: str | None = None
    strong: bool = False
    emphasis: bool = False
    code: bool = False


class BlockKind(StrEnum):
    """Kinds of body blocks. A list's items are its `children`, each an `ITEM`; a table's are its
    rows, the first of them the heads of the columns, and a row's its cells."""

    PARAGRAPH = "paragraph"
    SUBHEADING = "subheading"
    QUOTE = "quote"
    BULLETS = "bullets"
    NUMBERS = "numbers"
    ITEM = "item"
    CODE = "code"
    RULE = "rule"
    TABLE = "table"
    ROW = "row"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, subheading, list, quotation … of the body.

    `inlines` is its own text; `children` are items of a list, or blocks of a quotation or item.
    `level` is 2–6 for subheadings, and the first number of a numbered list that does not begin
    with 1 (else 0), and 1 for a table's cell that is set at the end side, as numbers are.
    `line` is where it begins in the source (1-based).
    `language`/`direction` are set only where they differ from the release's.
    """

    kind: BlockKind
    inlines: tuple[Inline, ...] = ()
    children: tuple[Block, ...] = ()
    level: int = 0
    line: int | None = None
    language: str | None = None
    direction: str | None = None

    @property
    def text(self) -> str:
        """The block's plain text; children on lines of their own, cells parted by bars."""
        own = "".join(inline.text for inline in self.inlines)
        parts = [own] if own else []
        parts += [child.text for child in self.children]
        return (" | " if self.kind is BlockKind.ROW else "\n").join(parts)

    def walk(self) -> Iterator[Block]:
        """This block and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Dateline:
    """Place and date of the release. `repeated` is a second one taken off the lead's start."""

    text: str
    city: str | None = None
    date: date | None = None
    repeated: str | None = None


@dataclass(frozen=True, slots=True)
class Embargo:
    """Until when nothing may be published: `instant` in UTC microseconds, `zone` an IANA name.

    `reader` is the zone of who reads it, where it shows another time (D5)."""

    text: str
    instant: int
    zone: str
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day in the zone of its event; `instant` (UTC microseconds) where a time is given too."""

    day: date
    instant: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What an advisory invites to (D9). `start` without an instant: whole days, to `end`'s.

    `zone` is an IANA name. `stated` in the front matter, else read in the text, from `line` on.
    `place` are the lines of the address, the venue first; `who` the speakers, one each. `access`
    says in words who may come and how, with an address, telephone number and a last day for it.
    """

    start: Moment
    zone: str
    end: Moment | None = None
    what: str | None = None
    place: tuple[str, ...] = ()
    online: str | None = None
    who: tuple[str, ...] = ()
    access: str | None = None
    access_email: str | None = None
    access_phone: str | None = None
    deadline: Moment | None = None
    photo: str | None = None
    languages: str | None = None
    note: str | None = None
    stated: bool = False
    line: int | None = None

    @property
    def reachable_until(self) -> int:
        """From when on (UTC microseconds) nobody can come to it any more who first hears of it
        then: it has begun, or of whole days the last is over."""
        if self.start.instant is not None:
            return self.start.instant
        last = max(self.start.day, self.end.day if self.end else self.start.day)
        midnight = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(self.zone))
        return from_datetime(midnight)


@dataclass(frozen=True, slots=True)
class QuotePart:
    """One stretch of a quotation: surely `text_min`, at most `text_max`, and who says it how."""

    text_min: str
    text_max: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody said; `paragraph` is an index into `Release.body`, -1 for the lead."""

    speaker: str
    role: str | None
    paragraph: int
    parts: tuple[QuotePart, ...]
    marked_in_source: bool
    editor_insertion: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A media contact. `phone_e164` is the dialable form. `role_from` says where a role was
    carried over from ("quote"); None when it stands in the contact itself."""

    name: str
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_e164: str | None = None
    role_from: str | None = None
    hours: str | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """A postal address found in the text (page footers, letterheads)."""

    label: str
    lines: tuple[str, ...]
    street: str | None = None
    postal_box: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None
    phone: str | None = None
    phone_e164: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who publishes. `inferred` when the text nowhere says so."""

    name: str
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """The "About …" block under its own heading."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture, recording or document that goes with the text (D14).

    `file` is its name as the author wrote it, relative to the text's own file, or empty where it is
    only linked to (`url`). `line` is where it is named (1-based). The rest is known once the file
    was taken in: the SHA-256 (hex) of what is hosted, its media type, bytes, width and height in
    pixels (0 for what is no picture), and how many seconds it moves.
    """

    file: str
    url: str = ""
    caption: str = ""
    alt: str = ""
    credit: str = ""
    licence: str = ""
    line: int | None = None
    sha256: str = ""
    type: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    seconds: int = 0

    @property
    def is_picture(self) -> bool:
        """A picture that was taken in, so that it can be shown."""
        return bool(self.sha256) and self.type.startswith("image/")


@dataclass(frozen=True, slots=True)
class PlaceholderLink:
    """A link that leads nowhere; its words are kept, the link is dropped."""

    text: str
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Text of the source that is shown nowhere in the release, and why: nothing is ever lost."""

    reason: str
    first_line: int
    last_line: int
    text: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release in one language.

    `slug` is the identity: the front matter's id, else made from the headline. `body` does not
    contain `lead`. `quotes` point into the body and never change it. `language_stated` where the
    author says which language it is; `variants` are the languages announced, `translates` the
    revision of the lead text that this one translates.
    """

    slug: str
    kind: Kind
    language: str
    direction: str
    headline: str
    lead: Block | None
    body: tuple[Block, ...] = ()
    headline_suggestion: str | None = None
    headline_language: str | None = None
    headline_direction: str | None = None
    subject: str | None = None
    subhead: str | None = None
    dateline: Dateline | None = None
    status_line: str | None = None
    embargo: Embargo | None = None
    notes: tuple[Block, ...] = ()
    quotes: tuple[Quote, ...] = ()
    boilerplate: Boilerplate | None = None
    contacts: tuple[Contact, ...] = ()
    contact_intro: str | None = None
    issuer: Issuer | None = None
    offices: tuple[Office, ...] = ()
    links: tuple[Inline, ...] = ()
    media: tuple[Medium, ...] = ()
    end_mark: str | None = None
    placeholder_links: tuple[PlaceholderLink, ...] = ()
    wordmark: str | None = None
    removed: tuple[Removed, ...] = ()
    findings: tuple[Finding, ...] = ()
    source_name: str = ""
    encoding: str = "utf-8"
    source_format: str = "plain text"
    metadata: tuple[tuple[str, str], ...] = field(default=())
    language_stated: bool = False
    variants: tuple[str, ...] = ()
    translates: int | None = None
    headline_line: int | None = None
    dateline_line: int | None = None
    event: Event | None = None
