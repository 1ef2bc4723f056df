"""Mails (.eml): the release in the text of a message, new, forwarded or attached.

Subject, sender and date are hints: the text's own headline, issuer and date go first. Greetings,
the header of a forwarded mail and what its forwarder wrote above are kept out of the text and told.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import parseaddr, parsedate_to_datetime

from lxml.html import HtmlElement

from mailer.errors import InputError
from mailer.release.model import BlockKind
from mailer.release.read import html, htmlbytes, htmlclean, plain
from mailer.release.read.decode import decode
from mailer.release.read.frontmatter import split
from mailer.release.read.paper import Paper
from mailer.release.read.pieces import Piece
from mailer.release.read.sniff import Format
from mailer.release.text import fold, width

MOST_PARTS = 200
"""Parts of a mail; each attachment and each text is one."""
_DEEPEST = 10
_TAGS = re.compile(r"<[^<>]*>")

_PREFIX = re.compile(
    r"\s*(?:(?:re|fwd?|fw|wg|aw|tr|rv|i|odp|pd|vs|vl|sv|vb|doorst|enc|rif|ynt|ilt|továbbítás|"
    r"vá|pre|ha|пересл|на|ответ|転送|返信|转发|回复|轉寄|הועבר|إعادة توجيه)\s*(?:\[\d+\])?\s*[:：]|"
    r"\[[^\]]{1,30}\])\s*",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"[\s>_*-]*(?:(?:-{2,}|_{2,}|begin |anfang der |début du |inicio del |inizio )\s*)?"
    r"(?:forwarded message|original message|original-nachricht|ursprüngliche nachricht|"
    r"weitergeleitete nachricht|weitergeleitete e-?mail|message transféré|message d'origine|"
    r"message réexpédié|mensaje reenviado|mensaje original|messaggio inoltrato|"
    r"messaggio originale|mensagem encaminhada|mensagem original|doorgestuurd bericht|"
    r"oorspronkelijk bericht|wiadomość przekazana dalej|przekazana wiadomość|"
    r"wiadomość oryginalna|přeposlaná zpráva|původní zpráva|vidarebefordrat meddelande|"
    r"videresendt (?:meddelelse|melding)|välitetty viesti|továbbított üzenet|mesaj redirecționat|"
    r"iletilen (?:ileti|mesaj)|пересылаемое сообщение|исходное сообщение|переслане повідомлення|"
    r"προωθημένο μήνυμα|הודעה שהועברה|رسالة مُ?عاد توجيهها|転送メッセージ|转发的邮件|轉寄的郵件|"
    r"전달된 메시지)\b[\s:_*-]*",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"[\s>*]*(?P<name>from|sent|date|to|cc|subject|reply-to|importance|attachments|von|gesendet|"
    r"datum|an|betreff|de|envoyé|envoyé le|à|objet|date d'envoi|enviado|enviado el|fecha|para|"
    r"asunto|da|inviato|data|a|oggetto|enviada em|assunto|van|verzonden|aan|onderwerp|od|wysłano|"
    r"do|temat|odesláno|komu|předmět|från|skickat|till|ämne|fra|sendt|til|emne|lähettäjä|"
    r"lähetetty|vastaanottaja|aihe|feladó|küldve|címzett|tárgy|от|отправлено|дата|кому|тема|від|"
    r"надіслано|από|στάλθηκε|προς|θέμα|מאת|נשלח|אל|נושא|من|إلى|الموضوع|التاريخ|差出人|送信日時|宛先|"
    r"件名|发件人|发送时间|收件人|主题|寄件者|보낸 사람|받는 사람|제목)[\s*]*[:：]\s*(?P<value>.*)",
    re.IGNORECASE,
)
_SUBJECTS_WORDS = (
    "subject betreff objet asunto oggetto assunto onderwerp temat předmět ämne emne aihe tárgy "
    "тема θέμα נושא الموضوع 件名 主题 제목"
)
_SUBJECTS = frozenset(_SUBJECTS_WORDS.split())
_SENDERS_WORDS = (
    "from von de da od van fra från lähettäjä feladó от від από מאת من 差出人 发件人 寄件者"
)
_SENDERS = frozenset(_SENDERS_WORDS.split())
_GREETING = re.compile(
    r"(?:dear|hello|hi|good (?:morning|afternoon|day)|sehr geehrte|liebe|guten (?:tag|morgen)|"
    r"hallo|madame|monsieur|mesdames|bonjour|chers?|chères?|estimad|querid|buenos días|hola|"
    r"gentil|egregi|buongiorno|cari |prezad|bom dia|caros?|geachte|beste|goedendag|szanowni|"
    r"dzień dobry|drodzy|vážen|dobrý den|kära|hej|god dag|kjære|hyvä|hyvät|tisztelt|kedves|stimat|"
    r"dragi|bună ziua|sayın|değerli|merhaba|poštovan|уважаем|здравствуйте|добрый день|шановн|"
    r"добрий день|уважаеми|αγαπητ|αξιότιμ|καλημέρα|לכבוד|שלום|السادة|السيدات|تحية|各位|尊敬的|"
    r"報道関係者|関係者各位|안녕하세요|여러분)",
    re.IGNORECASE,
)


def read(data: bytes, name: str) -> Paper:
    """A mail. Raises InputError when it cannot be taken apart or holds no text."""
    start = data.lstrip(b"\xef\xbb\xbf\r\n")
    try:
        message = BytesParser(policy=policy.default).parsebytes(start)
        outer, message = message, _innermost(message, name)
        parts = _parts(message, name)
        if _is_saved_page(message) and parts[1] is not None:
            return html.read(_content(parts[1], name), name)
        paper = _text(parts, name)
    except (MessageError, LookupError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        # The standard library's parser stumbles over some headers with errors of many kinds.
        raise InputError(
            "the mail cannot be taken apart: it is broken.",
            where=name,
            hint="Save the release's text as a file of its own.",
        ) from None
    paper.format = Format.MAIL.value
    subject = _subject(paper, _header(message, "subject"))
    _hints(paper, message, subject)
    _title(paper, subject)
    _attachments(paper, outer, message, name)
    return paper


def _is_saved_page(message: EmailMessage) -> bool:
    """Whether it is no mail but a web page that a browser saved with its pictures (MHTML)."""
    return "snapshot-content-location" in message or "saved by" in _header(message, "from").lower()


def _innermost(message: EmailMessage, name: str) -> EmailMessage:
    """The mail that was attached to a mail that says little itself: it is the one meant."""
    for _ in range(_DEEPEST):
        attached = [p for p in message.walk() if p.get_content_type() == "message/rfc822"]
        body = message.get_body(("plain", "html"))
        own = "" if body is None else _content(body, name)
        inner = attached[0].get_payload(0) if len(attached) == 1 else None
        if not isinstance(inner, EmailMessage) or len(_TAGS.sub("", own)) > 600:
            return message
        message = inner
    return message


def _parts(message: EmailMessage, name: str) -> tuple[MIMEPart | None, MIMEPart | None]:
    """The text and the HTML of a mail."""
    if sum(1 for _ in message.walk()) > MOST_PARTS:
        raise InputError(
            f"the mail has more than {MOST_PARTS} parts.",
            where=name,
            hint="Save the release's text as a file of its own.",
        )
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    return text, page


def _text(parts: tuple[MIMEPart | None, MIMEPart | None], name: str) -> Paper:
    """The HTML where there is some, for it has headings and links; else the text."""
    plain_part, page_part = parts
    markup = _content(page_part, name) if page_part is not None else ""
    said = len("".join(_TAGS.sub("", markup).split()))
    if page_part is not None and (plain_part is None or said > 40):
        page = html.parse(markup, name)
        whole = html.words_of(page.body)
        cleaned = htmlclean.clean(page.body)
        _unquote(page.body)
        paper = html.from_elements([page.body], cleaned, page.address, name)
        paper.whole = whole
        return _without_forwarding(paper)
    text = _content(plain_part, name) if plain_part is not None else ""
    if not text.strip():
        raise html.no_text(name, "mail")
    text = _unwrapped(re.sub(r"\r\n?", "\n", text), plain_part)
    front, body, first_line = split(text, name)
    pieces, placeholders, unused = plain.read(body, first_line)
    paper = Paper(text, pieces, Format.MAIL.value, placeholders=placeholders, unused=unused)
    paper.front = front
    return _without_forwarding(paper)


def _content(part: MIMEPart, name: str) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        return ""
    declared = part.get_content_charset()
    if part.get_content_subtype() != "html":
        return decode(payload, name, declared)[0]
    payload = htmlbytes.without_pictures(payload)
    declared = declared or htmlbytes.declared_encoding(payload)
    return decode(payload, name, declared, htmlbytes.MOST_BYTES)[0]


def _unwrapped(text: str, part: MIMEPart | None) -> str:
    """Lines that RFC 3676 broke (format=flowed) as they were, and quoting signs taken off when
    all of the text is quoted."""
    if part is not None and part.get_param("format", "") == "flowed":
        stuffed = re.sub(r"^ (?=[ >]|From )", "", text, flags=re.M)
        gap = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
        text = re.sub(r"(?<!^-- )(?<=\S) \n(?=[^\s>])", gap, stuffed, flags=re.M)
    rows = [row for row in text.split("\n") if row.strip()]
    if rows and sum(row.startswith(">") for row in rows) > len(rows) * 0.7:
        text = re.sub(r"^> ?", "", text, flags=re.M)
    return text


def _unquote(body: HtmlElement) -> None:
    """What mail programs set as a quotation is the forwarded mail itself."""
    for quoted in list(body.iter("blockquote")):
        cited = (quoted.get("type") or "").lower() == "cite"
        if cited or "gmail_quote" in (quoted.get("class") or ""):
            quoted.tag = "div"


def _without_forwarding(paper: Paper) -> Paper:
    """Take the header of a forwarded mail out, and what its forwarder wrote above it."""
    pieces = paper.pieces
    at, end, subject, sender = _forwarding(pieces)
    if at is None:
        pieces = _greeted(paper, pieces)
    else:
        note = [piece.text for piece in pieces[:at]]
        paper.leave_out("mail_header", (piece.text for piece in pieces[at:end]))
        paper.leave_out("forwarder", note)
        if note:
            paper.tell(
                "forwarder_left_out",
                f"What was written above the forwarded mail is not sent: "
                f"“{html.clip(' '.join(note))}”.",
                "Copy into the text what belongs to the release.",
            )
        paper.headline, paper.issuer = subject, sender
        pieces = _greeted(paper, pieces[end:])
    paper.pieces = pieces
    return paper


def _forwarding(
    pieces: list[Piece],
) -> tuple[int | None, int, str | None, str | None]:
    """The pieces that are the (last) header of a forwarded mail, the subject and sender in it."""
    found: tuple[int | None, int, str | None, str | None] = (None, 0, None, None)
    index = 0
    while index < len(pieces):
        rows = [row for _, row in pieces[index].lines if row.strip()]
        marked = len(rows) > 0 and _FORWARDED.fullmatch(rows[0]) is not None
        fields, end = 0, index
        subject: str | None = None
        sender: str | None = None
        while end < len(pieces) and end - index < 8:
            rows = [row for _, row in pieces[end].lines if row.strip()]
            matches = [_FIELD.fullmatch(row) for row in rows]
            named = [match for match in matches if match]
            begins = end == index and rows and _FORWARDED.fullmatch(rows[0])
            if not begins and len(named) * 2 < len(rows):
                break
            fields += len(named)
            for match in named:
                if match["name"].lower() in _SUBJECTS and match["value"].strip():
                    subject = match["value"].strip()
                elif match["name"].lower() in _SENDERS:
                    named_so = re.sub(r"[\[<(]?\S+@\S+|[\"']", "", match["value"]).strip()
                    sender = named_so or None
            end += 1
        if fields >= 3 or (marked and fields >= 2):
            start = index if found[0] is None else found[0]
            found = (start, end, subject or found[2], sender)
            index = end
        index += 1
    return found


def _greeted(paper: Paper, pieces: list[Piece]) -> list[Piece]:
    """The pieces without "Dear colleagues," and the line or two that only hand the release over."""
    for index, piece in enumerate(pieces[:4]):
        text = piece.text.strip()
        if piece.kind is not BlockKind.PARAGRAPH or width(text) > 90 or "\n" in text:
            continue
        if _GREETING.match(text) and text[-1] in ",!:،，：.…)":
            paper.leave_out("greeting", [text])
            return [*pieces[:index], *pieces[index + 1 :]]
    return pieces


def _subject(paper: Paper, subject: str) -> str:
    """What the mail is about, without "Fwd:"; a forwarded mail's own subject goes first."""
    text = paper.headline or subject
    while match := _PREFIX.match(text):
        text = text[match.end() :]
    return " ".join(text.split())


