"""What `mailer preview --watch` shows: releases as journalists get them, made anew on each change.

`Watch` looks at release files (with their other languages beside them), at the newsroom's
templates and at config.toml. Nothing is compiled before it is asked for, and nothing twice. Files
are looked at by their time and size instead of by the system's notices: those do not come from
network drives and shared folders, where templates often lie, and a folder made later needs no care.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any

from mailer import config as configuration
from mailer.clock import to_datetime
from mailer.distribution import gallery, releases, themes, variants
from mailer.distribution.context import Newsroom, newsroom_sender
from mailer.distribution.previews import as_shown, known_recipient, merged_for, values_for
from mailer.distribution.releases import StoredRelease
from mailer.errors import InputError, MailerError, NotFound
from mailer.message.checks import check_message
from mailer.message.merge import HTML_LIMIT as HTML_LIMIT
from mailer.message.merge import Field, MergeTemplate
from mailer.message.model import Recipient
from mailer.message.render import Parts, message_parts
from mailer.message.render import in_mode as in_mode
from mailer.message.values import SLOTS
from mailer.message.view import view_of
from mailer.release.model import Finding

AS = "as"
"""The key of the journalist that --as names."""

_KEPT = 64
"""Compiled texts, and messages made of them, that are kept."""


@dataclass(frozen=True, slots=True)
class Text:
    """One release in one language. `key` names it in addresses, `group` is its release's; `path` is
    None for one that is only in the store."""

    key: str
    group: str
    name: str
    path: Path | None
    reference: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as the page shows it: `lines` are number, text and whether it is the one."""

    message: str
    hint: str
    file: str
    line: int
    lines: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A text as one journalist gets it. Sizes are bytes; `fields` are his:
    name, value (or the fallback that stands in its place), and whether the templates print it."""

    text: Text
    language: str
    direction: str
    sender: str
    subject: str
    preheader: str
    raw: bytes
    parts: Parts
    html_size: int
    fields: tuple[tuple[str, str, bool], ...]


class Watch:
    """Safe to share between threads; `refresh` tells whether anything changed since."""

    def __init__(self, room: Newsroom, references: Sequence[str], *, as_email: str = "") -> None:
        """Raises NotFound for a release or a journalist that is not there."""
        self.version = 1
        self.as_email = as_email
        self._room = room
        self._references = [self._checked(each) for each in references]
        if as_email:
            known_recipient(room, as_email)
        self._lock = RLock()
        self._stored: dict[str, tuple[str, StoredRelease]] = {}
        self._pictures: dict[Path, list[Path]] = {}
        self._compiled: dict[tuple[str, ...], MergeTemplate] = {}
        self._messages: dict[tuple[str, str, str], Message] = {}
        self._config_fault: MailerError | None = None
        self._last: tuple[str, str] | None = None
        self._texts = self._found()
        self._stamps = self._look()
        self._templates = self._digest(self._template_files())

    @property
    def room(self) -> Newsroom:
        """The newsroom, with the configuration as it is now."""
        return self._room

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts, those of one release together, its lead text first."""
        return self._texts

    def refresh(self) -> bool:
        """Look at the files; True when something is other than before. Raises MailerError where the
        store cannot be asked for what it keeps; the next look sees the same change."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        with self._lock:
            changed = {path for path, _ in set(stamps.items()) ^ set(self._stamps.items())}
            self._texts = self._found()
            self._templates = self._digest(self._template_files())
            if str(self._room.config.path) in changed:
                self._configure()
            # Last: what fails before, as in a store that is busy, is looked at again.
            self._stamps = stamps
            self.version += 1
        return True

    def mark(self, text: Text) -> str:
        """What changes when the message of this text may have."""
        own = self._own_files(text.path) if text.path else []
        config = self._room.config.path
        # Languages link to each other, so one that comes or goes changes all of its release.
        siblings = ",".join(each.key for each in self._texts if each.group == text.group)
        seed = f"{self._templates}{self._digest([*own, config])}{siblings}"
        return hashlib.sha256(seed.encode()).hexdigest()[:12]

    def marks(self) -> dict[str, str]:
        """The mark of each text by its key."""
        return {each.key: self.mark(each) for each in self._texts}

    def text(self, key: str) -> Text:
        """Raises NotFound for a key that is none."""
        for each in self._texts:
            if each.key == key:
                return each
        raise NotFound("There is no such text here.")

    def message(self, key: str, case: str = "") -> Message:
        """The text as a journalist of the gallery gets it, or with `AS` the one that --as named.

        Raises MailerError for whatever is wrong in configuration, release or templates;
        `trouble` explains it.
        """
        text = self.text(key)
        with self._lock:
            if self._config_fault is not None:
                raise self._config_fault
            known = (self.mark(text), key, case)
            self._last = (key, case)
            if known not in self._messages:
                if len(self._messages) >= _KEPT:
                    self._messages.clear()
                self._messages[known] = self._merged(text, case)
            return self._messages[known]

    def warm(self) -> None:
        """Make what was asked for last, before it is asked for again."""
        with suppress(MailerError):  # Whoever asks is told.
            if self._last is not None:
                self.message(*self._last)

    def findings(self, message: Message) -> tuple[Finding, ...]:
        """What is doubtful in the text and in the message that it makes."""
        with self._lock:
            stored = self._release(message.text)
            template = self._template(message.text, stored)
            source = releases.source_of(self._room, stored)
            return (
                *releases.preflight(self._room, stored.release, source=source),
                *check_message(template, message.parts.html),
            )

    def trouble(self, error: MailerError) -> Trouble:
        """An error with the lines that it stands in."""
        found = re.match(r"(.*?), line (\d+)(?:, column \d+)?(?:: (.+))?", error.where)
        file, line = (found[1], int(found[2])) if found else (error.where, 0)
        message = error.message[:1].upper() + error.message[1:]
        if found and found[3]:  # a file that the text names there
            message = f"{found[3]}: {error.message}"
        path: Path | None = Path(file) if file else None
        own = next((t.path for t in self._texts if t.path and t.path.name == file), None)
        if own is not None:
            path = own.absolute()
        elif path is not None and not path.is_absolute():
            try:
                path = releases.template_source(self._room).find(file)
            except MailerError:
                path = None
        lines: list[tuple[int, str, bool]] = []
        if path is not None and line and "rendered page" not in error.where:
            try:
                all_lines = path.read_text("utf-8", "replace").split("\n")
            except OSError:
                all_lines = []
            first = max(0, line - 4)
            lines = [
                (number, each[:400], number == line)
                for number, each in enumerate(all_lines[first : line + 3], first + 1)
            ]
        shown = str(path) if path is not None else file
        home = f"{self._room.config.home}{os.sep}"
        return Trouble(message, error.hint, shown.removeprefix(home), line, tuple(lines))

    def languages(self, group: str) -> list[Text]:
        """The texts of one release."""
        return [each for each in self._texts if each.group == group]

    # -------------------------------------------------------------------------------------

    def _checked(self, reference: str) -> tuple[str, Path | None]:
        path = Path(reference)
        if path.is_file():
            return reference, path
        releases.resolve(self._room, reference, "", keep=False)
        return reference, None

    def _found(self) -> tuple[Text, ...]:
        texts: list[Text] = []
        for reference, path in self._references:
            if path is not None:
                stem = path.stem.partition(".")[0]
                texts += [Text("", stem, p.name, p, str(p)) for p in _with_languages(path)]
                continue
            stored = releases.resolve(self._room, reference, "", keep=False)
            slug = stored.release.slug
            if stored.alone:
                texts.append(Text("", slug, reference, None, reference))
                continue
            family = releases.family(self._room, stored)
            for each in family.texts:
                if each.number is not None:
                    named = f"{slug}:{each.language}"
                    texts.append(Text("", slug, named, None, named))
        keys: dict[str, int] = {}
        result = []
        for text in {each.reference: each for each in texts}.values():
            key = re.sub(r"[^a-z0-9]+", "-", text.name.lower()).strip("-") or "text"
            keys[key] = keys.get(key, 0) + 1
            result.append(replace(text, key=key if keys[key] == 1 else f"{key}-{keys[key]}"))
        groups = list(dict.fromkeys(text.group for text in result))
        return tuple(sorted(result, key=lambda text: groups.index(text.group)))

    def _merged(self, text: Text, case: str) -> Message:
        stored = self._release(text)
        template = self._template(text, stored)
        who = self._recipient(case, template)
        raw = merged_for(self._room, template, who)
        return Message(
            text=text,
            language=stored.release.language,
            direction=stored.release.direction,
            sender=template.sender.name,
            subject=template.subject,
            preheader=view_of(stored.release, self._room.sender).preheader,
            raw=raw,
            parts=message_parts(raw),
            html_size=max(template.html_size, template.encoded_html_size),
            fields=_fields(template, values_for(self._room, template, who)),
        )

    def _release(self, text: Text) -> StoredRelease:
        stamp = self._digest(self._own_files(text.path)) if text.path else ""
        kept = self._stored.get(text.key)
        if kept is not None and text.path and kept[0] == stamp:
            return kept[1]
        if text.path is None:
            stored = releases.resolve(self._room, text.reference, "", keep=False)
        else:
            try:
                stored = releases.read_file(self._room, text.path)
            except InputError:
                # One of the files that it names may be awaited, in whatever folder.
                self._pictures[text.path] = releases.files_named(self._room, text.path)
                raise
            self._pictures[text.path] = [
                text.path.parent / each.file for each in stored.release.media if each.file
            ]
            # What it named may have been unknown before, and counts from now on.
            stamp = self._digest(self._own_files(text.path))
        self._stored[text.key] = stamp, stored
        return stored

    def _template(self, text: Text, stored: StoredRelease) -> MergeTemplate:
        group = self.languages(text.group)
        there = []
        for each in group:
            try:
                there.append(self._release(each).release.language)
            except MailerError:  # Its own column says so.
                continue
        language = stored.release.language
        slug = stored.release.slug
        links = variants.links_among(self._room, slug, dict.fromkeys(there), there[0], language)
        config = self._digest([self._room.config.path])
        key = (stored.sha256, str(stored.revision), self._templates, config, repr(links))
        if key not in self._compiled:
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            self._compiled[key] = as_shown(self._room, stored, links)
        return self._compiled[key]

    def _recipient(self, case: str, template: MergeTemplate) -> Recipient:
        if self.as_email and case in ("", AS):
            return known_recipient(self._room, self.as_email)
        today = to_datetime(self._room.clock.now()).date()
        key = self._room.keys.current_id
        return gallery.case(case).recipient(template.language, key, today)

    def _configure(self) -> None:
        """Take over a changed config.toml; what is wrong in it is shown until it is mended."""
        try:
            config = configuration.load(self._room.config.path)
            sender = newsroom_sender(config, self._room.sender.ledger_id)
            self._room = replace(self._room, config=config, sender=sender)
            self._config_fault = None
        except MailerError as error:
            self._config_fault = error

    def _template_files(self) -> list[Path]:
        folders = themes.source_of(self._room.config).folders
        return [path for folder in folders for path in _below(folder)]

    def _look(self) -> dict[str, Any]:
        """Every file that matters, with its time and size."""
        texts = [
            path
            for _, given in self._references
            if given is not None
            for text in _with_languages(given)
            for path in self._own_files(text)
        ]
        paths = [self._room.config.path, *texts, *self._template_files()]
        return {str(path): _stamp(path) for path in paths}

    def _own_files(self, path: Path) -> list[Path]:
        """A release file, the pictures that lie beside it (one may be awaited), and those that it
        named when it was read last."""
        try:
            beside = [
                Path(each.path)
                for each in os.scandir(path.parent)
                if each.name.lower().endswith(_PICTURES)
            ]
        except OSError:
            beside = []
        return [path, *sorted({*beside, *self._pictures.get(path, [])})]

    def _digest(self, paths: Sequence[Path]) -> str:
        seed = repr([(str(path), _stamp(path)) for path in paths])
        return hashlib.sha256(seed.encode()).hexdigest()[:16]


def _fields(template: MergeTemplate, values: dict[str, str]) -> tuple[tuple[str, str, bool], ...]:
    printed = {part.slot: part.fallback for part in template.parts if isinstance(part, Field)}
    return tuple(
        (slot, values[slot] or printed.get(slot, ""), slot in printed)
        for slot in SLOTS
        if slot.startswith("journalist.")
    )


def _with_languages(path: Path) -> list[Path]:
    """A release file, and those beside it in other languages: `slug.fr.md` beside `slug.md`."""
    stem, _, language = path.stem.partition(".")
    if language:
        return [path]
    try:
        beside = [
            Path(each.path)
            for each in os.scandir(path.parent)
            if each.name.startswith(f"{stem}.") and _LANGUAGE.search(each.name)
        ]
    except OSError:
        beside = []
    same = [each for each in beside if each.name.endswith(path.suffix) and each.name != path.name]
    return [path, *sorted(same)]


_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".pdf")
_LANGUAGE = re.compile(r"^[^.]+\.[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\.\w+$")


def _below(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.name not in ("web", "specimens"):
                yield from _below(Path(entry.path))
        elif not entry.name.endswith("~"):
            yield Path(entry.path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):  # Not there, or no name that a file can have.
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
