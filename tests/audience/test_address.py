"""One form to write to, one to compare by, and no guess in between."""

from __future__ import annotations

import unicodedata

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.audience.address import AddressError, identity, normalise

REPAIRED = {
    " anna@example.org": "spaces around it taken off",
    "\tanna@example.org ": "spaces around it taken off",
    "\u00a0anna@example.org": "spaces around it taken off",
    "anna@example.org\r\n": "spaces around it taken off",
    "anna@example.org\u200b": "invisible characters taken off",
    "\ufeffanna@example.org": "invisible characters taken off",
    "an\u00adna@example.org": "invisible characters taken off",
    "\u202aanna@example.org\u202c": "invisible characters taken off",
    "<anna@example.org>": "address taken out of its angle brackets",
    "Nowak, Anna <anna@example.org>": "address taken out of its angle brackets",
    '"Nowak, Anna" <anna@example.org>;': "address taken out of its angle brackets",
    "anna@example.org <Anna@Example.org>": "address taken out of its angle brackets",
    "mailto:anna@example.org": "label in front taken off",
    "<mailto:anna@example.org>": "label in front taken off",
    "mailto:anna@example.org?subject=Hello": "label in front taken off",
    "E-mail: anna@example.org": "label in front taken off",
    "anna@example.org,": "punctuation behind it taken off",
    "anna@example.org.": "punctuation behind it taken off",
    "anna@example.org ;": "punctuation behind it taken off",
    "anna＠example.org": "full-width characters written as ordinary ones",
    "'anna@example.org'": "quotation marks around it taken off",
    '"anna@example.org"': "quotation marks around it taken off",
    "„anna@example.org”": "quotation marks around it taken off",
}

REFUSED = {
    "": "there is no address",
    " \u200b": "there is no address",
    "n/a": "there is no @ in the address",
    "see website": "there is no @ in the address",
    "anna(at)example.org": "there are words in place of the @",
    "anna@@example.org": "there is more than one @",
    "anna@example.org;jan@example.org": "there are two addresses in it",
    "anna@example.org jan@example.org": "there are two addresses in it",
    "anna@example.org <jan@example.org>": "there are two addresses in it",
    "anna@example.org\njan@example.org": "there are two addresses in it",
    "anna@example.org\r\nBcc: jan@example.org": "there are two addresses in it",
    "anna\r\n@example.org": "there is a line end inside the address",
    "anna@example.org\u2028x": "there is a line end inside the address",
    "anna nowak@example.org": "there is a space inside the address",
    "anna@exa mple.org": "there is a space inside the address",
    "@example.org": "nothing stands before the @",
    "anna@": "nothing stands after the @",
    ".anna@example.org": "a dot stands in the wrong place before the @",
    "anna.@example.org": "a dot stands in the wrong place before the @",
    "anna..nowak@example.org": "a dot stands in the wrong place before the @",
    "anna@.example.org": "a dot stands in the wrong place after the @",
    "anna@example..org": "a dot stands in the wrong place after the @",
    "anna@example.org..": "a dot stands in the wrong place after the @",
    "anna@example.org…": "a dot stands in the wrong place after the @",
    "anna@example": "the domain after the @ is not complete",
    "anna@192.0.2.1": "the domain after the @ is not complete",
    "anna@[192.0.2.1]": "a mail server's number stands in the place of a domain",
    "x" * 65 + "@example.org": "more than 64 characters stand before the @",
    "anna\ufffd@example.org": "a letter of it was lost (it is “\ufffd” now)",
}


