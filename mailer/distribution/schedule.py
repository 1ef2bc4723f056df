"""What is due, what is late, what is finished: the sweep, and the scheduler that wakes it.

The ledger is the truth; APScheduler only wakes us (design decision 2). Its jobs are made from
rows: one for the next due instant, one that sweeps every second and so finds what another
process queued. A wave later than `late_grace` is held, sent or dropped as its distribution says;
an embargo lift always runs (H3).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from mailer.clock import SECOND
from mailer.distribution import subscriptions
from mailer.distribution.context import Newsroom
from mailer.distribution.dealing import HORIZON
from mailer.distribution.guard import Guard
from mailer.distribution.recovery import Recovered, recover
from mailer.distribution.waves import ACTOR, CHUNK, finish_distribution, forget_plan, stop_wave
from mailer.errors import StoreUnavailable
from mailer.store import distributions, paces
from mailer.store.base import Row, Tx
from mailer.store.core import control_version, raise_control
from mailer.store.states import DeliveryState

_ABANDONED_AFTER = 3600 * SECOND
_TIDY_EVERY = 600.0
_FALL_OUT_EVERY = 20.0
_SOONEST = 0.005


@dataclass(slots=True)
class Swept:
    """What one sweep saw: is anything to be sent now, and when is something due next.

    `next_due` is the next wave or, in a wave that is being spread, the next delivery.
    """

    busy: bool
    next_due: int | None
    recovered: Recovered
    next_in: float | None = None
    """Seconds until the next wave by the store's clock, which need not be this machine's. What is
    spread needs no sweep: senders find it by themselves."""


class Sweeper:
    """Sweeps one newsroom; remembers only which control version it has acted on."""

    def __init__(self, room: Newsroom, *, host: str | None = None) -> None:
        self._room = room
        self._host = host
        self._guard = Guard(room, host=host)
        self._version = -1
        self._first = True
        self._tidy_at = 0.0
        self._fall_out_at = 0.0

    def sweep(self) -> Swept:
        """Recover, take out who may no longer be mailed, open what is due, finish what is done.

        Raises StoreUnavailable; what was done until then stands, and a repeat does the rest.
        """
        room = self._room
        self._guard.look()  # before anything of an older ledger is taken up
        recovered = recover(room, host=self._host)
        if subscriptions.waiting(room):
            subscriptions.drain(room)
        if self._first:
            self._hold_forgotten()
            self._first = False
        self._tidy()
        self._fall_out()
        self._open_due()
        self._stop_leftovers()
        self._move_up()
        busy = self._finish()
        with room.store.read() as tx:
            due, wave = distributions.next_due(tx), distributions.next_wave(tx)
            wait = None if wave is None else (wave - tx.now()) / SECOND
        return Swept(busy, due, recovered, wait)

    def end(self) -> None:
        """No sweep follows: keep what the ledger came to."""
        self._guard.leave()

    def _hold_forgotten(self) -> None:
        """At start: what was left in the middle too long ago waits for an officer.

        Left is a wave from its last heartbeat on, or from when something of it was due after that:
        while nothing of a spread wave is due, nobody need look after it.
        """
        grace = round(self._room.config.sending.late_grace * SECOND)
        with self._room.store.write() as tx:
            now = tx.now()
            for row in distributions.sending_waves(tx):
                if row["heartbeat_at"] is None:
                    continue
                due = distributions.first_open_due(tx, row["distribution"], row["id"])
                left = max(row["heartbeat_at"], due if row["over"] and due is not None else 0)
                if now - left > grace:
                    distributions.move(
                        tx,
                        row["distribution"],
                        "waiting",
                        ACTOR,
                        reason="sending was interrupted longer than late_grace ago",
                    )
                    distributions.move_wave(tx, row["distribution"], row["id"], "hold", ACTOR)
                    raise_control(tx)

    def _tidy(self) -> None:
        """Now and then: remove plans that broke off so hard that nobody could."""
        if self._room.clock.monotonic() < self._tidy_at:
            return
        self._tidy_at = self._room.clock.monotonic() + _TIDY_EVERY
        with self._room.store.read() as tx:
            abandoned = distributions.abandoned(tx, tx.now() - _ABANDONED_AFTER)
        for number in abandoned:
            forget_plan(self._room, number)

    def _fall_out(self) -> None:
        # Who left while his message was on its way is out of reach until its answer says later,
        # which raises no version. He is not mailed, but the batch would never end.
        now = self._room.clock.monotonic()
        with self._room.store.read() as tx:
            version = control_version(tx)
            if version == self._version and now < self._fall_out_at:
                return
            open_ones = [row["id"] for row in distributions.ls_open(tx)]
        for number in open_ones:
            with self._room.store.read() as tx:
                rows = distributions.fallen_out(tx, number)
            for start in range(0, len(rows), CHUNK):
                with self._room.store.write() as tx:
                    for row in rows[start : start + CHUNK]:
                        gone = row["gone"]
                        state = DeliveryState.SKIPPED if gone else DeliveryState.SUPPRESSED
                        reason = gone.replace("_", " ") if gone else "do not contact"
                        distributions.fall_out(tx, number, row["id"], state, reason, ACTOR)
        self._version = version
        self._fall_out_at = now + _FALL_OUT_EVERY

    def _open_due(self) -> None:
        grace = round(self._room.config.sending.late_grace * SECOND)
        with self._room.store.read() as tx:
            due = distributions.due_waves(tx)
        for row in due:
            with self._room.store.write() as tx:
                late = tx.now() - row["due_at"] > grace
                lift = row["embargo_until"] is not None and row["due_at"] <= row["embargo_until"]
                how = "send" if lift or not late else row["late"]
                opened = _open(tx, row, how)
            if opened and how == "drop":
                stop_wave(self._room, row["distribution"], row["id"], "too late")

    def _stop_leftovers(self) -> None:
        """What came back after its batch was stopped is stopped as well."""
        with self._room.store.read() as tx:
            rows = distributions.leftovers(tx)
        for row in rows:
            reason = "too late" if row["state"] == "dropped" else row["reason"] or "cancelled"
            stop_wave(self._room, row["distribution"], row["id"], reason)

    def _move_up(self) -> None:
        """Who waits for a turn behind deliveries that will not come lines up anew."""
        with self._room.store.read() as tx:
            changed = paces.changed_at(tx)
            names = paces.held_up(tx, HORIZON)
            if not names and changed is None:
                return
            sending = {row["distribution"] for row in distributions.sending_waves(tx)}
        for name in names:
            with self._room.store.write() as tx:
                paces.begin_anew(tx, name)
            for number in sorted(sending):
                more = True
                while more:
                    with self._room.store.write() as tx:
                        more = paces.let_go(tx, name, number, CHUNK) == CHUNK
        if changed is not None:
            with self._room.store.write() as tx:
                paces.seen(tx, changed)

    def _finish(self) -> bool:
        """End waves with nothing left; True when any other has something to send now."""
        busy = False
        with self._room.store.read() as tx:
            sending = distributions.sending_waves(tx)
            state = {
                (row["distribution"], row["id"]): (
                    distributions.has_open(tx, row["distribution"], row["id"]),
                    distributions.is_busy(tx, row["distribution"], row["id"]),
                )
                for row in sending
            }
            now = tx.now()
        for row in sending:
            number, wave = row["distribution"], row["id"]
            is_open, is_busy = state[number, wave]
            if not is_open:
                with self._room.store.write() as tx:
                    if not distributions.has_open(tx, number, wave):
                        distributions.move_wave(tx, number, wave, "finish", ACTOR)
                        finish_distribution(tx, number)
                continue
            embargoed = row["embargo_until"] is not None and row["embargo_until"] > now
            if is_busy and row["distribution_state"] == "sending" and not embargoed:
                busy = True
            if row["heartbeat_at"] is None or now - row["heartbeat_at"] > 5 * SECOND:
                with self._room.store.write() as tx:
                    distributions.heartbeat(tx, number, wave)
        return busy


def _open(tx: Tx, row: Row, how: str) -> bool:
    """Open, hold or drop a due wave, unless an officer was quicker; whether it moved.

    The distribution moves first: a pause or cancel answered since the row was read keeps it, and
    one that comes now waits for this transaction.
    """
    number, wave = row["distribution"], row["id"]
    if how == "send":
        moved = distributions.move(tx, number, "sending", ACTOR)
        return moved and distributions.move_wave(tx, number, wave, "open", ACTOR)
    if how == "hold":
        moved = distributions.move(tx, number, "waiting", ACTOR, reason="later than late_grace")
        raise_control(tx)
        return moved and distributions.move_wave(tx, number, wave, "hold", ACTOR)
    current = distributions.get(tx, number)
    if current is None or current["state"] not in ("scheduled", "sending"):
        return False
    return distributions.move_wave(tx, number, wave, "drop", ACTOR)


class Scheduler:
    """Wakes the sweeper: every second, and at the very instant the next wave is due.

    The second is counted by the monotonic clock in a thread of our own: APScheduler waits for a
    time of day, so a clock set back would leave it asleep for as long (H4).
    """

    def __init__(
        self, sweeper: Sweeper, report: Callable[[dict[str, Any]], None], *, every: float = 1.0
    ) -> None:
        self._sweeper = sweeper
        self._report = report
        self._every = every
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._keep_sweeping, name="sweep", daemon=True)
        # No grace and no missed jobs of its own: lateness is judged by the ledger alone.
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True}
        )

    def start(self) -> None:
        """Sweep at once, then keep sweeping in the background."""
        self._scheduler.start()
        self._run()
        self._beat.start()

    def stop(self) -> None:
        """Finish the sweep under way and end."""
        self._ended.set()
        self._beat.join()
        self._scheduler.shutdown(wait=True)
        self._sweeper.end()

    def _keep_sweeping(self) -> None:
        while not self._ended.wait(self._every):
            self._run()

    def _run(self) -> None:
        with self._lock:
            try:
                swept = self._sweeper.sweep()
            except StoreUnavailable as error:
                self._report({"event": "trouble", "reason": str(error)})
                return
            if swept.next_in is not None:
                # Never at once again: what this sweep could not open, the next one looks at.
                wait = timedelta(seconds=max(swept.next_in, _SOONEST))
                self._scheduler.add_job(
                    self._run,
                    DateTrigger(datetime.now(UTC) + wait),
                    id="next",
                    replace_existing=True,
                )
        found = swept.recovered
        if found.workers:
            self._report(
                {
                    "event": "recovered",
                    "workers": found.workers,
                    "requeued": found.requeued,
                    "recorded": found.recorded,
                    "in_doubt": found.in_doubt,
                }
            )
        self._report({"event": "swept", "busy": swept.busy, "next_due": swept.next_due})
