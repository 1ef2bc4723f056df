"""What a newsroom has to be able to say of itself: the record of processing, a breach, who read.

The record (GDPR art. 30; E20) is a template of the newsroom's folder or the package's, filled from
config.toml and the store, so it never says what is not so. A report on a breach (art. 33; E22) says
what was held, whom it concerns, and who read or took out much since an instant.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markdown_it import MarkdownIt

from mailer.clock import to_datetime
from mailer.config import Config, RouteConfig
from mailer.defaults import defaults_dir
from mailer.distribution import instants, retention
from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.distribution.textrows import as_json, write_private
from mailer.errors import CheckFailed
from mailer.store.base import Tx
from mailer.store.core import add_event

BULK = 100
"""From so many rows on, reading people's data is kept in the history (E22)."""

RECORD = "docs/processing.md"
"""The template of the record of processing."""

WITHIN = timedelta(hours=72)
"""How soon an authority has to hear of a breach (art. 33(1))."""

_BELOW = "package"
_DAY = 86_400
_BASES = {
    "opt_in": "consent (art. 6(1)(a))",
    "soft_opt_in": "existing relation (art. 13(2) of Directive 2002/58/EC)",
    "legitimate_interest": "legitimate interest (art. 6(1)(f))",
    "": "none recorded",
}
_Row = TypeVar("_Row")


def watched(
    room: Newsroom, rows: Iterator[_Row], actor: str, what: str, *, least: int = BULK
) -> Generator[_Row, None, None]:
    """Rows that hold people's data, as they come; the history keeps that somebody read so many,
    also when he stopped in the middle."""
    seen = 0
    try:
        for row in rows:
            seen += 1
            yield row
    finally:
        if isinstance(rows, Generator):
            rows.close()  # what it reads from ends before the line is written
        if seen >= least:
            with room.store.write() as tx:
                add_event(tx, "read_in_bulk", actor, data={"what": what, "rows": seen})


