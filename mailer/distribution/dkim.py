"""Signing with DKIM: the newsroom's keys on the way out, new keys, and what stands in the DNS.

The library behind it is loaded only where something is signed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mailer.config import Config
from mailer.config_keys import GOOD_RSA, LARGEST_RSA
from mailer.config_values import mailbox_address
from mailer.errors import ConfigError, NotFound, Refused, StoreUnavailable, UsageError
from mailer.message.merge import MergeTemplate
from mailer.message.values import sender_domain
from mailer.store import ledger
from mailer.store.base import Tx

if TYPE_CHECKING:
    from mailer.message.dkim import Signed, Signer

SMALLEST_NEW_RSA = GOOD_RSA
"""Bits of the smallest RSA key that is made (A5)."""

Kind = Literal["rsa", "ed25519"]


@dataclass(frozen=True, slots=True)
class Signing:
    """A template's signer with its number in the ledger."""

    id: int
    signer: Signer

    def sign(self, chunks: Sequence[bytes], date: int) -> Signed:
        """See `message.dkim.Signer.sign`. May be called from any thread."""
        return self.signer.sign(chunks, date)


@dataclass(frozen=True, slots=True)
class Record:
    """What must stand in the DNS for one key: `value` is the text of a TXT record."""

    selector: str
    domain: str
    value: str

    @property
    def name(self) -> str:
        """The record's full name, without a dot at its end."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def strings(self) -> list[str]:
        """The value in strings of at most 255 bytes, as a zone file needs it (RFC 1035 3.3.14)."""
        return [self.value[at : at + 255] for at in range(0, len(self.value), 255)]

    @property
    def zone_line(self) -> str:
        """The record as a line or lines of a zone file."""
        quoted = [f'"{piece}"' for piece in self.strings]
        if len(quoted) == 1:
            return f"{self.name}. IN TXT {quoted[0]}"
        return f"{self.name}. IN TXT (\n  " + "\n  ".join(quoted) + " )"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key file that was made, its record, and what config.toml must still say ("" if it does)."""

    path: Path
    record: Record
    to_paste: str


def signer_of(config: Config, template: MergeTemplate) -> Signer | None:
    """What signs this template's messages; None when signing is left to the mail server."""
    if config.dkim is None:
        return None
    from mailer.message.dkim import Signer, SigningKey

    domain = config.dkim.domain
    return Signer(template, [SigningKey(domain, k.selector, k.key) for k in config.dkim.keys])


def keep(tx: Tx, signer: Signer | None) -> Signing | None:
    """The signer with its number, its text kept in the ledger by this transaction."""
    return None if signer is None else Signing(ledger.keep_signer(tx, signer.text), signer)


def records(config: Config) -> list[Record]:
    """What must stand in the DNS for the keys of [dkim]. Raises NotFound when there is none."""
    if config.dkim is None:
        raise NotFound(
            "This newsroom does not sign: there is no section [dkim].",
            where=str(config.path),
            hint="`mailer dkim keygen` makes a key and says what to write.",
        )
    from mailer.message.dkim import public_record

    domain = config.dkim.domain
    return [Record(key.selector, domain, public_record(key.key)) for key in config.dkim.keys]


def keygen(
    config: Config,
    *,
    kind: Kind = "rsa",
    bits: int = GOOD_RSA,
    selector: str | None = None,
    out: Path | None = None,
) -> NewKey:
    """Make a private key file of mode 600 and say what to publish.

    Without `selector` and `out` they are those of [dkim], else "mailer" (or "mailer-ed25519") and
    `keys/SELECTOR.pem`. A key that is there is never overwritten (Refused). `config` may have
    been loaded without its signing keys.
    """
    if not SMALLEST_NEW_RSA <= bits <= LARGEST_RSA:
        raise UsageError(
            f"A key of {bits} bits is not made.",
            hint=f"Choose from {SMALLEST_NEW_RSA} to {LARGEST_RSA}.",
        )
    index = 0 if kind == "rsa" else 1
    configured = config.dkim.keys[index] if config.dkim and len(config.dkim.keys) > index else None
    given = selector is not None or out is not None
    if selector is None:
        named = "mailer" if kind == "rsa" else "mailer-ed25519"
        selector = configured.selector if configured else named
    if out is not None:
        path = out.absolute()
    elif configured and selector == configured.selector:
        path = configured.path
    else:
        path = config.keys_dir / f"{selector}.pem"
    domain = config.dkim.domain if config.dkim else sender_domain(config.newsroom.sender)
    key, pem = _new_key(kind, bits)
    _write_new(path, pem, config.keys_dir)
    from mailer.message.dkim import public_record

    settled = configured and (configured.selector, configured.path) == (selector, path)
    return NewKey(
        path,
        Record(selector, domain, public_record(key)),
        "" if settled and not given else _to_paste(config, kind, domain, selector, path),
    )


def alignment(config: Config) -> Iterator[tuple[str, str]]:
    """Whether d= fits the From domain (A2), as pairs of "ok", "warning" or "fail" and a sentence.

    Nobody asks the DNS: two names of which neither is below the other may still belong to one
    organisation, and that is left open.
    """
    if config.dkim is None:
        return
    ours = sender_domain(config.newsroom.sender)
    signing = config.dkim.domain
    if ours == signing or ours.endswith(f".{signing}") or signing.endswith(f".{ours}"):
        yield "ok", f"Signatures of {signing} fit the sender {_address(config)}."
        return
    common = _common_labels(ours, signing)
    if common >= 2:
        shared = ".".join(ours.split(".")[-common:])
        yield (
            "warning",
            f"Signatures of {signing} count for the sender {_address(config)} only if {shared} "
            f"belongs to one organisation. Sign with {ours} to be sure.",
        )
        return
    yield (
        "fail",
        f"Signatures of {signing} do not count for the sender {_address(config)}, so DMARC fails. "
        f'Write domain = "{ours}" under [dkim].',
    )


def _address(config: Config) -> str:
    return mailbox_address(config.newsroom.sender)


def _common_labels(one: str, other: str) -> int:
    count = 0
    for a, b in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if a != b:
            break
        count += 1
    return count


def _new_key(kind: Kind, bits: int) -> tuple[Any, bytes]:
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=bits)
        if kind == "rsa"
        else ed25519.Ed25519PrivateKey.generate()
    )
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_new(path: Path, data: bytes, keys_dir: Path) -> None:
    """Write a file of mode 600 that must not exist yet, durably or not at all."""
    try:
        if path.parent == keys_dir:
            keys_dir.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(
            "there is a file already, and a key is never overwritten.",
            where=str(path),
            hint="Choose another selector with --selector, or move the file away.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the key cannot be written: {(error.strerror or 'error').lower()}.",
            where=str(path),
            hint="Let the user who runs mailer write there.",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"the key cannot be written: {(error.strerror or 'error').lower()}.", where=str(path)
        ) from None


def _to_paste(config: Config, kind: Kind, domain: str, selector: str, path: Path) -> str:
    file = path.relative_to(config.home) if path.is_relative_to(config.home) else path
    if kind == "rsa":
        return f'[dkim]\ndomain = "{domain}"\nselector = "{selector}"\nkey_file = "{file}"'
    return f'[dkim]\n# …\ned25519_selector = "{selector}"\ned25519_key_file = "{file}"'
