"""People whom an officer names one by one: found by their address, and whether they may be mailed.

`queue --also` and `--except`, `send-to` and `test-send` share the sentences. Addresses are taken
as they are typed or pasted: `Name <a@b>`, any case, any spelling of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailer.audience.address import AddressError, normalise
from mailer.audience.segments import Segment
from mailer.distribution.context import Newsroom
from mailer.distribution.rules import absence
from mailer.errors import NotFound, Refused, UsageError
from mailer.store import audience, preferences, suppression
from mailer.store.base import Row, Tx


class _Names(Protocol):
    """What of an officer's order names people, as typed."""

    @property
    def also(self) -> Sequence[str]: ...

    @property
    def leave_out(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Named:
    """Who is added to and taken from an audience, by id. `received` is the release whose readers
    are left out, if they are."""

    also: tuple[int, ...] = ()
    excepted: frozenset[int] = frozenset()
    received: int | None = None
    warnings: list[str] = field(default_factory=list)

    def besides(self, tx: Tx, segments: Sequence[Segment]) -> list[Row]:
        """Those of `also` whom the segments do not select, as candidates."""
        rows = audience.named(tx, segments, self.also, received=self.received)
        return [row for row in rows if not row["selected"]]

    def as_json(self) -> dict[str, Any]:
        """For the distribution's record: ids, because addresses stand in one place only."""
        found: dict[str, Any] = {}
        if self.also:
            found["also"] = list(self.also)
        if self.excepted:
            found["except"] = sorted(self.excepted)
        if self.received is not None:
            found["skip_received"] = True
        return found


def find(
    room: Newsroom, segments: Sequence[Segment], names: _Names, *, release: int | None = None
) -> Named:
    """The people that an order names.

    Raises UsageError for what is no address, or is both added and excepted; NotFound for somebody
    added who is unknown, Refused for one who may not be mailed. Excepting somebody who is not in
    the audience is a warning, and so is adding somebody who is away or paused.
    """
    warnings: list[str] = []
    with room.store.read() as tx:
        also = {require(room, tx, segments, text, "--also")[0]["id"]: text for text in names.also}
        for number, text in also.items():
            if away := absence(room, tx, preferences.get(tx, number)):
                warnings.append(f"the journalist {text} {away}: what is due by then skips him.")
        unwanted: dict[int, str] = {}
        for text in names.leave_out:
            row = audience.by_hash(tx, room.address_hash(address(text, "--except")))
            if row is None:
                warnings.append(_not_there(text))
                continue
            if row["id"] in also:
                raise UsageError(f"the address {text} is named by both --also and --except.")
            unwanted[row["id"]] = text
        selected = {
            row["id"] for row in audience.named(tx, segments, list(unwanted)) if row["selected"]
        }
    warnings += [_not_there(text) for number, text in unwanted.items() if number not in selected]
    return Named(tuple(also), frozenset(unwanted), release, warnings)


def require(
    room: Newsroom, tx: Tx, segments: Sequence[Segment], text: str, option: str
) -> tuple[Row, str]:
    """The journalist of that address as a candidate, attributed to a list as `queue` does, and his
    address as the store has it.

    Raises UsageError, NotFound, or Refused with a sentence for who may not be mailed now.
    """
    email = address(text, option)
    found = audience.by_hash(tx, room.address_hash(email))
    if found is None or found["state"] == "erased":
        raise NotFound(
            f"there is no journalist with the address {email}.",
            hint="Add the person first: `mailer lists import FILE`.",
        )
    refuse_suppressed(room, tx, email)
    if found["state"] != "active":
        state = found["state"].replace("_", " ")
        raise Refused(
            f"the journalist {email} is {state} and gets nothing until that is cleared.",
            hint="`mailer lists show NAME` tells about the people of a list.",
        )
    row = next(iter(audience.named(tx, segments, [found["id"]])), None)
    if row is None:
        raise Refused(
            f"the journalist {email} is on no list now, so no message could say why it comes.",
            hint="Put the person on a list: `mailer lists import FILE`.",
        )
    if row["suppressed"]:
        raise Refused(
            f"the journalist {email} asked for no more mail of that list; nothing was queued."
        )
    return row, found["email"]


def refuse_suppressed(room: Newsroom, tx: Tx, email: str) -> None:
    """Raises Refused for who must not be contacted at all."""
    for entry in suppression.find(tx, room.address_hash(email)):
        if entry.scope == suppression.ALL:
            raise Refused(
                f"the address {email} must not be contacted ({entry.reason}); nothing was queued.",
                hint="`mailer suppress ls` shows since when and why.",
            )


def address(text: str, option: str) -> str:
    """The address that an officer typed; UsageError when it is none."""
    try:
        return normalise(text).email
    except AddressError as error:
        raise UsageError(f'{option} "{text}" is no address: {error.reason}.') from None


def _not_there(text: str) -> str:
    return f"the address {text} is not in the audience, so --except changes nothing for it."
