"""The PDF and the Word document of a release: whole, readable for all, the same each time (D14)."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from dataclasses import replace

import pypdfium2
import pytest
import typst
from mailer.errors import CheckFailed
from mailer.message import document
from mailer.message.document import docx, pdf, unprintable
from mailer.release import read_release
from mailer.release.media import take, with_facts
from mailer.release.model import Medium, Release

from tests.message.samples import (
    SENDER,
    english,
    figures,
    hebrew,
    invitation,
    japanese,
    withdrawn,
)
from tests.release.pictures import drawing, photo

HINDI = "# बंदरगाह का पानी\n\nपोर्ट्समाउथ, 3 मार्च 2026 – पानी में ताँबा कम है।\n"
ARABIC = "# مياه الميناء أنظف\n\nالقاهرة، 3 مارس 2026 – النحاس أقل بمقدار الثلث.\n"


def advisory() -> Release:
    return invitation("advisory-en.md")


def words(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def illustrated() -> tuple[Release, dict[str, bytes]]:
    media, pictures = [], {}
    for name, data in (("mud.jpg", photo()), ("chart.png", drawing())):
        taken = take(data, name)
        sha256 = hashlib.sha256(taken.full.data).hexdigest()
        named = Medium(name, alt=f"What {name} shows", caption=f"Caption of {name}", licence="CC0")
        media.append(with_facts(named, taken, sha256))
        pictures[sha256] = taken.forms["1200"].data
    film = Medium("", "https://video.example.org/a.mp4", caption="B-roll", credit="Observatory")
    return replace(english(), media=(*media, film)), pictures


@pytest.mark.parametrize("make", [english, hebrew, japanese, figures, withdrawn, advisory])
def test_a_pdf_is_tagged_whole_and_the_same_each_time(make) -> None:  # type: ignore[no-untyped-def]
    """Text that can be taken out, structure for who does not see it (PDF/UA-1), no time in it."""
    release = make()
    made = pdf(release, SENDER)
    assert made == pdf(release, SENDER) and made.doubt == ""
    data = made.data
    assert b"/MarkInfo" in data and b"pdfuaid:part" in data and b"/CreationDate" not in data
    text = "".join(words(data).split())
    if release.direction == "ltr":  # PDFium turns the words of others round
        assert all(contact.email in text for contact in release.contacts if contact.email)
        for block in release.body:
            if block.inlines and block.kind.value == "paragraph":
                assert "".join(block.inlines[0].text.split()) in text


@pytest.mark.parametrize("text", [HINDI, ARABIC])
def test_scripts_that_need_shaping_are_shaped(text: str) -> None:
    """D21: letters join and reorder; none is an empty box."""
    release = read_release(text.encode(), name="news.md")
    page = pypdfium2.PdfDocument(pdf(release, SENDER).data)[0]
    found = page.get_textpage().get_text_range()
    assert release.headline.split()[0][:4] in found and "\ufffd" not in found
    fonts = {each.get_font().get_base_name() for each in page.get_objects() if each.type == 1}
    assert any("Arab" in name or "Devanagari" in name for name in fonts)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a font of its own, such as a small container."""
    monkeypatch.setattr(document, "_fonts", lambda: typst.Fonts(include_system_fonts=False))


def test_letters_that_no_font_has_are_told(bare_machine: None) -> None:
    """D21: an empty box in the PDF is no secret, nor that it is no PDF/UA-1 any more."""
    assert pdf(english(), SENDER).doubt == ""
    made = pdf(japanese(), SENDER)
    assert made.data.startswith(b"%PDF-") and b"pdfuaid:part" not in made.data
    assert "No font of this machine has “" in made.doubt and "CJK UNIFIED IDEOGRAPH" in made.doubt
    assert "PDF/UA-1" in made.doubt
    assert {"ja", "th", "zh"} <= set(unprintable()) and "en" not in unprintable()


def test_a_machine_without_typst_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence instead of an internal error."""
    monkeypatch.setitem(sys.modules, "typst", None)
    for make in (lambda: pdf(english(), SENDER), unprintable):
        with pytest.raises(CheckFailed, match="Typst, which does that, is missing") as error:
            make()
        assert error.value.exit_code == 1


def test_pictures_stand_in_both_with_words_for_them() -> None:
    """C10, D14: alt, caption, credit and licence; what is no picture is a link."""
    release, pictures = illustrated()
    data = pdf(release, SENDER, pictures=pictures).data
    text = words(data)
    for said in ("Caption of mud.jpg", "Credit: Ida Lund · Licence: CC0", "B-roll", "JPEG, 1600"):
        assert said in text
    assert b"video.example.org" in data and len(data) < 600_000
    made = docx(release, SENDER, pictures=pictures)
    assert made == docx(release, SENDER, pictures=pictures)
    with zipfile.ZipFile(io.BytesIO(made)) as package:
        body = package.read("word/document.xml").decode()
        assert 'descr="What chart.png shows"' in body
        assert {entry.date_time[0] for entry in package.infolist()} == {1980}
        assert sum(name.startswith("word/media/") for name in package.namelist()) == 2


@pytest.mark.parametrize("make", [english, hebrew, japanese, figures])
def test_the_word_document_can_be_read_again(make) -> None:  # type: ignore[no-untyped-def]
    """What an editor gets has the headline, the text and the contacts of the release."""
    release = make()
    data = docx(release, SENDER)
    again = read_release(data, name="news.docx", default_language=release.language)
    whole = " ".join(
        [again.headline, again.subhead or "", again.lead.text if again.lead else ""]
        + [block.text for block in (*again.body, *again.notes)]
    )
    for block in release.body:
        if block.inlines and block.kind.value == "paragraph":
            assert block.inlines[0].text.strip("\n")[:40] in whole.replace("\u2066", "").replace(
                "\u2069", ""
            )
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        body = package.read("word/document.xml").decode()
    assert ("<w:bidi/>" in body) is (release.direction == "rtl")
