"""The bytes of a message: whatever a list brings, they stay one message to one person."""

from __future__ import annotations

import email
import email.policy
import html
import re
import subprocess
import sys
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mailer.errors import CheckFailed, InputError
from mailer.message import MergeTemplate, Recipient, compile_release, quoted, slot_values
from mailer.message import values as values_module
from mailer.message.headers import CONTROLS, mailbox_field
from mailer.message.merge import Field
from mailer.message.quoted import Place, encode_static, encode_value
from mailer.message.values import clean
from mailer.message.wrap import wrap

from tests.message.samples import (
    ANNA,
    KEYS,
    NOW,
    RELEASES,
    SENDER,
    TEMPLATES,
    english,
    values,
)

TEMPLATE = compile_release(english(), SENDER, TEMPLATES)

NASTY = [
    'Anna "Ann" Nowak, Jr.',
    "Nowak, Anna <other@example.org>",
    "=?utf-8?q?Anna?=",
    "=?utf-8?b?QW5uYQ==?= =?utf-8?q?x?=",
    "אנה נובאק",
    "山田太郎",
    "👩‍🚀 Anna",
    "a" * 300,
    "ż" * 300,
    "word " * 60,
    "\n.\n",
    "\r\nBcc: x@example.org",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}",
    ".",
    "..",
    "From me",
    "a  b   c",
    "  lead and trail  ",
    "tab\there",
    "=",
    "=3D",
    "--=_bfvuh.k3jq7x2m",
    "\x00\x01\x7f\x85\u2028\u2029",
    "\u202eevil",
    "(comment)",
    "back\\slash",
    "a;b:c@d",
    "é" * 37,
    "x" * 75,
    "x" * 76,
    "x" * 77,
    "",
]
TEXT = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=120),
    st.text(alphabet='.= \tFrom<>"&é…\u05d0', max_size=200),
)


def wire(template: MergeTemplate, mapping: dict[str, str]) -> bytes:
    return b"".join(template.merge(mapping))


def check_wire(data: bytes) -> None:
    """What every message on the wire must be (B4–B6, B12, B13; design decision 1)."""
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    head, _, body = data.partition(b"\r\n\r\n")
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith(b".")
        assert not line.startswith(b"From ")
        assert line == line.rstrip()
        assert b"  " not in line
        assert b"\t" not in line
    for line in head.split(b"\r\n"):
        assert len(line) <= 998
        assert line.strip()


