"""In which language a page speaks to its reader, and its words there (GDPR art. 12, F17)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailer.message.phrases import FALLBACK, RTL, base_language, page_languages, page_phrase
from mailer.message.phrases import long_date as long_date

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Words:
    """What pages say in one language: call it with a phrase's name and what fills it in."""

    language: str = FALLBACK

    @property
    def direction(self) -> str:
        """ "rtl" or "ltr", for HTML's dir."""
        return "rtl" if self.language in RTL else "ltr"

    def __call__(self, name: str, **values: object) -> str:
        return page_phrase(self.language, name, **values)

    def listed(self, names: Iterable[str]) -> str:
        """Names one after the other."""
        return ("、" if self.language in ("zh", "ja") else ", ").join(names)

    def day(self, iso: str) -> str:
        """An ISO date written out."""
        return long_date(iso, self.language)


def words_for(own: str, accepted: str, default: str) -> Words:
    """The words for somebody who is addressed in `own` ("" when that is not known), whose browser
    asks for `accepted` (an Accept-Language header), at a newsroom that speaks `default`."""
    spoken = page_languages()
    for tag in (own, *_wanted(accepted), default):
        if tag and base_language(tag) in spoken:
            return Words(base_language(tag))
    return Words()


def _wanted(header: str) -> list[str]:
    """The tags of an Accept-Language header, best first (RFC 9110 section 12.5.4)."""
    found: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")[:_MOST_NAMED]):
        tag, _, weight = part.strip().partition(";")
        name, _, number = weight.strip().partition("=")
        try:
            quality = float(number) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        if tag and tag != "*" and quality > 0:
            found.append((-quality, place, tag.strip()))
    return [tag for _, _, tag in sorted(found)]
