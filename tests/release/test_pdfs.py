"""PDFs: running heads, columns, hyphens, headings by size, links, other scripts."""

from __future__ import annotations

import io

import pytest
from fpdf import FPDF
from mailer.release.model import BlockKind, Release
from PIL import Image

from tests.release.making import Blocks, as_pdf, new_pdf
from tests.release.reading import TODAY, body, codes, lead, read

PROSE = (
    "The ministry has put twelve gauges into the river and its three largest tributaries, each of "
    "which reports the height of the water every five minutes of the day and of the night. "
)


def pdf(made: FPDF) -> Release:
    return read(bytes(made.output()), "a.pdf", today=TODAY)


def lines(made: FPDF, rows: list[str], left: float, top: float, size: int = 10) -> None:
    made.set_font("face", size=size)
    for index, row in enumerate(rows):
        made.set_xy(left, top + index * size * 0.5)
        made.cell(text=row)


def removed(release: Release, reason: str) -> list[str]:
    return [each.text for each in release.removed if each.reason == reason]


def test_structure_by_size() -> None:
    release = read(
        as_pdf(
            [
                ("text", "PRESS RELEASE"),
                ("title", "Twelve Gauges Watch the River by Day and by Night"),
                ("text", "Marburg, 9 November 2026 – " + PROSE * 2),
                ("heading", "What is measured"),
                ("text", PROSE),
                ("items", ["The height of the water", "Its temperature"]),
                ("text", "Press contact:\nAnn Bee\nann@example.org\n+32 2 555 12 12"),
            ]
        ),
        "a.pdf",
    )
    assert release.headline == "Twelve Gauges Watch the River by Day and by Night"
    assert lead(release) == (PROSE * 2).strip()
    kinds = [block.kind.value for block in release.body]
    assert kinds == ["subheading", "paragraph", "bullets"]
    assert [(c.name, c.phone) for c in release.contacts] == [("Ann Bee", "+32 2 555 12 12")]


class _Printed(FPDF):
    """Pages with a running head and a numbered foot, as ministries print them."""

    def header(self) -> None:
        lines(self, ["Ministry of Water"], 20, 8, 8)

    def footer(self) -> None:
        lines(self, [f"Page {self.page_no()} of 2"], 20, 285, 8)


def test_running_heads_and_page_numbers_are_taken_out_of_the_sentence() -> None:
    made = _Printed()
    made.set_auto_page_break(False)
    face = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
    made.add_font("face", "", face)
    made.add_page()
    lines(made, ["Twelve Gauges Watch the River"], 20, 25, 18)
    lines(
        made,
        [
            "Marburg, 9 November 2026 – The ministry has put twelve gauges into the river and",
            "its three largest tributaries, each of which reports the height of the water to the",
        ],
        20,
        45,
    )
    made.add_page()
    lines(made, ["office in Marburg every five minutes, by day and by night."], 20, 25)
    release = pdf(made)
    assert lead(release) == (
        "The ministry has put twelve gauges into the river and its three largest tributaries, "
        "each of which reports the height of the water to the office in Marburg every five "
        "minutes, by day and by night."
    )
    assert removed(release, "page_number") == ["Page 1 of 2", "Page 2 of 2"]
    assert removed(release, "page_margin") == ["Ministry of Water"]
    assert release.issuer and release.issuer.name == "Ministry of Water"


LEFT = [
    "Gauges are read in all of the valleys.",
    "They stand in the water, between four",
    "and ninety metres from the bank. In the",
    "deep places the river fell by twelve cen-",
    "timetres this summer, and in the others",
    "by more than forty. That is less than in",
    "the year before, as the office has said.",
]
RIGHT = [
    "“We see a flood two hours sooner”, said",
    "Maren Ostertag, head of the well-known",
    "office. Next year eighty more will come,",
    "most of them in the valley of the Rhine,",
    "where vegetables are grown and farmers",
    "need most of the water in summer. The",
    "gauges cost less than a mile of road.",
]


@pytest.mark.parametrize("interleaved", [True, False])
def test_two_columns_are_read_one_after_the_other(interleaved: bool) -> None:
    """Whatever the order in the file: row by row or column by column."""
    made = new_pdf()
    lines(made, ["Twelve Gauges Watch the River"], 20, 20, 18)
    lines(made, ["Marburg, 9 November 2026 – The ministry has opened twelve gauges today."], 20, 35)
    if interleaved:
        for index, (one, two) in enumerate(zip(LEFT, RIGHT, strict=True)):
            lines(made, [one], 20, 50 + index * 5)
            lines(made, [two], 110, 50 + index * 5)
    else:
        lines(made, LEFT, 20, 50)
        lines(made, RIGHT, 110, 50)
    lines(made, ["What it cost"], 20, 95, 13)
    lines(made, [PROSE[:90], PROSE[90:]], 20, 105)
    text = " ".join(body(pdf(made)))
    assert "fell by twelve centimetres this summer" in text
    assert text.index("the office has said") < text.index("We see a flood")
    assert text.index("a mile of road") < text.index("What it cost")
    assert {"columns_read", "words_joined"} <= set(codes(pdf(made).findings))


