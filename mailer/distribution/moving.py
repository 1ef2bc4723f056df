"""`mailer store copy`: a newsroom's whole store into an empty one, of the other kind or the same.

Everything arrives in one transaction, in a store that refuses to be used until the old one is
marked as moved; so a copy that breaks off anywhere leaves exactly one that can send, or none until
the same command is given again, never two.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mailer import config_values
from mailer.clock import SECOND
from mailer.config import Config
from mailer.distribution import journal as journals
from mailer.distribution.context import fingerprint, host_name, read_suppression_key
from mailer.distribution.supervisor import alone_on_host
from mailer.errors import Refused, UsageError
from mailer.store import Store, ledger, open_store, transfer, workers
from mailer.store.base import Tx
from mailer.store.core import add_event, fact, raise_control, set_fact
from mailer.store.migrations import check, migrate, tables
from mailer.store.transfer import ARRIVING, MOVED, CopiedTable


@dataclass(frozen=True, slots=True)
class Move:
    """What was copied, and the addresses of both stores as they may be shown."""

    source: str
    target: str
    tables: tuple[CopiedTable, ...]


def move(
    config: Config,
    source: str,
    target: str,
    actor: str,
    *,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Move:
    """Copy a store (URLs as in `store.url`) into an empty one, and mark it as moved.

    `tell` gets the rows done and the rows in all. Raises UsageError for addresses, ConfigError
    where there is no store, Refused while anything sends or writes, for a store that was moved
    already, a target that is not empty, another suppression key, or a value that the other
    database cannot keep; StoreUnavailable when either cannot be used now. Nothing was done then.
    """
    home = config.path.parent
    from_url, to_url = _url(source, "FROM", home), _url(target, "TO", home)
    if from_url == to_url:
        raise UsageError("FROM and TO are the same store.")
    with ExitStack() as stack:
        if config.spool_dir.is_dir():
            stack.enter_context(alone_on_host(config))
        old = stack.enter_context(closing(open_store(from_url)))
        check(old)
        new = stack.enter_context(_target(to_url))
        with old.write() as out:
            moved = transfer.departure(out)
            if moved is None:
                copied = _copy(config, old, out, new, to_url, tell)
                about = {"id": copied[0], "to": shown(to_url), "at": out.now()}
                set_fact(out, MOVED, json.dumps(about))
                raise_control(out)
            else:
                _require_same(new, moved["id"], moved["to"])
                copied = ("", ())
        with new.write() as into:
            into.run("core.drop_fact", name=ARRIVING)
            data = {"from": shown(from_url), "to": shown(to_url)}
            add_event(into, "store_moved", actor, data=data)
    return Move(shown(from_url), shown(to_url), copied[1])


def shown(url: str) -> str:
    """A store's address without what is secret in it."""
    url = re.sub(r"(//[^/@:]*):[^/@]*@", r"\1@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1…", url)


def _copy(
    config: Config, old: Store, out: Tx, new: Store, to_url: str, tell: Callable[[int, int], None]
) -> tuple[str, tuple[CopiedTable, ...]]:
    """Everything into the new store, committed there, but not in force."""
    schema = tables()
    transfer.usable(out)
    _require_key(config, out)
    out.shut(list(schema))
    _require_quiet(config, old, out)
    number = secrets.token_hex(8)
    with new.write() as into:
        into.shut(list(schema))
        full = transfer.occupied(into, schema)
        if full:
            raise Refused(
                f"{shown(to_url)} is not empty ({', '.join(full[:3])}); nothing was done.",
                hint="Name a new database or file.",
            )
        copied = tuple(transfer.copy(out, into, schema, tell))
        set_fact(into, ARRIVING, number)
    return number, copied


def _require_key(config: Config, out: Tx) -> None:
    if fact(out, "suppression_key") != fingerprint(read_suppression_key(config)):
        raise Refused(
            "the suppression key is not the one this ledger was made with; nothing was done.",
            where=str(config.keys_dir / "suppression.key"),
            hint="Put the newsroom's own suppression.key back from its backup.",
        )


def _require_quiet(config: Config, old: Store, out: Tx) -> None:
    """Nobody sends, and no import or plan is half written."""
    silence = config.sending.rescue_after * SECOND
    for worker in ledger.present_workers(out):
        if worker["host"] == host_name():
            alive = not journals.is_dead(Path(worker["journal"]))
        else:
            with old.presence_free(worker["id"]) as free:
                alive = not free or out.now() - worker["lease_at"] <= silence
        if alive:
            raise Refused(
                f"{worker['name']} on {worker['host']} is at work (process {worker['pid']}); "
                "nothing was done.",
                hint="Stop mailer on every machine first.",
            )
    for machine in workers.heard_of(out):
        if not machine["journal"] and out.now() - machine["heard_at"] <= silence:
            raise Refused(
                f"mailer runs on {machine['host']}; nothing was done.",
                hint="Stop mailer on every machine first.",
            )
    busy = out.one("core.unfinished")
    assert busy is not None
    if busy["claimed"]:
        raise Refused(
            f"{busy['claimed']:,} deliveries are still held by a sender that died; nothing was "
            "done.",
            hint="Settle them with `mailer run --once`, or on its machine, and try again.",
        )
    if busy["imports"] or busy["plans"]:
        what = "an import" if busy["imports"] else "a plan"
        raise Refused(
            f"{what} is being written, or broke off; nothing was done.",
            hint="Wait for its end; `mailer run --once` clears away what broke off.",
        )


def _require_same(new: Store, number: str, to: str) -> None:
    """A copy that broke off after the old store was marked goes on here, and nowhere else."""
    with new.read() as tx:
        if fact(tx, ARRIVING) != number:
            raise Refused(
                f"this store was moved to {to} and is not used any more; nothing was done.",
                hint="Set store.url in config.toml to the new one.",
            )


@contextmanager
def _target(url: str) -> Iterator[Store]:
    """The new store with its tables. A file made for it goes again when nothing came of it."""
    path = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    made = path is not None and not path.exists()
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(url, create=True)
    try:
        migrate(store)
        yield store
    except BaseException:
        store.close()
        if made and path is not None and not _arrived(url):
            for tail in ("", "-wal", "-shm"):
                path.with_name(path.name + tail).unlink(missing_ok=True)
        raise
    finally:
        store.close()


def _arrived(url: str) -> bool:
    """Whether the copy stands there whole already: only its coming into force is missing."""
    with closing(open_store(url)) as store, store.read() as tx:
        return fact(tx, ARRIVING) is not None


def _url(text: str, name: str, home: Path) -> str:
    try:
        url = config_values.store_url(text)
    except config_values.BadValue as error:
        raise UsageError(f"{name} {error.message}.", hint=error.hint) from None
    if not url.startswith("sqlite:///"):
        return url
    path = Path(url.removeprefix("sqlite:///")).expanduser()
    return f"sqlite:///{os.path.normpath(home / path)}"
