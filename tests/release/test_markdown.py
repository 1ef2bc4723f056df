"""Markdown releases: structure kept, markup gone, words all there."""

from __future__ import annotations

from mailer.release.model import BlockKind

from tests.release.reading import DATA, body, errors, lead, read, warnings


def test_german_release_with_front_matter_and_every_kind_of_block() -> None:
    release = read((DATA / "water-de.md").read_text("utf-8"), "water-de.md")
    assert release.slug == "wasser-2025"
    assert release.headline == "Stiftung legt Wasserbericht vor"
    assert release.subhead == "Zahlen aus zwölf Ländern zeigen Nachholbedarf"
    assert release.dateline is not None and release.dateline.city == "Berlin"
    assert release.lead is not None
    assert [i.href for i in release.lead.inlines if i.href] == ["https://example.org/bericht"]
    kinds = [block.kind for block in release.body]
    assert kinds == [
        BlockKind.PARAGRAPH,
        BlockKind.SUBHEADING,
        BlockKind.TABLE,
        BlockKind.BULLETS,
        BlockKind.QUOTE,
        BlockKind.CODE,
    ]
    assert release.body[1].level == 2
    assert release.body[2].kind is BlockKind.TABLE
    assert release.body[2].text == "Fluss | Tonnen\nRhein | 1100\nDonau | 4200"
    nested = release.body[3].children[1].children
    assert [block.kind for block in nested] == [BlockKind.NUMBERS]
    assert [quote.speaker for quote in release.quotes] == ["Erika Beispiel", "Max Muster"]
    assert release.boilerplate is not None
    assert [link.text for link in release.links] == ["Bericht", "Fotos"]
    assert release.contacts[0].phone_e164 == "+49305551234"
    assert errors(release) == ["embargo_in_gap"]


def test_emphasis_code_and_line_breaks() -> None:
    text = "# H\n\nA *soft* **strong** `code`  \nnew line, same\nparagraph.\n"
    release = read(text, "a.md")
    assert release.lead is not None
    assert release.lead.text == "A soft strong code\nnew line, same paragraph."
    styles = {i.text: (i.emphasis, i.strong, i.code) for i in release.lead.inlines}
    assert styles["soft"] == (True, False, False)
    assert styles["strong"] == (False, True, False)
    assert styles["code"] == (False, False, True)


def test_html_stays_text() -> None:
    """C19: nothing of a release becomes markup that its author did not write as Markdown."""
    release = read("# H\n\n<script>alert(1)</script>.\n\nText <b>bold</b> here.\n", "a.md")
    assert lead(release) == "<script>alert(1)</script>."
    assert body(release) == ["Text <b>bold</b> here."]


def test_script_links_are_no_links() -> None:
    """C18."""
    release = read("# H\n\nSee [this](javascript:alert(1)) and [that](data:text/html,x).\n", "a.md")
    assert release.lead is not None
    assert [i.href for i in release.lead.inlines if i.href] == []


def test_reference_links_and_pictures() -> None:
    text = (
        "# H\n\nSee [the report][r] and ![a river](https://example.org/r.jpg).\n\n[r]: "
        "https://example.org/r 'Report'\n"
    )
    release = read(text, "a.md")
    assert release.lead is not None
    links = {i.text: i.href for i in release.lead.inlines if i.href}
    assert links == {"the report": "https://example.org/r", "a river": "https://example.org/r.jpg"}


def test_placeholder_links() -> None:
    """Every way in which a link is left for later; real ones stay."""
    text = (
        "# H\n\nOne [a](#), two [b](), three [c](TBD), four [d](https://), five "
        "[e](https://example.org).\n"
    )
    release = read(text, "a.md")
    assert [link.text for link in release.placeholder_links] == ["a", "b", "c", "d"]
    assert warnings(release).count("placeholder_link") == 4
    assert release.lead is not None
    assert [i.href for i in release.lead.inlines if i.href] == ["https://example.org"]
    assert lead(release) == "One a, two b, three c, four d, five e."


def test_headings_below_the_title_are_subheadings() -> None:
    release = read("# Title\n\n## Background\n\nIt was so.\n\n### Detail\n\nIt is.\n", "a.md")
    assert release.headline == "Title"
    assert release.subhead is None
    levels = [(b.text, b.level) for b in release.body if b.kind is BlockKind.SUBHEADING]
    assert levels == [("Background", 2), ("Detail", 3)]


def test_quotes_in_code_quote_nobody() -> None:
    text = '# H\n\nThe query `SELECT "a long name here"` is new, said Jane Doe, an engineer.\n'
    release = read(text, "a.md")
    assert [quote.marked_in_source for quote in release.quotes] == [False]


def test_thematic_breaks_and_end_mark() -> None:
    text = "# H\n\nOne is.\n\n* * *\n\nTwo is.\n\n###\n\n**Contact:** Jane Doe, jane@example.org\n"
    release = read(text, "a.md")
    assert [block.kind for block in release.body] == [BlockKind.RULE, BlockKind.PARAGRAPH]
    assert release.end_mark == "###"
    assert release.contacts[0].name == "Jane Doe"


def test_without_ending_the_content_decides() -> None:
    assert read("# Title\n\nText is here.\n", "release").headline == "Title"
    assert read("Title\n\nText is 5 * 3 * 2 here.\n", "release").headline == "Title"


def test_markup_inside_words_and_links_whose_address_ends_like_their_text() -> None:
    text = (
        "# H\n\nAn un**believ**able `SEARCH`[x](https://example.org/#SEARCH), "
        "[`CYCLE`](https://example.org/CYCLE).\n"
    )
    assert lead(read(text, "a.md")) == "An unbelievable SEARCHx, CYCLE."
