"""Word documents: structure, tracked changes, text boxes, notes, headers; no word lost."""

from __future__ import annotations

import io

import docx
import pytest
from mailer.release.model import BlockKind, Release
from PIL import Image

from tests.release.making import W, as_docx, new_document, repacked, saved, with_xml
from tests.release.reading import TODAY, body, codes, lead, read

_MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
_SHAPE = 'xmlns:s="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
_VML = 'xmlns:v="urn:schemas-microsoft-com:vml"'
_MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def document() -> docx.document.Document:
    made = new_document()
    made.add_heading("Rivers Fail the Test", 0)
    made.add_paragraph("Warsaw, 12 October 2026 – The foundation has published its report today.")
    return made


def word(made: docx.document.Document) -> Release:
    return read(saved(made), "a.docx", today=TODAY)


def removed(release: Release, reason: str) -> list[str]:
    return [each.text for each in release.removed if each.reason == reason]


def test_styles_become_structure() -> None:
    release = read(
        as_docx(
            [
                ("title", "Rivers Fail the Test"),
                (
                    "text",
                    "Warsaw, 12 October 2026 – The foundation has published its report today.",
                ),
                ("heading", "What was found"),
                ("items", ["Nitrogen", "Phosphorus"]),
                ("numbers", ["Stop", "Look"]),
                ("table", [["Year", "Rivers"], ["2026", "12"]]),
                ("quote", "It is a warning to all of us."),
                ("heading", "About the Foundation"),
                ("text", "The foundation has looked after rivers since 1990."),
            ]
        ),
        "a.docx",
    )
    assert release.headline == "Rivers Fail the Test"
    assert release.dateline and release.dateline.city == "Warsaw"
    kinds = [block.kind.value for block in release.body]
    assert kinds == ["subheading", "bullets", "numbers", "table", "quote"]
    assert release.boilerplate and release.boilerplate.heading == "About the Foundation"


def test_tracked_changes_are_accepted_and_told() -> None:
    made = document()
    with_xml(
        made,
        '<w:p><w:r><w:t xml:space="preserve">It took </w:t></w:r>'
        '<w:del w:id="1" w:author="A"><w:r><w:delText>two</w:delText></w:r></w:del>'
        '<w:ins w:id="2" w:author="A"><w:r><w:t>three</w:t></w:r></w:ins>'
        '<w:r><w:t xml:space="preserve"> years to count them all.</w:t></w:r></w:p>',
    )
    release = word(made)
    assert body(release) == ["It took three years to count them all."]
    assert removed(release, "deleted") == ["two"]
    (told,) = [f for f in release.findings if f.code == "tracked_changes_accepted"]
    assert "“two”" in told.message


@pytest.mark.parametrize(
    "inner",
    [
        f"<w:p><w:r><mc:AlternateContent {_MC}><mc:Choice Requires='s'><w:drawing>"
        f"<s:txbx {_SHAPE}><w:txbxContent>{{0}}</w:txbxContent></s:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:shape {_VML}><v:textbox><w:txbxContent>{{0}}</w:txbxContent>"
        "</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        f"<w:p><w:r><w:drawing><s:txbx {_SHAPE}><w:txbxContent>{{0}}</w:txbxContent></s:txbx>"
        "</w:drawing></w:r></w:p>",
        f"<w:p><w:r><w:pict><v:shape {_VML}><v:textbox><w:txbxContent>{{0}}</w:txbxContent>"
        "</v:textbox></v:shape></w:pict></w:r></w:p>",
        "<w:p><w:fldSimple w:instr='MERGEFIELD x'>{1}</w:fldSimple></w:p>",
        "<w:p><w:bdo w:val='ltr'>{1}</w:bdo></w:p>",
        "<w:p><w:smartTag w:element='x'>{1}</w:smartTag></w:p>",
        "<w:p><w:sdt><w:sdtContent>{1}</w:sdtContent></w:sdt></w:p>",
        f"<w:p><m:oMathPara {_MATH}><m:oMath><m:r><m:t>Words in a box of it.</m:t></m:r></m:oMath>"
        "</m:oMathPara></w:p>",
        "<w:p><w:moveTo w:id='1' w:author='A'>{1}</w:moveTo></w:p>",
    ],
)
def test_words_in_every_wrapper_are_read(inner: str) -> None:
    """Text boxes in three forms, fields, directions, tags, controls, formulas, moved text."""
    run = "<w:r><w:t>Words in a box of it.</w:t></w:r>"
    made = document()
    with_xml(made, inner.format(f"<w:p>{run}</w:p>", run).replace("<w:p>", f"<w:p {W}>", 1))
    assert body(word(made)) == ["Words in a box of it."]