def processing(room: Newsroom) -> str:
    """The record of processing as Markdown. Raises CheckFailed for a template that is wrong."""
    package = FileSystemLoader(defaults_dir() / "templates")
    own = FileSystemLoader(room.config.templates_dir)
    environment = _Templates(
        loader=ChoiceLoader([own, package, PrefixLoader({_BELOW: package})]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_in_a_table,
    )
    try:
        return environment.get_template(RECORD).render(_facts(room)) + "\n"
    except (TemplateError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        raise CheckFailed(
            f"The template of the record cannot be used: {error}.",
            where=f"templates/{RECORD}" + (f", line {line}" if line else ""),
            hint=f"`mailer templates diff {RECORD}` shows what differs from the one of mailer.",
        ) from None


def as_html(markdown: str) -> str:
    """A record as a page of its own, to be printed."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return _PAGE.replace("{{body}}", body)


def write_record(room: Newsroom, path: Path) -> None:
    """The record as a file: HTML where its name says so. Raises as `processing` does, and
    UsageError where nothing can be written."""
    text = processing(room)
    html = path.suffix.lower() in (".html", ".htm")
    write_private(path, [(as_html(text) if html else text).encode("utf-8")])


def breach(room: Newsroom, since: str, actor: str, *, until: str | None = None) -> dict[str, Any]:
    """What an authority asks after a breach: whose data, which, how many, since when, who read or
    took out much meanwhile. Raises UsageError for what is no instant."""
    begun = instants.since(room, since)
    ended = instants.since(room, until) if until else room.clock.now()
    span = {"since": begun, "until": ended}
    with room.store.read() as tx:
        totals = tx.one("accounts.totals")
        sent = tx.one("accounts.sent", **span)
        states = _states(tx)
        assert totals is not None and sent is not None
        countries = [dict(row) for row in tx.all("accounts.countries")]
        bulk = [
            {"at": iso(row["at"]), "what": row["kind"], "actor": row["actor"]}
            | {"data": json.loads(row["data"])}
            for row in tx.all("accounts.read_in_bulk", **span)
        ]
        actors = [
            {"actor": row["actor"], "acts": row["acts"]}
            | {"first": iso(row["first_at"]), "last": iso(row["last_at"])}
            for row in tx.all("accounts.acts", **span)
        ]
        machines = [row["host"] for row in tx.all("accounts.machines", **span)]
    held = {state: n for state, n in states.items() if state != "erased"}
    now = to_datetime(room.clock.now())
    with room.store.write() as tx:
        add_event(tx, "breach_reported", actor, data={"since": begun, "until": ended})
    return {
        "newsroom": room.config.newsroom.name,
        "made_at": iso(room.clock.now()),
        "tell_the_authority_by": (now + WITHIN).isoformat(timespec="minutes"),
        "since": iso(begun),
        "until": iso(ended),
        "people": sum(held.values()),
        "by_state": held,
        "by_country": countries,
        "erased_before": states.get("erased", 0),
        "held": list(HELD),
        "rows": dict(totals),
        "sent_meanwhile": dict(sent),
        "bulk_reads": bulk,
        "actors": actors,
        "machines": machines,
        "kept_back": list(KEPT_BACK),
    }


HELD = (
    "addresses, names, telephones, outlets, beats, countries, languages, notes",
    "legal basis and source of each person",
    "messages sent, mail servers' answers, what each message said of its reader",
    "opt-outs with their evidence; agreements to embargoes",
)
"""Which data a reader of the whole store has before him."""

KEPT_BACK = (
    "Of people who were erased, or suppressed without being on a list, the store holds a keyed "
    "hash that nobody can turn back without keys/suppression.key.",
    "Links in sent mail cannot be made without keys/token.keys; if that file was read, rotate it.",
)


def affected(room: Newsroom, path: Path, actor: str, *, until: str | None = None) -> int:
    """Everybody whose data were held, for telling them (art. 34), as JSON lines; how many."""
    last = instants.since(room, until) if until else room.clock.now()

    def lines() -> Iterator[bytes]:
        with room.store.read() as tx:
            for row in tx.stream("accounts.affected", until=last):
                yield (as_json({**dict(row), "created_at": iso(row["created_at"])}) + "\n").encode()

    count = write_private(path, lines())
    with room.store.write() as tx:
        add_event(tx, "exported", actor, data={"what": "affected people", "rows": count})
    return count


class _Templates(SandboxedEnvironment):
    """A template that extends its own name means the package's, as those of mails do."""

    def join_path(self, template: str, parent: str) -> str:
        return f"{_BELOW}/{template}" if template == parent else template


def _facts(room: Newsroom) -> dict[str, Any]:
    config = room.config
    with room.store.read() as tx:
        states = _states(tx)
        totals = tx.one("accounts.totals")
        assert totals is not None
        bases = [
            {"word": _BASES.get(row["basis"], row["basis"]), "people": f"{row['people']:,}"}
            for row in tx.all("accounts.bases")
        ]
        lists = [
            {"name": row["name"], "kind": row["kind"], "people": f"{row['people']:,}"}
            | {"sources": _sources(tx, row["id"])}
            for row in tx.all("accounts.lists")
        ]
        countries = [
            {"country": row["country"] or "not known", "people": f"{row['people']:,}"}
            for row in tx.all("accounts.countries")
        ]
        retained = retention.standing(room, tx)[1]
    held = sum(n for state, n in states.items() if state != "erased")
    return {
        "newsroom": {
            "name": config.newsroom.name,
            "postal_address": config.newsroom.postal_address or "(no postal address set)",
            "mailbox": parseaddr(config.newsroom.reply_to or config.newsroom.sender)[1],
        },
        "made_at": f"{to_datetime(room.clock.now()):%Y-%m-%d %H:%M} UTC",
        "bases": bases,
        "lists": lists,
        "countries": countries,
        "people": f"{held:,}",
        "active": f"{states.get('active', 0):,}",
        "erased": f"{states.get('erased', 0):,}",
        "on_hold": f"{states.get('on_hold', 0):,}",
        "suppressions": f"{totals['suppressions']:,}",
        "with_deliveries": f"{totals['with_deliveries']:,}",
        "processors": [*map(_route, config.routes), _store(config), _pages(config)],
        "retention": [
            {"what": words, "kept": _age(retention.age_of(config.retention, kind))}
            for kind, words in retention.KINDS.items()
        ],
        "retained": retained,
        "security": list(_security(config)),
    }


def _states(tx: Tx) -> dict[str, int]:
    return {row["state"]: row["people"] for row in tx.all("accounts.states")}


def _sources(tx: Tx, number: int) -> str:
    rows = tx.all("accounts.sources", list=number)
    return "; ".join(f"{row['source'] or 'not recorded'} ({row['people']:,})" for row in rows)


def _route(route: RouteConfig) -> Mapping[str, str]:
    tls = {
        "implicit": "always encrypted",
        "required": "encrypted or not at all",
        "offered": "encrypted where offered",
        "never": "not encrypted",
    }[route.tls]
    only = f" for {', '.join(route.domains)}" if route.domains else ""
    how = f"{route.host}:{route.port}, {tls}"
    return {"who": f"mail service “{route.name}”{only}", "what": "passing messages on", "how": how}


def _store(config: Config) -> Mapping[str, str]:
    if config.store.url.startswith("sqlite"):
        return {"who": "nobody", "what": "the store", "how": "a file on the newsroom's machine"}
    host = urlsplit(config.store.url).hostname or "a socket of this machine"
    return {"who": f"PostgreSQL at {host}", "what": "the store", "how": host}


def _pages(config: Config) -> Mapping[str, str]:
    where = config.newsroom.public_url
    return {"who": "whoever serves " + where, "what": "the pages behind mailed links", "how": where}


def _security(config: Config) -> Iterator[str]:
    yield "Keys, store, spool and exports are readable by their owner only; no key is in the store."
    yield "Opt-outs are kept as keyed hashes (HMAC-SHA-256); links carry signed tokens, no address."
    if config.dkim is not None:
        yield f"Messages are signed with DKIM for {config.dkim.domain}."
    scheme = urlsplit(config.newsroom.public_url).scheme
    yield f"Pages for journalists are served by {scheme.upper()}."
    weak = [route.name for route in config.routes if route.tls in ("offered", "never")]
    if weak:
        yield f"Not always encrypted on the way: {', '.join(weak)}."
    yield "Every act of an officer is a line of history with the time; bulk reads and exports too."
    yield "Application logs hold no address and no name."


def _age(seconds: float) -> str:
    days = round(seconds / _DAY)
    if days < 60:
        return f"{days} days"
    months = round(days / 30.44)
    return f"{months} months" if months < 60 else f"{round(days / 365.25)} years"


def _in_a_table(value: Any) -> Any:
    """What was typed by people cannot break out of its cell or its line."""
    if isinstance(value, str):
        return " ".join(value.replace("|", "\\|").replace("<", "\\<").split())
    return value


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Record of processing activities</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.75rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem; }
th, td { text-align: start; vertical-align: top; }
</style>
</head>
<body>
{{body}}</body>
</html>
"""
