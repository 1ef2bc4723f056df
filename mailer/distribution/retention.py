"""What is past its retention goes: once a day by itself, or when an officer says so (E13).

What a store holds goes in one run, whoever does its steps (`store/retention.py`): the sweep, a task
of a worker, `mailer store retain`. What lies in this machine's folders each machine removes itself.
How long is what stands under [retention]. Suppressions and opt-outs are never removed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from mailer.clock import SECOND, to_datetime
from mailer.config import RetentionConfig
from mailer.distribution.context import Newsroom
from mailer.distribution.inbox import Inbox, inbox_path
from mailer.distribution.pace import Pace
from mailer.store import errands, fresh, media, retention, snapshots, undo
from mailer.store.base import Tx
from mailer.store.retention import Run

DAY = 86_400
"""Seconds from one run to the next."""

OVERDUE_AFTER = 2 * DAY * SECOND
"""How much longer (microseconds) than its age something may be kept before somebody is told."""

KINDS = {
    "messages": "fields of people in messages",
    "signatures": "signatures of messages",
    "reasons": "officers' words about a person",
    "jobs": "imports and exports that were handed over",
    "undo": "imports whose undo was kept",
    "holds": "people whom a doubt kept back and nobody cleared",
    "absences": "absences that are over",
    "agreements": "agreements to embargoes",
    "media": "pictures and files that no release came to name",
    "raw_mail": "received mails",
    "rejected": "files of rejected rows",
    "crash_reports": "reports of crashes",
}
"""Everything that is removed after a time, in words."""

_ABANDONED_AFTER = DAY * SECOND
"""Microseconds after which what was not handed over whole is removed."""

_ABSENCES_AFTER = 30 * DAY * SECOND
"""Microseconds after its end for which a journalist's absence is still shown on his page."""

_AHEAD = 100

_AGES = {"signatures": "messages", "reasons": "messages", "jobs": "files", "rejected": "files"}
_AGES |= {"crash_reports": "files", "undo": "files"}
"""Whose age is set together with another's."""


def age_of(config: RetentionConfig, kind: str) -> float:
    """For how many seconds a kind is kept."""
    fixed = {"media": _ABANDONED_AFTER, "absences": _ABSENCES_AFTER}
    if kind in fixed:
        return fixed[kind] / SECOND
    return float(getattr(config, _AGES.get(kind, kind)))


def is_due(room: Newsroom) -> bool:
    """Whether a run is under way, or the last one was a day ago."""
    with room.store.read() as tx:
        last = retention.last_done(tx)
        # A last one that is still to come was made by a clock that was wrong.
        fresh = last is not None and 0 <= tx.now() - last < DAY * SECOND
        return not fresh or retention.current(tx) is not None


def step(room: Newsroom, pace: Pace, actor: str, *, anew: bool = True) -> bool:
    """One short transaction of the run under way, or of one begun now; True when it is done.

    Without `anew` none is begun. Safe in several processes at once, and after any crash.
    """
    with room.store.read() as tx:
        seen = retention.current(tx)
        if seen is None and not anew:
            return True
        run = seen or Run(tx.now(), tx.now() - _age(room.config.retention.messages), actor)
        before = _before(room, tx, run)
        ahead = retention.candidates(tx, run, before, _AHEAD)
    with room.store.write() as tx, pace.step(tx):
        if seen is None:
            retention.begin(tx, run)
        if retention.hold(tx) != run:
            return False  # somebody else was quicker
        if ahead and not (ahead == [run.distribution] and retention.passed(tx, run)):
            retention.step(tx, run, before, ahead, pace.size)
        elif not (
            _forget_jobs(room, tx, run)
            or _forget_undo(room, tx, run, pace.size)
            or _forget_people(room, tx, run, pace.size)
            or _forget_media(tx, run)
        ):
            fresh.forget(tx)  # links that nobody used, where no pages are served that would do it
            snapshots.forget_old(tx)
            retention.finish(tx, run)
            return True
        retention.keep(tx, run)
        return False


def retain(
    room: Newsroom,
    actor: str,
    *,
    stop: Callable[[], bool] = lambda: False,
    files: bool = True,
) -> dict[str, int]:
    """A whole run, or what is left of the one under way; what it removed, by kind.

    Between two steps `stop` may end it; whoever comes next goes on. With `files` also what lies
    on this machine.
    """
    pace, begun, counts, here = Pace(room), None, dict[str, int](), dict[str, int]()
    while not stop():
        done = step(room, pace, actor, anew=begun is None)
        if files and not here:
            files, here = False, clean_files(room, actor)
        with room.store.read() as tx:
            run = retention.current(tx)
        if done or run is None or begun not in (None, run.begun):
            break
        begun, counts = run.begun, run.counts
    return {kind: counts.get(kind, here.get(kind, 0)) for kind in KINDS}