def test_hidden_words_and_comments_are_told() -> None:
    made = document()
    with_xml(
        made,
        '<w:p><w:r><w:t xml:space="preserve">Seen </w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr>'
        "<w:t>unseen</w:t></w:r><w:r><w:t>words stand here.</w:t></w:r></w:p>",
    )
    made.add_comment(made.paragraphs[1].runs, "Is this right?", "A", "A")
    release = word(made)
    assert body(release) == ["Seen words stand here."]
    assert removed(release, "hidden") == ["unseen"]
    assert removed(release, "comment") == ["Is this right?"]
    assert {"hidden_text_left_out", "comments_left_out"} <= set(codes(release.findings))


def test_headers_and_footers_give_what_belongs_to_the_release() -> None:
    """Letterhead is told; an embargo or press contact printed in the margin is the release's."""
    made = document()
    section = made.sections[0]
    section.header.paragraphs[0].text = "Clean Water Foundation"
    section.header.add_paragraph("EMBARGOED UNTIL 12 October 2026, 09:00 CEST")
    section.footer.paragraphs[0].text = "1 River Street, 00-001 Warsaw"
    section.footer.add_paragraph("Press contact: Ann Bee, ann@example.org")
    release = word(made)
    assert release.embargo and release.embargo.text.startswith("EMBARGOED UNTIL 12 October")
    assert [contact.email for contact in release.contacts] == ["ann@example.org"]
    assert release.issuer and release.issuer.name == "Clean Water Foundation"
    assert removed(release, "page_margin") == [
        "Clean Water Foundation\n1 River Street, 00-001 Warsaw"
    ]


def test_footnotes_become_notes() -> None:
    made = document()
    with_xml(
        made,
        "<w:p><w:r><w:t>Most of them fail.</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r>"
        "</w:p>",
    )
    notes = (
        f"<w:footnotes {W}><w:footnote w:id='2'><w:p><w:r><w:footnoteRef/></w:r><w:r>"
        "<w:t>Source: the law of 2020.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    release = read(repacked(saved(made), {"word/footnotes.xml": notes.encode()}), "a.docx")
    assert body(release) == ["Most of them fail.[1]"]
    assert [note.text for note in release.notes] == ["[1] Source: the law of 2020."]


def test_pictures_are_told_with_their_words() -> None:
    made = document()
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "blue").save(picture, "PNG")
    picture.seek(0)
    shape = made.add_picture(picture)
    shape._inline.docPr.set("descr", "A blue river")
    release = word(made)
    assert removed(release, "picture") == ["A blue river"]
    (told,) = [f for f in release.findings if f.code == "picture_left_out"]
    assert "“A blue river”" in told.message


def test_links_and_bold_headings() -> None:
    made = document()
    made.add_paragraph("The foundation counted them all for the first time in ten years.")
    made.add_paragraph().add_run("What comes next").bold = True
    made.add_paragraph("The foundation will count the lakes of the same twelve countries.")
    release = word(made)
    assert [b.kind for b in release.body][1] is BlockKind.SUBHEADING
    assert lead(release) == "The foundation has published its report today."