def parse(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(data: bytes) -> tuple[str, str]:
    """Text and HTML through the other policy."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    text, html = message.get_payload()  # type: ignore[misc]
    decoded = [part.get_payload(decode=True).decode("utf-8") for part in (text, html)]
    return decoded[0].replace("\r\n", "\n"), decoded[1].replace("\r\n", "\n")


@settings(max_examples=60, deadline=None)
@given(first=TEXT, last=TEXT, outlet=TEXT, title=TEXT, source=TEXT, name=TEXT)
def test_any_list_row_makes_one_sound_message(
    first: str, last: str, outlet: str, title: str, source: str, name: str
) -> None:
    """B3, B5, B6, B10–B13, C19, D19: nasty values in every field at once."""
    recipient = replace(
        ANNA,
        first_name=first,
        last_name=last,
        outlet=outlet,
        list_title=title,
        source=source,
        list_name=name or "x",
    )
    made = values(recipient)
    data = wire(TEMPLATE, made)
    check_wire(data)
    message = parse(data)
    assert message.defects == []
    names = [key.lower() for key, _ in message.items()]
    for header in EXPECTED_HEADERS:
        assert names.count(header.lower()) == 1, header
    assert len(names) == len(EXPECTED_HEADERS)
    addresses = message["To"].addresses
    assert [each.addr_spec for each in addresses] == ["anna.nowak@example.com"]
    shown = f"{clean(first)} {clean(last)}".strip()
    # Not addresses[0].display_name: Python 3.11 leaves the space between two encoded words, which
    # RFC 2047 section 6.2 says belongs to neither.
    words, _, _ = raw_header(data, "To").rpartition("anna.nowak@example.com")
    words = words.rstrip("<").strip()
    decoded = words[1:-1] if words.startswith('"') else str(make_header(decode_header(words)))
    assert decoded == " ".join(shown.split())
    assert [pair[1] for pair in getaddresses([raw_header(data, "To")])] == [
        "anna.nowak@example.com"
    ]
    text, html = bodies(data)
    footer = text[text.rindex("-" * 72 + "\n") + 73 :]
    # wrapped lines: a break may stand between wide characters
    assert "".join(footer.split()).startswith("".join(made["reason"].split()))
    assert made["unsubscribe_url"] in text
    assert f'href="{made["unsubscribe_url"]}"' in html
    assert "<script" not in html
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


EXPECTED_HEADERS = (
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Help",
    "List-Owner",
    "List-Post",
    "List-Archive",
    "Precedence",
    "Auto-Submitted",
    "Feedback-ID",
)


def raw_header(data: bytes, name: str) -> str:
    """A header's value as it stands on the wire, unfolded."""
    head = data.partition(b"\r\n\r\n")[0].decode("ascii")
    found = re.findall(rf"(?im)^{name}:[ ]?((?:[^\r\n]|\r\n[ \t])*)\r$", head + "\r\n")
    assert len(found) == 1
    return re.sub(r"\r\n(?=[ \t])", "", found[0].rstrip("\r\n"))


@settings(max_examples=200, deadline=None)
@given(TEXT)
@example("a" * 75)
@example("b" * 74 + ".")
def test_values_come_back_byte_for_byte(value: str) -> None:
    """B3, B5: whatever surrounds them, also at line starts and ends, also when empty."""
    one_line = clean(value)
    for before, after in (("", ""), ("x" * 74, "y"), ("", ".end"), (". ", " end"), ("a ", "")):
        pieces = encode_static([f"{before}", 0, f"{after}\nnext {before}", 1, "\n"])
        out = b""
        for piece in pieces:
            if isinstance(piece, Place):
                out += encode_value(
                    one_line, starts_line=piece.starts_line, ends_line=piece.ends_line
                )
            else:
                out += piece.encode("ascii")
        for line in out.split(b"\r\n"):
            assert len(line) <= 76
            assert not line.startswith((b".", b"From "))
            assert line == line.rstrip()
            assert b"  " not in line
        import quopri

        decoded = quopri.decodestring(out).decode("utf-8").replace("\r\n", "\n")
        assert decoded == f"{before}{one_line}{after}\nnext {before}{one_line}\n"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400).map(lambda text: text.replace("\r", "")))
def test_static_text_comes_back_byte_for_byte(text: str) -> None:
    """B3, lesson 12: what the templates wrote is what is read."""
    import quopri

    text = text.encode("utf-8", "replace").decode("utf-8")
    (encoded,) = encode_static([text]) or [""]
    assert isinstance(encoded, str)
    assert quopri.decodestring(encoded.encode()).decode("utf-8").replace("\r\n", "\n") == text


@pytest.mark.parametrize("length", [40, 70, 77, 78, 100, 200, 300, 399, 400])
def test_the_unsubscribe_link_stays_in_one_piece(length: int) -> None:
    """B8, B9, F1: never an encoded word, never folded, whatever its length."""
    base = "https://press.example.org/"
    token_and_path = len("/u/") + 58
    path = "n" * max(0, length - len(base) - token_and_path)
    sender = replace(SENDER, public_url=f"{base}{path}")
    template = compile_release(english(), sender, TEMPLATES)
    made = slot_values(
        ANNA, delivery=1, journalist=2, list_id=3, sender=sender, keys=KEYS, date=NOW
    )
    data = wire(template, made)
    check_wire(data)
    line = f"\r\nList-Unsubscribe: <{made['unsubscribe_url']}>\r\n".encode()
    assert data.count(line) == 1
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    head = data.partition(b"\r\n\r\n")[0]
    for header in head.split(b"\r\n"):
        if not header.startswith((b"List-", b"Message-ID")):
            assert len(header) <= 78


