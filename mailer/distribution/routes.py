"""Ways out as officers see and steer them: which work, which rest, which wait for a word."""

from __future__ import annotations

from typing import Any

from mailer.distribution.context import Newsroom
from mailer.distribution.log import iso
from mailer.distribution.waves import CHUNK
from mailer.errors import NotFound, Refused
from mailer.store import routes


def ls(room: Newsroom) -> list[dict[str, Any]]:
    """Every configured route, and any other that the store knows, with its state and why."""
    with room.store.read() as tx:
        known = routes.state_of(tx)
        resting = routes.resting(tx)
    configured = {route.name: f"{route.host}:{route.port}" for route in room.config.routes}
    found = []
    for name in [*configured, *(name for name in known if name not in configured)]:
        state = known.get(name)
        working = state is None or (state.state == "resting" and name not in resting)
        found.append(
            {
                "route": name,
                "server": configured.get(name, ""),
                "state": "working" if working or state is None else state.state,
                "reason": "" if working or state is None else state.reason,
                "until": None if working or state is None else iso(state.until_at),
                "since": None if working or state is None else iso(state.changed_at),
            }
        )
    return found


def pause(room: Newsroom, name: str, actor: str, *, reason: str = "") -> None:
    """Send nothing by this route until `resume`. Raises NotFound, Refused when it is paused."""
    _existing(room, name)
    with room.store.write() as tx:
        if not routes.pause(tx, name, reason or f"paused by {actor}", actor):
            raise Refused(f"mail service {name} is paused already.")


def resume(room: Newsroom, name: str, actor: str) -> None:
    """Let a paused or resting route go on at once, and what waited for it.

    Raises NotFound, Refused when it works.
    """
    with room.store.write() as tx:
        if name not in routes.state_of(tx):
            _existing(room, name)
            raise Refused(f"mail service {name} is neither paused nor resting.")
        routes.resume(tx, name, actor)
    # After the word is given, in short steps: nothing is put off because of this route any more.
    # Not for ever: what another route keeps is put off again meanwhile.
    with room.store.read() as tx:
        waiting = routes.waiting(tx)
    for number, count in waiting.items():
        for _ in range(0, count, CHUNK):
            with room.store.write() as tx:
                routes.let_go(tx, number, CHUNK)


def _existing(room: Newsroom, name: str) -> None:
    names = [route.name for route in room.config.routes]
    if name not in names:
        raise NotFound(
            f'there is no mail service "{name}".', hint=f"config.toml has {', '.join(names)}."
        )
