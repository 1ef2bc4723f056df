"""One release in several languages: which texts there are, and who gets which.

Each language has revisions of its own under the release's id. A text is *ready*, *awaited*
(announced and not there) or *behind* (it translates an older lead text). A journalist gets exactly
one: in his own language, else his outlet's, else the newsroom's default, else the lead text.
A batch that waits for a text is one more batch that is not due yet; when the text comes, the sweep
gives it to the batch (design section 2, D21).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailer.distribution import preflight, releases
from mailer.distribution.context import Newsroom
from mailer.distribution.enclosed import NOTHING, Enclosed
from mailer.distribution.releases import StoredRelease
from mailer.errors import MailerError, Refused
from mailer.message.merge import MergeTemplate
from mailer.message.phrases import base_language, own_name
from mailer.message.view import Languages, Other
from mailer.release.embargoed import lifted
from mailer.store import distributions, variants
from mailer.store.base import Tx
from mailer.store.ledger import keep_compiled
from mailer.store.releases import Family, Text
from mailer.store.releases import family as family_of


@dataclass(frozen=True, slots=True)
class Ready:
    """A text that a distribution sends, compiled. `language` is "" for the lead text."""

    language: str
    stored: StoredRelease
    template: MergeTemplate


@dataclass(slots=True)
class Choice:
    """Who gets which text. `ready` are the languages there are, `lead` among them, `awaited` those
    that a batch waits for; `outlets` the language of an outlet's journalists, by folded name."""

    lead: str
    ready: Sequence[str]
    awaited: Sequence[str]
    default: str
    outlets: Mapping[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def of(self, language: str, outlet: str) -> tuple[str, str]:
        """(the text he gets now, the one he waits for): "" for the lead text, and for none."""
        home = self.outlets.get(outlet.casefold().strip(), "") if outlet else ""
        key = (language, home)
        if key not in self._known:
            self._known[key] = self._pick(language, home)
        return self._known[key]

    def _pick(self, language: str, home: str) -> tuple[str, str]:
        wanted = [each for each in (language, home, self.default) if each]
        offered = [*self.ready, *self.awaited]
        best = next((found for each in wanted if (found := match(each, offered))), self.lead)
        now = next((found for each in wanted if (found := match(each, self.ready))), self.lead)
        return ("" if now == self.lead else now), (best if best in self.awaited else "")


def match(wanted: str, offered: Iterable[str]) -> str:
    """The language among those offered that serves who wants this one: the same tag, else the same
    language ("de" for "de-AT"); "" when none does."""
    tags = {each.lower().replace("_", "-"): each for each in offered}
    tag = wanted.lower().replace("_", "-")
    if tag in tags:
        return tags[tag]
    base = base_language(tag)
    return next((each for low, each in tags.items() if base_language(low) == base), "")


def links_of(room: Newsroom, slug: str, family: Family, language: str) -> Languages:
    """The page of a text, and the other languages that it links to."""
    there = [each.language for each in family.texts if each.number is not None]
    return links_among(room, slug, there, family.lead, language)


def links_among(
    room: Newsroom, slug: str, there: Iterable[str], lead: str, language: str
) -> Languages:
    """The same for languages that are told, whether kept or not."""
    home = f"{room.sender.public_url}/r/{slug}"
    pages = {each: home if each == lead else f"{home}/{each}" for each in there}
    others = [Other(each, own_name(each), url) for each, url in pages.items() if each != language]
    return Languages(pages.get(language, home), tuple(others))


def prepare(
    room: Newsroom,
    release: int | None,
    family: Family,
    until: int | None = None,
    enclosed: Enclosed = NOTHING,
) -> list[Ready]:
    """The texts beside the lead text that can be sent now, checked and compiled for after an
    embargo until then.

    Raises Refused for a text with errors, or one that its template cannot show.
    """
    found = []
    for text in family.texts:
        if text.state != "ready" or text.language == family.lead or release is None:
            continue
        of_language = releases.revision(room, release, text.number)
        preflight.refuse_errors(room, of_language)
        links = links_of(room, of_language.release.slug, family, text.language)
        template = releases.compiled(
            room, _lifted(of_language, until), languages=links, enclosed=enclosed
        )
        found.append(Ready(text.language, of_language, template))
    return found


def refuse_awaited(family: Family) -> None:
    """Raises Refused when a text is missing or behind and nobody said what then."""
    missing = [each for each in family.texts if each.state != "ready"]
    if missing:
        said = " and ".join(f"{each.language} is {each.state}" for each in missing)
        raise Refused(
            f"not every language of this release is ready: {said}; nothing was queued.",
            hint="--wait-variants WHEN waits and then sends another language (now: at once), "
            "--as-ready waits as long as it takes.",
        )


def keep(tx: Tx, distribution: int, ready: Iterable[Ready]) -> None:
    """Write down which texts a distribution sends beside its lead text."""
    for each in ready:
        assert each.stored.revision is not None
        keep_compiled(tx, each.template.digest, each.template.to_bytes())
        variants.add(tx, distribution, each.language, each.stored.revision, each.template.digest)


class Arrivals:
    """Gives texts that came in to the batches that wait for them. A text with errors is looked at
    once and leaves its batches waiting."""

    def __init__(self, room: Newsroom, actor: str) -> None:
        self._room = room
        self._actor = actor
        self._unfit: set[tuple[int, int]] = set()

    def look(self) -> int:
        """How many batches got their text."""
        with self._room.store.read() as tx:
            waiting = variants.awaited(tx)
            families = {row["release"]: family_of(tx, row["release"]) for row in waiting}
        done = 0
        for row in waiting:
            family = families[row["release"]]
            text = next((each for each in family.texts if each.language == row["awaits"]), None)
            if text is None or text.state != "ready" or text.number is None:
                continue
            if (row["release"], text.number) in self._unfit:
                continue
            try:
                done += self._give(row["distribution"], row["wave"], row["release"], family, text)
            except MailerError:
                self._unfit.add((row["release"], text.number))
        return done

    def _give(self, number: int, wave: int, release: int, family: Family, text: Text) -> bool:
        room = self._room
        assert text.number is not None
        stored = releases.revision(room, release, text.number)
        preflight.refuse_errors(room, stored)
        links = links_of(room, stored.release.slug, family, text.language)
        # It leaves after the text's own embargo as well.
        text_then = _lifted(stored, _lift(stored))
        with room.store.read() as tx:
            queued = distributions.get(tx, number)
        enclosed = NOTHING if queued is None else Enclosed.kept(json.loads(queued["audience"]))
        template = releases.compiled(room, text_then, languages=links, enclosed=enclosed)
        with room.store.write() as tx:
            row = distributions.get(tx, number)
            if row is None:
                return False
            first = distributions.first_open_due(tx, number, wave) or 0
            due = max(tx.now(), first, row["embargo_until"] or 0, _lift(stored))
            given = variants.arrived(tx, number, wave, text.language, due, self._actor)
            if given:
                keep(tx, number, [Ready(text.language, stored, template)])
            return given


def _lifted(stored: StoredRelease, until: int | None) -> StoredRelease:
    return replace(stored, release=lifted(stored.release, until))


def _lift(stored: StoredRelease) -> int:
    return stored.release.embargo.instant if stored.release.embargo else 0
