"""`mailer doctor`: whether this newsroom could send, and what stands in the way.

Each check is one sentence. A check that fails names what to do; one that cannot be made because
an earlier one failed says so, rather than passing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mailer.audience.rules import Calendar, Closed
from mailer.config import Config, RouteConfig
from mailer.config_rules import clock_hours
from mailer.config_values import is_loopback, mailbox_address
from mailer.distribution import retention
from mailer.distribution.context import (
    Newsroom,
    host_name,
    open_newsroom,
    read_suppression_key,
    read_token_keys,
)
from mailer.distribution.dkim import alignment, records
from mailer.distribution.enrolment import endpoint_of
from mailer.distribution.log import iso
from mailer.distribution.machines import living, misfit, told
from mailer.distribution.rules import house_of
from mailer.distribution.safety import is_reserved, route_refusal
from mailer.distribution.spam import spam_program
from mailer.errors import CheckFailed, MailerError
from mailer.message import document
from mailer.message.phrases import base_language, own_name
from mailer.smtp.client import Connection
from mailer.smtp.model import Endpoint, Phase, Session, SmtpFailure, Timeouts
from mailer.store import jobs, routes

OK, WARNING, FAIL = "ok", "warning", "fail"

LITTLE_SPACE = 1_000_000_000
"""Bytes free on a disk below which the doctor warns."""

NO_SPACE = 100_000_000
"""Bytes free on a disk below which the doctor fails."""

# Short, since an officer is waiting for the answer.
_PATIENCE = Timeouts(connect=10, banner=15, ehlo=15, starttls=15, auth=15, quit=2)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `state` is "ok", "warning" or "fail"."""

    name: str
    state: str
    message: str


def examine(config: Config) -> Iterator[Check]:
    """Look at everything, one check after the other; nothing is changed or sent."""
    mode = "live = true: messages go to journalists" if config.live else "live = false"
    yield Check("configuration", OK, f"{config.path} can be used; {mode}.")
    for warning in config.warnings:
        yield Check("configuration", WARNING, warning)
    yield from _keys(config)
    room, store = _store(config)
    yield store
    try:
        yield from _identity(config)
        yield from _signing(config)
        yield from _disk(config)
        yield _spam()
        yield _paper(config)
        yield _rules(config)
        for route in config.routes:
            yield from _route(config, room, route)
        if room is not None:
            yield from _routes_at_rest(room)
            yield from _machines(room)
            yield from _retention(room)
    finally:
        if room is not None:
            room.close()


def failed(checks: list[Check]) -> bool:
    """Whether any check failed."""
    return any(check.state == FAIL for check in checks)


def _keys(config: Config) -> Iterator[Check]:
    readers: tuple[tuple[str, Callable[[Config], object]], ...] = (
        ("token.keys", read_token_keys),
        ("suppression.key", read_suppression_key),
    )
    for name, read in readers:
        try:
            read(config)
        except MailerError as error:
            yield Check("keys", FAIL, str(error))
        else:
            yield Check("keys", OK, f"keys/{name} is there and private.")
    if config.keys_dir.is_dir() and config.keys_dir.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Check(
            "keys",
            FAIL,
            f"Others may put files into {config.keys_dir}. Run: chmod 700 {config.keys_dir}",
        )


def _store(config: Config) -> tuple[Newsroom | None, Check]:
    """Opening proves the schema and that the suppression key is this ledger's."""
    try:
        room = open_newsroom(config)
    except MailerError as error:
        return None, Check("store", FAIL, str(error))
    kind = "SQLite" if config.store.url.startswith("sqlite") else "PostgreSQL"
    return room, Check(
        "store", OK, f"The ledger ({kind}) opens, and its suppression key is the one here."
    )


def _identity(config: Config) -> Iterator[Check]:
    room = config.newsroom
    if room.postal_address:
        yield Check("postal address", OK, f"Every message prints: {room.postal_address}.")
    else:
        yield Check(
            "postal address",
            WARNING,
            "There is none; it must be filled in before live = true.",
        )
    address = mailbox_address(room.sender)
    if is_reserved(address):
        yield Check(
            "sender",
            FAIL if config.live else WARNING,
            f"{address} is a sample address; fill in the newsroom's own before live = true.",
        )
    else:
        yield Check("sender", OK, f"Messages come from {room.sender}.")
    yield _public_url(room.public_url, config.live)


def _public_url(url: str, live: bool) -> Check:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or is_reserved(f"@{host}"):
        message = f"{url} cannot be reached by journalists; set public_url before live = true."
        return Check("public address", FAIL if live else WARNING, message)
    if parts.scheme != "https":
        message = f"{url} is not https, and mail services accept one-click leaving only by https."
        return Check("public address", FAIL if live else WARNING, message)
    return Check("public address", OK, f"Links begin with {url}.")


