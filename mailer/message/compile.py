"""From a release and a layout to a MergeTemplate: everything that is the same for everybody.

Renders both parts, inlines the CSS once, proves that every field printed is found exactly once,
encodes both parts and writes the header around them (design decision 1).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parseaddr
from html.parser import HTMLParser
from urllib.parse import urlsplit

from mailer.errors import CheckFailed, ConfigError
from mailer.message.enclosure import Attachment, attachment_part
from mailer.message.headers import mailbox_field, raw_url, unstructured
from mailer.message.inline import inline_css
from mailer.message.media import image_part
from mailer.message.merge import HTML_LIMIT, Field, MergeTemplate
from mailer.message.model import Sender
from mailer.message.phrases import phrases
from mailer.message.quoted import Place, encode_static
from mailer.message.slots import Printed, SlotEnvironment
from mailer.message.templates import TemplateSource, render
from mailer.message.text import TextPart
from mailer.message.values import URL_SLOTS
from mailer.message.view import ALONE, Languages, View, directed, embargo_in, view_of
from mailer.release.html import heading_levels, safe_href
from mailer.release.model import Release


def compile_release(
    release: Release,
    sender: Sender,
    templates: TemplateSource,
    *,
    layout: str = "release",
    mark: str = "",
    thread: bool = False,
    languages: Languages = ALONE,
    inside: Mapping[str, bytes] | None = None,
    attach: Attachment | None = None,
) -> MergeTemplate:
    """Compile a release with the layout `email/{layout}.html` and `.txt`.

    A message with a `mark`, such as a test's [TEST] (D24), differs from what journalists get in one
    thing: its Subject begins with it.
    With `thread` it continues what each journalist got of the release before. `languages` are the
    other languages of the release, which it links to, and its own page.
    `inside` are pictures that the message carries itself, by the SHA-256 of their file (B2); it
    carries those that it shows. `attach` is the one file that goes with it.

    Raises CheckFailed for errors in templates (file and line), template marks left over in the
    release, a part without a way to leave (E10), and HTML over 100,000 bytes (B16); ConfigError
    for a sender that cannot be used.
    """
    view = replace(view_of(release, sender, templates.theme, inside), languages=languages)
    if mark:
        view = replace(view, subject=f"{mark} {view.subject}")
    html = _render_html(view, templates, layout)
    text = _render_text(view, templates, layout)
    html_parts = _fields(html, html.contexts())
    text_parts = _fields(text, {})
    template = MergeTemplate(
        subject=view.subject,
        language=release.language,
        sender=sender,
        parts=_join(
            [
                *_header(view, thread),
                *_around(attach, _body(text_parts, html_parts, _images(view, html, inside))),
            ]
        ),
        html_size=_size(html.plain.encode()),
        encoded_html_size=_size(html_parts),
        text_size=_size(text.plain.encode()),
    )
    largest = max(template.html_size, template.encoded_html_size)
    if largest > HTML_LIMIT:
        raise CheckFailed(
            f"The HTML part has {largest:,} bytes; mail programs cut off what is over "
            f"{HTML_LIMIT:,}, and with it the unsubscribe link.",
            hint="Shorten the release and link to the full text.",
        )
    for part in (html, text):
        asks = any(printed.slot == "embargo_url" for printed in part.printed.values())
        if asks != (layout == EMBARGO_NOTE):
            raise CheckFailed(
                "embargo_url stands in both parts of the note about an embargo, and nowhere else.",
                where=part.name,
                hint=f"Print {{{{ embargo_url }}}} in email/{EMBARGO_NOTE}.html and .txt.",
            )
        if all(printed.slot != "unsubscribe_url" for printed in part.printed.values()):
            raise CheckFailed(
                "The layout prints no unsubscribe_url, so nobody could leave.",
                where=part.name,
                hint="Print {{ unsubscribe_url }} as the footer of the packaged layout does.",
            )
    return template


EMBARGO_NOTE = "embargo-note"
"""The layout of the message that asks somebody to agree to an embargo."""


def template_context(view: View) -> dict[str, object]:
    """The names that every layout sees, apart from slots."""
    return {
        "view": view,
        "release": view.release,
        "sender": view.sender,
        "t": phrases(view.language, view.sender.own_words),
        "light": view.light,
        "dark": view.dark,
        "theme": view.theme,
        "type": view.type,
        "levels": heading_levels,
        "href": safe_href,
        "directed": directed,
        "embargo_in": embargo_in,
        "online": False,
    }


class _Rendered:
    """One rendered part with the marks of its slots."""

    def __init__(self, name: str, output: str, environment: SlotEnvironment) -> None:
        self.name = name
        self.output = output
        self.printed = {each.mark: each for each in environment.printed}
        self.marks = environment.marks()
        self._prefix = f"Zq{environment.nonce}"

    @property
    def plain(self) -> str:
        """The part with empty values."""
        return self.marks.sub("", self.output)

    def check(self) -> None:
        """Every mark printed stands here exactly once, unspoilt, and nothing else looks so."""
        found = self.marks.findall(self.output)
        for mark, printed in self.printed.items():
            times = found.count(mark)
            if times != 1:
                how = "is lost or was altered" if times == 0 else f"appears {times} times"
                raise CheckFailed(
                    f"The field {printed.slot}, printed here, {how} in the finished message.",
                    where=_where(printed),
                    hint="Print fields directly, not through text that is changed or repeated.",
                )
        spoilt = self._prefix.lower() in self.plain.lower()
        if spoilt or len(found) != len(self.printed):
            raise CheckFailed("A field was spoilt by this template.", where=self.name)
        left = re.search(r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}", self.plain, re.DOTALL)
        if left:
            raise CheckFailed(
                f"A template mark was left over: {' '.join(left[0].split())[:60]}",
                where=self.name,
                hint="If it stands in the release, take it out there.",
            )

    def contexts(self) -> dict[str, str]:
        """Where in the HTML each mark stands: "html" or "href"."""
        reader = _Contexts(self.marks)
        reader.feed(self.output)
        reader.close()
        for mark, printed in self.printed.items():
            place = reader.places.get(mark, "a comment, a style or a tag's name")
            if place == "href" and printed.slot not in URL_SLOTS:
                raise CheckFailed(
                    f"The field {printed.slot} cannot be a link's address.", where=_where(printed)
                )
            if place not in ("html", "href"):
                raise CheckFailed(
                    f"The field {printed.slot} cannot stand in {place}.", where=_where(printed)
                )
        return reader.places


class _Contexts(HTMLParser):
    """Notes where marks stand: as text, as a whole link address, as an attribute's words."""

    _WORDS = frozenset({"title", "alt", "aria-label", "content", "summary"})

    def __init__(self, marks: re.Pattern[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._marks = marks
        self._raw = ""
        self.places: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw = tag if tag in ("style", "script") else ""
        for name, value in attrs:
            for mark in self._marks.findall(value or ""):
                if name == "href" and value == mark:
                    self.places[mark] = "href"
                elif name in self._WORDS:
                    self.places[mark] = "html"
                else:
                    self.places[mark] = f"the attribute {name}"

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        for mark in self._marks.findall(data):
            self.places[mark] = "html" if not self._raw else f"<{self._raw}>"


def _where(printed: Printed) -> str:
    return f"{printed.template}, line {printed.line}"


def _nonce(view: View) -> str:
    """Eight characters that occur in no text of the release, the same for the same release."""
    texts = repr((view.release, view.sender))
    seed = texts.encode("utf-8", "replace")
    while True:
        nonce = hashlib.sha256(seed).hexdigest()[:8]
        if nonce not in texts:
            return nonce
        seed = nonce.encode()


def _render_html(view: View, templates: TemplateSource, layout: str) -> _Rendered:
    name = f"email/{layout}.html"
    environment = templates.environment(_nonce(view))
    context = {**template_context(view), **environment.slot_names()}
    output = inline_css(render(templates, environment, name, context), name)
    rendered = _Rendered(name, output, environment)
    rendered.check()
    return rendered


def _render_text(view: View, templates: TemplateSource, layout: str) -> _Rendered:
    name = f"email/{layout}.txt"
    environment = templates.environment(_nonce(view))
    context = {**template_context(view), **environment.slot_names(), "text": TextPart(view)}
    raw = render(templates, environment, name, context)
    # The template's own spacing: at most one empty line anywhere, no white space at line ends.
    lines = "\n".join(line.rstrip() for line in raw.split("\n"))
    output = re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"
    rendered = _Rendered(name, output, environment)
    rendered.check()
    return rendered


def _fields(part: _Rendered, contexts: dict[str, str]) -> list[str | Field]:
    """The part encoded, with a Field for each mark."""
    pieces: list[str | int] = []
    order: list[Printed] = []
    last = 0
    for found in part.marks.finditer(part.output):
        pieces += [part.output[last : found.start()], len(order)]
        order.append(part.printed[found[0]])
        last = found.end()
    pieces.append(part.output[last:])
    fields: list[str | Field] = []
    for piece in encode_static(pieces):
        if isinstance(piece, Place):
            printed = order[piece.index]
            alone = piece.starts_line and piece.ends_line
            kind = contexts.get(printed.mark) or (
                "paragraph" if alone and printed.slot not in URL_SLOTS else "text"
            )
            fields.append(
                Field(kind, printed.slot, printed.fallback, piece.starts_line, piece.ends_line)
            )
        else:
            fields.append(piece)
    return fields


def _header(view: View, thread: bool) -> list[str | Field]:
    """All header fields, up to and with the empty line. See requirement groups A, B and F."""
    sender, release = view.sender, view.release
    name, address = parseaddr(sender.sender)
    if "@" not in address:
        raise ConfigError(
            f"The sender {sender.sender!r} is not a mail address.",
            where="config.toml, newsroom.sender",
            hint='Write it like "Press Office <press@example.org>".',
        )
    fixed = [mailbox_field("From", name, _ascii_domain(address))]
    if sender.reply_to:
        fixed.append(mailbox_field("Reply-To", "", _ascii_domain(parseaddr(sender.reply_to)[1])))
    owner = _ascii_domain(parseaddr(sender.reply_to)[1] or address)
    home = raw_url(f"{sender.public_url}/", "newsroom.public_url")
    later = [
        unstructured("Subject", view.subject),
        "MIME-Version: 1.0",
        f"Content-Language: {_language_tag(release.language)}",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-Help: <{home}>",
        f"List-Archive: <{home}>",
        f"List-Owner: <mailto:{owner}>",
        "List-Post: NO",
        "Precedence: bulk",
        "Auto-Submitted: auto-generated",
        f"Feedback-ID: {_feedback_id(view)}",
    ]
    return [
        "\r\n".join(fixed) + "\r\n",
        Field("mailbox", "to"),
        "\r\n" + "\r\n".join(later) + "\r\nDate: ",
        Field("date", "date"),
        "\r\nMessage-ID: ",
        Field("message_id", "message_id"),
        *([Field("thread", "thread")] if thread else []),
        "\r\nList-Id: ",
        Field("list_id", "list_id"),
        "\r\nList-Unsubscribe: <",
        Field("url", "unsubscribe_url"),
        ">\r\n",
    ]


def _around(attach: Attachment | None, body: list[str | Field]) -> list[str | Field]:
    """The body with the head of its container; with a file, both stand in another one (B2)."""
    boundary = Field("boundary", "boundary")
    head = 'Content-Type: multipart/alternative;\r\n boundary="'
    alternative: list[str | Field] = [head, boundary, '"\r\n\r\n']
    if attach is None:
        return [*alternative, *body]
    return [
        'Content-Type: multipart/mixed;\r\n boundary="m',
        boundary,
        '"\r\n\r\n--m',
        boundary,
        "\r\n",
        *alternative,
        *body,
        "\r\n--m",
        boundary,
        attachment_part(attach),
        "\r\n--m",
        boundary,
        "--\r\n",
    ]


def _images(view: View, html: _Rendered, inside: Mapping[str, bytes] | None) -> list[str]:
    """The parts of the pictures that the HTML shows from inside of the message, each once (B2)."""
    found = {}
    for item in view.media.pictures:
        data = (inside or {}).get(item.medium.sha256)
        if data is not None and item.image in html.output:
            found[item.image] = image_part(item.medium, view.sender, data)
    return list(found.values())


def _body(
    text: Sequence[str | Field], html: Sequence[str | Field], images: Sequence[str]
) -> list[str | Field]:
    """Both parts between boundaries, text first (B1); pictures beside the HTML (B2)."""
    boundary = Field("boundary", "boundary")

    def head(subtype: str) -> str:
        return (
            f"\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        )

    beside: list[str | Field] = [head("html"), *html]
    if images:
        # No boundary may begin as another one does (RFC 2046 section 5.1.1): all begin with "=_".
        beside = ['\r\nContent-Type: multipart/related; type="text/html";\r\n boundary="r']
        beside += [boundary, '"\r\n\r\n--r', boundary, head("html"), *html]
        for image in images:
            beside += ["\r\n--r", boundary, image]
        beside += ["\r\n--r", boundary, "--\r\n"]
    return [
        "--",
        boundary,
        head("plain"),
        *text,
        "\r\n--",
        boundary,
        *beside,
        "\r\n--",
        boundary,
        "--\r\n",
    ]


def _join(parts: list[str | Field]) -> tuple[str | Field, ...]:
    """Neighbouring texts become one."""
    joined: list[str | Field] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)


def _size(parts: Sequence[str | Field] | bytes) -> int:
    if isinstance(parts, bytes):
        return len(parts)
    return sum(len(part) for part in parts if isinstance(part, str))


def _feedback_id(view: View) -> str:
    """`a:b:c:SenderId` (A24): release, kind, language, and the newsroom's name for ever."""
    campaign = base64.b32encode(hashlib.sha256(view.release.slug.encode()).digest()[:10])
    ledger = view.sender.ledger_id
    if not 5 <= len(ledger) <= 15:
        ledger = base64.b32encode(hashlib.sha256(ledger.encode()).digest()[:6]).decode().lower()
        ledger = ledger.strip("=")
    kind = f"k-{view.release.kind.value}"
    language = f"l-{_language_tag(view.release.language)}"
    return f"{campaign.decode().lower()}:{kind}:{language}:{ledger}"


def _language_tag(language: str) -> str:
    return language if re.fullmatch(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", language) else "und"


def _ascii_domain(address: str) -> str:
    """The address with its domain as lower-case A-labels (A28)."""
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        domain = urlsplit(f"//{domain}").hostname or domain
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain.lower()}"
