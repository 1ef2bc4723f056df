"""How a state is shown: one word, one sign, one tone, the same on pages, in reports and here.

A state is never told by colour alone, so the sign differs wherever the tone does.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Tone = Literal["good", "busy", "waiting", "bad", "doubt", "quiet"]


class Look(NamedTuple):
    """A state as people see it; `page` is the word that pages use (design section 2)."""

    word: str
    page: str
    sign: str
    tone: Tone


def look(state: str) -> Look:
    """The look of any state: of a delivery, a wave, a distribution, a journalist, a check."""
    page, sign, tone = _LOOKS.get(state, ("", "·", "quiet"))
    return Look(state, page or state.replace("_", " "), sign, tone)


_LOOKS: dict[str, tuple[str, str, Tone]] = {
    # deliveries
    "queued": ("", "○", "waiting"),
    "claimed": ("", "◐", "busy"),
    "deferred": ("waiting to retry", "↻", "waiting"),
    "accepted": ("", "✓", "good"),
    "refused": ("", "✗", "bad"),
    "in_doubt": ("not certain", "?", "doubt"),
    "suppressed": ("do not contact", "⊘", "quiet"),
    "skipped": ("", "⇥", "quiet"),
    "cancelled": ("", "×", "quiet"),
    "expired": ("", "∅", "bad"),
    # distributions and waves
    "planning": ("", "…", "busy"),
    "draft": ("", "✎", "quiet"),
    "scheduled": ("", "○", "waiting"),
    "sending": ("", "◐", "busy"),
    "done": ("", "✓", "good"),
    "waiting": ("waiting for you", "!", "doubt"),
    "paused": ("", "‖", "doubt"),
    "dropped": ("", "×", "quiet"),
    "moved": ("corrected", "×", "quiet"),
    "killed": ("withdrawn", "✗", "bad"),
    # routes
    "working": ("", "✓", "good"),
    "resting": ("", "↻", "waiting"),
    # what was handed over
    "running": ("", "◐", "busy"),
    "failed": ("", "✗", "bad"),
    # what came back
    "bounced": ("", "↩", "bad"),
    "complained": ("", "✗", "bad"),
    "replied": ("", "↩", "quiet"),
    # journalists
    "active": ("", "✓", "good"),
    "on_hold": ("on hold", "?", "doubt"),
    "away": ("", "☾", "quiet"),
    "erased": ("", "∅", "quiet"),
    # findings and checks
    "ok": ("", "✓", "good"),
    "note": ("", "·", "quiet"),
    "warning": ("", "!", "doubt"),
    "error": ("", "✗", "bad"),
    "fail": ("failed", "✗", "bad"),
}