def _signing(config: Config) -> Iterator[Check]:
    """The keys that sign, which the configuration has read, and whether they fit the sender."""
    if config.dkim is None:
        message = "Messages are not signed here; the mail server must do it."
        yield Check("dkim", WARNING if config.live else OK, message)
        return
    for key, record in zip(config.dkim.keys, records(config), strict=True):
        size = f"RSA, {key.key.key_size} bits" if hasattr(key.key, "key_size") else "Ed25519"
        message = f"Signing with {key.path.name} ({size}); its record is {record.name}."
        yield Check("dkim", OK, message)
    for state, message in alignment(config):
        yield Check("dkim", state, message)


def free_space(config: Config) -> int:
    """Bytes free on the fullest disk that newsroom, spool and a SQLite ledger stand on."""
    folders = {config.spool_dir, config.home}
    if config.store.url.startswith("sqlite:///"):
        folders.add(Path(config.store.url.removeprefix("sqlite:///")).parent)
    return min((shutil.disk_usage(folder).free for folder in folders if folder.is_dir()), default=0)


def _disk(config: Config) -> Iterator[Check]:
    try:
        config.spool_dir.mkdir(mode=0o700, exist_ok=True)
        probe = config.spool_dir / f".doctor-{secrets.token_hex(4)}"
        try:
            with probe.open("xb") as file:
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
        yield Check("spool", OK, f"{config.spool_dir} can be written.")
    except OSError as error:
        reason = (error.strerror or "error").lower()
        yield Check(
            "spool",
            FAIL,
            f"{config.spool_dir} cannot be written ({reason}). Let mailer's user write there.",
        )
    free = free_space(config)
    shown = f"{free / 1e9:,.1f} GB free" if free >= 1e9 else f"{free / 1e6:,.0f} MB free"
    if free < NO_SPACE:
        yield Check("disk", FAIL, f"{shown}: too little to keep the ledger. Make room.")
    elif free < LITTLE_SPACE:
        yield Check("disk", WARNING, f"{shown}: make room before a large distribution.")
    else:
        yield Check("disk", OK, f"{shown}.")


def _route(config: Config, room: Newsroom | None, route: RouteConfig) -> Iterator[Check]:
    name = f"route {route.name}"
    place = f"{route.host}:{route.port}"
    if room is None:
        message = f"{place} was not tried, because keys or store cannot be used."
        yield Check(name, WARNING, message)
        return
    if route.user and not route.password:
        yield Check(
            name,
            FAIL,
            f"There is no password for {route.user}. Name a password_file or set "
            "MAILER_SMTP_PASSWORD.",
        )
        return
    endpoint = dataclasses.replace(endpoint_of(room, route), timeouts=_PATIENCE)
    try:
        session = asyncio.run(_visit(endpoint))
    except SmtpFailure as failure:
        reply = failure.reply
        if route.is_default_address and reply.phase == Phase.CONNECT and not config.live:
            message = f"Nothing answers at {place}; `mailer serve` and `run` start the sandbox."
            yield Check(name, OK, message)
            return
        yield Check(name, FAIL, f"{place} cannot be used. {_said(reply.phase, str(reply))}")
        return
    except OSError as error:
        yield Check(name, FAIL, f"{place} cannot be used ({error.strerror or error}).")
        return
    yield _greeting(name, place, route, session)
    yield _outlet(config, session, place)


def _spam() -> Check:
    """Whether `release check` can tell what SpamAssassin makes of a message."""
    program = spam_program()
    if program is None:
        message = (
            "SpamAssassin is not installed, so `release check` and `queue` give no spam score."
        )
    else:
        message = f"{program} is there; `release check` says how many points a message gets."
    return Check("spam score", OK, message)


def _paper(config: Config) -> Check:
    """Whether releases can be set as PDFs here, in which languages with all their letters (D21)."""
    try:
        lacking = document.unprintable()
    except CheckFailed as error:
        return Check("documents", WARNING, str(error))
    if not lacking:
        return Check("documents", OK, "Fonts are there for the PDFs of all languages.")
    own = base_language(config.newsroom.default_language) in lacking
    named = ", ".join(f"{own_name(tag)} ({tag})" for tag in lacking)
    return Check(
        "documents",
        WARNING if own else OK,
        f"No font is here for {named}: PDFs of such releases have empty boxes. Install Noto's "
        "fonts (on Debian fonts-noto-core and fonts-noto-cjk) where the pages are served.",
    )


