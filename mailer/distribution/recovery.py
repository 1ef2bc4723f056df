"""What dead senders held: read their journals, or admit that nobody can know (H7, H8, H9).

A sender is dead, on its own host, when the lock on its journal is free; seen from another host,
when its lease has been silent for `rescue_after` and its lock in the database is free. The same
host, in the same boot, reads the journal: never dotted goes back to the queue, dotted with a
reply is recorded, dotted without one is in doubt. Another host, or another boot, cannot know:
everything claimed is in doubt (design decision 4).
"""

from __future__ import annotations

import contextlib
import glob
from dataclasses import dataclass, field
from pathlib import Path

from mailer.clock import SECOND
from mailer.distribution import consequences
from mailer.distribution import journal as journals
from mailer.distribution.context import Newsroom, host_name
from mailer.distribution.journal import Entry
from mailer.distribution.outcomes import Decision, decide
from mailer.feedback.judge import Verdict
from mailer.store import ledger, paces
from mailer.store.base import Row, Tx
from mailer.store.core import add_event
from mailer.store.ledger import Result
from mailer.store.states import DeliveryState

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CHUNK = 500
_ORPHAN_AFTER = 60 * SECOND


@dataclass(slots=True)
class Recovered:
    """What a recovery found: how many went back to the queue, were recorded, which are in doubt."""

    workers: list[int] = field(default_factory=list)
    requeued: int = 0
    recorded: int = 0
    doubtful: list[int] = field(default_factory=list)

    @property
    def in_doubt(self) -> int:
        """How many of them nobody can know of."""
        return len(self.doubtful)


def boot_id() -> str:
    """The id of this boot of the machine; "" where the system has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def recover(room: Newsroom, *, host: str | None = None, watched: float | None = None) -> Recovered:
    """Settle what every dead sender of this newsroom held. Safe to run at any time.

    `watched` is for how many seconds the store could be used without a break: while it was away
    nobody could renew a lease, and that is no silence.
    """
    host = host or host_name()
    found = Recovered()
    with room.store.read() as tx:
        workers = ledger.present_workers(tx)
        now = tx.now()
    for worker in workers:
        path = Path(worker["journal"])
        if worker["host"] == host:
            if journals.is_dead(path):
                same_boot = bool(worker["boot_id"]) and worker["boot_id"] == boot_id()
                _settle(room, worker, journals.read_journal(path) if same_boot else None, found)
                journals.remove(path)
        elif _is_silent(room, now - worker["lease_at"], watched):
            with room.store.presence_free(worker["id"]) as free:
                if free:
                    _settle(room, worker, None, found)
    _remove_orphans(room, host, {Path(worker["journal"]).stem for worker in workers})
    return found


def _is_silent(room: Newsroom, silence: int, watched: float | None) -> bool:
    rescue_after = room.config.sending.rescue_after
    return silence > rescue_after * SECOND and (watched is None or watched > rescue_after)


def _remove_orphans(room: Newsroom, host: str, known: set[str]) -> None:
    """Forget the files of a sender that died before the store knew of it: nothing was claimed for
    it, so its journal, if it was made at all, is empty.

    Not those only just made: between its making and its locking a lock is free as well.
    """
    for lock in (room.config.spool_dir / "journals").glob(f"{glob.escape(host)}-*.lock"):
        journal = lock.with_suffix(".journal")
        with contextlib.suppress(FileNotFoundError):  # it was removed by its owner meanwhile
            if lock.stem in known or (journal.exists() and journal.stat().st_size):
                continue
            age = room.clock.now() - round(lock.stat().st_mtime * SECOND)
            if age > _ORPHAN_AFTER and journals.is_dead(journal):
                journals.remove(journal)


def _settle(
    room: Newsroom, worker: Row, journal: dict[int, Entry] | None, found: Recovered
) -> None:
    number = worker["id"]
    with room.store.read() as tx:
        held = ledger.held_by(tx, number)
    for start in range(0, len(held), _CHUNK):
        with room.store.write() as tx:
            unused: list[tuple[int, int]] = []
            for distribution, delivery, attempts in held[start : start + _CHUNK]:
                entry = None if journal is None else journal.get(delivery)
                if entry is not None and entry.number != attempts + 1:
                    entry = None  # of an earlier attempt, which the store has
                if journal is not None and entry is None:
                    back = ledger.give_back(tx, number, [(distribution, delivery)])
                    found.requeued += back
                    unused += [(distribution, delivery)] * back
                elif entry is not None and entry.code is not None:
                    result = _result(room, tx, distribution, entry)
                    found.recorded += ledger.record(tx, number, [result])
                    consequences.apply(room, tx, [result])
                else:
                    _doubt(room, tx, number, distribution, delivery, attempts + 1, entry, found)
            paces.give_back(tx, paces.not_begun(tx, number, unused))  # no warm-up carried them
    with room.store.write() as tx:
        ledger.worker_left(tx, number)
        paces.worker_left(tx, number)
        add_event(
            tx,
            "worker_recovered",
            "system",
            data={"worker": number, "held": len(held), "journal": journal is not None},
        )
    found.workers.append(number)


def _result(room: Newsroom, tx: Tx, distribution: int, entry: Entry) -> Result:
    decision = decide(
        room.config.sending,
        phase="DOT",
        code=entry.code or 0,
        enhanced=entry.enhanced,
        text=entry.reply,
        attempts=entry.number - 1,
        first_attempt_at=None,
        now=tx.now(),
    )
    return _as_result(room, distribution, entry, decision, at=entry.at, reply=entry.reply)


def _doubt(
    room: Newsroom,
    tx: Tx,
    worker: int,
    distribution: int,
    delivery: int,
    number: int,
    entry: Entry | None,
    found: Recovered,
) -> None:
    reason = (
        "the sender died after the final dot, before the answer"
        if entry is not None
        else "the sender died where its journal cannot be read"
    )
    if not ledger.mark_in_doubt(tx, worker, distribution, delivery, number, reason):
        return
    found.doubtful.append(delivery)
    if entry is not None:
        ledger.add_attempts(tx, worker, [_unanswered(room, tx, distribution, entry)])
    if room.config.sending.on_doubt == "resend":
        ledger.resend_doubtful(tx, distribution, delivery, "system")


def _unanswered(room: Newsroom, tx: Tx, distribution: int, entry: Entry) -> Result:
    now = tx.now()
    doubt = Decision(DeliveryState.IN_DOUBT, str(Verdict.UNKNOWN), now, None)
    return _as_result(room, distribution, entry, doubt, at=now, reply="no answer was read")


def _as_result(
    room: Newsroom, distribution: int, entry: Entry, decision: Decision, *, at: int, reply: str
) -> Result:
    return Result(
        distribution=distribution,
        delivery=entry.delivery,
        number=entry.number,
        state=decision.state,
        at=at,
        sent_date=entry.sent_date,
        route=entry.route or room.config.routes[0].name,
        phase="DOT",
        code=entry.code or 0,
        enhanced=entry.enhanced,
        reply=reply,
        verdict=decision.verdict,
        reason=decision.reason,
        due_at=decision.due_at,
        sha256=entry.sha256,
        signer=entry.signer or None,
        signature=entry.signature or None,
    )