def would_go(room: Newsroom) -> dict[str, int]:
    """What a run begun now would remove, by kind, files of this machine included."""
    with room.store.read() as tx:
        found = retention.due(tx, tx.now() - _age(room.config.retention.messages))
        found["jobs"] = errands.count_old(tx, *_old_jobs(room, tx))
        found["undo"] = undo.count_to_retire(tx, tx.now() - _age(room.config.retention.files))
        for kind, before in _old_people(room, tx).items():
            found[kind] = retention.count_people(tx, kind, before)
        found["media"] = media.unnamed(tx, tx.now() - _ABANDONED_AFTER)
    found["raw_mail"] = Inbox(inbox_path(room.config)).older(_since(room, "raw_mail"))
    for kind, path in _old_files(room):
        found[kind] = found.get(kind, 0) + path.is_file()
    return {kind: found.get(kind, 0) for kind in KINDS}


def clean_files(room: Newsroom, actor: str) -> dict[str, int]:
    """Remove what is past its time in this machine's folders; how many, by kind.

    It counts for the run under way, else the history has a line of it.
    """
    found: dict[str, int] = {}
    with contextlib.suppress(sqlite3.Error):  # as below
        found["raw_mail"] = Inbox(inbox_path(room.config)).forget(_since(room, "raw_mail"))
    for kind, path in _old_files(room):
        with contextlib.suppress(OSError):  # it may be somebody else's; the doctor says so
            path.unlink()
            found[kind] = found.get(kind, 0) + 1
    found = {kind: n for kind, n in found.items() if n}
    if found:
        with room.store.write() as tx:
            run = retention.hold(tx)
            if run is None:
                retention.told(tx, actor, found)
            else:
                run.count(**found)
                retention.keep(tx, run)
    return found


def standing(room: Newsroom, tx: Tx) -> tuple[bool, str]:
    """Whether something is kept for too long, and a sentence that says how it stands."""
    last, now = retention.last_done(tx), tx.now()
    done = "no run yet" if last is None else f"the last run was on {to_datetime(last):%Y-%m-%d}"
    late = now - OVERDUE_AFTER
    if (last is None or not late <= last <= now) and retention.is_overdue(
        tx, late - _age(room.config.retention.messages)
    ):
        return True, (
            f"What is past its retention was not removed ({done}). It goes by itself while "
            "`mailer serve`, `run` or `worker` is running; `mailer store retain` does it now."
        )
    return False, f"Nothing is kept longer than [retention] says ({done})."


def too_old_files(room: Newsroom) -> list[Path]:
    """Files of this machine that ought to be gone, or have less in them: nobody could do that."""
    found = [path for _, path in _old_files(room, slack=OVERDUE_AFTER)]
    inbox = inbox_path(room.config)
    with contextlib.suppress(sqlite3.Error):
        if Inbox(inbox).older(_since(room, "raw_mail") - OVERDUE_AFTER):
            found.append(inbox)
    return found


def _old_jobs(room: Newsroom, tx: Tx) -> tuple[int, int]:
    return tx.now() - _age(room.config.retention.files), tx.now() - _ABANDONED_AFTER


def _forget_jobs(room: Newsroom, tx: Tx, run: Run) -> bool:
    """Some of what was handed over and is too old, with its bytes; False when there is none."""
    any_left, gone = errands.forget_old(tx, *_old_jobs(room, tx))
    run.count(jobs=gone)
    return any_left


def _forget_undo(room: Newsroom, tx: Tx, run: Run, limit: int) -> bool:
    """Some of what stood before imports that are too old to be undone; False when there is none."""
    before = tx.now() - _age(room.config.retention.files)
    any_left, gone = undo.retire(tx, before, limit)
    run.count(undo=gone)
    return any_left


def _old_people(room: Newsroom, tx: Tx) -> dict[str, int]:
    ages = {"absences": _ABSENCES_AFTER} | {
        kind: _age(getattr(room.config.retention, kind)) for kind in ("holds", "agreements")
    }
    return {kind: tx.now() - age for kind, age in ages.items()}


def _forget_people(room: Newsroom, tx: Tx, run: Run, limit: int) -> bool:
    """Some of what is kept of people beside messages and is too old; False when there is none."""
    for kind, before in _old_people(room, tx).items():
        gone = retention.forget_people(tx, kind, before, limit)
        run.count(**{kind: gone})
        if gone:
            return True
    return False


def _forget_media(tx: Tx, run: Run) -> bool:
    """One form of a file that an import left behind; False when there is none."""
    any_left, gone = media.forget_unnamed(tx, tx.now() - _ABANDONED_AFTER)
    run.count(media=gone)
    return any_left


def _before(room: Newsroom, tx: Tx, run: Run) -> int:
    # An age made longer holds at once, also for a run that began before.
    return min(run.before, tx.now() - _age(room.config.retention.messages))


def _age(seconds: float) -> int:
    return round(seconds * SECOND)


def _since(room: Newsroom, kind: str) -> int:
    return room.clock.now() - _age(getattr(room.config.retention, kind))


def _old_files(room: Newsroom, slack: int = 0) -> Iterator[tuple[str, Path]]:
    """What is older than `files` says, and of which kind. Links are not followed."""
    before = (_since(room, "files") - slack) / SECOND
    for kind, folder, names in (
        ("rejected", room.config.home / "rejected", "*.csv"),
        ("crash_reports", room.config.spool_dir, "crash-*.txt"),
    ):
        for path in sorted(folder.glob(names)):
            with contextlib.suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime < before:
                    yield kind, path
