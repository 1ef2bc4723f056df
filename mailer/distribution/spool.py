"""The opt-out spool: what journalists asked for while the database was busy or away (F12).

One file per request under `spool/optouts/`, on disk for certain before the request is answered
as success. Senders look here before each claim and apply what they find before they send
anything else, so `pending` costs one directory read.

Files are named by the instant of the request: applied in that order, leaving and coming back
end as the journalist last said. A file is deleted only after the store has committed; a crash
in between applies it twice, and applying is idempotent.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.distribution.files import sync, write_durably
from mailer.errors import StoreUnavailable

_log = logging.getLogger(__name__)

_SUFFIX = ".json"
_UNREADABLE = ".unreadable"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One wish: `act` and `scope` say what it is about, `value` how it shall be.

    "leave" and "back" have a scope of "default", "all" or "list:ID" and no value; the others are
    those of `distribution/preferences.py`.
    """

    act: str
    scope: str
    value: str = ""

    def as_json(self) -> dict[str, str]:
        """Without an empty value: a sender not yet upgraded reads every leaving and coming back."""
        plain = {"act": self.act, "scope": self.scope}
        return {**plain, "value": self.value} if self.value else plain


@dataclass(frozen=True, slots=True)
class Request:
    """What one journalist asked for through one delivery's link. Holds no address.

    `at` is the instant of the request (UTC µs); `method` is how it came ("one-click", "page",
    "choices", "mail"); `list` 0 means that the delivery stood on no list.
    """

    journalist: int
    list: int
    delivery: int
    steps: tuple[Step, ...]
    method: str
    at: int

    def as_json(self) -> dict[str, Any]:
        """As the spool keeps it; files of earlier versions have the same names."""
        return {
            "journalist": self.journalist,
            "list": self.list,
            "delivery": self.delivery,
            "steps": [step.as_json() for step in self.steps],
            "method": self.method,
            "at": self.at,
        }


class Spool:
    """The folder of waiting requests; any number of processes may share it."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the newsroom's `spool` folder; the spool lives in its `optouts`."""
        self.folder = folder / "optouts"

    def pending(self) -> bool:
        """True when a request waits. One directory read; a folder never made is empty.

        Raises StoreUnavailable when the folder cannot be read: a sender must not go on then.
        """
        try:
            with os.scandir(self.folder) as entries:
                return any(entry.name.endswith(_SUFFIX) for entry in entries)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error

    def length(self) -> int:
        """How many requests wait (StoreUnavailable when the folder cannot be read)."""
        try:
            return len(self._waiting())
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._unusable(error) from error

    def put(self, request: Request) -> None:
        """Keep a request; it survives a power cut once this returns.

        Raises StoreUnavailable when the folder cannot be written: nothing was kept.
        """
        name = f"{request.at:017d}-{secrets.token_hex(6)}"
        temporary = self.folder / f".{name}.new"
        try:
            self._make()
            write_durably(temporary, json.dumps(request.as_json()).encode())
            temporary.rename(self.folder / f"{name}{_SUFFIX}")
            sync(self.folder)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise self._unusable(error) from error

    def drain(self, apply: Callable[[Sequence[Request]], None], *, patience: float = 5.0) -> int:
        """Hand all waiting requests to `apply`, oldest first, and forget them; how many.

        `apply` must return only after its commit; what it raises leaves the files in place. One
        process drains at a time, so that no late second application undoes a newer wish; another
        one waits up to `patience` seconds for it and then raises StoreUnavailable.
        """
        if not self.pending():
            return 0
        done = 0
        try:
            with self._alone(patience):
                while names := self._waiting():
                    batch = names[:_BATCH]
                    requests = [request for name in batch if (request := self._read(name))]
                    if requests:
                        apply(requests)
                    for name in batch:
                        (self.folder / name).unlink(missing_ok=True)
                    done += len(requests)
                sync(self.folder)
        except OSError as error:
            raise self._unusable(error) from error
        return done

    def _waiting(self) -> list[str]:
        with os.scandir(self.folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.endswith(_SUFFIX))

    def _read(self, name: str) -> Request | None:
        path = self.folder / name
        try:
            data = json.loads(path.read_bytes())
            data["steps"] = tuple(Step(**step) for step in data["steps"])
            return Request(**data)
        except (ValueError, TypeError, KeyError):
            # It was on disk complete before it got this name, so a disk fault or a hand did
            # this. Stopping all mail for ever over one file would help nobody; it is kept.
            kept = path.with_suffix(_UNREADABLE)
            path.rename(kept)
            _log.error("an opt-out in the spool cannot be read; it was kept as %s", kept)
            return None

    def _make(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(self.folder.parent)

    @contextmanager
    def _alone(self, patience: float) -> Iterator[None]:
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise StoreUnavailable(
                            "another process is still applying opt-outs.", hint="Try again."
                        ) from None
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def _unusable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"the opt-out spool cannot be used ({error.strerror or error}).",
            where=str(self.folder),
            hint="Make the folder writable for this user, or free space on its disk.",
        )
