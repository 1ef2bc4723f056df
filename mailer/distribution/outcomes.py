"""From a server's answer to what becomes of the delivery; one rule for senders and recovery.

4xx waits with jitter and gives up after `give_up_after`; 5xx is final for that delivery, whatever
it says of the address (G5, G12, G13). Only what asks this newsroom to sign in says nothing of the
delivery and waits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from mailer.clock import SECOND
from mailer.config import SendingConfig
from mailer.feedback.judge import Verdict, judge
from mailer.store.states import DeliveryState

JITTER = 0.2
"""How far a wait may differ from its step, as a share of it."""


_ACCEPTED = str(Verdict.ACCEPTED)


@dataclass(slots=True)
class Decision:
    """The state a delivery gets, when it is next due (if deferred), and why in a word."""

    state: DeliveryState
    verdict: str
    due_at: int
    reason: str | None
    of_route: bool = False
    """The mail service refused us, whoever the message is for."""
    scope: str = ""
    """Of whom the answer speaks, as the judge says: message, address, destination or route."""
    wait: float | None = None
    """Seconds that the server asked us to wait, or that its provider is known to want."""


def decide(
    sending: SendingConfig,
    *,
    phase: str,
    code: int,
    enhanced: str,
    text: str,
    attempts: int,
    first_attempt_at: int | None,
    now: int,
) -> Decision:
    """What an answered attempt means. `attempts` were made before this one."""
    if 200 <= code < 300:
        return Decision(DeliveryState.ACCEPTED, _ACCEPTED, now, None)
    found = judge(phase, code, enhanced, text)
    if found.reason == "sign_in":
        # 530 and its kin: a forgotten password or `?starttls=never`. That is mended in the
        # configuration, and nobody should lose the release over it.
        waiting = put_off(
            sending,
            attempts=attempts,
            first_attempt_at=first_attempt_at,
            now=now,
            verdict=str(found.verdict),
            reason="the mail service wants to be signed in to, or encryption",
        )
        return replace(waiting, of_route=True)
    if found.final:
        return Decision(
            DeliveryState.REFUSED, str(found.verdict), now, str(found.verdict), scope=found.scope
        )
    waiting = put_off(
        sending,
        attempts=attempts,
        first_attempt_at=first_attempt_at,
        now=now,
        at_least=found.retry_after,
        verdict=str(found.verdict),
        reason=str(found.verdict),
    )
    of_route = found.scope == "route" and waiting.state is DeliveryState.DEFERRED
    return replace(waiting, of_route=of_route, scope=found.scope, wait=found.retry_after)


def put_off(
    sending: SendingConfig,
    *,
    attempts: int,
    first_attempt_at: int | None,
    now: int,
    reason: str,
    at_least: float | None = None,
    verdict: str = Verdict.TEMPORARY,
) -> Decision:
    """Wait for the next step of `retry`, or give up when that lies too far from the first try."""
    due = now + round(delay(sending, attempts, at_least) * SECOND)
    if due - (first_attempt_at or now) > sending.give_up_after * SECOND:
        return Decision(DeliveryState.EXPIRED, str(verdict), now, "gave up")
    return Decision(DeliveryState.DEFERRED, str(verdict), due, reason)


def delay(sending: SendingConfig, attempts: int, at_least: float | None = None) -> float:
    """Seconds until the next try after `attempts` earlier ones; the last step repeats."""
    step = sending.retry[min(attempts, len(sending.retry) - 1)]
    return max(step * random.uniform(1 - JITTER, 1 + JITTER), at_least or 0.0)
