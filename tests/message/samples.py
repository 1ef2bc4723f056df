"""Made-up releases, newsrooms and journalists. Nobody here exists; all addresses are reserved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from mailer.clock import from_datetime, to_datetime
from mailer.message import Recipient, Sender, TokenKeys, generate_keys, slot_values
from mailer.message.merge import MergeTemplate
from mailer.message.render import Parts, message_parts
from mailer.message.templates import TemplateSource, package_templates
from mailer.release import read_release
from mailer.release.model import (
    Block,
    BlockKind,
    Boilerplate,
    Contact,
    Dateline,
    Embargo,
    Inline,
    Issuer,
    Kind,
    Office,
    Quote,
    QuotePart,
    Release,
)
from mailer.release.publish import Edition, Publisher

KEYS = TokenKeys.parse(generate_keys(lambda count: bytes(range(count))))
TEMPLATES = TemplateSource([package_templates()])
NOW = from_datetime(datetime(2026, 3, 3, 8, 0, 5, tzinfo=UTC))

SENDER = Sender(
    name="Harbour Observatory",
    sender="Harbour Observatory Press <press@example.org>",
    reply_to="press@example.org",
    bounce_address="bounces@example.org",
    postal_address="Quay Street 12, 1000 Harbourtown, Exampleland",
    public_url="https://press.example.org",
    timezone="Europe/Brussels",
    default_language="en",
    accent="#0b5c7a",
    live=False,
    ledger_id="k3jq7x2m",
)


def edition_of(release: Release) -> Edition:
    """The release as SENDER publishes it at NOW."""
    sender, at = SENDER, to_datetime(NOW)
    room = Publisher(
        sender.name, sender.public_url, sender.reply_to, sender.postal_address, sender.timezone
    )
    return Edition(
        uri="urn:uuid:2f1b6c1e-7a55-5c0e-9a58-0e5f5b0f4f6d",
        url=f"{sender.public_url}/r/{release.slug}",
        revision=1,
        published=at,
        updated=at,
        publisher=room,
    )


ANNA = Recipient(
    email="anna.nowak@example.com",
    first_name="Anna",
    last_name="Nowak",
    outlet="The Exampleford Courier",
    language="en",
    list_name="eu-affairs",
    list_title="EU affairs",
    list_kind="press",
    source="reply to a release",
    source_date="2025-11-07",
    key_id=1,
)


def values(recipient: Recipient = ANNA, *, delivery: int = 1234567, language: str = "en"):
    """Slot values as a sender process makes them."""
    return slot_values(
        recipient,
        delivery=delivery,
        journalist=4711,
        list_id=3,
        sender=SENDER,
        keys=KEYS,
        date=NOW,
        language=language,
    )


def paragraph(*parts: str | Inline, **more: object) -> Block:
    inlines = tuple(part if isinstance(part, Inline) else Inline(part) for part in parts)
    return Block(BlockKind.PARAGRAPH, inlines, **more)  # type: ignore[arg-type]


def english() -> Release:
    """Everything that a release can have, in one."""
    quote = Block(
        BlockKind.QUOTE,
        children=(
            paragraph(
                "For nineteen years we were told that the mud was clean. We measured it, and it is"
                " not. What happens next is for the city to say, in public and this month."
            ),
        ),
    )
    bullets = Block(
        BlockKind.BULLETS,
        children=(
            Block(BlockKind.ITEM, (Inline("41 of 60 samples exceed the limit for lead;"),)),
            Block(
                BlockKind.ITEM,
                (
                    Inline("the highest, 312 mg/kg, was taken beside the "),
                    Inline("grain quay", strong=True),
                    Inline(";"),
                ),
            ),
            Block(BlockKind.ITEM, (Inline("no sample upstream of the lock exceeds it."),)),
        ),
    )
    return Release(
        slug="harbour-mud-lead-2026",
        kind=Kind.RELEASE,
        language="en",
        direction="ltr",
        headline="Lead in harbour mud is three times the limit, first full survey finds",
        subhead="Sixty samples taken over eleven months contradict the port’s own figures; the"
        " observatory publishes all of its data today",
        dateline=Dateline("Harbourtown, 3 March 2026", "Harbourtown", date(2026, 3, 3)),
        lead=paragraph(
            "The mud of Harbourtown’s inner harbour holds on average three times as much lead as"
            " the law allows, according to the first survey that covers every basin. The"
            " Harbour Observatory took sixty samples between April 2025 and February 2026 and had"
            " them analysed by two laboratories that did not know of each other."
        ),
        body=(
            paragraph(
                "The findings, published today as ",
                Inline("a report of 84 pages", href="https://press.example.org/files/report.pdf"),
                " with ",
                Inline("all raw data", href="https://data.example.org/harbour-mud-2026"),
                ", contradict the figures that the port has given since 2007.",
            ),
            quote,
            Block(BlockKind.SUBHEADING, (Inline("What was found"),), level=2),
            bullets,
            paragraph(
                "The port authority was given the data on 16 February. It has not disputed the"
                " measurements but says that the mud will be “covered in the course of regular"
                " works”. The observatory holds that covering is not enough: at each spring tide"
                " ships stir up what lies below."
            ),
            Block(BlockKind.SUBHEADING, (Inline("What is asked for"),), level=2),
            paragraph(
                "Three steps are proposed: a stop to dredging until summer, an independent plan by"
                " autumn, and "
                "measurements every quarter whose results are public from the day they arrive."
            ),
        ),
        quotes=(
            Quote(
                "Ines Caldera",
                "director of the Harbour Observatory",
                1,
                (QuotePart("For nineteen years", "For nineteen years", ""),),
                True,
            ),
        ),
        boilerplate=Boilerplate(
            "About the Harbour Observatory",
            (
                paragraph(
                    "The Harbour Observatory is an association of residents, fishers and"
                    " scientists founded in 2011. It measures water, mud and air in the harbour"
                    " of Harbourtown and publishes every result. It takes no money from the port,"
                    " the city or parties."
                ),
            ),
        ),
        notes=(
            paragraph(
                "The limit is 100 mg of lead per kg of dry mud (Ordinance 12/2009, annex 2)."
            ),
        ),
        contacts=(
            Contact(
                "Tomas Birk",
                "press officer",
                "tomas.birk@example.org",
                "+32 2 555 01 23",
                "+3225550123",
                hours="daily 8:00 to 20:00 CET",
            ),
            Contact("Ines Caldera", "director", "ines.caldera@example.org"),
        ),
        issuer=Issuer("Harbour Observatory"),
        offices=(
            Office(
                "Brussels office",
                ("Rue de l’Exemple 7", "1000 Brussels, Belgium"),
                phone="+32 2 555 01 20",
                phone_e164="+3225550120",
            ),
        ),
    )


def embargoed() -> Release:
    """The same news, not before Tuesday morning."""
    lift = from_datetime(datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    return replace(
        english(),
        slug="harbour-mud-lead-2026-embargo",
        embargo=Embargo("until Tuesday 3 March 2026, 09:00 CET", lift, "Europe/Brussels"),
    )


def withdrawn() -> Release:
    """The notice that takes it back."""
    return replace(
        english(),
        slug="harbour-mud-lead-2026-kill",
        kind=Kind.KILL,
        headline="Withdrawn: “Lead in harbour mud is three times the limit”",
        subhead=None,
        lead=paragraph(
            "Please do not publish anything from our release of 3 March and remove what is online."
            " Two samples were exchanged in one of the laboratories. We will be in touch today."
        ),
        body=(),
        quotes=(),
        notes=(),
    )


def hebrew() -> Release:
    """Right to left, with a headline left in English and Latin words in the text."""
    return Release(
        slug="namal-botz-2026",
        kind=Kind.RELEASE,
        language="he",
        direction="rtl",
        headline="Harbour Observatory publishes its 2026 survey",
        headline_language="en",
        headline_direction="ltr",
        subhead="שישים דגימות מאחד־עשר חודשים סותרות את נתוני הנמל",
        dateline=Dateline("חיפה, 3 במרץ 2026", "חיפה", date(2026, 3, 3)),
        lead=paragraph(
            "בוץ הנמל מכיל בממוצע פי שלושה עופרת מהמותר, כך עולה מהסקר המלא הראשון של"
            " Harbour Observatory (מהדורה 2.1) שפורסם היום."
        ),
        body=(
            paragraph(
                "הממצאים פורסמו ב",
                Inline("דוח בן 84 עמודים", href="https://press.example.org/files/report.pdf"),
                " יחד עם כל נתוני הגלם.",
            ),
            Block(
                BlockKind.QUOTE,
                (Inline("במשך תשע־עשרה שנה אמרו לנו שהבוץ נקי. מדדנו, והוא אינו נקי."),),
            ),
            Block(BlockKind.SUBHEADING, (Inline("מה נמצא"),), level=2),
            Block(
                BlockKind.BULLETS,
                children=(
                    Block(BlockKind.ITEM, (Inline("41 מתוך 60 דגימות חורגות מהמותר;"),)),
                    Block(BlockKind.ITEM, (Inline("הגבוהה ביותר, 312 mg/kg, ליד הרציף."),)),
                ),
            ),
        ),
        boilerplate=Boilerplate(
            "אודות Harbour Observatory", (paragraph("עמותה של תושבים ומדענים."),)
        ),
        contacts=(
            Contact(
                "תמר בירק", "דוברת", "tamar.birk@example.org", "+972 4 555 0123", "+97245550123"
            ),
        ),
        quotes=(Quote("ענת כהן", "מנהלת", 1, (QuotePart("במשך", "במשך", ""),), True),),
    )


def japanese() -> Release:
    """Text without spaces, and a language whose fixed words fall back to English."""
    return Release(
        slug="minato-2026",
        kind=Kind.STATEMENT,
        language="ja",
        direction="ltr",
        headline="港の泥から基準の三倍の鉛、初の全域調査で判明",
        lead=paragraph(
            "港湾観測所は本日、内港のすべての水域を対象とした初めての調査結果を公表した。"
            "六十の試料のうち四十一で鉛の濃度が法律の基準を超え、最も高い値は穀物埠頭の脇で測定された。"
        ),
        body=(paragraph("調査の全データは同日から誰でも利用できる。"),),
        contacts=(Contact("山田太郎", "広報", "taro@example.org"),),
    )


SAMPLE_2015 = Path(__file__).parents[2] / "releases" / "000_0b2022afc5ecdcac.txt"


def sample_2015() -> Release:
    """The sample release of the repository, as the reader gives it. Nobody in it is written to."""
    return read_release(SAMPLE_2015.read_bytes(), name=SAMPLE_2015.name, zone="Europe/Brussels")


def invitation(name: str) -> Release:
    """An invitation with its event, as the reader gives it."""
    data = (Path(__file__).parents[1] / "release" / "golden" / name).read_bytes()
    return read_release(data, name=name, today=date(2026, 11, 24), zone="Europe/Brussels")


def figures() -> Release:
    """What does not fit a phone of itself: tables, endless words and addresses, long names."""
    text = """\
# Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamten grow

VIENNA, 3 March 2026 – All readings are at https://rivers.example.org/very/long/path/that/\
goes/on/and/on/for/ever/and/does/not/stop/before/one/hundred/characters.html from today.

> Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz is a word we retire.
> — Maximiliane-Wilhelmina Freifrau von Hohenlohe-Langenburg, head of the department of words

| River | Sensors | Longest gap |
|---|--:|---|
| Tejo | 1,204 | 3 h |
| Douro | 980 | 40 min |

| Region | Households connected | Share of all of them | Change on the year | Cost | Next |
|---|--:|--:|--:|--:|---|
| Lower Austria and Burgenland | 1,204,332 | 45.6 % | +12.4 % | 1.2 m | 2027 |

## About the office

It counts what can be counted.

Contact: Maximiliane-Wilhelmina Freifrau von Hohenlohe-Langenburg, \
m-w.hohenlohe-langenburg@communications.example.org, +43 1 000 12 34
"""
    return read_release(text.encode(), name="figures.md", zone="Europe/Vienna")


def nested() -> Iterator[Block]:
    """Lists in lists, code, a rule, quotes in quotes, a heading that skips levels."""
    item = Block(
        BlockKind.ITEM,
        (Inline("outer"),),
        children=(Block(BlockKind.BULLETS, children=(Block(BlockKind.ITEM, (Inline("inner"),)),)),),
    )
    yield Block(BlockKind.NUMBERS, children=(item, Block(BlockKind.ITEM, (Inline("second"),))))
    yield Block(BlockKind.CODE, (Inline("a  = 1\n  b", code=True),))
    yield Block(BlockKind.RULE)
    yield Block(BlockKind.QUOTE, children=(Block(BlockKind.QUOTE, (Inline("deep"),)),))
    yield Block(BlockKind.SUBHEADING, (Inline("Deep heading"),), level=6)


RELEASES = {
    "english": english,
    "embargoed": embargoed,
    "withdrawn": withdrawn,
    "hebrew": hebrew,
    "japanese": japanese,
    "sample-2015": sample_2015,
    "figures": figures,
    "invitation": lambda: invitation("advisory-en.md"),
    "invitation-he": lambda: invitation("advisory-he.txt"),
}


def preview_parts(template: MergeTemplate, values: Mapping[str, str]) -> Parts:
    """Both parts as one journalist gets them: taken from the very bytes that would be sent."""
    return message_parts(b"".join(template.merge(values)))