def test_headers_are_those_of_the_groups_a_and_b() -> None:
    """A17–A25, D2, F1: exact values."""
    data = wire(TEMPLATE, values())
    assert raw_header(data, "From") == "Harbour Observatory Press <press@example.org>"
    assert raw_header(data, "To") == "Anna Nowak <anna.nowak@example.com>"
    assert raw_header(data, "Message-ID") == "<bfvuh.k3jq7x2m@example.org>"
    assert raw_header(data, "Date") == "Tue, 3 Mar 2026 09:00:05 +0100"
    assert raw_header(data, "List-Id") == '"EU affairs" <eu-affairs.example.org>'
    assert raw_header(data, "List-Post") == "NO"
    assert raw_header(data, "List-Owner") == "<mailto:press@example.org>"
    assert raw_header(data, "Precedence") == "bulk"
    assert raw_header(data, "Auto-Submitted") == "auto-generated"
    assert raw_header(data, "Content-Language") == "en"
    assert "mailto" not in raw_header(data, "List-Unsubscribe")
    parts = raw_header(data, "Feedback-ID").split(":")
    assert len(parts) == 4
    assert len(set(parts)) == 4
    assert 5 <= len(parts[3]) <= 15
    other = wire(TEMPLATE, values(replace(ANNA, email="b@example.com"), delivery=99))
    assert raw_header(other, "Feedback-ID") == raw_header(data, "Feedback-ID")
    assert b"anna" not in raw_header(data, "Feedback-ID").encode()


def test_retries_are_the_same_message_but_for_the_date() -> None:
    """A18, A19, design decision 7."""
    first = wire(TEMPLATE, values())
    again = wire(TEMPLATE, {**values(), "date": "Tue, 3 Mar 2026 09:30:05 +0100"})
    assert first.replace(b"09:00:05", b"09:30:05") == again


@pytest.mark.parametrize("subject", [*NASTY[:10], "Straße “quoted” – dash", "x" * 200, "ż" * 90])
def test_subjects_are_read_back(subject: str) -> None:
    """B6, B7: folded at 78, encoded words at 75, whole characters."""
    release = replace(english(), subject=subject)
    data = wire(compile_release(release, SENDER, TEMPLATES), values())
    check_wire(data)
    assert parse(data)["Subject"] == " ".join(subject.split())
    for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        for word in re.findall(rb"=\?[^ ]*\?=", line):
            assert len(word) <= 75
            assert len(line) <= 76
            single = email.message_from_bytes(b"Subject: " + word, policy=email.policy.default)
            assert "\ufffd" not in single["Subject"]


@given(TEXT)
@settings(max_examples=25, deadline=None)
def test_a_sender_name_is_one_mailbox(name: str) -> None:
    """B10, A17: exactly one From with one address, whatever the newsroom is called."""
    shown = clean(name)
    from email.headerregistry import Address

    mailbox = f'"{shown}" <press@example.org>'.replace("\\", "").replace('""', '"x"')
    if mailbox.count('"') != 2:
        return
    release = replace(english(), slug="x")
    data = wire(compile_release(release, replace(SENDER, sender=mailbox), TEMPLATES), values())
    addresses = parse(data)["From"].addresses
    assert [each.addr_spec for each in addresses] == ["press@example.org"]
    assert isinstance(addresses[0], Address)


@pytest.mark.parametrize(
    "slot",
    ["to_name", "to_address", "journalist.outlet", "reason", "unsubscribe_url", "list_id", "date"],
)
@pytest.mark.parametrize("control", ["\r\n", "\n", "\r", "\0", "\x85", "\u2028", "\u2029", "\x1b"])
def test_merge_refuses_line_breaks_everywhere(slot: str, control: str) -> None:
    """B11, lesson 13: the last gate, whatever came before it."""
    from mailer.message import compile_release as compile_
    from mailer.message.templates import TemplateSource, package_templates

    assert compile_ and TemplateSource and package_templates
    template = _template_with_outlet()
    good = values()
    with pytest.raises(CheckFailed):
        template.merge({**good, slot: f"{good[slot]}{control}Bcc: x@example.org"})
    with pytest.raises(CheckFailed):
        template.merge({**good, slot: f"{control}{good[slot]}"})


def _template_with_outlet() -> MergeTemplate:
    parts = (*TEMPLATE.parts, Field("text", "journalist.outlet"))
    return replace(TEMPLATE, parts=parts)


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org, b@example.org",
        "a@example.org>,<b@example.org",
        "<a@example.org>",
        "a b@example.org>",
        "a@exa mple.org",
        "nobody",
        "@example.org",
        "a@",
        "a@example..org",
        "",
    ],
)
def test_merge_refuses_what_is_not_one_address(address: str) -> None:
    """D19, B10: there is one address in To or there is no message."""
    try:
        data = wire(TEMPLATE, {**values(), "to_address": address})
    except CheckFailed:
        return
    assert len(parse(data)["To"].addresses) == 1
    assert address.startswith("a b@")


