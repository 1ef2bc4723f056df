"""Signed names of deliveries: links that need no database, bounce addresses, short codes.

A token says which journalist, list and delivery a link belongs to and what it is for, and proves
it with an HMAC, so that leaving works while the database is away and for as long as the key is
kept: links never expire (F8, E4). It holds no address and no name (F7).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from mailer.errors import ConfigError, UsageError

UNSUBSCRIBE = "u"
"""Purpose of the link in List-Unsubscribe and in the footer."""

PREFERENCES = "p"
"""Purpose of the link to the choices page."""

DATA = "d"
"""Purpose of the short-lived link to what is held about a person."""

MOVE = "c"
"""Purpose of the link that confirms a new address."""

JOIN = "s"
"""Purpose of the link that confirms a sign-up."""

AGREE = "e"
"""Purpose of the link in a note about an embargo: to agree to its terms."""

TOKEN_LENGTH = 58
"""Characters of a token: 20 bytes of fields and 16 of HMAC, as base32 without padding."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a link stands for: ids of the store, and one character for its purpose."""

    journalist: int
    list: int
    delivery: int
    purpose: str


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The newsroom's token keys by id; new links are signed with the current one (F8)."""

    current_id: int
    keys: Mapping[int, bytes]

    @classmethod
    def parse(cls, text: str) -> TokenKeys:
        """Read the text of `keys/token.keys`.

        One key per line, `id hex`, newest first; a third word `current` marks another than the
        first as the one to sign with. Empty lines and lines beginning with `#` are passed over.
        Raises ConfigError with the line, never showing key material.
        """
        keys: dict[int, bytes] = {}
        current: int | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            key_id, key, marked = _read_key_line(words, number)
            if key_id in keys:
                raise _key_error(number, f"Key {key_id} stands here a second time.")
            keys[key_id] = key
            if marked:
                if current is not None:
                    raise _key_error(number, "Two keys are marked as current.")
                current = key_id
        if not keys:
            raise ConfigError("The file holds no key.", where="keys/token.keys", hint=_KEYS_HINT)
        return cls(current if current is not None else next(iter(keys)), keys)

    def with_current(self, key_id: int) -> TokenKeys:
        """The same keys, signing with `key_id`: a delivery keeps the key of its first claim."""
        if key_id not in self.keys:
            raise ConfigError(
                f"Key {key_id} is missing, yet links were signed with it.",
                where="keys/token.keys",
                hint="Put the old line back: old links must keep working.",
            )
        return self if key_id == self.current_id else TokenKeys(key_id, self.keys)

    def sign(self, label: bytes, data: bytes, key_id: int | None = None) -> bytes:
        """The 16-byte HMAC-SHA-256 of `data` for one use (`label`), with one key."""
        key = self.keys[self.current_id if key_id is None else key_id]
        begun, outer = _hmac_states(key, label)
        inside, outside = begun.copy(), outer.copy()
        inside.update(data)
        outside.update(inside.digest())
        return outside.digest()[:16]

    def derive(self, purpose: str, key_id: int | None = None) -> bytes:
        """A 32-byte key of its own for another purpose ("sandbox", "page secrets")."""
        key = self.keys[self.current_id if key_id is None else key_id]
        return hmac.digest(key, b"mailer derived key\0" + purpose.encode(), "sha256")

    def fingerprints(self) -> dict[int, str]:
        """Per key id 16 hex characters that tell keys apart without showing them."""
        return {
            key_id: hashlib.sha256(b"mailer key fingerprint\0" + key).hexdigest()[:16]
            for key_id, key in self.keys.items()
        }

    def __repr__(self) -> str:
        return f"TokenKeys(current_id={self.current_id}, ids={sorted(self.keys)})"


def generate_keys(random_bytes: Callable[[int], bytes]) -> str:
    """The text of a new `keys/token.keys` with one 256-bit key.

    `random_bytes(n)` must return n unpredictable bytes; callers pass `secrets.token_bytes`.
    """
    return f"{_KEYS_HEADER}1 {random_bytes(32).hex()}\n"


def rotate_keys(text: str, random_bytes: Callable[[int], bytes]) -> str:
    """The file's text with a new key on top, which signs from now on; old ones stay (F8)."""
    keys = TokenKeys.parse(text)
    lines = [f"{max(keys.keys) + 1} {random_bytes(32).hex()}"]
    lines += [f"{key_id} {key.hex()}" for key_id, key in keys.keys.items()]
    return _KEYS_HEADER + "\n".join(lines) + "\n"


