"""The judge: what one answer of a mail server means, by one ordered table.

`judge` is asked by the sender for SMTP replies and by the reader of bounces for the codes and
words that reports quote. The first rule that fits decides. The guiding rules (requirements G5 to
G9): the reply code's first digit beats the enhanced code; a doubt is never `dead`, because that
silently loses a good address; what a server does not say stays `unknown`.

Sources: RFC 3463 and the IANA registry of enhanced codes, RFC 5321 section 4.2, RFC 7504, RFC
7505; Google "Gmail SMTP errors and codes"; Yahoo Sender Hub "SMTP Error Codes"; Microsoft's
Outlook.com and Exchange Online non-delivery codes; Apple's postmaster page; the texts of Postfix,
Exim, Sendmail, qmail and Exchange.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from mailer.feedback import words

Scope = Literal["message", "address", "destination", "route"]
"""What an answer speaks of: this message; this address; all addresses at this domain or
provider; our way out (server, credentials, TLS)."""


class Verdict(StrEnum):
    """What an answer means (design section 2). Unknown is never permanent."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    DEAD = "dead"
    POLICY = "policy"
    MESSAGE = "message"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    OPTOUT = "optout"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The meaning of one answer.

    `retry_after`: seconds to wait at least, None when the server named no time and none is
    known. `final`: this delivery is not tried again (every 5xx, G13), whatever the verdict says
    about the address. `reason`: the rule's name, for reports.
    """

    verdict: Verdict
    scope: Scope
    retry_after: float | None = None
    final: bool = False
    reason: str = ""

    @property
    def needs_second_day(self) -> bool:
        """A `dead` that counts only when another day says so too (G6): about the domain, or in
        words that mean something else for a while."""
        return self.verdict is Verdict.DEAD and (
            self.scope == "destination" or self.reason == "refused_at_edge"
        )

    @property
    def too_fast(self) -> bool:
        """The server wants us slower: lower the rate to this destination, not only wait (G11)."""
        return self.reason == "too_fast"


def judge(phase: str, code: int, enhanced: str, text: str) -> Judgement:
    """What the answer `code enhanced text`, given in an SMTP phase, means.

    `phase` is a name such as "RCPT" ("" when unknown, as in many reports); `code` 0 means that
    there was no answer; `enhanced` may be "" or contradict the code, then the code wins (G5).
    """
    if not 200 <= code < 600:
        return Judgement(Verdict.TEMPORARY, "destination", reason="no_answer")
    if code < 300:
        return Judgement(Verdict.ACCEPTED, "address", final=True, reason="accepted")
    if code < 400:
        return Judgement(Verdict.TEMPORARY, "destination", reason="not_an_answer")
    detail = enhanced.partition(".")[2]
    if not enhanced:
        quoted = words.QUOTED_CODE.search(text)
        detail = quoted[1] if quoted else ""
    permanent = code >= 500
    for rule in _PERMANENT if permanent else _TEMPORARY:
        if rule.fits(phase, code, detail, text):
            found = rule.judgement
            break
    else:
        found = _UNKNOWN if permanent else _LATER
    if permanent:
        return replace(found, final=True)
    asked = _asked_wait(text)
    if asked is not None:
        return replace(found, retry_after=max(asked, found.retry_after or 0.0))
    return found


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of the table; what is left empty fits everything.

    `details` are subject and detail of enhanced codes ("7.1"), or only the subject ("7.").
    `words` must be found in the text and `without` must not.
    """

    judgement: Judgement
    phases: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()
    details: tuple[str, ...] = ()
    words: re.Pattern[str] | None = None
    without: re.Pattern[str] | None = None

    def fits(self, phase: str, code: int, detail: str, text: str) -> bool:
        """Whether this rule speaks of the answer."""
        if self.phases and phase not in self.phases:
            return False
        if self.codes and code not in self.codes:
            return False
        if self.details and not any(
            detail == known or (known.endswith(".") and detail.startswith(known))
            for known in self.details
        ):
            return False
        if self.words is not None and not self.words.search(text):
            return False
        return self.without is None or not self.without.search(text)


def _rule(
    reason: str,
    verdict: Verdict,
    scope: Scope,
    *,
    phases: str = "",
    codes: tuple[int, ...] = (),
    details: str = "",
    says: re.Pattern[str] | None = None,
    unless: re.Pattern[str] | None = None,
    retry_after: float | None = None,
) -> _Rule:
    return _Rule(
        Judgement(verdict, scope, retry_after, reason=reason),
        frozenset(phases.split()),
        frozenset(codes),
        tuple(details.split()),
        says,
        unless,
    )


_UNKNOWN = Judgement(Verdict.UNKNOWN, "address", reason="not_said")
_LATER = Judgement(Verdict.TEMPORARY, "address", reason="later")

_T, _D, _P, _M = Verdict.TEMPORARY, Verdict.DEAD, Verdict.POLICY, Verdict.MESSAGE
_OPENING = "CONNECT BANNER EHLO STARTTLS AUTH"

GREYLIST_WAIT = 300.0
"""Seconds before the first retry after greylisting when the server names no time (G12)."""

RATE_WAIT = 600.0
"""Seconds to leave a provider alone that says we are too fast (Gmail 4.7.28, G11)."""

