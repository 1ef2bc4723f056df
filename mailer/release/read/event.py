"""The event of an invitation: stated in the front matter, or read behind WHAT, WHEN, WHERE (D9).

The words of the text stay where they are; a time is taken only when it can be read surely. What
the author states and got wrong is an error, what cannot be read in the text is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from mailer.clock import SECOND, to_datetime
from mailer.errors import UsageError
from mailer.release import times
from mailer.release.model import BlockKind, Event, Finding, Moment, Severity
from mailer.release.read import contacts, dates, embargo, eventwords, marks
from mailer.release.read.frontmatter import FrontMatter
from mailer.release.read.phones import find_phones
from mailer.release.read.pieces import Piece
from mailer.release.read.source import Source

_LISTS = frozenset({BlockKind.BULLETS, BlockKind.NUMBERS})
_LINES = frozenset({BlockKind.PARAGRAPH, BlockKind.SUBHEADING})
_TO = r"(?:[-–—~〜～]|to|until|till|bis|au|à|al?|alle|a las|tot|do|до|по|עד|إلى|حتى|から|至|到)"
_URL = re.compile(r"(?:https?://|www\.)[^\s<>()]+[^\s<>().,;:!?]", re.IGNORECASE)
_BARE_HOURS = re.compile(
    rf"(?<![\d:.])(\d{{1,2}})(\s*{_TO}\s*)(\d{{1,2}}(?:[:.]\d\d)?)(\s*)"
    r"([ap]\.?\s?m\.?|uhr|h|hrs?|uur)(?!\w)",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?<=[\dhmr.])\s*[-–—]\s*(?=\d{1,2}(?:[:.h]\d\d|\s?[ap]\.?m))", re.IGNORECASE)
_LAST_DAY = re.compile(
    r"(?:by|until|before|no later than|bis( zum)?|vor|avant( le)?|jusqu'au|antes del?|hasta el|"
    r"entro( il)?|voor|uiterlijk( op)?|do|przed|até|до|עד|قبل|حتى)[\s,]*(?:the|le|den|dnia)?\s*$",
    re.IGNORECASE,
)
_ONLY_ONLINE = re.compile(
    r"[\W_]*(?:online|virtual|webcast|live ?stream|zoom|via|at|by|en ligne|en línea|and|und|"
    r"[\W_])*",
    re.IGNORECASE,
)
_NOON = [word for word, clock in embargo.WORDS.items() if clock == time(12)]
_MIDNIGHT = [word for word, clock in embargo.WORDS.items() if clock == time(0)]
_SHORT = {"uk": "GB", "u.k": "GB", "england": "GB", "usa": "US", "u.s.a": "US", "us": "US"}
"""Countries as addresses name them, beside the names that Babel has; without the last dot."""
_NIGHT = 12 * 3600 * SECOND
"""An event over midnight is no longer, in microseconds: of a longer one the end is a slip."""
_HOW = "Give it in the front matter: event: {start: 2026-03-03 10:00, zone: Europe/Brussels}."


@dataclass(slots=True)
class Block:
    """The labelled lines of an invitation: by label the text lines, and where it begins."""

    rows: dict[str, list[str]] = field(default_factory=dict)
    line: int = 1

    @property
    def is_event(self) -> bool:
        """Whether time and place are labelled: less is no invitation's block. "Date" and "Place"
        alone may be the dateline of any release."""
        names = self.rows.keys()
        timed = "when" in names or ("date" in names and bool(names - {"date", "where"}))
        return timed and bool({"where", "online"} & names)

    def text(self, name: str) -> str:
        """What stands behind a label, on one line; "" when nothing does."""
        return " ".join(self.rows.get(name, [])).strip()


@dataclass(frozen=True, slots=True)
class _When:
    start: Moment
    end: Moment | None
    zone: str


class _Unsure(Exception):
    """A time that could be meant in more than one way; the text is the reason."""


def stated(source: Source, front: FrontMatter, language: str) -> tuple[Event | None, list[Finding]]:
    """The event that the front matter states. Codes: event_without_start, event_without_zone,
    event_in_gap, event_in_fold, event_weekday_mismatch, each an error with its line."""
    values: dict[str, str] | None = front.values.get("event")
    if values is None:
        return None, []
    line = front.places.get("event")
    if not values.get("start"):
        message = "The event in the front matter has no start."
        return None, [Finding("event_without_start", Severity.ERROR, message, line, 1, _HOW)]
    reader = _Stated(source, language, values.get("zone") or front.get("timezone"), front.places)
    start = reader.moment(values["start"], "start")
    end = reader.moment(values["end"], "end", start) if values.get("end") else None
    reader.alike(start, end)
    last = reader.moment(values["deadline"], "deadline") if values.get("deadline") else None
    if start is None or reader.findings:
        return None, reader.findings
    access = values.get("access")
    email, phone = _reach(" ".join(values.get(k, "") for k in ("access_email", "access")))
    return Event(
        start,
        reader.zone or source.zone,
        end,
        _line(values.get("what")),
        _rows(values.get("place")),
        _line(values.get("online")),
        _rows(values.get("who")),
        _line(access),
        email,
        _line(values.get("access_phone")) or phone,
        last,
        _line(values.get("photo")),
        _line((values.get("languages") or "").replace("\n", ", ")),
        _line(values.get("note")),
        stated=True,
        line=line,
    ), []


def find(pieces: Iterable[Piece]) -> Block:
    """The labelled lines of a text, in whatever shape: lines, headings, lists or a table."""
    block = Block()
    current: list[str] | None = None
    for piece in pieces:
        fresh = True
        for number, text in _lines_of(piece):
            opened = eventwords.opening(text) or _alone(text)
            if opened is None:
                if _other_label(text):
                    current = None
                elif current is not None and (not fresh or not current):
                    current.append(text)
                fresh = False
                continue
            name, rest = opened
            if not block.rows:
                block.line = number
            if name in block.rows:
                current = None
            else:
                current = block.rows[name] = [rest] if rest else []
            fresh = False
    return block


def apart(pieces: list[Piece]) -> list[Piece]:
    """An invitation's pieces marked as such, with one paragraph for each label; other texts as
    they are."""
    if not find(pieces).is_event:
        return pieces
    out: list[Piece] = []
    awaited = False
    for piece in pieces:
        rows = piece.lines if piece.kind in _LINES else []
        ours = [number for number, text in rows if eventwords.opening(text) or _alone(text)]
        starts = [n for n, text in rows if n in ours or _other_label(text)]
        first = bool(starts) and starts[0] == piece.first
        own = {number for number, text in rows if not marks.contact_label(text)}
        if not ours:
            out.append(replace(piece, labelled=awaited))
            awaited = False
            continue
        awaited = _alone(rows[-1][1]) is not None
        if len(ours) < 2:
            out.append(replace(piece, labelled=first))
            continue
        edges = [piece.first, *[n for n in starts if n > piece.first], rows[-1][0] + 1]
        for number, stop in pairwise(edges):
            part = piece.with_lines(list(range(number, stop)))
            if part is not None:
                out.append(
                    replace(part, labelled=number in own and (first or number > piece.first))
                )
    return out


def labelled(
    block: Block, source: Source, language: str, zone: str | None = None
) -> tuple[Event | None, list[Finding]]:
    """The event that labelled lines speak of. `zone` is what the front matter says besides: it
    counts where the lines name none. Codes: event_recognised (a note), event_not_read."""
    place, online = _place(block)
    when = block.text("when") or f"{block.text('date')}, {block.text('time')}"
    try:
        read = _when(when, zone or _zone_of_place(place, language), source, language)
    except _Unsure as reason:
        return None, [
            Finding(
                "event_not_read",
                Severity.WARNING,
                f"The time of the event was not read: {reason}. The message shows no event box.",
                block.line,
                1,
                _HOW.replace("Europe/Brussels", source.zone),
            )
        ]
    access = block.text("access") or None
    email, phone = _reach(access or "")
    event = Event(
        read.start,
        read.zone,
        read.end,
        block.text("what") or None,
        place,
        online,
        tuple(filter(None, block.rows.get("who", []))),
        access,
        email,
        phone,
        _last_day(f"{block.text('deadline')}\n{access or ''}", block, source, language),
        block.text("photo") or None,
        block.text("languages") or None,
        line=block.line,
    )
    at = read.start.instant
    stamp = read.start.day.isoformat() if at is None else times.stamp_in(at, read.zone)
    message = f"Recognised an event: {stamp} {read.zone}, {' '.join(place) or online or '–'}."
    return event, [Finding("event_recognised", Severity.NOTE, message, block.line, 1)]


@dataclass(slots=True)
class _Stated:
    """Reads the times of the front matter; the first zone named is the event's."""

    source: Source
    language: str
    zone: str | None
    places: dict[str, int]
    findings: list[Finding] = field(default_factory=list)

    def moment(self, text: str, key: str, start: Moment | None = None) -> Moment | None:
        line = self.places.get(f"event.{key}") or self.places.get("event")
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            try:
                day = date.fromisoformat(text)
            except ValueError:
                return self._wrong("without_start", f"'{text}' is no date", line)
            if day.year not in times.YEARS:
                return self._wrong("without_start", f"'{text}' lies too far away", line)
            return Moment(day)
        if start is not None and re.fullmatch(r"\d{1,2}[:.h]\d\d", text):
            clock = re.sub("[.h]", ":", text).zfill(5)
            text = f"{start.day.isoformat()} {clock}"
        try:
            when = times.read_when(text)
        except UsageError:
            return self._in_words(text, key, line)
        zone = self.zone or when.zone
        if zone is None and when.offset is None:
            return self._wrong("without_zone", f"The event's {key} names no time zone", line)
        try:
            instant = times.instant_of(when, zone or "UTC")
            self.zone = zone or embargo.fixed_zone(
                (when.offset or 0) // 60, instant, self.source.zone
            )
            return Moment(_local_day(instant, self.zone), instant)
        except UsageError as error:
            return self._unlucky(when.local, zone, error, line)

    def alike(self, start: Moment | None, end: Moment | None) -> None:
        """Note it where the end has a time of day and the start has none."""
        if (
            start is not None
            and start.instant is None
            and end is not None
            and end.instant is not None
        ):
            line = self.places.get("event.end") or self.places.get("event")
            self._wrong("without_start", "The event's end has a time of day, its start none", line)

    def _in_words(self, text: str, key: str, line: int | None) -> Moment | None:
        found = dates.find(text, self.language, self.source.today)
        if found is not None and embargo.clock(text[: found.start] + text[found.end :])[0] is None:
            if found.weekday_is_wrong:
                message = f"The event's weekday is wrong: {found.date} is a {found.date:%A}"
                return self._wrong("weekday_mismatch", message, line)
            rest = f"{text[: found.start]} {text[found.end :]}"
            if any(char.isdigit() for char in rest):
                # A time that was meant, or a second day: not left out without a word.
                message = (
                    f"The event's {key} holds '{' '.join(rest.split())}', which cannot be read"
                )
                return self._wrong("without_start", message, line)
            return Moment(found.date)
        held, wrong = embargo.parse(
            f"{text} {self.zone or ''}".strip(),
            language=self.language,
            zone=self.source.zone,
            line=line,
            today=self.source.today,
            thing="event",
        )
        if held is None or wrong:
            self.findings += [replace(one, severity=Severity.ERROR) for one in wrong]
            return None
        self.zone = self.zone or held.zone
        return Moment(_local_day(held.instant, held.zone), held.instant)

    def _unlucky(
        self, local: datetime, zone: str | None, error: UsageError, line: int | None
    ) -> Moment | None:
        code = "without_zone"
        try:
            case = times.resolve_local(local, zone or "UTC").case
            code = {times.Case.GAP: "in_gap", times.Case.FOLD: "in_fold"}.get(case, code)
        except UsageError:
            pass  # The zone itself is unknown: the sentence says so.
        said, _, rest = str(error).partition(". Write ")
        hint = f"Write {rest}" if rest else error.hint
        return self._wrong(code, f"The event's time: {said}", line, hint)

    def _wrong(
        self, code: str, message: str, line: int | None, hint: str | None = None
    ) -> Moment | None:
        self.findings.append(
            Finding(
                f"event_{code}", Severity.ERROR, message.rstrip(".") + ".", line, 1, hint or _HOW
            )
        )
        return None