def mint(keys: TokenKeys, token: Token) -> str:
    """The token's text: 58 characters of lower-case base32, signed with the current key."""
    place = (token.journalist, token.list, token.delivery)
    fields = _FIELDS.pack(_VERSION, keys.current_id, ord(token.purpose), *place)
    return _base32(fields + keys.sign(_TOKEN_LABEL, fields))


def signed_names(
    keys: TokenKeys, journalist: int, list_id: int, delivery: int
) -> tuple[str, str, str]:
    """All that is signed in one message: the tokens for leaving and for choosing, and the tag of
    its bounce address (for `verp_address`). Made at once, which a sender does for each message."""
    key_id = keys.current_id
    place = (journalist, list_id, delivery)
    leaving = _FIELDS.pack(_VERSION, key_id, _LEAVING, *place)
    choosing = _FIELDS.pack(_VERSION, key_id, _CHOOSING, *place)
    text = _base32(
        b"".join(
            (
                leaving,
                keys.sign(_TOKEN_LABEL, leaving),
                _FILL,
                choosing,
                keys.sign(_TOKEN_LABEL, choosing),
                _FILL,
                _verp_raw(delivery, keys, key_id),
            )
        )
    )
    return text[:TOKEN_LENGTH], text[64 : 64 + TOKEN_LENGTH], text[128:]


def read(keys: TokenKeys, text: str) -> Token | None:
    """What the token stands for, or None when it was not signed by one of our keys.

    Compares in constant time (F7), and takes as long for an unknown key id as for a known one.
    """
    raw = _unbase32(text) if len(text) == TOKEN_LENGTH else None
    if raw is None:
        return None
    fields, signature = raw[: _FIELDS.size], raw[_FIELDS.size :]
    version, key_id, purpose, journalist, list_id, delivery = _FIELDS.unpack(fields)
    known = key_id in keys.keys
    expected = keys.sign(_TOKEN_LABEL, fields, key_id if known else None)
    good = hmac.compare_digest(expected, signature)
    if not (good and known and version == _VERSION):
        return None
    return Token(journalist, list_id, delivery, chr(purpose))


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a short-lived link stands for: the number of its row, its purpose, and the second (since
    1970, UTC) at which it ends."""

    purpose: str
    link: int
    expires: int


def mint_fresh(keys: TokenKeys, fresh: Fresh) -> str:
    """The token's text. It is made like any other and names no person at all."""
    return mint(keys, Token(0, fresh.expires, fresh.link, fresh.purpose))


def read_fresh(keys: TokenKeys, text: str) -> Fresh | None:
    """What a short-lived link stands for, expired or not; None when we did not make it."""
    token = read(keys, text)
    if token is None or token.purpose not in (DATA, MOVE, JOIN):
        return None
    return Fresh(token.purpose, token.delivery, token.list)


def verp_address(
    bounce_address: str, delivery: int, keys: TokenKeys, tag: str | None = None
) -> str:
    """The envelope sender of one delivery: `LOCAL+b{delivery}-{tag}@DOMAIN` (design decision 9).

    The tag holds the key id and 64 bits of HMAC, so a stranger cannot invent bounces; it is made
    here, or was made by `signed_names`. Letter case does not matter to `verp_read`. Raises
    ConfigError when the local part would pass 64 octets (RFC 5321 section 4.5.3.1.1).
    """
    local, _, domain = bounce_address.rpartition("@")
    tag = tag or _base32(_verp_raw(delivery, keys, keys.current_id))
    address = f"{local}+b{delivery_code(delivery)}-{tag}"
    if not local or len(address) > 64 or (not address.isascii() and len(address.encode()) > 64):
        raise ConfigError(
            f"The bounce address {bounce_address} is too long to carry a delivery's number.",
            where="config.toml, newsroom.bounce_address",
            hint="Its part before the @ may have 32 characters.",
        )
    return f"{address}@{domain}"


def verp_read(address: str, keys: TokenKeys) -> int | None:
    """The delivery that `verp_address` put into this address, or None if we did not make it."""
    found = _VERP.search(address.strip().strip("<>").lower())
    if found is None:
        return None
    raw = _unbase32(found["tag"])
    if raw is None:
        return None
    try:
        delivery = parse_delivery_code(found["code"])
    except UsageError:
        return None
    key_id = int.from_bytes(raw[:2], "big")
    if key_id not in keys.keys:
        return None
    good = hmac.compare_digest(_verp_raw(delivery, keys, key_id), raw)
    return delivery if good else None


def delivery_code(delivery: int) -> str:
    """The delivery's id as people and addresses write it: base32 digits, no leading 'a's."""
    if not 0 <= delivery < 1 << 64:
        raise ValueError(f"a delivery's id is a 64-bit number, not {delivery}")
    if delivery < 1024:
        return _digits(delivery)
    return _digits(delivery >> 10) + _PAIRS[delivery & 1023]