def _hints(paper: Paper, message: EmailMessage, subject: str) -> None:
    paper.headline = subject or None
    display, address = parseaddr(_header(message, "from"))
    forwarded = any(removed.reason == "mail_header" for removed in paper.removed)
    if display and "@" not in display and not paper.issuer and not forwarded:
        paper.issuer = display
    paper.day = _day(_header(message, "date"))
    header = [f"{key}: {_header(message, key)}" for key in ("from", "to", "date", "subject")]
    paper.leave_out("mail_header", [row for row in header if not row.endswith(": ")])
    if address and not any(address.lower() in piece.text.lower() for piece in paper.pieces):
        paper.tell(
            "sender_not_in_text",
            f"The mail came from {address}, which the text does not name.",
            "Write it under 'Media contact:' if journalists may answer there.",
        )


def _title(paper: Paper, subject: str) -> None:
    """The line of the text that the subject repeats is its headline."""
    wanted = fold(subject)
    for index, piece in enumerate(paper.pieces[:8]):
        simple = piece.kind in {BlockKind.PARAGRAPH, BlockKind.SUBHEADING}
        if simple and wanted and fold(piece.text) == wanted:
            paper.pieces[index] = replace(piece, kind=BlockKind.SUBHEADING, level=1)
            return


def _attachments(paper: Paper, outer: EmailMessage, message: EmailMessage, name: str) -> None:
    names: list[str] = []
    for part in message.walk():
        if part.is_multipart() or part.get_content_type() == "message/rfc822":
            continue
        shown = part.get_content_maintype() == "text" and not part.get_filename()
        if shown and part.get_content_disposition() != "attachment":
            continue
        names.append(part.get_filename() or part.get_content_type())
    if names:
        paper.leave_out("attachment", names)
        paper.tell(
            "attachments_left_out",
            f"The mail's attachments are not sent: {html.clip(', '.join(names), 200)}.",
            "If the release itself is attached, save that file and give it to mailer.",
        )
    if outer is not message:
        paper.tell(
            "attached_mail_read",
            "The mail that is attached to this mail was read.",
            "Check that it is the right one.",
        )
        body = outer.get_body(("plain", "html"))
        own = "" if body is None else _TAGS.sub(" ", _content(body, name))
        paper.leave_out("forwarder", [" ".join(own.split())])


def _header(message: EmailMessage, key: str) -> str:
    return " ".join(str(message.get(key, "")).split())


def _day(text: str) -> date | None:
    try:
        return parsedate_to_datetime(text).date() if text else None
    except (ValueError, TypeError, IndexError):
        return None
