"""What is due, what is late, what is finished: the sweep, and the scheduler that wakes it.

The ledger is the truth; APScheduler only wakes us (design decision 2). Its jobs are made from
rows: one for the next due instant, one that sweeps every second and so finds what another
process queued. Of several machines' sweeps one takes place at a time, under a lock in the database
that its death frees, so any scheduler that lives goes on. A wave later than `late_grace` is held,
sent or dropped as its distribution says; an embargo lift always runs (H3).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from mailer.clock import SECOND
from mailer.config import Config
from mailer.distribution import retention, subjects, subscriptions, tasks
from mailer.distribution.context import Newsroom, host_name
from mailer.distribution.dealing import HORIZON
from mailer.distribution.guard import Guard
from mailer.distribution.inbox import inbox_path
from mailer.distribution.machines import misfit
from mailer.distribution.pace import Pace
from mailer.distribution.recovery import Recovered, recover
from mailer.distribution.waves import (
    ACTOR,
    CHUNK,
    finish_distribution,
    forget_plan,
    move_corrected,
    stop_leftovers,
    stop_wave,
)
from mailer.errors import Refused, StoreUnavailable
from mailer.store import digests, distributions, embargo, notices, paces, rules, variants, workers
from mailer.store.base import Row, Tx
from mailer.store.core import control_version, raise_control
from mailer.store.embargo import Held
from mailer.store.states import DeliveryState

if TYPE_CHECKING:
    from mailer.distribution.digest import Planner
    from mailer.distribution.variants import Arrivals

_ABANDONED_AFTER = 3600 * SECOND
_TIDY_EVERY = 600.0
_FALL_OUT_EVERY = 20.0
_LOOK_EVERY = 60.0
_SETTLED = 10.0
_JUMP, _DISTRUSTED = 120.0, 3600.0
"""Seconds by which a clock may run ahead between two sweeps, and for which it is not believed in
what cannot be undone when it did."""
_WAITS_FOR_SENDING = 3600.0
_TAKEN_WITHIN = 7200.0
"""Seconds until a sweep does itself what it left to workers of whom none took it."""
_A_MOMENT = 0.03
"""Seconds of one sweep for what can wait: what comes due meanwhile opens so much later."""
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
    looked: bool = True
    """Whether the restore guard has looked at this ledger: before, nobody may send from it."""


class Sweeper:
    """Sweeps one newsroom; remembers only which control version it has acted on."""

    def __init__(self, room: Newsroom, *, host: str | None = None) -> None:
        self._room = room
        self._host = host
        self._guard = Guard(room, host=host)
        self._arrivals: Arrivals | None = None
        self._digests: Planner | None = None
        self._version = -1
        self._first = True
        self._tidy_at = 0.0
        self._fall_out_at = 0.0
        self._retention = _Retention(room)
        self._seen_at = float("-inf")
        self._swept_at = self._watching_from = float("-inf")
        self._looked = False
        self.misfit: str | None = None

    def sweep(self) -> Swept:
        """Recover, take out who may no longer be mailed, open what is due, finish what is done.

        Raises StoreUnavailable; what was done until then stands, and a repeat does the rest.
        """
        room = self._room
        self._tell_others()
        if self.misfit is None:
            self._guard.look()  # before anything of an older ledger is taken up
            self._looked = True
        # Journals and spool are this machine's own.
        recovered = recover(room, host=self._host, watched=self._watched())
        if subscriptions.waiting(room):
            subscriptions.drain(room)
        with room.store.alone() as mine:
            if mine and self.misfit is None:
                self._sweep_for_all()
        busy = self._is_busy(opened=mine and self.misfit is None)
        if self.misfit is None:
            self._retention.go_on(busy)
            if not busy:
                subjects.go_on(room)
        self._swept_at = room.clock.monotonic()
        with room.store.read() as tx:
            due, wave = distributions.next_due(tx), distributions.next_wave(tx)
            wait = None if wave is None else (wave - tx.now()) / SECOND
        return Swept(busy, due, recovered, wait, self._looked)

    def leave(self) -> None:
        """This machine sweeps no more; it keeps what the ledger came to."""
        self._guard.leave()
        if not self._room.store.embedded:
            with self._room.store.write() as tx:
                workers.machine_left(tx, self._host or host_name())

    def _watched(self) -> float:
        """For how many seconds sweeps have followed each other."""
        now = self._room.clock.monotonic()
        if now - self._swept_at > _gap(self._room.config):
            self._watching_from = now
        return now - self._watching_from

    def _tell_others(self) -> None:
        """Now and then: that this machine is there and with which configuration, also while it
        has nothing to send; and whether anything keeps it from sending with others."""
        room, now = self._room, self._room.clock.monotonic()
        if room.store.embedded or now < self._seen_at + _seen_every(room.config):
            return
        with room.store.write() as tx:
            self.misfit = misfit(room, tx)
            host = self._host or host_name()
            workers.machine_seen(tx, host, room.config.digest(), self.misfit)
        self._seen_at = now

    def _sweep_for_all(self) -> None:
        if self._first:
            self._hold_forgotten()
            self._first = False
        self._tidy()
        self._fall_out()
        self._give_texts()
        self._plan_weekly()
        self._open_due()
        stop_leftovers(self._room)
        self._carry_out_notices()
        self._move_up()
        self._finish()
        self._left_to_workers(lambda tx: tasks.wake(tx) + tasks.hand_on(tx))

    def _left_to_workers(self, make: Callable[[Tx], int]) -> bool:
        """Make the tasks that are missing; whether any worker will do them."""
        if self._room.store.embedded:
            return False
        with self._room.store.write() as tx:
            return bool(make(tx))

    def _hold_forgotten(self) -> None:
        """At start: what was left in the middle too long ago waits for an officer.

        Left is a wave from its last heartbeat on, or from when something of it was due after that:
        while nothing of a spread wave is due, or all that is left waits for the morning, nobody
        need look after it.
        """
        grace = round(self._room.config.sending.late_grace * SECOND)
        with self._room.store.write() as tx:
            now = tx.now()
            for row in distributions.sending_waves(tx):
                if row["heartbeat_at"] is None or row["kind"] == "notice":
                    continue  # what was wrong is said however late
                due = distributions.first_open_due(tx, row["distribution"], row["id"])
                rests = row["over"] or rules.waiting(tx, row["distribution"], row["id"])
                left = max(row["heartbeat_at"], due if rests and due is not None else 0)
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
        if not self._left_to_workers(tasks.tidy):
            tidy(self._room)

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
                number = row["distribution"]
                late = tx.now() - row["due_at"] > grace
                lift = (
                    row["embargo_until"] is not None
                    and row["due_at"] <= row["embargo_until"]
                    and row["early"] is None
                )
                if lift:
                    # Whose early message never left gets it now as everybody does.
                    held = Held(number, row["revision"], "", row["embargo_until"], row["home"])
                    embargo.put_back(tx, row["release"], held, ACTOR, keep=False)
                how = "send" if lift or not late else row["late"]
                opened = _open(tx, row, how)
                if opened and how == "send":
                    tasks.wake(tx)  # those who sleep begin when this is committed
            if opened and how == "drop":
                stop_wave(self._room, row["distribution"], row["id"], "too late")

    def _give_texts(self) -> None:
        """Texts that came in go to the batches that wait for them."""
        with self._room.store.read() as tx:
            if not variants.awaited(tx):
                return
        if self._arrivals is None:
            from mailer.distribution.variants import Arrivals  # with all that compiles a message

            self._arrivals = Arrivals(self._room, ACTOR)
        self._arrivals.look()

    def _plan_weekly(self) -> None:
        """The weekly mails, where the newsroom has them."""
        if self._room.config.rules.digest is None:
            return
        if self._digests is None:
            with self._room.store.read() as tx:
                if not digests.wanted(tx):
                    return
            from mailer.distribution.digest import Planner  # with all that compiles a message

            self._digests = Planner(self._room)
        self._digests.look()

    def _carry_out_notices(self) -> None:
        """What follows from notices: also where the command that gave one broke off, and for those
        whose message was on the wire when it was given."""
        move_corrected(self._room)
        with self._room.store.read() as tx:
            found = notices.ls_open(tx)
        if not found:
            return
        from mailer.distribution import telling  # with all that compiles a message

        for each in found:
            with contextlib.suppress(Refused):  # `status` says so; the others must not wait for it
                telling.follow(self._room, each.id)

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

    def _finish(self) -> None:
        """End waves with nothing left; of the others say that somebody looks after them."""
        with self._room.store.read() as tx:
            sending = distributions.sending_waves(tx)
            still = {
                (row["distribution"], row["id"])
                for row in sending
                if distributions.has_open(tx, row["distribution"], row["id"])
            }
            now = tx.now()
        for row in sending:
            number, wave = row["distribution"], row["id"]
            if (number, wave) not in still:
                with self._room.store.write() as tx:
                    if not distributions.has_open(tx, number, wave):
                        distributions.move_wave(tx, number, wave, "finish", ACTOR)
                        finish_distribution(tx, number)
            elif row["heartbeat_at"] is None or now - row["heartbeat_at"] > 5 * SECOND:
                with self._room.store.write() as tx:
                    distributions.heartbeat(tx, number, wave)

    def _is_busy(self, *, opened: bool) -> bool:
        """Whether there is something to send or to finish now: what is due counts where this sweep
        could not open it, since another one was at work, and so does what was answered since it
        looked for waves with nothing left."""
        with self._room.store.read() as tx:
            now = tx.now()
            if not opened and distributions.due_waves(tx):
                return True
            return any(
                row["distribution_state"] == "sending"
                and (
                    row["embargo_until"] is None
                    or row["embargo_until"] <= now
                    or row["early"] is not None
                )
                and (
                    distributions.is_busy(tx, row["distribution"], row["id"])
                    or not distributions.has_open(tx, row["distribution"], row["id"])
                )
                for row in distributions.sending_waves(tx)
            )


class _Retention:
    """The sweep's part of what is removed once a day: a step at a time, or a task for a worker."""

    def __init__(self, room: Newsroom) -> None:
        self._room = room
        self._pace = Pace(room)
        self._look_at = float("-inf")
        # Looking into the sandbox's inbox takes a moment to begin with; a short run does without.
        kept = inbox_path(room.config).exists()
        self._files_at = room.clock.monotonic() + _SETTLED if kept else float("-inf")
        self._due_since = float("inf")
        self._ahead = self._ahead_of_monotonic()

    def go_on(self, busy: bool) -> None:
        """Do what is due for a moment. While something is to be sent it waits, for an hour."""
        room, now = self._room, self._room.clock.monotonic()
        if self._clock_was_set_forward():
            self._look_at = now + _DISTRUSTED
            self._files_at = max(self._files_at, self._look_at)
        if not busy and now >= self._files_at:
            self._files_at = now + retention.DAY
            retention.clean_files(room, ACTOR)
        if now < self._look_at:
            return
        if not retention.is_due(room):
            self._look_at = now + _LOOK_EVERY
            self._due_since = float("inf")
            return
        self._due_since = min(self._due_since, now)
        waited = now - self._due_since
        if busy and waited < _WAITS_FOR_SENDING:
            return
        if waited < _TAKEN_WITHIN and self._left_to_a_worker():
            return
        until = now + _A_MOMENT
        while not retention.step(room, self._pace, ACTOR) and room.clock.monotonic() < until:
            pass

    def _clock_was_set_forward(self) -> bool:
        """Since the last look, by more than time went on (H4): what is removed by a clock that is
        wrong does not come back when it is set right."""
        before, self._ahead = self._ahead, self._ahead_of_monotonic()
        return self._ahead - before > _JUMP

    def _ahead_of_monotonic(self) -> float:
        return self._room.clock.now() / SECOND - self._room.clock.monotonic()

    def _left_to_a_worker(self) -> bool:
        if self._room.store.embedded:
            return False
        with self._room.store.write() as tx:
            return tasks.retention(tx)


