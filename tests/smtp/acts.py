"""What the chaos server can be told to do: acts, rules that choose them, and profiles.

An act answers one command. In Python it is a reply as text (lines joined by CRLF, without the
last one), one of the words below, or one of the dataclasses; in JSON a dataclass is an object
with its name in small letters as the key of its first field: `{"drip": "250 Ok", "pause": 1}`,
`{"raw": "250 Ok\\n", "close": true}` (Latin-1), `{"pause": 2, "text": "250 Ok"}`,
`{"wait": 0.2, "act": "250 Ok"}`, `{"refuse": 3}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Union

CLOSE = "<close>"
"""Close the connection without an answer; a message whose end this answers was not taken."""

LOST = "<lost>"
"""As CLOSE, but the message was taken: its final reply is lost (RFC 1047)."""

RESET = "<reset>"
"""As CLOSE, by a TCP reset."""

HALF = "<half-close>"
"""Close this side only: say nothing any more, but go on reading."""

HANG = "<hang>"
"""Answer nothing from now on, but go on reading; a message whose end this answers was taken."""

SILENT_DEAF = "<deaf>"
"""Answer nothing and read nothing any more."""

SKIP = "<skip>"
"""Forget this one answer, so that all later replies are understood one command too early."""

VERBS = frozenset(
    [
        "CONNECT",
        "BANNER",
        "EHLO",
        "HELO",
        "STARTTLS",
        "TLS",
        "AUTH",
        "LOGIN",
        "MAIL",
        "RCPT",
        "DATA",
        "CONTENT",
        "DOT",
        "BDAT",
        "RSET",
        "QUIT",
    ]
)
"""Where acts can happen: CONNECT is before the banner, TLS instead of the handshake once the
client's first bytes of it came, LOGIN a prompt of AUTH LOGIN, CONTENT right
after 354, BDAT each chunk of RFC 3030, DOT the end of a message, by a dot or by BDAT LAST."""


@dataclass(frozen=True)
class Drip:
    """Answer one byte at a time, with a pause (seconds) between bytes."""

    drip: str
    pause: float


@dataclass(frozen=True)
class Raw:
    """Answer these bytes, whatever they are; then close if `close`."""

    raw: bytes
    close: bool = False


@dataclass(frozen=True)
class Pause:
    """Read nothing for so many seconds; answer (or nothing, if empty) `delay` after its begin."""

    pause: float
    text: str = ""
    delay: float = 0.0


@dataclass(frozen=True)
class Wait:
    """Take so many seconds, then do `act`; "" is the usual answer."""

    wait: float
    act: str = ""


@dataclass(frozen=True)
class Refuse:
    """Close this connection and refuse new ones for so many seconds."""

    refuse: float


Answer = Union[str, Drip, Raw, Pause, Wait, Refuse]  # noqa: UP007 (a value, read at run time)


def answer_from(value: Any) -> Answer:
    """An act from its JSON form; raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        kinds: tuple[type[Any], ...] = (Drip, Raw, Wait, Refuse, Pause)
        for kind in kinds:
            if fields(kind)[0].name in value:
                given = dict(value)
                if kind is Raw:
                    given["raw"] = str(given["raw"]).encode("latin-1")
                if kind is Drip:
                    given.setdefault("pause", 1.0)
                return kind(**given)  # type: ignore[no-any-return]
    raise ValueError(f"not an act: {value!r}")


@dataclass
class Rule:
    """When an act happens: every condition must hold, and the first rule that fits wins.

    `recipient`: a regular expression found in the recipient (at MAIL, in the sender).
    `connections`: ordinals, from 1. Of the occurrences that fit so far, the first `skip` pass,
    then each `every`th is met, at most `times` of them (0: no end), with `probability`. `since`
    and `until` are seconds from the server's start.
    """

    verb: str
    act: Answer
    probability: float = 1.0
    recipient: str = ""
    connections: Sequence[int] = ()
    skip: int = 0
    every: int = 1
    times: int = 0
    since: float = 0.0
    until: float = float("inf")
    seen: int = 0
    met: int = 0

    def __post_init__(self) -> None:
        if self.verb not in VERBS:
            raise ValueError(f"not a verb: {self.verb!r}")
        self._pattern = re.compile(self.recipient) if self.recipient else None

    def fits(self, address: str, connection: int, seconds: float, chance: float) -> bool:
        """Whether the act happens now; counts the occurrence."""
        if self.times and self.met >= self.times:
            return False
        if self.connections and connection not in self.connections:
            return False
        if not self.since <= seconds < self.until:
            return False
        if self._pattern is not None and not self._pattern.search(address):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.seen - self.skip) % self.every:
            return False
        if chance >= self.probability:
            return False
        self.met += 1
        return True


KEYWORDS = ("PIPELINING", "SIZE 10000000", "8BITMIME", "ENHANCEDSTATUSCODES")