def _routes_at_rest(room: Newsroom) -> Iterator[Check]:
    """Routes that nothing leaves by at the moment, whatever their server says."""
    with room.store.read() as tx:
        states, now = routes.state_of(tx), tx.now()
    for name, found in states.items():
        if found.state == "paused":
            message = f"It is paused: {found.reason}. `mailer routes resume {name}` lets it go."
            yield Check(f"route {name}", WARNING, message)
        elif found.until_at is not None and found.until_at > now:
            message = f"It rests until {iso(found.until_at)}: {found.reason}."
            yield Check(f"route {name}", WARNING, message)


def _machines(room: Newsroom) -> Iterator[Check]:
    """Whether this machine may send beside the others of its store, and who else does not."""
    with room.store.read() as tx:
        others = living(room, tx)
        here = misfit(room, tx)
        blocked, silent = told(room, tx)
        tasks = None if room.store.embedded else jobs.difference(tx)
    if tasks is not None:
        yield Check("machines", WARNING, f"`mailer worker` takes no task here: {tasks}")
    if here is not None:
        yield Check("machines", FAIL, here)
    elif not room.store.embedded:
        hosts = sorted({row["host"] for row in others} - {host_name()})
        beside = f"beside {', '.join(hosts)}" if hosts else "no other machine sends now"
        message = f"{host_name()} fits ({beside}): clock, configuration, schema and key."
        yield Check("machines", OK, message)
    for message in blocked + silent:
        if message != here:
            yield Check("machines", WARNING, message)


def _retention(room: Newsroom) -> Iterator[Check]:
    """Whether what is personal goes when its time is over (E13)."""
    with room.store.read() as tx:
        overdue, words = retention.standing(room, tx)
    yield Check("retention", WARNING if overdue else OK, words)
    for path in retention.too_old_files(room):
        message = f"{path} is past its retention, or some of it. Run `mailer store retain`."
        yield Check("retention", WARNING, message)


def _rules(config: Config) -> Check:
    """Whether the newsroom's own rules ever let anything through."""
    house, own = house_of(config), config.rules
    said = [f"at most {own.weekly_cap} in seven days"] if own.weekly_cap else []
    said += [f"{own.min_gap / 3600:g} h between two"] if own.min_gap else []
    said += [f"nothing at {clock_hours(own.quiet_hours)}"] if own.quiet_hours else []
    said += ["nothing at weekends"] if own.weekends == "wait" else []
    if not house:
        return Check("rules", OK, "no rules: only what journalists chose themselves holds.")
    office = Closed((*house.closed.hours, house.office.others), weekends=True)
    if Calendar(office, config.newsroom.timezone).next_open(0) is None:
        message = (
            f"quiet_hours cover all of office_hours ({clock_hours(own.office_hours)}): who asked "
            "for office hours would get nothing. Change one of them under [rules]."
        )
        return Check("rules", FAIL, message)
    longest_closed = 63 if own.weekends == "wait" else 24
    if house.closed and own.longest_wait < longest_closed * 3600:
        message = (
            f"longest_wait is {own.longest_wait / 3600:g} h, and some would have to wait longer: "
            'they are skipped ("quiet").'
        )
        return Check("rules", WARNING, message)
    return Check("rules", OK, f"{', '.join(said)}; by each journalist's own clock.")


async def _visit(endpoint: Endpoint) -> Session:
    connection = await Connection.open(endpoint)
    try:
        return connection.session
    finally:
        await connection.close()


def _said(phase: Phase, reply: str) -> str:
    advice = {
        Phase.CONNECT: "Check host, port and firewall.",
        Phase.STARTTLS: "Check the server's certificate and the ?starttls option.",
        Phase.AUTH: "Check user and password.",
    }.get(phase, "Ask whoever runs the server.")
    return f"{reply.rstrip('.')}. {advice}"


def _greeting(name: str, place: str, route: RouteConfig, session: Session) -> Check:
    parts = [f"{place} answers"]
    parts.append(f"encrypted by {session.tls}" if session.tls else "unencrypted")
    if route.user:
        parts.append(f"and takes the password of {route.user}")
    state = OK if session.tls or session.loopback else WARNING
    hint = "" if state == OK else " Use ?starttls=required or smtps:// if the server can."
    return Check(name, state, ", ".join(parts) + "." + hint)


def _outlet(config: Config, session: Session, place: str) -> Check:
    """Whether anything may leave by this server (design decision 13)."""
    if session.is_our_sandbox:
        if config.live:
            message = f"live = true, but {place} is the sandbox: nobody would get anything."
            return Check("sandbox", FAIL, message)
        return Check("sandbox", OK, f"{place} proved to be this newsroom's sandbox.")
    refusal = route_refusal(session, live=config.live)
    if refusal:
        return Check("sandbox", WARNING, f"Nothing would leave: {refusal}.")
    if config.live:
        return Check("sandbox", OK, "Messages would go out by this server.")
    message = "live = false: only reserved addresses (example.org …) would be mailed through it."
    return Check("sandbox", WARNING, message)