@pytest.mark.parametrize(("text", "repair"), REPAIRED.items())
def test_what_surrounds_an_address_is_taken_off_and_told(text: str, repair: str) -> None:
    """E7: the address in the cell is used, and the officer reads what was mended."""
    address = normalise(text)
    assert identity(address.email) == "anna@example.org"
    assert repair in address.repairs


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_doubtful_texts_are_refused_with_the_reason(text: str, reason: str) -> None:
    """E7: no guess that could write to a stranger."""
    with pytest.raises(AddressError) as caught:
        normalise(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "anna@-example.org",
        "anna@example-.org",
        "anna@exa_mple.org",
        "anna@xn--zz.example.org",
        "anna\\@example.org",
        '"anna@example.org',
        'anna"n"@example.org',
        "an\x00na@example.org",
        "anna@example.org\x00",
        "anna@" + "a" * 64 + ".org",
        "anna@" + ".".join(["a" * 60] * 5) + ".org",
        "@",
        "<>",
        "mailto:",
        "https://example.org/anna",
    ],
)
def test_malformed_addresses_are_refused(text: str) -> None:
    """E7"""
    with pytest.raises(AddressError):
        normalise(text)


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Anna.Nowak@Example.ORG", "Anna.Nowak@example.org"),
        ("o'brien+press@example.org", "o'brien+press@example.org"),
        ('"anna nowak"@example.org', '"anna nowak"@example.org'),
        ('"a..b"@example.org', '"a..b"@example.org'),
        ('"anna"@example.org', "anna@example.org"),
        ("józef.żuk@example.org", "józef.żuk@example.org"),
        ("anna@żółw.example.org", "anna@xn--w-uga1v8h.example.org"),
        ("anna@STRASSE.example.org", "anna@strasse.example.org"),
        ("anna@straße.example.org", "anna@xn--strae-oqa.example.org"),
        ("anna@xn--strae-oqa.example.org", "anna@xn--strae-oqa.example.org"),
        ("anna@desk.test", "anna@desk.test"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_the_person_s_own_spelling_is_kept_and_the_domain_made_ascii(text: str, email: str) -> None:
    """A28, A29: A-labels for the domain, the local part as its owner writes it."""
    address = normalise(text)
    assert address.email == email
    assert address.repairs == ()


def test_joiners_tell_domains_apart() -> None:
    """A28: a zero-width non-joiner inside a Persian name belongs to the name."""
    joined = normalise("anna@نمونه\u200cشهر.example.org")
    apart = normalise("anna@نمونهشهر.example.org")
    assert joined.email != apart.email
    assert joined.repairs == ()
    assert normalise(joined.email).email == joined.email


def test_spellings_of_one_mailbox_are_one() -> None:
    """E9: capitals, forms of the domain and of accents do not make another person."""
    composed = unicodedata.normalize("NFC", "józef@żółw.example.org")
    split = unicodedata.normalize("NFD", composed)
    spellings = [composed, split, composed.upper(), "JÓZEF@xn--w-uga1v8h.example.org"]
    assert {identity(normalise(text).email) for text in spellings} == {
        "józef@xn--w-uga1v8h.example.org"
    }
    assert identity("anna+press@example.org") != identity("anna@example.org")


_local_text = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf")), min_size=1, max_size=20
)
_atoms = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,66}", fullmatch=True)
_labels = st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True)
_domains = st.lists(_labels, min_size=1, max_size=4).map(".".join) | st.from_regex(
    r"[a-z0-9-]{1,6}\.[a-z0-9_]{1,6}", fullmatch=True
)


def judged(text: str) -> str | None:
    try:
        found = email_validator.validate_email(
            text,
            check_deliverability=False,
            allow_quoted_local=True,
            allow_smtputf8=True,
            globally_deliverable=False,
            strict=True,
        )
    except email_validator.EmailNotValidError:
        return None
    return f"{found.local_part}@{found.ascii_domain}"


@given(_atoms, _domains)
def test_the_quick_way_agrees_with_the_careful_one(local: str, domain: str) -> None:
    """A28: for plain ASCII our expression and email-validator come to the same."""
    text = f"{local}@{domain}"
    wanted = judged(text)
    last = domain.rpartition(".")[2]
    if "." not in domain or not any(char.isalpha() for char in last):
        wanted = None
    try:
        got = normalise(text).email
    except AddressError:
        got = None
    if wanted is None and got is not None:
        # Mended: quotation marks around the whole, or one mark behind it.
        assert normalise(text).repairs
        assert judged(got) == got
    else:
        assert got == wanted or normalise(text).repairs


@given(_local_text, st.sampled_from(["example.org", "żółw.example.org", "例え.test"]))
def test_normalising_twice_changes_nothing(local: str, domain: str) -> None:
    """A29: what was normalised is its own normal form, and so is its identity."""
    try:
        email = normalise(f"{local}@{domain}").email
    except AddressError:
        return
    assert normalise(email).email == email
    assert identity(identity(email)) == identity(email)
    assert identity(email) == identity(unicodedata.normalize("NFD", email))


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_reason(text: str) -> None:
    """B11: never another error, never a line end or a space outside quotes in an address."""
    try:
        email = normalise(text).email
    except AddressError as error:
        assert error.reason
        assert "\n" not in error.reason and "\r" not in error.reason
        return
    assert email.count("@") >= 1
    assert not set(email) & set("\r\n\x00\u0085\u2028\u2029")
    assert email.isprintable()


@given(st.text(alphabet="ab@.,;<>\"' \r\n()[]:\\\u200b\u00a0ż-", max_size=30))
def test_text_of_dangerous_characters_gives_an_address_or_a_reason(text: str) -> None:
    """B11"""
    try:
        email = normalise(text).email
    except AddressError:
        return
    local, _, domain = email.rpartition("@")
    assert domain.isascii() and domain == domain.lower() and "." in domain
    assert "@" not in local or local.startswith('"')
    assert " " not in local or local.startswith('"')
