"""Reading the private keys that messages are signed with (requirements A5, A11).

A key file holds one PEM block, PKCS#8 or the older "RSA PRIVATE KEY", is not encrypted and
belongs to its owner alone. Nothing read here is shown in an error.
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mailer.config_values import BadValue, quoted

SMALLEST_RSA = 1024
"""Bits of the smallest RSA key that verifiers accept (RFC 8301 section 3.2)."""

GOOD_RSA = 2048
"""Bits that signers should use, and of the keys that mailer makes."""

LARGEST_RSA = 4096
"""Bits of the largest RSA key that every verifier must accept (RFC 8301 section 3.2)."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A usable private key. `fingerprint` is the SHA-256 (hex) of its public half, `doubts` are
    sentences for the officer."""

    key: Any = field(repr=False)
    fingerprint: str
    doubts: tuple[str, ...] = ()


def read_signing_key(path: Path, kind: Literal["rsa", "ed25519"], shown: str) -> SigningKey:
    """The private key in a file. Raises BadValue, in which the file is called `shown`, when it
    cannot be used for signing."""
    # Loaded late: most newsrooms let their mail server sign.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    data = _private_file(path, shown)
    make = "`mailer dkim keygen`" if kind == "rsa" else "`mailer dkim keygen --ed25519`"
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise BadValue(
            f"names a key that is encrypted with a password: {quoted(shown)}",
            "Signing cannot ask for one; decrypt the file and keep it at mode 600.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadValue(
            f"names a file that holds no private key in PEM form: {quoted(shown)}",
            f"Make one with {make}.",
        ) from None
    wanted = RSAPrivateKey if kind == "rsa" else Ed25519PrivateKey
    if not isinstance(key, wanted):
        name = "an RSA" if kind == "rsa" else "an Ed25519"
        raise BadValue(
            f"does not name {name} key: {quoted(shown)}",
            f"Make one with {make}. RSA keys stand in key_file, Ed25519 keys in ed25519_key_file.",
        )
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    doubts: tuple[str, ...] = ()
    if isinstance(key, RSAPrivateKey):
        doubts = _judge_size(key.key_size, shown, make)
    return SigningKey(key, hashlib.sha256(public).hexdigest(), doubts)


def _private_file(path: Path, shown: str) -> bytes:
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise BadValue(
            f"names a file that cannot be read: {quoted(shown)} ({reason})",
            "Make a key with `mailer dkim keygen`, or put yours there with mode 600.",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadValue(
            f"names a private key that others on this machine can read: {quoted(shown)}",
            f"Run: chmod 600 {path}",
        )
    return data


def _judge_size(bits: int, shown: str, make: str) -> tuple[str, ...]:
    if bits < SMALLEST_RSA:
        raise BadValue(
            f"names an RSA key of {bits} bits, and mail services ignore what is signed with less "
            f"than {SMALLEST_RSA}: {quoted(shown)}",
            f"Make one of {GOOD_RSA} bits with {make}.",
        )
    if bits < GOOD_RSA:
        return (
            f"the key {shown} has {bits} bits; {GOOD_RSA} are what mail services ask for. Make one "
            f"with {make} under a new selector.",
        )
    if bits > LARGEST_RSA:
        raise BadValue(
            f"names an RSA key of {bits} bits, and not every mail service can check more than "
            f"{LARGEST_RSA}: {quoted(shown)}",
            f"Make one of {GOOD_RSA} bits with {make}.",
        )
    return ()
