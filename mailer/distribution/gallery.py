"""Journalists whose names break templates, and texts with everything in them.

Nobody here exists, and all addresses are reserved. `mailer templates check` merges each specimen
for each journalist, and the gallery of `mailer preview --watch` shows them (D16, C19).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from mailer.message.model import Recipient
from mailer.message.templates import package_templates
from mailer.release.model import Embargo, Kind, Release
from mailer.release.read import read_release


@dataclass(frozen=True, slots=True)
class Case:
    """One made-up journalist. `title` says in a few words what is odd about him, `watch` what to
    look at in his message."""

    key: str
    title: str
    watch: str
    email: str
    first_name: str = ""
    last_name: str = ""
    outlet: str = ""

    def recipient(self, language: str, key_id: int, day: date) -> Recipient:
        """This journalist as a message in `language` sees him."""
        return Recipient(
            email=self.email,
            first_name=self.first_name,
            last_name=self.last_name,
            outlet=self.outlet,
            language=language,
            list_name="preview",
            list_title="Preview",
            list_kind="press",
            source="preview",
            source_date=day.isoformat(),
            key_id=key_id,
        )


CASES = (
    Case(
        "plain",
        "An everyday name",
        "How it is for most.",
        "anna.example@news.example",
        "Anna",
        "Example",
        "The Example",
    ),
    Case(
        "long",
        "A very long name and outlet",
        "Nothing is cut or pushed out of the column on a phone.",
        "maximiliane@news.example",
        "Maximiliane-Alexandrina Wilhelmine",
        "von und zu Hohenstein-Blankenburg-Schwarzenfels",
        "Generalanzeiger für die Landkreise Donaudampfschifffahrtsgesellschaft und Umgebung",
    ),
    Case(
        "rtl",
        "Right-to-left name in any mail",
        "Punctuation after the name stays where it belongs.",
        "dana.levi@news.example",
        "דנה",
        "לוי",
        "הארץ לדוגמה",
    ),
    Case(
        "apostrophe",
        "Apostrophes and quotation marks",
        "They are shown, not as &#39; or a backslash.",
        "o.d@news.example",
        "Órla “Bee”",
        "O’D'Arcy",
        'The "Daily" Example',
    ),
    Case(
        "no-first-name",
        "No first name",
        "The greeting is polite without it.",
        "nowak@news.example",
        "",
        "Nowak",
        "The Example",
    ),
    Case(
        "no-name",
        "No name at all",
        "No “Dear ,” and no empty line.",
        "newsdesk@news.example",
        outlet="Example Agency",
    ),
    Case(
        "no-outlet",
        "No outlet",
        "A template that prints the outlet has a fallback.",
        "freelance@news.example",
        "Ada",
        "Freelance",
    ),
    Case(
        "long-address",
        "64 characters before the @",
        "The longest address that mail servers must take (RFC 5321, 4.5.3.1.1).",
        f"{'a-long-name.' * 5}last@news.example",
        "Bertrand",
        "Longpart",
        "The Example",
    ),
    Case(
        "hostile",
        "A name that is code",
        "It stands there as text; nothing runs, no line is added to the header.",
        "mallory@news.example",
        "<script>alert(1)</script>",
        "{{ 7*7 }}\r\nBcc: all@news.example",
        '"><img src=x onerror=alert(1)>',
    ),
    Case(
        "idn",
        "An address in another script",
        "Its domain stands in A-labels in the header.",
        "redaktion@xn--bcher-kva.example",
        "Jörg",
        "Müßig",
        "Bücher heute",
    ),
    Case(
        "cjk",
        "Chinese, Japanese, Korean",
        "The letters are there, in the order that the list gave.",
        "satou@news.example",
        "花子",
        "佐藤",
        "例新聞社",
    ),
    Case(
        "combining",
        "Combining marks and joined emoji",
        "Marks stand on their letters; nothing is cut between them.",
        "nguyen@news.example",
        "Nguye\u0302\u0303n",
        "Thi\u0323 \U0001f469\u200d\U0001f4bb",
        "Z\u0351\u036ba\u0351l\u0351go\u0351 Weekly",
    ),
)


def case(key: str) -> Case:
    """The journalist of that key, the everyday one for a key that is not known."""
    return next((each for each in CASES if each.key == key), CASES[0])


@cache
def specimens(zone: str) -> tuple[Release, ...]:
    """Texts with everything in them: every kind of block, three scripts, an event, each band."""
    texts = [_read(path, zone) for path in sorted(_folder().glob("*.md"))]
    english = next(text for text in texts if text.language == "en" and text.kind is Kind.RELEASE)
    embargo = Embargo("until Tuesday 3 March 2099, 09:00 CET", 4_076_122_800_000_000, zone)
    kinds = [
        replace(english, slug=f"specimen-{kind.value}", kind=kind)
        for kind in (Kind.CORRECTION, Kind.KILL)
    ]
    return (*texts, *kinds, replace(english, slug="specimen-embargo", embargo=embargo))


def _folder() -> Path:
    return package_templates() / "specimens"


def _read(path: Path, zone: str) -> Release:
    day = date(2026, 3, 3)  # That of their datelines.
    return read_release(
        path.read_bytes(), name=path.name, today=day, zone=zone, default_language="en"
    )