def test_an_address_outside_ascii_is_left_alone() -> None:
    """A29: never mangled; only it may make the message more than ASCII."""
    data = wire(TEMPLATE, {**values(), "to_address": "żaneta@example.org"})
    assert "To: Anna Nowak <żaneta@example.org>\r\n".encode() in data


def test_a_missing_value_is_said() -> None:
    """Never a message with a hole in it."""
    made = values()
    del made["reason"]
    with pytest.raises(CheckFailed, match="no value for reason"):
        TEMPLATE.merge(made)


def test_the_boundary_stands_in_no_part() -> None:
    """B21: it begins with characters that quoted-printable never writes."""
    made = values(replace(ANNA, outlet="--=_bfvuh.k3jq7x2m--"))
    data = wire(TEMPLATE, made)
    boundary = made["boundary"].encode()
    assert data.count(b"--" + boundary) == 3
    assert len(parse(data).get_payload()) == 2


@pytest.mark.parametrize("name", RELEASES)
def test_the_stored_form_gives_the_same_template(name: str) -> None:
    """Design decision 1: content-addressed, and senders load only that."""
    release = RELEASES[name]()
    template = compile_release(release, SENDER, TEMPLATES)
    again = MergeTemplate.from_bytes(template.to_bytes())
    assert again == template
    assert again.digest == template.digest
    assert compile_release(release, SENDER, TEMPLATES).digest == template.digest
    made = values(language=release.language)
    assert template.slots <= made.keys()
    data = wire(again, made)
    check_wire(data)
    # B22: parse, write, parse again: same tree and words
    message = parse(data)
    second = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert bodies(second.as_bytes()) == bodies(data)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format": 99}', b"\xff"])
def test_a_damaged_stored_form_is_said(data: bytes) -> None:
    """One sentence instead of a traceback."""
    with pytest.raises(InputError):
        MergeTemplate.from_bytes(data)


