"""DKIM signatures, checked by three programs that others wrote."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.clock import SECOND
from mailer.errors import CheckFailed, InputError
from mailer.message import MergeTemplate, Recipient, compile_release, slot_values
from mailer.message.dkim import (
    OVERSIGNED,
    SIGNED,
    Signer,
    SigningKey,
    public_record,
    signature_header,
)

from tests.message.foreign import Results, by_dkimpy, by_mailauth, by_opendkim
from tests.message.samples import (
    ANNA,
    KEYS,
    NOW,
    RELEASES,
    SENDER,
    TEMPLATES,
    english,
    hebrew,
    values,
)
from tests.message.test_merge import NASTY

RSA = SigningKey("example.org", "r1", generate_private_key(65537, 2048))
ED25519 = SigningKey("example.org", "e1", Ed25519PrivateKey.generate())
RECORDS = {
    f"{each.selector}._domainkey.{each.domain}": public_record(each.key) for each in (RSA, ED25519)
}
TEMPLATE = compile_release(english(), SENDER, TEMPLATES)
BOTH = Signer(TEMPLATE, [RSA, ED25519])


def signed(signer: Signer, template: MergeTemplate, made: dict[str, str]) -> bytes:
    chunks = template.merge(made)
    return signer.sign(chunks, NOW).header + b"".join(chunks)


def tags(message: bytes) -> list[dict[str, str]]:
    """The tags of each DKIM-Signature, white space taken out."""
    found = re.findall(rb"(?m)^DKIM-Signature:((?:[^\r\n]|\r\n[ \t])*)", message)
    return [
        dict(tag.split("=", 1) for tag in re.sub(r"\s", "", each.decode()).split(";"))
        for each in found
    ]


def test_the_tags_are_those_asked_for() -> None:
    """A5, A6, A10: algorithms, canonical form, no l=, t= equal to Date, one selector each."""
    message = signed(BOTH, TEMPLATE, values())
    rsa, ed25519 = tags(message)
    assert set(rsa) == set("v a c d s t h bh b".split())  # noqa: SIM905
    assert (rsa["v"], rsa["a"], rsa["c"], rsa["d"], rsa["s"]) == (
        "1",
        "rsa-sha256",
        "relaxed/relaxed",
        "example.org",
        "r1",
    )
    assert (ed25519["a"], ed25519["s"]) == ("ed25519-sha256", "e1")
    assert rsa["t"] == ed25519["t"] == str(NOW // SECOND)
    assert len(base64.b64decode(rsa["b"])) == 256 and len(base64.b64decode(ed25519["b"])) == 64
    head = message.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in head.split(b"\r\n") if not line.startswith(b"List-"))


def test_every_header_that_must_be_signed_is_signed_and_no_other() -> None:
    """A7, A8, F1: all of them where they stand, oversigned ones once more, never what a relay
    may touch."""
    for make in RELEASES.values():
        template = compile_release(make(), SENDER, TEMPLATES)
        message = signed(Signer(template, [RSA]), template, values())
        head = message.partition(b"\r\n\r\n")[0].decode()
        present = [name.lower() for name in re.findall(r"(?m)^([A-Za-z-]+):", head)]
        [signature] = tags(message)
        listed = signature["h"].split(":")
        for name in present:
            wanted = (name in SIGNED) + (name in OVERSIGNED)
            assert listed.count(name) == wanted, name
        for name in OVERSIGNED:
            assert listed.count(name) == present.count(name) + 1, name
        must = {"list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted"}
        assert must <= set(listed)
        assert not {"return-path", "received", "comments", "keywords", "bcc"} & set(listed)


LONG = replace(SENDER, public_url="https://press.example.org/" + "very-long-path/" * 40 + "x")
ADDRESSES = (
    "anna.nowak@example.com",
    "זואי@example.net",
    "zoë.żółw@example.com",
    '"odd name"@example.org',
    "x" * 60 + "@" + "y" * 60 + ".example.org",
)


@cache
def difficult(count: int) -> list[bytes]:
    """Messages with everything a list file may bring, in several languages and layouts."""
    chance = random.Random(6376)
    compiled = [
        (template, Signer(template, [RSA, ED25519]))
        for template in (
            TEMPLATE,
            compile_release(hebrew(), SENDER, TEMPLATES),
            compile_release(english(), LONG, TEMPLATES),
            compile_release(english(), replace(SENDER, reply_to=""), TEMPLATES),
            compile_release(
                replace(english(), headline=" ".join(["Überraschung im Hafenschlamm"] * 5)),
                SENDER,
                TEMPLATES,
            ),
        )
    ]
    messages = []
    for number in range(count):
        template, signer = compiled[number % len(compiled)]
        recipient = Recipient(
            email=chance.choice(ADDRESSES),
            first_name=chance.choice(NASTY),
            last_name=chance.choice(NASTY),
            outlet=chance.choice(NASTY),
            language="en",
            list_name=chance.choice(["eu", "ż" * 80, "press list, 2"]),
            list_title=chance.choice(NASTY),
            list_kind="press",
            source=chance.choice(NASTY),
            source_date=chance.choice(["2025-11-07", "", "last  spring"]),
            key_id=1,
        )
        made = slot_values(
            recipient,
            delivery=chance.randrange(1 << 50),
            journalist=number,
            list_id=3,
            sender=template.sender,
            keys=KEYS,
            date=NOW,
            language=template.language,
        )
        messages.append(signed(signer, template, made))
    return messages


def checked(
    verify: Callable[..., Results], messages: list[bytes], folder: Path
) -> list[dict[str, bool]]:
    return (
        verify(messages, RECORDS)
        if verify is by_dkimpy
        else verify(messages, RECORDS, folder)  # these read files
    )


@pytest.mark.parametrize("verify", [by_dkimpy, by_opendkim, by_mailauth])
def test_a_thousand_difficult_messages_verify(
    verify: Callable[..., Results], tmp_path: Path
) -> None:
    """A5–A10, A29: names that fold or run right to left, long links, dots, quotes, empty values,
    UTF-8 addresses; both signatures, three verifiers."""
    messages = difficult(1000)
    assert sum(not message.isascii() for message in messages) > 100
    assert sum(b"\r\nTo: =?" in message for message in messages) > 100
    found = checked(verify, messages, tmp_path)
    wrong = [n for n, each in enumerate(found) if each != {"r1": True, "e1": True}]
    assert wrong == []


@pytest.mark.parametrize("verify", [by_dkimpy, by_opendkim, by_mailauth])
def test_a_second_copy_of_an_oversigned_header_breaks_the_signature(
    verify: Callable[..., Results], tmp_path: Path
) -> None:
    """A9, A17: above or below the original; what relays add breaks nothing."""
    message = signed(BOTH, TEMPLATE, values())
    head, _, body = message.partition(b"\r\n\r\n")
    forged = []
    for name in OVERSIGNED:
        line = name.encode() + b": <https://evil.example.org/>"
        forged += [
            line + b"\r\n" + message,
            head + b"\r\n" + line + b"\r\n\r\n" + body,
        ]
    untouched = b"X-Relay: yes\r\nReceived: by relay.example.org\r\n" + message
    found = checked(verify, [*forged, untouched], tmp_path)
    assert found[-1] == {"r1": True, "e1": True}
    assert [any(each.values()) for each in found[:-1]] == [False] * len(forged)


@pytest.mark.parametrize("verify", [by_dkimpy, by_opendkim, by_mailauth])
def test_what_is_altered_does_not_verify(verify: Callable[..., Results], tmp_path: Path) -> None:
    """A10: body, subject, one-click; white space that relays change does no harm."""
    message = signed(BOTH, TEMPLATE, values())
    altered = [
        message.replace(b"Harbourtown", b"Harbortown", 1),
        message.replace(b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        message.replace(b"Feedback-ID: ", b"Feedback-ID: x"),
        message[:-2] + b"more\r\n",
    ]
    assert message not in altered
    harmless = (
        message.replace(b"\r\nSubject: ", b"\r\nSUBJECT:   ").replace(
            b"alternative;\r\n boundary", b"alternative; \r\n\t boundary"
        )
        + b"\r\n\r\n"
    )
    found = checked(verify, [*altered, harmless], tmp_path)
    assert [any(each.values()) for each in found] == [False] * len(altered) + [True]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=90), st.text(max_size=90), st.text(max_size=90))
def test_any_name_verifies(first: str, last: str, title: str) -> None:
    """A10, B11: whatever a list file holds; and the header comes back without the key."""
    made = values(replace(ANNA, first_name=first, last_name=last, list_title=title))
    chunks = TEMPLATE.merge(made)
    done = BOTH.sign(chunks, NOW)
    assert by_dkimpy([done.header + b"".join(chunks)], RECORDS) == [{"r1": True, "e1": True}]
    assert signature_header(BOTH.text, done.signature, chunks, NOW) == done.header


def test_the_kept_parts_give_the_header_back_and_nothing_else() -> None:
    """Design decision 7: the text is shared, the signature's bytes are each message's own."""
    chunks = TEMPLATE.merge(values())
    done = BOTH.sign(chunks, NOW)
    again = Signer(MergeTemplate.from_bytes(TEMPLATE.to_bytes()), [RSA, ED25519])
    assert again.text == BOTH.text
    assert len(done.signature) == 256 + 64
    assert signature_header(BOTH.text, done.signature, chunks, NOW) == done.header
    assert signature_header(BOTH.text, done.signature, chunks, NOW + SECOND) != done.header
    for wrong in (b"", done.signature[:-1], done.signature + b"x"):
        with pytest.raises(InputError, match="does not belong"):
            signature_header(BOTH.text, wrong, chunks, NOW)


def test_a_template_that_cannot_be_signed_says_so() -> None:
    """A9, A17: a header twice, or no one-click, must not go out under a signature."""
    first = TEMPLATE.parts[0]
    assert isinstance(first, str)
    twice = replace(TEMPLATE, parts=("From: x@example.org\r\n" + first, *TEMPLATE.parts[1:]))
    with pytest.raises(CheckFailed, match="two header fields from"):
        Signer(twice, [RSA])
    parts = tuple(
        part.replace("List-Unsubscribe-Post", "X-Other") if isinstance(part, str) else part
        for part in TEMPLATE.parts
    )
    with pytest.raises(CheckFailed, match="no header field list-unsubscribe-post"):
        Signer(replace(TEMPLATE, parts=parts), [RSA])


def test_the_private_key_is_not_shown() -> None:
    """A11."""
    assert "key=" not in repr(RSA) and "PrivateKey" not in repr(RSA)
    assert "PrivateKey" not in repr(vars(BOTH))
