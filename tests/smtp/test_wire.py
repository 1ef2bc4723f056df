"""Bytes on the wire: what the content and the envelope may hold, and what never gets out."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mailer.smtp import Outgoing
from mailer.smtp.content import ContentGate, check_address

from tests.smtp.acts import KEYWORDS
from tests.smtp.chaos import Chaos, chaos
from tests.smtp.helpers import ListSource, endpoint, outgoing, send, text

PIECES = st.sampled_from(
    [b"\r\n", b"\r\n", b".", b"\r", b"\n", b"..", b"a", b"\r\n.\r\n", b"\n.\n", b"\r.\r",
     b"\r\n.\n", b"\n.\r\n", b".\r\n", b"\r\nMAIL FROM:<x@example.org>\r\n", b"QUIT\r\n", b"",
     b"b" * 300, b"c" * 300 + b"\r\n", b".\r\n" + b"d" * 300, b"\n" + b"e" * 300,
     b"f" * 300 + b"\r", b"\xe9", b"\0", b"g" * 300 + b"\0", b"\0."]
)  # fmt: skip

OFFERS = [KEYWORDS, (*KEYWORDS, "CHUNKING"), ("CHUNKING", "8BITMIME")]


def is_clean(content: bytes) -> bool:
    """Whether no NUL is there, CR and LF are only pairs, and the last line is ended."""
    rest = content.replace(b"\r\n", b"")
    return not any(byte in rest for byte in b"\r\n\0") and content.endswith(b"\r\n")


def deliver(*items: Outgoing, keywords: tuple[str, ...] = KEYWORDS) -> tuple[Chaos, ListSource]:
    async def run() -> tuple[Chaos, ListSource]:
        async with chaos(keywords=keywords) as server:
            source = ListSource(items)
            await send(endpoint(server.port), source)
            return server, source

    return asyncio.run(run())


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=8), st.booleans(), st.sampled_from(OFFERS))
def test_content_arrives_as_it_was_or_is_refused(
    chunks: list[bytes], ended: bool, keywords: tuple[str, ...]
) -> None:
    """B12, B13, B14: whatever the dots, line ends and chunk borders, and the next one is whole;
    by DATA and by BDAT, whose number of bytes is right whatever the caller thinks (RFC 3030)."""
    if ended:
        chunks = [*chunks, b"\r\n"]
    said = 0 if keywords == KEYWORDS else 7
    server, source = deliver(outgoing(1, *chunks, size=said), outgoing(2), keywords=keywords)
    content = b"".join(chunks)
    if is_clean(content):
        assert source.codes == {1: 250, 2: 250}
        assert [mail.content for mail in server.mails] == [content, text(2)]
    else:
        assert source.codes == {1: 554, 2: 250}
        assert source.outcomes[1].reply.local
        assert source.outcomes[1].reply.enhanced == "5.6.0"
        assert [mail.content for mail in server.mails] == [text(2)]
    assert len([line for line in server.lines if line.startswith(b"MAIL")]) == len(server.mails)
    rest = bytes(server.received).replace(b"\r\n", b"")
    assert b"\0" not in rest
    assert b"\r" not in rest
    assert b"\n" not in rest


@given(st.lists(st.lists(PIECES, max_size=6), min_size=1, max_size=6))
def test_the_gate_judges_the_whole_message(messages: list[list[bytes]]) -> None:
    """B14: a gate that remembers chunks judges as one that looks at everything joined."""
    gate, undoubling = ContentGate(), ContentGate(doubling=False)
    for chunks in messages:
        content = b"".join(chunks)
        if not is_clean(content):
            with pytest.raises(ValueError, match="message"):
                gate.admit(chunks)
            continue
        for _ in range(2):
            wire, ascii_only = gate.admit(chunks)
            lines = content.split(b"\r\n")
            stuffed = b"\r\n".join(b"." + line if line[:1] == b"." else line for line in lines)
            assert b"".join(wire) == stuffed
            assert ascii_only == content.isascii()
            plain, ascii_only = undoubling.admit(chunks)
            assert (b"".join(plain), ascii_only) == (content, content.isascii())


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    ("first", "second", "clean"),
    [(b"a\r", b"\nb\r\n", True), (b"a\r", b"b\r\n", False), (b"a", b"\nb\r\n", False),
     (b"\n", b"b\r\n", False), (b"a\r\n", b".\r\n", True), (b"a\r\n", b".", False)],
)  # fmt: skip
def test_nothing_hides_at_a_border(first: bytes, second: bytes, clean: bool, long: bool) -> None:
    """B13, B14: a line end or a dot at the border of two chunks counts as anywhere else."""
    pad = b"x" * 400 if long else b""
    chunks = [b"head\r\n" + pad + first, second[:1], second[1:] + (pad + b"\r\n" if pad else b"")]
    gate = ContentGate()
    for _ in range(2):
        if clean:
            wire = b"".join(gate.admit(chunks)[0])
            assert wire == b"".join(chunks).replace(b"\r\n.", b"\r\n..")
        else:
            if pad:
                chunks = [chunks[0], second]
            with pytest.raises(ValueError, match="message"):
                gate.admit(chunks)


@pytest.mark.parametrize("value", [b".", b".b", b"\0", b"a\0.", b"\r", b"\n", b"\xe9", b""])
def test_a_value_between_known_chunks(value: bytes) -> None:
    """B13, B14: what is new in a message is looked at, however well the rest is known."""
    gate, head, tail = ContentGate(), b"a: b\r\n\r\n" * 30, b"z" * 300 + b"\r\n"
    gate.admit([head, b"other", b"x", tail])
    chunks = [b"x", head, value, tail]
    content = b"".join(chunks)
    if any(byte in value for byte in b"\0\r\n"):
        with pytest.raises(ValueError, match="message"):
            gate.admit(chunks)
    else:
        wire, ascii_only = gate.admit(chunks)
        assert b"".join(wire) == content.replace(b"\n.", b"\n..")
        assert ascii_only == content.isascii()


def test_the_gate_forgets_rather_than_grows() -> None:
    """H21: memory does not grow with the number of messages."""
    gate = ContentGate()
    for number in range(300):
        gate.admit([b"%d" % number + b"x" * 100_000 + b"\r\n"])
    assert sum(map(len, gate._known)) < 2_100_000


EVIL = st.text(
    st.sampled_from(list('ab@.<>\r\n\0\t "\\\x7f\x85\u2028\u2029é:,;')), min_size=1, max_size=6
).map(lambda middle: f"a{middle}@example.org")


@settings(max_examples=200, deadline=None)
@given(EVIL, st.booleans())
@example("a>\r\nRCPT TO:<b@example.org", True)
@example("a>\r\nRSET\r\nMAIL FROM:<b@example.org", False)
@example("a\nb@example.org", True)
@example("a\nb@example.org", False)
def test_no_address_becomes_a_command(address: str, is_sender: bool) -> None:
    """B11: an envelope address is one address in one line, or is refused here."""
    sender = address if is_sender else "bounces@example.org"
    recipient = "j1@example.net" if is_sender else address
    item = outgoing(1, rcpt_to=recipient, mail_from=sender)
    server, source = deliver(item, outgoing(2))
    assert source.codes[2] == 250
    first = [mail for mail in server.mails if mail.content == text(1)]
    verbs = [line.split()[0] for line in server.lines]
    assert verbs.count(b"RCPT") == verbs.count(b"MAIL") == len(server.mails)
    if first:
        assert first[0].rcpt_to == [f"<{recipient}>"]
        assert first[0].mail_from.startswith(f"<{sender}>")
    else:
        assert source.codes[1] == 553
        assert source.outcomes[1].reply.local
        assert not source.outcomes[1].dotted


@pytest.mark.parametrize(
    "address",
    ["a@example.org\r\nRCPT TO:<b@example.org>", "a@example.org>", "<a@example.org>",
     "a\0@example.org",
     "a b@example.org", "a@example.org SIZE=1", "a@example.org\u2028", "a@example.org\x85", "plain",
     "@example.org", "a@", '"a b@example.org', '"a" b@example.org', "a" * 250 + "@example.org"],
)  # fmt: skip
def test_addresses_refused(address: str) -> None:
    """B11: line ends of any alphabet, brackets, spaces outside quotes, half addresses."""
    with pytest.raises(ValueError, match="envelope address"):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["", "a@example.org", '"a b"@example.org', "a+b-c.d'e@example.org", "é@example.org"]
)
def test_addresses_taken(address: str) -> None:
    """A29: what is an address is not mangled."""
    check_address(address)
