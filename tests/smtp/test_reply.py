"""Reading replies: any cut of the same bytes gives the same replies; what is none is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.smtp import Phase, Reply
from mailer.smtp.reply import MAX_LINE, MAX_REPLY, NotSmtp, ReplyReader, make_reply

WIRE = b"220 hi\r\n250-a\r\n250-b c\r\n250 d\r\n354\r\n550 5.1.1 no\n421 4.7.0 bye\r\n"
PARSED = [(220, [b"hi"]), (250, [b"a", b"b c", b"d"]), (354, [b""]), (550, [b"5.1.1 no"]),
          (421, [b"4.7.0 bye"])]  # fmt: skip

Found = list[tuple[int, list[bytes]]]


def read(*pieces: bytes) -> Found:
    reader = ReplyReader()
    found: Found = []
    for piece in pieces:
        reader.take(piece, found)
    assert not reader.pending
    return [(code, [line.strip() for line in lines]) for code, lines in found]


@given(st.lists(st.integers(0, len(WIRE)), max_size=10).map(sorted))
def test_any_cut_reads_the_same(cuts: list[int]) -> None:
    """A reply may come in any number of pieces."""
    edges = [0, *cuts, len(WIRE)]
    pieces = [WIRE[start:end] for start, end in itertools.pairwise(edges)]
    assert read(*pieces) == PARSED


@pytest.mark.parametrize(
    "wire",
    [b"hello\r\n", b"99 x\r\n", b"100 x\r\n", b"600 x\r\n", b"+25 x\r\n", b"2_0 x\r\n", b"250x\r\n",
     b"\r\n", b"250-a\r\n550 b\r\n", b"250 " + b"x" * MAX_LINE + b"\r\n",
     b"250-" + b"x" * MAX_LINE + b"\r\n", b"250-" + b"x" * MAX_LINE, b"x" * (MAX_LINE + 1),
     b"250-x\r\n" * (MAX_REPLY // 5)],
)  # fmt: skip
def test_what_is_no_reply(wire: bytes) -> None:
    """Garbage, wrong codes, mixed codes, and replies without end, in whole and in pieces."""
    for size in (len(wire), 1000):
        reader = ReplyReader()
        found: Found = []
        with pytest.raises(NotSmtp):
            for start in range(0, len(wire), size):
                reader.take(wire[start : start + size], found)
        assert not found


def test_complete_replies_before_an_offence_count() -> None:
    """What was answered properly before the garbage is kept: it may be a message's 250."""
    found: Found = []
    with pytest.raises(NotSmtp):
        ReplyReader().take(b"250 Ok\r\n\xff\xff\r\n", found)
    assert [code for code, _ in found] == [250]


@given(st.lists(st.binary(max_size=300).filter(lambda line: b"\n" not in line), min_size=1))
def test_text_is_always_printable(lines: list[bytes]) -> None:
    """H16: whatever the server wrote, the text is printable and at most 512 bytes."""
    reply = make_reply(Phase.RCPT, 550, lines)
    assert reply.text.isprintable()
    assert len(reply.text.encode()) <= 512


@pytest.mark.parametrize(
    ("lines", "enhanced", "text"),
    [([b"5.1.1 no such user"], "5.1.1", "no such user"), ([b"5.1.1"], "5.1.1", ""),
     ([b"Ok"], "", "Ok"), ([b"5.1.1x"], "", "5.1.1x"), ([b"15.1.1 x"], "", "15.1.1 x"),
     ([b"4.7.0 wait", b"4.7.0 longer", b"", b"end"], "4.7.0", "wait longer end")],
)  # fmt: skip
def test_enhanced_code(lines: list[bytes], enhanced: str, text: str) -> None:
    """RFC 2034: the enhanced code leads the text, in each line, and is told apart."""
    assert make_reply(Phase.DOT, 550, lines) == Reply(Phase.DOT, 550, enhanced, text)
