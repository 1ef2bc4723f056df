"""An open newsroom: configuration, store, keys and clock, checked to belong together.

Every use case takes a `Newsroom`. Opening one proves that the store's schema is this program's
and that the suppression key is the one whose hashes the store holds: with another key, whoever
said stop would be mailed again (design decision 8).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from mailer.audience.address import identity
from mailer.clock import Clock, SystemClock
from mailer.config import Config
from mailer.errors import ConfigError, Refused
from mailer.message.model import Sender
from mailer.message.phrases import OwnWords, own_words
from mailer.message.tokens import TokenKeys
from mailer.store import Store, open_store, transfer
from mailer.store.core import fact, set_fact
from mailer.store.migrations import check, migrate

HASH_VERSION = 1
"""Version of what is hashed for a suppression: NFC, lower case, A-label domain."""


@dataclass(frozen=True, slots=True)
class Newsroom:
    """One open newsroom. Safe to share between threads; `close` it at the end."""

    config: Config
    store: Store
    keys: TokenKeys
    suppression_key: bytes
    sender: Sender
    clock: Clock

    def address_hash(self, email: str) -> bytes:
        """The keyed hash under which an address is suppressed and found (E12)."""
        return address_hash(self.suppression_key, email)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Newsroom:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def address_hash(key: bytes, email: str) -> bytes:
    """HMAC-SHA-256 of the address's identity, with the version of what is hashed."""
    text = f"v{HASH_VERSION}:{identity(email)}"
    return hmac.digest(key, text.encode("utf-8"), "sha256")


def host_name() -> str:
    """This machine's name in the ledger: MAILER_HOST, else the system's."""
    return os.environ.get("MAILER_HOST") or os.uname().nodename


def create_store(config: Config, *, clock: Clock | None = None, anew: bool = True) -> list[str]:
    """Make or bring up to date the store of a newsroom; names of the migrations applied.

    The ledger's id and the fingerprints of the keys are set once and kept by copies. Without
    `anew` a missing SQLite file is a ConfigError: an empty ledger in place of one that was moved
    or lost would have forgotten who said stop.
    """
    suppression_key = read_suppression_key(config)
    with_folder(config)
    store = open_store(config.store.url, clock=clock, create=anew)
    try:
        done = migrate(store)
        with store.write() as tx:
            transfer.usable(tx)
            random = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
            set_fact(tx, "ledger_id", random, once=True)
            set_fact(tx, "suppression_key", fingerprint(suppression_key), once=True)
        return done
    finally:
        store.close()


def open_newsroom(
    config: Config,
    *,
    clock: Clock | None = None,
    busy_timeout: float = 5.0,
    eager: bool = False,
) -> Newsroom:
    """Open the newsroom of a configuration; `busy_timeout` and `eager` as `open_store` has them.

    Raises ConfigError without keys or store, StoreUnavailable when the database cannot be used
    now or has another schema, Refused when the suppression key is not this ledger's or the store
    was moved (`store copy`).
    """
    clock = clock or SystemClock()
    keys = read_token_keys(config)
    suppression_key = read_suppression_key(config)
    store = open_store(config.store.url, clock=clock, busy_timeout=busy_timeout, eager=eager)
    try:
        check(store)
        with store.read() as tx:
            transfer.usable(tx)
            ledger_id = fact(tx, "ledger_id") or ""
            known = fact(tx, "suppression_key")
        if known != fingerprint(suppression_key):
            raise Refused(
                "the suppression key is not the one this ledger was made with, so nobody who "
                "said stop would be recognised; nothing was done.",
                where=str(config.keys_dir / "suppression.key"),
                hint="Put the newsroom's own suppression.key back from its backup.",
            )
        sender = newsroom_sender(config, ledger_id)
    except BaseException:
        store.close()
        raise
    return Newsroom(config, store, keys, suppression_key, sender, clock)


def newsroom_sender(config: Config, ledger_id: str) -> Sender:
    """What messages say of the newsroom, from its configuration."""
    room = config.newsroom
    return Sender(
        name=room.name,
        sender=room.sender,
        reply_to=room.reply_to,
        bounce_address=room.bounce_address,
        postal_address=room.postal_address,
        public_url=room.public_url,
        timezone=room.timezone,
        default_language=room.default_language,
        accent=room.accent,
        live=config.live,
        ledger_id=ledger_id,
        own_words=_own_words(config.templates_dir / "phrases"),
    )


def _own_words(folder: Path) -> OwnWords:
    """The phrases that the newsroom words otherwise: templates/phrases/fr.po …"""
    try:
        files = [(path.name, path.read_text("utf-8")) for path in folder.glob("*.po")]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not written in UTF-8"
        raise ConfigError(
            f"the newsroom's own phrases cannot be read: {reason.lower()}.", where=str(folder)
        ) from None
    return own_words(files)


def read_token_keys(config: Config) -> TokenKeys:
    """The keys that sign links and bounce addresses (keys/token.keys)."""
    return TokenKeys.parse(_secret(config.keys_dir / "token.keys"))


def read_suppression_key(config: Config) -> bytes:
    """The key of the do-not-contact hashes (keys/suppression.key, 64 hex digits)."""
    path = config.keys_dir / "suppression.key"
    try:
        key = bytes.fromhex(_secret(path).strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(
            "the suppression key is not 64 hexadecimal digits.",
            where=str(path),
            hint="Put the newsroom's own key back from its backup.",
        )
    return key


def fingerprint(key: bytes) -> str:
    """What the store may know of a key: enough to recognise it, not to use it."""
    return hashlib.sha256(b"mailer fingerprint:" + key).hexdigest()[:32]


def with_folder(config: Config) -> None:
    """Make the folders that the store and the spool live in."""
    config.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if config.store.url.startswith("sqlite:///"):
        Path(config.store.url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _secret(path: Path) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                "this key can be read by other users of the machine.",
                where=str(path),
                hint=f"Run `chmod 600 {path.name}` in its folder.",
            )
        return path.read_text("ascii")
    except FileNotFoundError:
        raise ConfigError(
            "this key is missing.",
            where=str(path),
            hint="A new newsroom gets its keys from `mailer init`; else restore the backup.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        # Only the system's errors have words of their own; the other one is of the encoding.
        reason = str(getattr(error, "strerror", None) or "it is no text").lower()
        raise ConfigError(f"this key cannot be read: {reason}.", where=str(path)) from error
