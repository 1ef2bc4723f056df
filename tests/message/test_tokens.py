"""Tokens, their keys, bounce addresses and delivery codes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.errors import ConfigError, UsageError
from mailer.message import (
    Token,
    TokenKeys,
    delivery_code,
    generate_keys,
    mint,
    parse_delivery_code,
    read,
    rotate_keys,
    verp_address,
    verp_read,
)
from mailer.message.tokens import signed_names

from tests.message.samples import KEYS

TOKENS = st.builds(
    Token,
    journalist=st.integers(0, 2**32 - 1),
    list=st.integers(0, 2**32 - 1),
    delivery=st.integers(0, 2**64 - 1),
    purpose=st.sampled_from("upx"),
)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@given(TOKENS)
def test_a_token_gives_back_what_it_was_made_of(token: Token) -> None:
    """F7: short, lower case, and complete."""
    text = mint(KEYS, token)
    assert read(KEYS, text) == token
    assert len(text) < 60
    assert set(text) <= set(ALPHABET)


@given(TOKENS, st.integers(0, 57), st.sampled_from(ALPHABET))
def test_an_altered_token_is_nothing(token: Token, place: int, character: str) -> None:
    """F9: every character counts, the last one's unused bits included."""
    text = mint(KEYS, token)
    altered = text[:place] + character + text[place + 1 :]
    assert (read(KEYS, altered) is None) == (altered != text)


@given(st.text(max_size=80))
def test_anything_else_is_nothing(text: str) -> None:
    """F9: no text makes it stumble."""
    assert read(KEYS, text) is None
    assert verp_read(text, KEYS) is None


def test_shortened_lengthened_and_capital_tokens_are_nothing() -> None:
    """F9: a link cut off by a mail program acts on nobody."""
    text = mint(KEYS, Token(1, 2, 3, "u"))
    for wrong in (text[:-1], text + "a", text.upper(), f" {text}", f"{text}\n", ""):
        assert read(KEYS, wrong) is None


def test_a_token_of_another_newsroom_is_nothing() -> None:
    """F7: same id, other key."""
    other = TokenKeys.parse(generate_keys(lambda count: b"\x07" * count))
    assert read(KEYS, mint(other, Token(1, 2, 3, "u"))) is None


def test_a_two_year_old_link_survives_rotation() -> None:
    """F8: old keys keep verifying, the new one signs."""
    old_text = generate_keys(lambda count: b"\x01" * count)
    old = TokenKeys.parse(old_text)
    link = mint(old, Token(10, 20, 30, "u"))
    text = old_text
    for year in range(2, 4):
        text = rotate_keys(text, lambda count, year=year: bytes([year]) * count)
    new = TokenKeys.parse(text)
    assert new.current_id == 3
    assert read(new, link) == Token(10, 20, 30, "u")
    fresh = mint(new, Token(10, 20, 30, "u"))
    assert fresh != link
    assert read(old, fresh) is None
    assert mint(new.with_current(1), Token(10, 20, 30, "u")) == link


def test_a_missing_old_key_is_said() -> None:
    """A delivery made with a key that somebody deleted cannot get its link again."""
    with pytest.raises(ConfigError, match="Key 9 is missing"):
        KEYS.with_current(9)


def test_current_can_be_marked() -> None:
    """The first line signs unless another is marked."""
    text = f"# keys\n\n5 {'ab' * 32}\n4 {'cd' * 32} current\n"
    assert TokenKeys.parse(text).current_id == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "keys/token.keys: The file holds no key."),
        ("1 zz", "keys/token.keys, line 1: The key is not written in hex."),
        ("1 abcd", "keys/token.keys, line 1: The key is shorter than 128 bits."),
        (f"x {'ab' * 32}", "keys/token.keys, line 1: The id is not a number from 0 to 65535."),
        (f"70000 {'ab' * 32}", "line 1: The id is not a number from 0 to 65535."),
        (f"1 {'ab' * 32}\n1 {'cd' * 32}", "line 2: Key 1 stands here a second time."),
        (
            f"1 {'ab' * 32} current\n2 {'cd' * 32} current",
            "line 2: Two keys are marked as current.",
        ),
        ("1", "line 1: A line holds an id and a key in hex"),
    ],
)
def test_a_broken_key_file_names_its_line(text: str, message: str) -> None:
    """And never shows key material."""
    with pytest.raises(ConfigError) as caught:
        TokenKeys.parse(text)
    assert message in str(caught.value)
    assert "abab" not in str(caught.value)


def test_keys_are_not_shown() -> None:
    """A11: not by repr, and fingerprints are not the keys."""
    text = repr(KEYS) + str(KEYS.fingerprints())
    for key in KEYS.keys.values():
        assert key.hex() not in text
        assert repr(key) not in text
    assert len(KEYS.derive("sandbox")) == 32
    assert KEYS.derive("sandbox") != KEYS.derive("other")


@given(st.integers(0, 2**64 - 1))
def test_bounce_addresses_are_read_back_in_any_case(delivery: int) -> None:
    """G-side of design decision 9: case-insensitive, at most 64 octets before the @."""
    address = verp_address("bounces@example.org", delivery, KEYS)
    assert verp_read(address, KEYS) == delivery
    assert verp_read(f"<{address.upper()}>", KEYS) == delivery
    assert len(address.partition("@")[0]) <= 64
    assert address.isascii()


@given(TOKENS)
def test_names_made_at_once_are_those_made_apart(token: Token) -> None:
    """F7, decision 9: a sender's short cut signs nothing else."""
    place = (token.journalist, token.list, token.delivery)
    leaving, choosing, tag = signed_names(KEYS, *place)
    assert leaving == mint(KEYS, Token(*place, purpose="u"))
    assert choosing == mint(KEYS, Token(*place, purpose="p"))
    made = verp_address("bounces@example.org", token.delivery, KEYS, tag)
    assert made == verp_address("bounces@example.org", token.delivery, KEYS)
    assert verp_read(made, KEYS) == token.delivery


def test_a_forged_bounce_address_is_nothing() -> None:
    """A stranger who knows a delivery's number cannot make it bounce."""
    address = verp_address("bounces@example.org", 77, KEYS)
    other = verp_address("bounces@example.org", 78, KEYS)
    tag = other.partition("-")[2]
    forged = address.partition("-")[0] + "-" + tag
    assert verp_read(forged, KEYS) is None
    unknown_key = base64.b32encode(b"\xff\xff" + b"\0" * 8).decode().lower()
    assert verp_read(f"bounces+bcn-{unknown_key}@example.org", KEYS) is None


def test_a_bounce_address_that_would_be_too_long_is_said() -> None:
    """RFC 5321 section 4.5.3.1.1."""
    with pytest.raises(ConfigError, match="too long"):
        verp_address("b" * 40 + "@example.org", 2**63, KEYS)


@given(st.integers(0, 2**64 - 1))
def test_delivery_codes_go_both_ways(delivery: int) -> None:
    """Design decision 7: no leading zeros, so one id has one code."""
    code = delivery_code(delivery)
    assert parse_delivery_code(code) == delivery
    assert not code.startswith("a") or code == "a"
    assert len(code) <= 13


@pytest.mark.parametrize("text", ["", "ab", "A", "b1", "b b", "7" * 14, "p" + "a" * 13, "é"])
def test_what_is_no_delivery_code(text: str) -> None:
    """One id has one code: nothing else is taken for it."""
    with pytest.raises(UsageError):
        parse_delivery_code(text)
