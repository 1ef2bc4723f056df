"""Becoming a sender: a journal, a row in the store, a lock that says who lives."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mailer.config import RouteConfig
from mailer.distribution.context import Newsroom, host_name
from mailer.distribution.journal import Journal
from mailer.distribution.recovery import boot_id
from mailer.smtp.model import Endpoint, Timeouts
from mailer.store import ledger


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a sender is made of."""

    worker: int
    journal: Journal
    endpoints: dict[str, Endpoint]


@contextmanager
def enrolled(room: Newsroom, name: str) -> Iterator[Enrolled]:
    """Register a sender under `name`; while the block runs other hosts see that it lives.

    Whoever leaves the block without having closed the journal is dead to the others only when the
    process has ended.
    """
    host = host_name()
    folder = room.config.spool_dir / "journals"
    journal = Journal(folder, f"{host}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with room.store.write() as tx:
            worker = ledger.add_worker(
                tx,
                host=host,
                name=name,
                pid=os.getpid(),
                boot_id=boot_id(),
                journal=str(journal.path),
                config_digest=room.config.digest(),
            )
    except BaseException:
        journal.close()  # no worker stands for it in the store, so nobody else would
        raise
    endpoints = {route.name: endpoint_of(room, route) for route in room.config.routes}
    with room.store.hold_presence(worker):
        yield Enrolled(worker, journal, endpoints)


def endpoint_of(room: Newsroom, route: RouteConfig) -> Endpoint:
    """How to reach a route. An EHLO name without a dot would be refused by strict servers, so
    such a machine names its address instead (A13)."""
    host = host_name()
    return Endpoint(
        host=route.host,
        port=route.port,
        tls=route.tls,
        user=route.user,
        password=route.password,
        helo_name=host if "." in host else "[127.0.0.1]",
        timeouts=Timeouts(**route.timeouts.model_dump()),
        sandbox_key=room.keys.derive("sandbox"),
    )


def number_of(name: str) -> int:
    """Which of a host's senders this is, from 1: "sender-3" is the third."""
    tail = name.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else 1
