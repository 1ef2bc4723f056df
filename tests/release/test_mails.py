"""Mails: text and HTML, forwarded and attached ones, hints of the header, trackers, attachments."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from mailer.release.model import Release

from tests.release.making import Blocks, as_mail
from tests.release.reading import TODAY, body, codes, lead, read

TEXT: Blocks = [
    ("title", "Rivers Fail the Test"),
    ("text", "Warsaw, 12 October – The foundation has published its report on rivers today."),
    ("text", "Two of three rivers carry more nitrogen than the law allows, it says."),
    ("text", "Media contact: Ann Bee, ann@example.org"),
]


def mail(data: bytes | EmailMessage) -> Release:
    raw = data if isinstance(data, bytes) else data.as_bytes()
    return read(raw, "a.eml", today=TODAY)


def removed(release: Release, reason: str) -> list[str]:
    return [each.text for each in release.removed if each.reason == reason]


@pytest.mark.parametrize("both", [True, False])
def test_text_and_html(both: bool) -> None:
    release = mail(as_mail(TEXT, subject="Rivers Fail the Test", both=both))
    assert release.headline == "Rivers Fail the Test"
    assert lead(release) == "The foundation has published its report on rivers today."
    assert [contact.email for contact in release.contacts] == ["ann@example.org"]
    # The year of a date without one is that of the mail.
    assert release.dateline and str(release.dateline.date) == "2026-10-12"


def test_the_subject_is_the_headline_where_the_text_has_none() -> None:
    text: Blocks = [("text", "Dear colleagues,"), TEXT[1], TEXT[2], TEXT[3]]
    release = mail(as_mail(text, subject="Fwd: [Press] Rivers fail the test"))
    assert release.headline == "Rivers fail the test"
    assert removed(release, "greeting") == ["Dear colleagues,"]


def test_the_texts_own_headline_goes_first() -> None:
    release = mail(as_mail(TEXT, subject="News of the week"))
    assert release.headline == "Rivers Fail the Test"
    assert "subject: News of the week" in removed(release, "mail_header")


FORWARDS = [
    "---------- Forwarded message ---------\nFrom: Press <press@a.example>\nDate: Mon, 9 Nov 2026\n"
    "Subject: Rivers Fail the Test\nTo: <x@b.example>",
    "-----Original Message-----\nFrom: Press <press@a.example>\nSent: Monday\nTo: x@b.example\n"
    "Subject: Rivers Fail the Test",
    "-----Ursprüngliche Nachricht-----\nVon: Press <press@a.example>\nGesendet: Montag\n"
    "An: x@b.example\nBetreff: Rivers Fail the Test",
    "De : Press <press@a.example>\nEnvoyé : lundi\nÀ : x@b.example\nObjet : Rivers Fail the Test",
    "-------- Wiadomość oryginalna --------\nOd: Press <press@a.example>\nData: 9.11.2026\n"
    "Do: x@b.example\nTemat: Rivers Fail the Test",
    "-------- Пересылаемое сообщение --------\nОт: Press <press@a.example>\nДата: 9.11.2026\n"
    "Кому: x@b.example\nТема: Rivers Fail the Test",
    "差出人: Press <press@a.example>\n送信日時: 2026年11月9日\n宛先: x@b.example\n"
    "件名: Rivers Fail the Test",
]


@pytest.mark.parametrize("header", FORWARDS)
def test_forwarded_mails(header: str) -> None:
    """The header of the forwarded mail and its forwarder's note are kept out and told."""
    message = EmailMessage()
    message["From"], message["To"] = "Bob <bob@b.example>", "desk@c.example"
    message["Subject"] = "WG: Rivers Fail the Test"
    texts = "\n\n".join(str(value) for _, value in TEXT[1:])
    message.set_content(f"Can you send this tomorrow?\n\nBob\n\n{header}\n\n{texts}\n")
    release = mail(message)
    assert release.headline == "Rivers Fail the Test"
    assert lead(release).startswith("The foundation has published")
    assert removed(release, "forwarder") == ["Can you send this tomorrow?", "Bob"]
    assert "forwarder_left_out" in codes(release.findings)
    assert release.issuer and release.issuer.name == "Press"


def test_an_attached_mail_is_the_one_meant() -> None:
    outer = EmailMessage()
    outer["From"], outer["To"], outer["Subject"] = "bob@b.example", "d@c.example", "Please send"
    outer.set_content("See the mail attached.\n")
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Press <press@a.example>", "Rivers Fail the Test"
    inner.set_content("\n\n".join(str(value) for _, value in TEXT[1:]))
    outer.add_attachment(inner)
    release = mail(outer)
    assert release.headline == "Rivers Fail the Test"
    assert "attached_mail_read" in codes(release.findings)
    assert "See the mail attached." in removed(release, "forwarder")


def test_attachments_are_told() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@a.example", "d@c.example", "Rivers"
    message.set_content("\n\n".join(str(value) for _, value in TEXT))
    message.add_attachment(
        b"%PDF-", maintype="application", subtype="pdf", filename="Überblick.pdf"
    )
    release = mail(message)
    assert removed(release, "attachment") == ["Überblick.pdf"]
    assert "attachments_left_out" in codes(release.findings)


@pytest.mark.parametrize(
    ("charset", "encoding", "text"),
    [
        ("iso-8859-1", "cp1252", "Größe – „Zitat“ für alle Leute"),
        ("koi8-r", "koi8-r", "Фонд опубликовал сегодня отчёт"),
        ("windows-1253", "cp1253", "Το ίδρυμα δημοσίευσε έκθεση"),
        ("windows-1256", "cp1256", "نشرت المؤسسة تقريرها اليوم"),
        ("gb2312", "gb2312", "基金会今天发布报告"),
        ("iso-2022-jp", "iso-2022-jp", "財団は本日報告書を公表した"),
        ("no-such-charset", "utf-8", "Zażółć gęślą jaźń"),
    ],
)
def test_charsets(charset: str, encoding: str, text: str) -> None:
    head = (
        f"From: a@a.example\nTo: b@b.example\nSubject: x\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    )
    release = mail(head.encode() + f"{text}\n\n{text}.\n".encode(encoding))
    assert release.headline == text


def test_lines_that_a_mail_program_broke_are_whole_again() -> None:
    """RFC 3676: a line that ends with a space goes on."""
    head = b"From: a@a.example\nTo: b@b.example\nSubject: Rivers\nMIME-Version: 1.0\n"
    head += b"Content-Type: text/plain; charset=utf-8; format=flowed\n\n"
    text = b"Rivers Fail the \nTest\n\nThe foundation has \npublished its report \ntoday.\n"
    release = mail(head + text)
    assert release.headline == "Rivers Fail the Test"
    assert lead(release) == "The foundation has published its report today."


def test_a_quoted_mail_is_read_without_its_signs() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@a.example", "d@c.example", "Rivers"
    quoted = "\n".join(f"> {line}" for _, text in TEXT for line in (text, ""))
    message.set_content(quoted)
    assert body(mail(message))[0].startswith("Two of three rivers")


def test_text_that_begins_like_a_header_is_no_mail() -> None:
    release = read(
        "Subject: Rivers\n\nRivers Fail the Test\n\nThey do, says the report.\n", "a.txt"
    )
    assert release.source_format == "plain text"
