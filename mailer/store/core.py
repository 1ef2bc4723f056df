"""What every topic of the store shares: the control version, the newsroom's facts, events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mailer.store.base import Tx


def control_version(tx: Tx) -> int:
    """The number that every opt-out, pause, cancel and kill raises (design decision 3)."""
    version: int = tx.value("core.control_version")
    return version


def raise_control(tx: Tx) -> None:
    """Tell every sender, within its next look, to check what it still holds."""
    tx.run("core.raise_control")


def fact(tx: Tx, name: str) -> str | None:
    """One of the newsroom's own facts ("ledger_id", key fingerprints …)."""
    value: str | None = tx.value("core.get_fact", name=name)
    return value


def set_fact(tx: Tx, name: str, value: str, *, once: bool = False) -> str:
    """Keep a fact; with `once` an earlier value stays. The value that stands now."""
    tx.run("core.set_fact_once" if once else "core.set_fact", name=name, value=value)
    return fact(tx, name) or value


def add_event(
    tx: Tx,
    kind: str,
    actor: str,
    *,
    distribution: int | None = None,
    delivery: int | None = None,
    journalist: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Append one line of history: when (the store's now), what, who (H16)."""
    tx.run(
        "core.add_event",
        at=tx.now(),
        kind=kind,
        actor=actor,
        distribution=distribution,
        delivery=delivery,
        journalist=journalist,
        data=json.dumps(data or {}, ensure_ascii=False),
    )