def test_senders_need_no_template_engine() -> None:
    """Design decision 1: importing and merging loads neither Jinja2, premailer nor lxml."""
    code = (
        "import sys; from mailer.message import MergeTemplate, slot_values, TokenKeys; "
        "print([m for m in ('jinja2', 'premailer', 'lxml', 'babel') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_repeating_values_are_remembered_within_bounds() -> None:
    """Memory does not grow with the list (H21)."""
    from mailer.message import merge as module

    template = MergeTemplate.from_bytes(TEMPLATE.to_bytes())
    for number in range(module.CACHE_SIZE + 50):
        template.merge({**values(), "reason": f"Reason {number}"})
    caches = [step[2] for step in template._plan[1] if step[2] is not None]
    assert caches
    assert all(len(cache) <= module.CACHE_SIZE for cache in caches)


def test_greetings_are_safe() -> None:
    """D16: by name where that is right, plain where the name is missing or would be declined."""

    def greeted(language: str, **changes: str) -> str:
        recipient: Recipient = replace(ANNA, **changes)
        return values(recipient, language=language)["journalist.greeting"]

    assert greeted("en") == "Dear Anna Nowak,"
    assert greeted("en", last_name="") == "Dear Anna,"
    assert greeted("en", first_name="") == "Hello,"
    assert greeted("en", first_name="\n", last_name="") == "Hello,"
    assert greeted("de-AT") == "Guten Tag Anna Nowak,"
    assert greeted("pl") == "Dzień dobry,"
    assert greeted("tlh") == "Dear Anna Nowak,"


def test_the_reason_names_list_and_source() -> None:
    """C25, E9: why, which list, where from and when, in the message's language."""
    made = values(language="de")["reason"]
    assert made == (
        "Sie erhalten diese Nachricht, weil die Pressestelle von Harbour Observatory Sie in ihrem"
        " Verteiler „EU affairs“ führt. Herkunft Ihrer Adresse: reply to a release,"
        " 7. November 2025."
    )
    bare = values(replace(ANNA, source="", source_date="", list_kind="topic"))["reason"]
    assert bare == "You get this because you signed up to “EU affairs” of Harbour Observatory."


@pytest.mark.parametrize(
    ("name", "title", "expected"),
    [
        ("eu-affairs", "EU affairs", '"EU affairs" <eu-affairs.example.org>'),
        ("EU Affairs", "", '"EU Affairs" <eu-affairs.example.org>'),
        ("tech", 'a "b" \\ c', '"a \\"b\\" \\\\ c" <tech.example.org>'),
        ("tech", "Médias =?utf-8?q?x?=", '"Medias = ?utf-8?q?x?=" <tech.example.org>'),
    ],
)
def test_list_ids(name: str, title: str, expected: str) -> None:
    """A22, B7: constant, ASCII, never an encoded word."""
    assert values(replace(ANNA, list_name=name, list_title=title))["list_id"] == expected


def test_lists_named_in_other_scripts_have_ids_of_their_own() -> None:
    """A22: what ASCII loses is kept in a hash."""
    made = {
        values(replace(ANNA, list_name=name, list_title=name))["list_id"]
        for name in ("Медіа", "Медиа", "メディア", "媒体", "Média", "Media")
    }
    assert len(made) == 6
    assert all(each.isascii() for each in made)


# The quick ways ---------------------------------------------------------------------------------

PLAIN = st.text("abcXYZ019 ,.-'=F", max_size=40) | st.sampled_from(["From me", "Fromage", "a"])


@given(PLAIN, st.booleans(), st.booleans(), st.sampled_from(["text", "paragraph", "html"]))
def test_a_plain_value_is_written_as_the_full_encoding_does(
    value: str, starts_line: bool, ends_line: bool, kind: str
) -> None:
    """B11: a short cut may never write anything else."""
    field = Field(kind, "journalist.name", starts_line=starts_line, ends_line=ends_line)
    template = replace(TEMPLATE, parts=("Subject: x\r\n\r\n", field, "\r\n"))
    [_, written, _] = template.merge(values() | {"journalist.name": value})
    expected = html.escape(value) if kind == "html" else value
    if kind == "paragraph" and len(value) > 36:
        expected = "\n".join(wrap(value))
    assert written == encode_value(expected, starts_line=starts_line, ends_line=ends_line)


@given(
    st.text("abcz09_+.", min_size=1, max_size=40),
    st.text("abz09.-", min_size=1, max_size=30),
    st.text("abZ9 .,-'", max_size=40),
)
def test_a_plain_mailbox_is_written_as_the_full_way_does(
    local: str, domain: str, name: str
) -> None:
    """B10, B11."""
    template = replace(TEMPLATE, parts=(Field("mailbox", "to"), "\r\n"))
    address = f"{local}@{domain}"
    filled = values() | {"to_address": address, "to_name": name}
    try:
        expected = mailbox_field("To", name, address).encode()
    except CheckFailed:
        with pytest.raises(CheckFailed):
            template.merge(filled)
    else:
        assert template.merge(filled)[0] == expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "https://press.example.org/u/",
                    "https://press.example.org/p/",
                    "https://e.org/?a=1&b=2/u/",
                    "https://example.org/" + "a" * 55,
                    "https://example.org/" + "a" * 130 + "/",
                    "https://example.org/" + "a." * 80,
                ]
            ),
            st.text("abcxyz234567", min_size=56, max_size=60),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["text", "href"]),
)
def test_a_link_is_written_as_the_full_encoding_does(
    links: list[tuple[str, str]], starts_line: bool, ends_line: bool, kind: str
) -> None:
    """A23, B8: whatever links went before, of whatever length."""
    field = Field(kind, "unsubscribe_url", starts_line=starts_line, ends_line=ends_line)
    template = replace(TEMPLATE, parts=("Subject: x\r\n\r\n", field, "\r\n"))
    for head, token in links:
        url = head + token
        [_, written, _] = template.merge(values() | {"unsubscribe_url": url})
        expected = html.escape(url) if kind == "href" else url
        assert written == encode_value(expected, starts_line=starts_line, ends_line=ends_line)


@given(st.text(max_size=60).filter(lambda text: "\r" not in text and "\n" not in text))
@example("Zażółć gęślą")
@example("From Łódź")
@example(".é")
@example(" é")
@example("é  é")
def test_a_short_value_is_written_as_the_layout_does(value: str) -> None:
    """B11, A8: the way that looks at no neighbours writes what the way that does would write."""
    expected = "".join(map(str, quoted._layout(quoted._atoms(value))))
    assert encode_value(value, starts_line=True, ends_line=True).decode() == expected


@given(st.text(max_size=30))
@example("a\u00a0b")
@example("a\u202eb")
@example("a\u2028b")
def test_clean_leaves_what_is_printable(value: str) -> None:
    """B11: the short cut of `clean` changes nothing."""
    full = " ".join(values_module._OVERRIDES.sub(" ", CONTROLS.sub(" ", value)).split())
    assert clean(value) == full