def _lines_of(piece: Piece) -> Iterator[tuple[int, str]]:
    if piece.kind is BlockKind.TABLE:
        for row in piece.children:
            cells = [" ".join(cell.text.split()) for cell in row.children]
            head = eventwords.label(cells[0]) if len(cells) > 1 else None
            text = f"{cells[0].rstrip(' :：')}: {' '.join(cells[1:])}" if head else " ".join(cells)
            yield row.line or piece.first, text
    elif piece.kind in _LISTS:
        for item in piece.children:
            for text in item.text.split("\n"):
                yield item.line or piece.first, text.strip()
    elif piece.kind in _LINES:
        yield from ((number, text) for number, text in piece.lines if text)


def _alone(text: str) -> tuple[str, str] | None:
    name = eventwords.label(text)
    return (name, "") if name else None


def _other_label(text: str) -> bool:
    """Whether a line begins with a label that is none of ours, such as "WHY:"."""
    return re.match(r"[\s*_]*[^\W\d_][^\W\d_ ]*(?: [^\W\d_]+){0,2}\s*[:：](?!//)", text) is not None


def _when(text: str, city: str | None, source: Source, language: str) -> _When:
    """The time in words; `city` is the zone of one that names none. Raises _Unsure with the
    reason."""
    text = " ".join(text.split())
    iso = re.search(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*", text)
    if iso:
        text = text.replace(iso.group(), iso.group().replace("T", " "))
    if any(re.search(rf"\b{word}\b", text, re.I) for word in _MIDNIGHT):
        raise _Unsure("midnight may be either end of the day")
    for word in _NOON:
        text = re.sub(rf"\b{word}\b", "12:00", text, flags=re.I)
    text = _BARE_HOURS.sub(_with_mark, _GLUED.sub(" – ", text))
    first, last, rest = _days(text, source, language)
    parts = [part.strip() for part in re.split(r"\s/\s|[();|（）]", rest) if part.strip()]
    timed = [part for part in parts if embargo.clock(part)[0] is not None]
    if not timed:
        end = Moment(last) if last != first else None
        return _When(Moment(first), end, city or source.zone)
    if last != first:
        raise _Unsure("it has several days and a time of day")
    zones = " ".join(part for part in parts if embargo.clock(part)[0] is None)
    found = [
        _hours(part if at else f"{part} {zones}", first, city, source, language)
        for at, part in enumerate(timed)
    ]
    if any(other.start != found[0].start for other in found):
        raise _Unsure("it names several times of day")
    return found[0]


def _days(text: str, source: Source, language: str) -> tuple[date, date, str]:
    """The first and the last day, and the text without them."""
    found = dates.find_all(text, language, source.today)
    if not found:
        raise _Unsure("there is no date that can be read")
    if any(one.weekday_is_wrong for one in found):
        raise _Unsure("the weekday is not that of the date")
    first, head = found[0], text[: found[0].start]
    if len(found) == 2 and re.fullmatch(
        rf"\s*,?\s*{_TO}\s*(?:the|le|el|il)?\s*", text[first.end : found[1].start], re.I
    ):
        rest = text[: first.start] + " " + text[found[1].end :]
        return first.date, found[1].date, rest
    if len(found) > 1:
        raise _Unsure("it names several dates")
    if re.search(r"\d\.?\s*(?:[,&+]|and|und|et|y|e|i|en|or|oder|ou|и|та|й|و|ו)\s*$", head, re.I):
        raise _Unsure("it names several days")
    before = re.search(rf"(\d{{1,2}})\.?\s*{_TO}\s*$", head, re.I)
    if before:
        try:
            opening = first.date.replace(day=int(before[1]))
        except ValueError:
            opening = first.date
        if opening >= first.date:
            raise _Unsure("its days cannot be told apart")
        return opening, first.date, text[: before.start()] + " " + text[first.end :]
    return first.date, first.date, text[: first.start] + " ; " + text[first.end :]


def _hours(part: str, day: date, city: str | None, source: Source, language: str) -> _When:
    """Start and end out of a stretch with one time of day, or two with a dash between them."""
    if re.search(r"(?<!\d)24[:.h]?00", part):
        raise _Unsure("24:00 may be either end of the day")
    opens, rest = embargo.clock(part)
    assert opens is not None, "asked only of parts with a time"
    closes, without = embargo.clock(rest)
    if closes is not None:
        between = re.search(r"\x02(.*)\x02", without)
        if not between or not re.fullmatch(rf"[\s\w.]{{0,6}}?\s*{_TO}\s*", between[1], re.I):
            raise _Unsure("it names several times of day")
        if embargo.clock(without)[0] is not None:
            raise _Unsure("it names several times of day")
        rest = without.replace(between.group(), " ")
    words = rest.replace("\x02", " ")
    held, wrong = embargo.parse(
        f"{day.isoformat()}, {opens:%H:%M} {words}",
        language=language,
        zone=source.zone,
        line=None,
        thing="event",
    )
    if held is not None and not wrong:
        start, zone = held.instant, held.zone
    elif city and held is None and wrong[0].message.endswith("names no time zone."):
        start, zone = _instant(day, opens, city), city
    else:
        raise _Unsure(wrong[0].message.rstrip(".").replace("The event", "it", 1))
    end = None
    if closes is not None:
        last = day if closes > opens else day + timedelta(days=1)
        stop = _instant(last, closes, zone)
        if last > day and stop - start > _NIGHT:
            raise _Unsure("it ends before it begins")
        end = Moment(last, stop)
    return _When(Moment(day, start), end, zone)


def _instant(day: date, clock: time, zone: str) -> int:
    try:
        found = times.resolve_local(datetime.combine(day, clock), zone)
    except UsageError as error:
        raise _Unsure(str(error).rstrip(".")) from None
    if found.instant is None:
        raise _Unsure(found.sentence().split(". Write ")[0])
    return found.instant


def _with_mark(match: re.Match[str]) -> str:
    """ "10 to 11:30 am" as "10 am to 11:30 am", "11 to 1 pm" as "11 am to 1 pm"."""
    first, to, second, space, mark = match.groups()
    own = mark
    if mark[0].lower() in "ap" and int(first) % 12 > int(re.split("[:.]", second)[0]) % 12:
        own = {"a": "pm", "p": "am"}[mark[0].lower()]
    return f"{first} {own}{to}{second}{space}{mark}"


def _zone_of_place(place: tuple[str, ...], language: str) -> str | None:
    """The zone of the city in an address: only of one that stands between commas by itself, last
    or before its country ("London, Ontario" is not London's time)."""
    cities = {**dates.zones_by_city(language), **times.zones_by_city()}
    countries = {**dates.territories(language), **dates.territories("en"), **_SHORT}
    found = set()
    for row in place:
        parts = [_bare(part) for part in re.split(r"[,;，،、]|\s[–—-]\s", row)]
        parts = [part for part in parts if part]
        for part, behind in pairwise([*parts, ""]):
            if part not in cities:
                continue
            if behind and dates.territory_of(cities[part]) != countries.get(behind, "?"):
                return None
            found.add(cities[part])
    return found.pop() if len(found) == 1 else None


def _bare(part: str) -> str:
    """A part of an address in lower case, without postcodes and numbers."""
    name = re.sub(r"\b[A-Z]{0,2}-?\d[\w-]*\b(?:\s[A-Z]{1,2}\b)?", " ", part)
    return " ".join(name.split()).lower().strip(" .")


def _place(block: Block) -> tuple[tuple[str, ...], str | None]:
    where, stream = block.rows.get("where", []), block.text("online")
    urls = _URL.findall(stream) or _URL.findall(" ".join(where))
    rows = tuple(" ".join(_URL.sub(" ", row).split()).strip(" ,;:–") for row in where)
    rows = tuple(row for row in rows if row and not _ONLY_ONLINE.fullmatch(row))
    online = urls[0] if urls else None
    return rows, f"https://{online}" if online and "://" not in online else online


def _reach(text: str) -> tuple[str | None, str | None]:
    email = contacts.EMAIL.search(text)
    phone = next(iter(find_phones(text)), None)
    return email.group(1) if email else None, phone.text if phone else None


def _last_day(text: str, block: Block, source: Source, language: str) -> Moment | None:
    """The last day to register: the one date that a word such as "by" stands before."""
    found = dates.find_all(text, language, source.today)
    if len(found) != 1 or found[0].weekday_is_wrong:
        return None
    sure = block.text("deadline") or _LAST_DAY.search(text[: found[0].start])
    return Moment(found[0].date) if sure else None


def _local_day(instant: int, zone: str) -> date:
    return to_datetime(instant).astimezone(times.zone_info(zone)).date()


def _line(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


def _rows(text: str | None) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
