"""`mailer dkim keygen` and `mailer dkim dns`: keys that sign messages, and their DNS records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document, line

if TYPE_CHECKING:
    from mailer.distribution.dkim import Record


def register(app: Commands) -> None:
    """Add this module's commands."""
    group = Commands(name="dkim", help="Sign messages: make a key, show its DNS record.")
    group.add("keygen", keygen)
    group.add("dns", dns)
    app.add_typer(group)


def keygen(
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="A key for the optional second signature.")
    ] = False,
    bits: Annotated[int, typer.Option(metavar="BITS", help="Size of an RSA key.")] = 2048,
    selector: Annotated[
        str | None, typer.Option(metavar="NAME", help="The key's name in the DNS.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to (default keys/SELECTOR.pem).")
    ] = None,
) -> None:
    """Make a private key (mode 600) and print the DNS record of its public half."""
    from mailer import config
    from mailer.distribution import dkim

    made = dkim.keygen(
        # The keys of [dkim] may be what is to be made.
        config.load(current().config, signing_keys=False),
        kind="ed25519" if ed25519 else "rsa",
        bits=bits,
        selector=selector,
        out=out,
    )
    say(f"The private key is in {made.path}. Publish this in the DNS:")
    if current().json:
        document({"key_file": str(made.path), **_record(made.record), "config": made.to_paste})
    else:
        _print(made.record)
    if made.to_paste:
        say(f"Once it is there, write into config.toml:\n\n{made.to_paste}")


def dns() -> None:
    """Print the TXT records that must stand in the DNS, as a zone file has them."""
    from mailer.distribution import dkim

    found = dkim.records(current().configuration())
    if current().json:
        document({"records": [_record(record) for record in found]})
        return
    for record in found:
        _print(record)


def _print(record: Record) -> None:
    for text in record.zone_line.split("\n"):
        line(text)


def _record(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "type": "TXT",
        "value": record.value,
        "strings": record.strings,
    }