@dataclass
class Profile:
    """How a server behaves.

    `latency`: seconds before each message's final reply; it grows by `growth` a message up to
    `latency_limit`. `away`: pairs of seconds from the start between which connections are
    refused. `careless`: 354 to DATA and 250 to BDAT even without a recipient. `certificate`:
    which one it shows after STARTTLS, or from the first byte with `implicit`: `valid`,
    `other-name`, `self-signed`, `expired`; "" is none. `inside`: keywords once TLS runs, if
    others. `smuggle`: sent in clear text right behind the answer to STARTTLS.
    """

    keywords: Sequence[str] = KEYWORDS
    inside: Sequence[str] | None = None
    rules: list[Rule] = field(default_factory=list)
    seed: int = 0
    latency: float = 0.0
    growth: float = 0.0
    latency_limit: float = 60.0
    away: Sequence[tuple[float, float]] = ()
    careless: bool = False
    certificate: str = ""
    implicit: bool = False
    smuggle: bytes = b""


def profile(text: str) -> Profile:
    """A profile by name, from JSON, or from a file that holds JSON; raises ValueError.

    The JSON object has the fields of `Profile`; `"like": NAME` begins with a named one.
    """
    if text in PROFILES:
        return _made(PROFILES[text])
    if not text.lstrip().startswith("{"):
        path = Path(text)
        if not path.is_file():
            raise ValueError(f"no profile {text!r}; there are {', '.join(sorted(PROFILES))}")
        text = path.read_text()
    given = json.loads(text)
    return _made({**PROFILES[given.pop("like", "clean")], **given})


def rules_from(given: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """Rules from their JSON form; raises ValueError."""
    return [Rule(**{**rule, "act": answer_from(rule["act"])}) for rule in given]


def _made(given: Mapping[str, Any]) -> Profile:
    values = dict(given)
    values["rules"] = rules_from(values.get("rules", ()))
    if "smuggle" in values:
        values["smuggle"] = str(values["smuggle"]).encode("latin-1")
    try:
        return Profile(**values)
    except TypeError as error:
        raise ValueError(f"not a profile: {error}") from None


def _rule(verb: str, act: Any, probability: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"verb": verb, "act": act, "probability": probability, **more}


_TEMPORARY = [
    _rule("MAIL", "451 4.3.0 not now", 0.02),
    _rule("RCPT", "450 4.2.1 greylisted", 0.05),
    _rule("DOT", "452 4.3.1 no room", 0.02),
]
_PERMANENT = [
    _rule("RCPT", "550 5.1.1 no such user", 0.05),
    _rule("DOT", "554 5.7.1 not this message", 0.02),
]
_ENDINGS = [
    _rule("MAIL", CLOSE, 0.005),
    _rule("RCPT", RESET, 0.005),
    _rule("DATA", CLOSE, 0.005),
    _rule("DOT", LOST, 0.01),
    _rule("DOT", CLOSE, 0.005),
    _rule("DOT", "421 4.7.28 too fast", 0.005),
    _rule("BANNER", "421 4.3.2 too many connections", 0.1),
]
PROFILES: dict[str, dict[str, Any]] = {
    "clean": {},
    "chunking": {"keywords": [*KEYWORDS, "CHUNKING"]},
    "lock-step": {"keywords": ["SIZE 10000000", "8BITMIME"]},
    "slow": {"latency": 0.2},
    "growing-slow": {"latency": 0.005, "growth": 0.005, "latency_limit": 5.0},
    "temporary": {"rules": _TEMPORARY},
    "permanent": {"rules": _PERMANENT},
    "lossy": {"rules": _ENDINGS},
    "lost-replies": {"rules": [_rule("DOT", LOST, 0.05)]},
    "mixed": {"rules": [*_TEMPORARY, *_PERMANENT, *_ENDINGS]},
    "mixed-chunking": {
        "rules": [*_TEMPORARY, *_PERMANENT, *_ENDINGS],
        "keywords": [*KEYWORDS, "CHUNKING"],
    },
    "hang": {"rules": [_rule("DOT", HANG, 0.01), _rule("RCPT", HANG, 0.005)]},
    "drip": {"rules": [_rule("DOT", {"drip": "250 2.0.0 Ok\r\n", "pause": 1.0}, 0.01)]},
    "garbage": {"rules": [_rule("RCPT", {"raw": "\0\xff?\r\n"}, 0.01)]},
    "away-at-times": {"away": [(1.0, 2.0), (4.0, 7.0)]},
    "auth-refused": {
        "keywords": [*KEYWORDS, "AUTH PLAIN LOGIN"],
        "rules": [_rule("AUTH", "535 5.7.8 wrong user or password")],
    },
}
"""The named profiles; kept as JSON would give them, since rules count and are made anew."""