@lru_cache(maxsize=64)  # neighbours share all but their last two digits
def _digits(number: int) -> str:
    digits = []
    while True:
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
        if not number:
            return "".join(reversed(digits))


def parse_delivery_code(text: str) -> int:
    """The id behind a delivery code. Raises UsageError when it is none."""
    value = 0
    for character in text:
        digit = _ALPHABET.find(character)
        if digit < 0:
            break
        value = value * 32 + digit
    else:
        if text and delivery_code(min(value, (1 << 64) - 1)) == text:
            return value
    raise UsageError(
        f"“{text[:40]}” is not a delivery's code.",
        hint="Codes are lower-case letters and the digits 2 to 7, as the log shows them.",
    )


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_VERSION = 1
_LEAVING, _CHOOSING = ord(UNSUBSCRIBE), ord(PREFERENCES)
_FILL = b"\0\0\0\0"  # until the next of several names begins with a character of its own
_FIELDS = struct.Struct(">BHBIIQ")  # version, key id, purpose, journalist, list, delivery
_TOKEN_LABEL = b"mailer link\0"
_VERP_LABEL = b"mailer bounce\0"
_VERP = re.compile(r"\+b(?P<code>[a-z2-7]{1,13})-(?P<tag>[a-z2-7]{16})@")
_KEYS_HINT = "`mailer init` makes one; restore it from a backup if links were already sent."
_KEYS_HEADER = (
    "# Keys of the links in sent mail, newest first. Keep every line: removing one\n"
    "# breaks the unsubscribe links that were signed with it.\n"
)
_DIGITS = _ALPHABET.encode().ljust(256, b"?")
_VERP_FIELDS = struct.Struct(">HQ")  # key id, delivery
_VERP_TAG = struct.Struct(">H8s")  # key id, HMAC


def _read_key_line(words: list[str], number: int) -> tuple[int, bytes, bool]:
    if len(words) not in (2, 3) or (len(words) == 3 and words[2] != "current"):
        raise _key_error(number, "A line holds an id and a key in hex, and may end in “current”.")
    if not words[0].isascii() or not words[0].isdigit() or int(words[0]) > 0xFFFF:
        raise _key_error(number, "The id is not a number from 0 to 65535.")
    try:
        key = binascii.unhexlify(words[1])
    except (binascii.Error, ValueError):
        raise _key_error(number, "The key is not written in hex.") from None
    if len(key) < 16:
        raise _key_error(number, "The key is shorter than 128 bits.")
    return int(words[0]), key, len(words) == 3


def _key_error(number: int, message: str) -> ConfigError:
    return ConfigError(message, where=f"keys/token.keys, line {number}")


def _verp_raw(delivery: int, keys: TokenKeys, key_id: int) -> bytes:
    signature = keys.sign(_VERP_LABEL, _VERP_FIELDS.pack(key_id, delivery), key_id)
    return _VERP_TAG.pack(key_id, signature[:8])


@lru_cache(maxsize=64)
def _hmac_states(key: bytes, label: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes of an HMAC-SHA-256 (RFC 2104) with what is the same for every use already
    in them: to copy them is three times as fast as to begin anew."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + label)
    return inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _base32(raw: bytes) -> str:
    # base64.b32encode walks five bytes at a time in Python. Here one integer holds all groups of
    # five bits; each step moves the upper half of every block away from the lower, until each
    # group has a byte of its own. That is three times as fast, and runs three times a delivery.
    bits = len(raw) * 8
    characters = -(-bits // 5)
    width, steps = _spreading(characters)
    number = int.from_bytes(raw, "big") << (characters * 5 - bits)
    for lower, upper, shift in steps:
        number = (number & lower) | ((number & upper) << shift)
    return number.to_bytes(width, "big")[width - characters :].translate(_DIGITS).decode("ascii")


@cache
def _spreading(groups: int) -> tuple[int, list[tuple[int, int, int]]]:
    """How to spread so many groups of five bits to bytes: how many bytes come out, and for each
    step the masks of what stays and of what moves, and by how many bits."""
    width = 1 << (groups - 1).bit_length()
    steps = []
    half = width // 2
    while half:
        lower = sum(((1 << 5 * half) - 1) << at * 8 for at in range(0, width, 2 * half))
        steps.append((lower, lower << 5 * half, 3 * half))
        half //= 2
    return width, steps


def _unbase32(text: str) -> bytes | None:
    """The bytes, or None unless the text is exactly what `_base32` writes for them."""
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return None
    return raw if _base32(raw) == text else None
