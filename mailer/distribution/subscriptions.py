"""Leaving, coming back and choosing, as journalists do it by the links in their mail.

A token is proof enough and the database is not needed to check it. What a person asks for is
applied at once, in one transaction with everything that stops; when the database is busy or
away it goes to the spool and counts as done (F12). Only when the spool fails too does the
caller get StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from mailer.clock import Clock
from mailer.distribution import preferences
from mailer.distribution.preferences import NOTHING, Choices, ListChoice, Offer
from mailer.distribution.spool import Request, Spool, Step
from mailer.errors import StoreUnavailable
from mailer.message.tokens import PREFERENCES, UNSUBSCRIBE, Token, TokenKeys, read
from mailer.store import Store, Tx, suppression
from mailer.store.people import staying
from mailer.store.suppression import ALL, OFFICE, Reason, list_scope

__all__ = [
    "ALL",
    "BACK",
    "DEFAULT",
    "LEAVE",
    "Choices",
    "ListChoice",
    "Office",
    "Scope",
    "Token",
    "choices",
    "choose",
    "come_back",
    "defer",
    "drain",
    "list_scope",
    "opt_out",
    "read_token",
    "request",
    "scope_of",
    "submit",
    "submit_all",
    "waiting",
]

LEAVE = "leave"
BACK = "back"
DEFAULT = "default"
"""The scope that decision 10 gives: the topic he signed up to, else all press mail."""


class _Settings(Protocol):
    @property
    def spool_dir(self) -> Path: ...


class Office(Protocol):
    """What of an open newsroom this needs."""

    @property
    def store(self) -> Store: ...

    @property
    def keys(self) -> TokenKeys: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def config(self) -> _Settings: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What one click ends, by decision 10: `title` is the topic's, or "" for all press mail.

    `list_title` names the list the message came from; "" when it came from none. `language` is
    the one that the person is addressed in, "" when that is not known.
    """

    code: str
    title: str
    list_title: str
    language: str = ""


def read_token(office: Office, text: str) -> Token | None:
    """The token of a leaving or choosing link; None when it is not one of ours (F7)."""
    token = read(office.keys, text)
    return token if token and token.purpose in (UNSUBSCRIBE, PREFERENCES) else None


def scope_of(office: Office, token: Token) -> Scope:
    """What one click on this token's link ends (F11). Raises StoreUnavailable."""
    with office.store.read() as tx:
        return replace(_scope(tx, token.list), language=preferences.language(tx, token.journalist))


def opt_out(office: Office, token: Token, *, method: str, scope: str = DEFAULT) -> bool:
    """Stop mail in a scope; True when applied, False when only spooled. Both are success.

    Everything queued or waiting for that person in the scope becomes suppressed. Doing it
    again changes nothing (F9).
    """
    return choose(office, token, [Step(LEAVE, scope)], method=method)


def come_back(office: Office, token: Token, *, method: str, scope: str = DEFAULT) -> bool:
    """Take the person's own opt-out back, and only that: complaints, objections and an
    officer's entries stay (F13). True when applied, False when only spooled."""
    return choose(office, token, [Step(BACK, scope)], method=method)


def choose(office: Office, token: Token, steps: Sequence[Step], *, method: str) -> bool:
    """Do several steps as one act; True when applied, False when only spooled.

    Raises StoreUnavailable when neither database nor spool can be written.
    """
    return submit(office, request(office, token, steps, method=method))


def request(office: Office, token: Token, steps: Sequence[Step], *, method: str) -> Request:
    """The act as the spool and the history know it, with the instant of now."""
    return Request(
        journalist=token.journalist,
        list=token.list,
        delivery=token.delivery,
        steps=tuple(steps),
        method=method,
        at=office.clock.now(),
    )


def submit(office: Office, act: Request) -> bool:
    """Apply an act, or spool it when the database cannot take it now; True when applied."""
    return submit_all(office, [act])


def submit_all(office: Office, acts: Sequence[Request]) -> bool:
    """Apply acts in one transaction, or spool them all; True when applied.

    Raises StoreUnavailable when neither database nor spool can be written.
    """
    try:
        # What waits was asked for earlier and must be applied earlier.
        drain(office, patience=0.5)
        _apply_all(office.store, acts)
        return True
    except StoreUnavailable:
        for act in acts:
            defer(office, act)
        return False


def defer(office: Office, act: Request) -> None:
    """Put an act straight into the spool. Raises StoreUnavailable when that fails."""
    Spool(office.config.spool_dir).put(act)


def drain(office: Office, *, patience: float = 2.0) -> int:
    """Apply what waits in the spool, oldest first; how many acts.

    Senders call this before each claim and may not claim when it raises StoreUnavailable.
    """
    return Spool(office.config.spool_dir).drain(
        lambda acts: _apply_all(office.store, acts), patience=patience
    )


def waiting(office: Office) -> bool:
    """True when the spool holds something; one directory read."""
    return Spool(office.config.spool_dir).pending()


def choices(office: Office, token: Token, offered: Offer = NOTHING, zone: str = "") -> Choices:
    """What the holder of a link may choose and how it stands: the list his message came from, the
    topics he signed up to, what is `offered` to all. Raises StoreUnavailable."""
    return preferences.read_choices(
        office.store, token.journalist, token.list, token.delivery, offered, zone
    )


def _apply_all(store: Store, acts: Sequence[Request]) -> None:
    with store.write() as tx:
        for act in acts:
            _apply(tx, act)


def _apply(tx: Tx, act: Request) -> None:
    act = replace(act, journalist=staying(tx, act.journalist))
    hash = suppression.hash_of(tx, act.journalist)
    if hash is None:
        return  # erased since: nothing can be sent to him, and nothing is known to change
    actor = f"journalist:{act.method}"
    evidence = {"method": act.method, "list": act.list, "delivery": act.delivery}
    if any(step.act not in (LEAVE, BACK) for step in act.steps):
        preferences.apply(tx, act, actor)
    for step in act.steps:
        if step.act not in (LEAVE, BACK):
            continue
        scope = _scope(tx, act.list).code if step.scope == DEFAULT else step.scope
        list_id = 0 if scope == ALL else int(scope.removeprefix("list:"))
        if step.act == LEAVE:
            suppression.add(
                tx,
                hash,
                scope=scope,
                reason=Reason.OPT_OUT,
                actor=actor,
                evidence=evidence,
                at=act.at,
            )
            if list_id:
                suppression.leave_list(tx, act.journalist, list_id)
            continue
        # Who asks for a list of the office no longer wants his topics alone.
        office = [OFFICE] if not list_id or _kind(tx, list_id) != "topic" else []
        back = False
        for each in (scope, *office):
            back |= suppression.remove(
                tx, hash, scope=each, actor=actor, evidence=evidence, only_own=True
            )
        if back and list_id:
            suppression.rejoin_list(tx, act.journalist, list_id)


def _kind(tx: Tx, list_id: int) -> str:
    row = suppression.list_named(tx, list_id)
    return str(row["kind"]) if row else ""


def _scope(tx: Tx, list_id: int) -> Scope:
    row = suppression.list_named(tx, list_id) if list_id else None
    if row is None:
        return Scope(ALL, "", "")
    if row["kind"] == "topic":
        return Scope(list_scope(list_id), row["title"], row["title"])
    return Scope(ALL, "", row["title"])