# 4xx: always temporary (G5); the rules find out of whom it speaks and how long to wait.
_TEMPORARY = (
    _rule("sign_in", _T, "route", phases="STARTTLS AUTH"),
    _rule("sign_in", _T, "route", codes=(432, 454)),
    _rule("opening", _T, "destination", phases=_OPENING),
    _rule("greylisted", _T, "address", says=words.GREYLIST, retry_after=GREYLIST_WAIT),
    _rule("mailbox_full", _T, "address", details="2.2", unless=words.SYSTEM),
    _rule("too_fast", _T, "address", details="2.1", retry_after=RATE_WAIT),
    _rule("too_fast", _T, "destination", details="7.28", retry_after=RATE_WAIT),
    _rule("too_fast", _T, "destination", says=words.TOO_FAST, retry_after=RATE_WAIT),
    _rule("server_closing", _T, "destination", codes=(421,)),
    _rule("mailbox_full", _T, "address", says=words.FULL, unless=words.SYSTEM),
    _rule("authentication", _T, "destination", details="7.26 7.27 7.29 7.30 7.32"),
    _rule("blocked", _T, "destination", says=words.POLICY),
    _rule("security", _T, "destination", details="7."),
    _rule("server_trouble", _T, "destination", details="3. 4."),
)

# 5xx: final for this delivery; what it says about the address is another matter.
_PERMANENT = (
    # Our own way out: credentials, TLS, protocol.
    _rule("opening", _P, "route", phases=_OPENING),
    _rule("account_off", _T, "address", phases="RCPT DOT", details="7.13"),
    _rule("account_off", _T, "address", details="7.13", says=words.SWITCHED_OFF),
    _rule("sign_in", _P, "route", codes=(523, 524, 525, 530, 534, 535, 538)),
    _rule("relaying_denied", _P, "route", says=words.RELAY),
    # Size before "full": both are told with 552 and the word "exceeds".
    _rule("too_large", _M, "message", details="3.4 2.3"),
    _rule("too_large", _M, "message", says=words.TOO_LARGE),
    # Exchange says 5.1.10 of a person, the registry of a domain with null MX.
    _rule("no_such_user", _D, "address", details="1.10", says=words.CLEAR_NO_USER),
    _rule("null_mx", _D, "destination", details="1.10"),
    _rule("sending_limit", _P, "route", says=words.OUR_LIMIT),
    # Full is soft in every dress (G7), and so is an account that is switched off (G9).
    _rule("mailbox_full", _T, "address", details="2.2"),
    _rule("mailbox_full", _T, "address", says=words.FULL, unless=words.STRONG_POLICY),
    _rule("expired", _T, "destination", details="4.7"),
    _rule("expired", _T, "destination", says=words.EXPIRED),
    _rule("too_fast", _T, "address", says=words.TOO_FAST, unless=words.STRONG_POLICY),
    # What the server holds against the sender says nothing about the recipient (G8).
    _rule("sender_refused", _P, "route", details="1.7 1.8"),
    _rule("sender_refused", _P, "destination", says=words.SENDER),
    _rule("authentication", _P, "destination", says=words.AUTHENTICATION),
    _rule("content", _M, "message", says=words.UNSAFE),
    _rule("spam", _P, "message", says=words.SPAM),
    _rule("account_off", _T, "address", says=words.RECIPIENT_BLOCKED),
    _rule("blocked", _P, "destination", says=words.STRONG_POLICY),
    # An address that does not exist (G6).
    _rule("no_such_user", _D, "address", says=words.CLEAR_NO_USER),
    _rule("account_off", _T, "address", says=words.SWITCHED_OFF),
    _rule("refused_at_edge", _D, "address", details="4.1", says=words.EDGE),
    _rule("no_such_user", _D, "address", details="1.1 1.3 1.6", unless=words.POLICY),
    _rule("no_such_domain", _D, "destination", details="1.2"),
    _rule("no_such_domain", _D, "destination", codes=(556,)),
    _rule("no_such_domain", _D, "destination", says=words.NO_DOMAIN, unless=words.POLICY),
    _rule("no_such_user", _D, "address", says=words.NO_USER, unless=words.POLICY),
    # The message itself, unless the server says that it is about its policy.
    _rule("blocked", _P, "destination", says=words.DECLARED_POLICY),
    _rule("address_not_ascii", _M, "address", details="6.7 6.9 6.10"),
    _rule("content", _M, "message", details="6."),
    _rule("content", _M, "message", says=words.CONTENT),
    # What is left, by enhanced code, then by words, then by code.
    _rule("security", _P, "destination", details="7."),
    _rule("account_off", _T, "address", details="2.1 2.4"),
    _rule("server_full", _T, "destination", details="3.1"),
    _rule("server_trouble", _T, "destination", details="3.2 3.5 4.", unless=words.POLICY),
    _rule("too_many", _T, "destination", details="5.3"),
    _rule("blocked", _P, "destination", says=words.POLICY),
    _rule("protocol", _P, "route", details="5.1 5.2 5.4 5.5 5.6"),
    _rule("protocol", _P, "route", codes=(500, 501, 502, 503, 504, 555)),
    _rule("too_large", _M, "message", phases="MAIL", codes=(552,)),
    _rule("mailbox_full", _T, "address", codes=(552,)),
    _rule("blocked", _P, "destination", codes=(541, 571)),
)


def _asked_wait(text: str) -> float | None:
    """Seconds that the server asks to wait, None when it names no time; at most a day."""
    match = words.WAIT.search(text)
    if match is None:
        return None
    if match["minutes"] is not None:
        seconds = int(match["minutes"]) * 60 + int(match["rest"])
    else:
        unit = match["unit"].lower()
        seconds = int(match["number"]) * (
            3600 if unit.startswith("h") else 60 if unit.startswith("m") else 1
        )
    return float(min(seconds, 86_400)) if seconds else None
