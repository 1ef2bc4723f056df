"""The restore guard: a ledger put back from an earlier time sends nothing by itself (decision 14).

Beside the ledger, in the newsroom's spool, lies a witness: how far the ledger had come when this
machine last saw it. The spool is part of the machine and travels with no backup of ours. The
ledger is committed first, the witness written after it, so a ledger may be ahead of its witness,
never behind: one that is behind lost what it knew. So did, perhaps, one that was last at work on
another machine, or that this machine has never seen. Everything open in it waits for an officer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mailer.clock import SECOND
from mailer.config import Config
from mailer.distribution import files
from mailer.distribution.context import Newsroom, host_name
from mailer.errors import StoreUnavailable
from mailer.store import guard as ledger
from mailer.store.base import Tx
from mailer.store.guard import Keeper, Progress

MACHINE_ID = Path("/etc/machine-id")
"""What tells a machine from its copies, where the system keeps it."""

_FORMAT = 1
_WRITE_EVERY = 1.0
_SEEN_EVERY = 10.0
_SILENT_AFTER = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Witness:
    """What a machine saw last of a ledger."""

    ledger: str
    keeper: Keeper
    progress: Progress


class Guard:
    """Looks, for one process of a machine, whether the ledger is the one it was.

    The first `look` counts a start. Call it before anything is recovered, opened or sent.
    """

    def __init__(self, room: Newsroom, *, host: str | None = None) -> None:
        self._room = room
        self._keeper = this_machine(room, host)
        self._known: Progress | None = None
        self._written: Progress | None = None
        self._written_at = self._seen_at = float("-inf")

    def look(self) -> bool:
        """Hold everything open back if the ledger is older than it was; whether it was held now.

        Raises StoreUnavailable when the ledger or the spool cannot be used.
        """
        if self._known is None:
            return self._start()
        with self._room.store.read() as tx:
            now = ledger.progress(tx)
        held = self._is_behind(now, self._known)
        if held:
            now = self._hold_anew(self._known)
        self._known = now
        self._tell_others()
        self.keep(every=_WRITE_EVERY)
        return held

    def keep(self, *, every: float = 0.0) -> None:
        """Write down how far the ledger has come, if that changed; at most each `every` seconds."""
        now = self._room.clock.monotonic()
        if self._known is None or self._known == self._written or now < self._written_at + every:
            return
        self._write(self._known)
        self._written_at = now

    def leave(self) -> None:
        """The last word of this process: what the ledger came to."""
        with contextlib.suppress(StoreUnavailable):
            with self._room.store.read() as tx:
                now = ledger.progress(tx)
            if self._known is not None and not self._is_behind(now, self._known):
                self._known = now
                self.keep()

    def note(self) -> None:
        """Keep, beside the ledger, what it has come to by now, without counting a start.

        Nothing is noted of a ledger that must first be looked at: that would hide what is wrong.
        """
        witness = self._read()
        with self._room.store.read() as tx:
            now = ledger.progress(tx)
        if witness is None and not now.starts:
            self._write(now)
        elif witness is not None and not self._is_behind(now, witness.progress):
            self._keeper = witness.keeper
            self._write(now)

    def put_back(self) -> None:
        """The ledger was put back and held by us: from now on this is what it has come to.

        Numbers go on behind those that the ledger before it had given out.
        """
        witness = self._read()
        with self._room.store.exclusive() as tx:
            ledger.catch_up(tx, _numbers(witness))
            ledger.count_start(tx, self._keeper)
            self._known = ledger.progress(tx)
        self.keep()

    def _start(self) -> bool:
        room = self._room
        witness = self._read()
        with room.store.exclusive() as tx:
            now = ledger.progress(tx)
            why = self._why(tx, now, witness)
            if why:
                ledger.hold(tx, why, self._keeper.host, _numbers(witness))
            elif witness is None:
                # Should this process die before its own witness is written, the next start must
                # find one: a ledger never at work before has nothing to be behind of.
                self._write(now)
            ledger.count_start(tx, self._keeper)
            self._known = ledger.progress(tx)
        self._seen_at = room.clock.monotonic()
        self.keep()
        return bool(why)

    def _why(self, tx: Tx, now: Progress, witness: Witness | None) -> str:
        """Why this ledger cannot be taken for the one it was; "" when it can."""
        if witness is not None and self._is_behind(now, witness.progress):
            return "it is older than this machine has seen it"
        if not now.starts:
            return ""
        if self._room.store.embedded:
            last = ledger.last_keeper(tx)
            if last is not None and not last.is_same(self._keeper):
                return f"it was last at work on {last.host}"
            return "this machine has not seen it before" if witness is None else ""
        own = witness is not None and witness.keeper.is_same(self._keeper)
        since = tx.now() - silent_after(self._room.config)
        if own or ledger.kept_by_another(tx, self._keeper, since):
            return ""
        return "this machine has not seen it before, and no other one has it at work"

    def _hold_anew(self, known: Progress) -> Progress:
        """The ledger changed for an older one while it was at work."""
        with self._room.store.exclusive() as tx:
            if self._is_behind(ledger.progress(tx), known):
                why = "it was put back to an earlier time while it was at work"
                ledger.hold(tx, why, self._keeper.host, known.counters)
            return ledger.progress(tx)

    def _is_behind(self, now: Progress, known: Progress) -> bool:
        # What was put back since, by our command or before another machine's eyes, is held already.
        if now.incident > known.incident:
            return False
        return now.starts < known.starts or now.events < known.events

    def _tell_others(self) -> None:
        room = self._room
        if room.store.embedded or room.clock.monotonic() < self._seen_at + _SEEN_EVERY:
            return
        with room.store.write() as tx:
            ledger.seen(tx, self._keeper)
        self._seen_at = room.clock.monotonic()

    def _read(self) -> Witness | None:
        return read_witness(self._room.config.spool_dir, self._room.sender.ledger_id)

    def _write(self, progress: Progress) -> None:
        witness = Witness(self._room.sender.ledger_id, self._keeper, progress)
        write_witness(self._room.config.spool_dir, witness)
        self._written = progress


def silent_after(config: Config) -> int:
    """Microseconds without a sign of life after which no machine counts as at work."""
    return max(_SILENT_AFTER, round(config.sending.rescue_after * SECOND))


def this_machine(room: Newsroom, host: str | None = None) -> Keeper:
    """This machine, told from its copies by a hash that says nothing of it elsewhere."""
    try:
        text = MACHINE_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    seed = f"mailer machine:{room.sender.ledger_id}:{text}"
    machine = hashlib.sha256(seed.encode()).hexdigest()[:32] if text else ""
    return Keeper(host or host_name(), machine)


def witness_path(spool: Path, ledger: str) -> Path:
    """Where the witness of a ledger lies: each has its own, so that a new one replaces none."""
    return spool / f"witness-{ledger}.json"


def read_witness(spool: Path, ledger: str) -> Witness | None:
    """The witness of a ledger in a spool; None when there is none that can be read."""
    with _kept(spool):
        try:
            data = json.loads(witness_path(spool, ledger).read_bytes())
            if data.pop("format") != _FORMAT or data["ledger"] != ledger:
                return None
            keeper, seen = Keeper(**data.pop("keeper")), Progress(**data.pop("progress"))
            return Witness(keeper=keeper, progress=seen, **data)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None


def write_witness(spool: Path, witness: Witness) -> None:
    """Replace the witness in a spool, whole or not at all. Raises StoreUnavailable."""
    text = json.dumps({"format": _FORMAT, **asdict(witness)}, indent=1)
    path = witness_path(spool, witness.ledger)
    with _kept(spool):
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        with files.temporary(path) as part:
            files.write_durably(part, text.encode("ascii"))
            part.rename(path)
            files.sync(spool)


def _numbers(witness: Witness | None) -> dict[str, int]:
    return {} if witness is None else dict(witness.progress.counters)


def _kept(spool: Path) -> contextlib.AbstractContextManager[None]:
    return files.on_disk("the ledger's witness cannot be kept", spool, "nothing was sent")