def tidy(room: Newsroom) -> None:
    """Remove plans that broke off so hard that nobody could."""
    with room.store.read() as tx:
        abandoned = distributions.abandoned(tx, tx.now() - _ABANDONED_AFTER)
    for number in abandoned:
        forget_plan(room, number)


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


_REST, _LONGEST_REST = 100, 0.2
"""So many times as long as a sweep took there is none, up to so many seconds: where one looks
often (`run --once`) the senders need the processor more."""


def _gap(config: Config) -> float:
    """Seconds between two sweeps from which on the store counts as having been away."""
    return max(1.5, config.sending.rescue_after / 3)


def _seen_every(config: Config) -> float:
    return min(5.0, config.sending.rescue_after / 6)


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
        self._stands: str | None = None
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
        with contextlib.suppress(StoreUnavailable):  # it is not heard of any more, that says it too
            self._sweeper.leave()

    def _keep_sweeping(self) -> None:
        pause = self._every
        while not self._ended.wait(pause):
            began = time.monotonic()
            self._run()
            pause = max(self._every, min(_REST * (time.monotonic() - began), _LONGEST_REST))

    def _tell_standing(self) -> None:
        before, now = self._stands, self._sweeper.misfit
        if now != before:
            if before is not None:
                self._report({"event": "goes_on", "reason": before})
            if now is not None:
                self._report({"event": "stands", "reason": now})
            self._stands = now

    def _run(self) -> None:
        with self._lock:
            try:
                swept = self._sweeper.sweep()
            except StoreUnavailable as error:
                self._report({"event": "trouble", "reason": str(error)})
                return
            self._tell_standing()
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
                    "deliveries": found.doubtful,
                }
            )
        event = {"event": "swept", "busy": swept.busy, "looked": swept.looked}
        self._report({**event, "next_due": swept.next_due})
