"""Messages as one journalist would get them, for people to look at; their links act on nobody."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.distribution import releases
from mailer.distribution.context import Newsroom
from mailer.distribution.dkim import signer_of
from mailer.distribution.enclosed import picture_of
from mailer.distribution.releases import Finding, StoredRelease, template_source
from mailer.errors import MailerError, NotFound, StoreUnavailable, UsageError
from mailer.message.compile import compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient
from mailer.message.render import message_parts
from mailer.message.values import slot_values
from mailer.message.view import ALONE, Languages
from mailer.store.releases import recipient as recipient_of


@dataclass(frozen=True, slots=True)
class Preview:
    """The files of a preview, and what was found in the release."""

    files: tuple[Path, ...]
    findings: tuple[Finding, ...]


def preview(
    room: Newsroom, stored: StoredRelease, out: Path, *, as_email: str | None = None
) -> Preview:
    """Write message.eml, message.html and message.txt as one journalist would get them.

    The tokens in it stand for nobody, so following them changes nothing. Raises CheckFailed for
    template errors (nothing is written then), NotFound for an unknown journalist, UsageError when
    `out` cannot be a folder.
    """
    template = as_shown(room, stored)
    recipient = _made_up(room, template) if as_email is None else known_recipient(room, as_email)
    message = merged_for(room, template, recipient)
    parts = message_parts(message)
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(
            "this is a file, not a folder.", where=str(out), hint="Name another with --out."
        ) from None
    except OSError as error:
        raise _unwritable(out, error) from None
    files = []
    for name, data in (
        ("message.eml", message),
        ("message.html", parts.page.encode("utf-8")),
        ("message.txt", parts.text.encode("utf-8")),
    ):
        path = out / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise _unwritable(path, error) from None
        files.append(path)
    return Preview(tuple(files), releases.preflight(room, stored.release))


def sample_message(room: Newsroom, stored: StoredRelease) -> bytes:
    """The whole message as a made-up journalist would get it; its links act on nobody.

    Raises CheckFailed for template errors.
    """
    template = as_shown(room, stored)
    return merged_for(room, template, _made_up(room, template))


def as_shown(room: Newsroom, stored: StoredRelease, languages: Languages = ALONE) -> MergeTemplate:
    """The message with its picture inside: nothing is published that it could be fetched from.

    Raises CheckFailed for template errors.
    """
    source, inside = template_source(room), picture_of(room, stored)
    return compile_release(stored.release, room.sender, source, languages=languages, inside=inside)


def sample(room: Newsroom, template: MergeTemplate) -> bytes:
    """The message as a made-up journalist would get it: its links act on nobody."""
    return merged_for(room, template, _made_up(room, template))


def merged_for(room: Newsroom, template: MergeTemplate, recipient: Recipient) -> bytes:
    """The message as this journalist would get it, signed; its links act on nobody."""
    chunks = template.merge(values_for(room, template, recipient))
    signer = signer_of(room.config, template)
    signed = signer.sign(chunks, room.clock.now()).header if signer else b""
    return signed + b"".join(chunks)


def values_for(room: Newsroom, template: MergeTemplate, recipient: Recipient) -> dict[str, str]:
    """What the message's fields hold for this journalist; its tokens stand for nobody."""
    return slot_values(
        recipient,
        delivery=0,
        journalist=0,
        list_id=0,
        sender=template.sender,
        keys=room.keys,
        date=room.clock.now(),
        language=template.language,
    )


def known_recipient(room: Newsroom, email: str) -> Recipient:
    """A journalist in the store as a message sees him. Raises NotFound."""
    with room.store.read() as tx:
        row = recipient_of(tx, room.address_hash(email))
    if row is None:
        raise NotFound(
            f"There is no journalist with the address {email}.",
            hint="`mailer lists show NAME` shows who is on a list.",
        )
    fields: dict[str, Any] = {name: row[name] or "" for name in row.keys()}  # noqa: SIM118
    return Recipient(**fields, key_id=room.keys.current_id)


def _made_up(room: Newsroom, template: MergeTemplate) -> Recipient:
    """A journalist who does not exist, at an address that reaches nobody."""
    return Recipient(
        email="anna.example@news.example",
        first_name="Anna",
        last_name="Example",
        outlet="The Example",
        language=template.language,
        list_name="preview",
        list_title="Preview",
        list_kind="press",
        source="preview",
        source_date=releases.today(room).isoformat(),
        key_id=room.keys.current_id,
    )


def _unwritable(path: Path, error: OSError) -> MailerError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return StoreUnavailable(f"it cannot be written: {error.strerror}.", where=str(path))
    return UsageError(
        f"it cannot be written: {(error.strerror or 'error').lower()}.",
        where=str(path),
        hint="Name another folder with --out.",
    )