def test_a_hyphen_that_is_the_words_own_is_kept() -> None:
    """The text elsewhere shows it; a capital or a word like "and" after it does too."""
    made = new_pdf()
    lines(made, ["Twelve Gauges Watch the River"], 20, 20, 18)
    rows = [
        "Marburg, 9 November 2026 – The head of the well-known office, which is a well-",
        "known one, spoke of the Rhine-Main valley and of all places in the whole Rhine-",
        "Main valley where the water is measured by day and by night in the same manner.",
    ]
    lines(made, rows, 20, 35)
    text = lead(pdf(made))
    assert "which is a well-known one" in text
    assert "whole Rhine-Main valley" in text


def test_side_by_side_is_no_column() -> None:
    """Two contacts beside each other are rows, not columns of prose."""
    made = new_pdf()
    lines(made, ["Twelve Gauges Watch the River"], 20, 20, 18)
    lines(made, ["Marburg, 9 November 2026 – " + PROSE[:60], PROSE[60:]], 20, 35)
    lines(made, ["Press contact:"], 20, 60)
    lines(made, ["Ann Bee", "ann@example.org"], 20, 65)
    lines(made, ["Bob Sea", "bob@example.org"], 110, 65)
    release = pdf(made)
    assert "columns_read" not in codes(release.findings)
    assert {c.email for c in release.contacts} == {"ann@example.org", "bob@example.org"}


def test_links_are_kept_and_cleaned() -> None:
    made = new_pdf()
    lines(made, ["Twelve Gauges Watch the River"], 20, 20, 18)
    made.set_font("face", size=10)
    made.set_xy(20, 35)
    made.write(5, "Marburg, 9 November 2026 – The gauges report ")
    made.write(5, "their figures", "https://a.example/x?utm_source=pdf")
    made.write(5, " to everybody.")
    release = pdf(made)
    assert release.lead is not None
    assert [(i.text, i.href) for i in release.lead.inlines if i.href] == [
        ("their figures", "https://a.example/x")
    ]


SCRIPTS: list[tuple[str, str, Blocks]] = [
    (
        "ARABIC",
        "ar",
        [
            ("title", "مؤسسة الأنهار تنشر تقريرها"),
            ("text", "بيروت، 12 أكتوبر 2026 – نشرت المؤسسة اليوم تقريرها عن حالة الأنهار."),
        ],
    ),
    (
        "HEBREW",
        "he",
        [
            ("title", "הקרן מפרסמת דוח על הנהרות"),
            ("text", "תל אביב, 12 באוקטובר 2026 – הקרן פרסמה היום דוח על מצב הנהרות בארץ כולה."),
        ],
    ),
    (
        "CJK",
        "ja",
        [
            ("title", "財団が河川の報告書を公表"),
            (
                "text",
                "東京、2026年10月12日 – 財団は本日、十二か国の川の状態に関する報告書を出した。",
            ),
        ],
    ),
    (
        "LATIN",
        "el",
        [
            ("title", "Το ίδρυμα δημοσιεύει έκθεση"),
            (
                "text",
                "Αθήνα, 12 Οκτωβρίου 2026 – Το ίδρυμα δημοσίευσε σήμερα μια έκθεση για όλα.",
            ),
        ],
    ),
]


@pytest.mark.parametrize(("script", "language", "text"), SCRIPTS)
def test_scripts(script: str, language: str, text: Blocks) -> None:
    """Letters come in the order they are read in, numbers among them too."""
    release = read(as_pdf(text, script), "a.pdf")
    assert release.language == language
    assert release.headline == text[0][1]
    assert release.dateline and str(release.dateline.date) == "2026-10-12"
    assert lead(release) == text[1][1].split(" – ")[1]


def test_pictures_and_pages_that_are_pictures() -> None:
    made = new_pdf()
    lines(made, ["Twelve Gauges Watch the River"], 20, 20, 18)
    lines(made, ["Marburg, 9 November 2026 – " + PROSE[:60]], 20, 35)
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "blue").save(picture, "PNG")
    made.image(picture, 20, 60, 80)
    made.add_page()
    made.image(picture, 0, 0, 210)
    told = {finding.code: finding.message for finding in pdf(made).findings}
    assert told["picture_left_out"].startswith("A picture is in the file")
    assert "Page 2 of the PDF is a picture" in told["page_is_a_picture"]


def test_a_table_of_figures_keeps_its_words() -> None:
    release = read(
        as_pdf(
            [
                ("title", "Twelve Gauges Watch the River"),
                ("text", "Marburg, 9 November 2026 – " + PROSE),
                ("table", [["Valley", "Gauges"], ["Upper", "7"], ["Lower", "5"]]),
                ("text", PROSE),
            ]
        ),
        "a.pdf",
    )
    assert BlockKind.PARAGRAPH in {block.kind for block in release.body}
    assert "Upper   7" in "\n".join(body(release))
