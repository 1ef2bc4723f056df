"""`[rules]` of the configuration: how often and when journalists are mailed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mailer.config_values import BadValue, duration, quoted, text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Span(NamedTuple):
    """Minutes since midnight, from and until; over midnight where `end` is the smaller."""

    start: int
    end: int


class Weekly(NamedTuple):
    """A weekday (0 is Monday) and a minute of it."""

    weekday: int
    minute: int


def hours(value: Any) -> Span | None:
    """Hours of the day such as "20:00-07:00"; None when empty."""
    hint = 'Write it like "20:00-07:00", or "" for none.'
    words = text(value)
    if not words:
        return None
    parts = [part.strip() for part in words.replace("–", "-").split("-")]
    if len(parts) != 2 or not all(_CLOCK.fullmatch(part) for part in parts):
        raise BadValue(f"is not two times of day: {quoted(words)}", hint)
    start, end = (_minute(part) for part in parts)
    if start == end:
        raise BadValue(f"begins when it ends: {quoted(words)}", hint)
    return Span(start, end)


def working_hours(value: Any) -> Span:
    """Hours of the day, not empty."""
    found = hours(value)
    if found is None:
        raise BadValue("is empty", 'Write it like "09:00-18:00".')
    return found


def clock_hours(span: Span) -> str:
    """Hours of the day as they are written."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)


def weekly(value: Any) -> Weekly | None:
    """A time of the week such as "Mon 08:00"; None for "off"."""
    words = text(value)
    if words.lower() in ("", "off"):
        return None
    day, _, clock = words.partition(" ")
    if day.lower() not in DAYS or not _CLOCK.fullmatch(clock.strip()):
        raise BadValue(
            f"is not a time of the week: {quoted(words)}", 'Write it like "Mon 08:00", or "off".'
        )
    return Weekly(DAYS.index(day.lower()), _minute(clock.strip()))


def gap(value: Any) -> float:
    """The least time between two messages, seconds; within the week that is looked back on."""
    found = duration(value)
    if found > 7 * 86_400:
        raise BadValue("is longer than a week", 'Write at most "7d".')
    return found


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


class RulesConfig(BaseModel):
    """The newsroom's rules for everybody. Durations are seconds; `weekly_cap` 0 is no limit.

    `quiet_hours` and `office_hours` are by each journalist's own clock. `longest_wait` is how long
    a message may wait because of hours and gaps, from when it first had to; one that would have to
    wait longer is skipped. `digest` is when the weekly mail of what the cap left out is due.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False)

    weekly_cap: int = Field(default=0, ge=0, le=1000)
    min_gap: Annotated[float, BeforeValidator(gap)] = 0.0
    quiet_hours: Annotated[Span | None, BeforeValidator(hours)] = None
    weekends: Literal["send", "wait"] = "send"
    office_hours: Annotated[Span, BeforeValidator(working_hours)] = Span(540, 1080)
    longest_wait: Annotated[float, BeforeValidator(duration)] = 4 * 86_400.0
    digest: Annotated[Weekly | None, BeforeValidator(weekly)] = Weekly(0, 480)
