"""One claimed delivery on its way through a sender."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailer.distribution.dkim import Signing
from mailer.message.merge import MergeTemplate
from mailer.message.model import Recipient
from mailer.store.ledger import Claimed
from mailer.store.states import DeliveryState


@dataclass(slots=True)
class Job:
    """A claimed delivery with all that its message needs.

    `route` and `group` (destination) are dealt with the claim; `place` is its place in the
    route's pace (UTC microseconds, 0: at once), `not_before` the same by the loop's clock.
    `counted` is the day whose warm-up it takes part of (empty: none). `tried` are the routes that
    came to nothing for it before its final dot. `mail_from`, `chunks` and `signed` (the header
    fields of its signatures) are its message, once it is made; `sent_date` is the instant of its
    Date (UTC microseconds).
    """

    claimed: Claimed
    recipient: Recipient
    template: MergeTemplate
    urgent: bool = False
    signing: Signing | None = None
    counted: str = ""
    route: str = ""
    group: str = ""
    place: int = 0
    not_before: float = 0.0
    mail_from: str = ""
    chunks: list[bytes] = field(default_factory=list)
    signed: bytes = b""
    sent_date: int = 0
    signature: bytes = b""
    sha256: bytes = b""
    losses: int = 0
    fresh_losses: int = 0
    tried: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the attempt being made."""
        return self.claimed.attempts + 1


@dataclass(frozen=True, slots=True)
class Aside:
    """A claimed delivery that was not tried: its final state, or None to give it back."""

    job: Job
    state: DeliveryState | None
    reason: str
