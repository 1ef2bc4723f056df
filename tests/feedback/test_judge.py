"""The judge's table, held to what providers write and to the rules of group G."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.feedback.judge import Verdict, judge

Line = tuple[str, str, str]  # reply, verdict and scope, requirement or provider

FINAL = [
    # G6: dead
    ("550 5.1.1 <a@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
     "dead address"),
    ("550 5.1.1 The email account that you tried to reach does not exist. Please try "
     "double-checking the recipient's email address for typos or unnecessary spaces. gsmtp",
     "dead address"),
    ("550 5.1.1", "dead address"),
    ("550 5.1.3 Bad destination mailbox address syntax", "dead address"),
    ("550 5.1.6 Destination mailbox has moved, no forwarding address", "dead address"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@example.org not found by SMTP address"
     " lookup", "dead address"),
    ("554 delivery error: dd This user doesn't have a yahoo.com account (a@example.org) [0]",
     "dead address"),
    ("550 Requested action not taken: mailbox unavailable", "unknown address"),
    ("550 No such user here", "dead address"),
    ("550 5.5.0 no such recipient", "dead address"),
    ("511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "dead address"),
    ("550 a@example.org... User unknown", "dead address"),
    ("550 Unknown user", "dead address"),
    ("550 unrouteable address", "unknown address"),
    ("550 5.1.0 Benutzer unbekannt", "dead address"),
    ("550 5.1.0 utilisateur inconnu", "dead address"),
    ("550 5.1.2 bad destination system address", "dead destination"),
    ("556 5.1.10 Recipient address has null MX", "dead destination"),
    ("550 5.1.2 <a@example.invalid>: Host or domain name not found", "dead destination"),
    # G7: soft
    ("552 5.2.2 The email account that you tried to reach is over quota", "temporary address"),
    ("550 5.1.1 mailbox full", "temporary address"),
    ("554 5.2.2 mailbox full (#5.2.2)", "temporary address"),
    ("552 Requested mail action aborted: exceeded storage allocation", "temporary address"),
    ("550 5.7.1 user is over quota", "temporary address"),
    ("554 5.4.7 message expired", "temporary destination"),
    ("550 5.3.1 mail system full", "temporary destination"),
    ("550 5.4.6 routing loop", "temporary destination"),
    # G8: says nothing about the address
    ("550 5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC"
     " policy", "policy destination"),
    ("550 5.7.515 Access denied, sending domain example.org does not meet the required"
     " authentication level.", "policy destination"),
    ("550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using Spamhaus",
     "policy destination"),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "policy destination"),
    ("550 SC-001 (BAY004) Unfortunately, messages from 192.0.2.1 weren't sent. Please contact your"
     " Internet service provider since part of their network is on our block list",
     "policy destination"),
    ("554 5.7.1 [HM08] Message rejected due to local policy. Please visit"
     " https://support.apple.com/en-us/HT204137", "policy message"),
    ("554 Message not allowed - [PH01] Email not accepted for policy reasons. [120]",
     "policy destination"),
    ("550 5.7.1 Message rejected as spam by Content Filtering", "policy message"),
    ("550 5.7.1 Unable to relay", "policy route"),
    ("554 5.7.1 <a@example.org>: Relay access denied", "policy route"),
    ("530 5.7.0 Must issue a STARTTLS command first", "policy route"),
    ("535 5.7.8 Username and Password not accepted", "policy route"),
    ("550 5.7.25 The IP address sending this message does not have a PTR record",
     "policy destination"),
    ("553 5.1.8 <b@example.org>: Sender address rejected: Domain not found", "policy route"),
    ("550 5.1.0 <b@example.org>: Sender address rejected: undeliverable address: user does not"
     " exist", "policy destination"),
    ("503 5.5.1 Bad sequence of commands", "policy route"),
    ("555 5.5.4 Unsupported option", "policy route"),
    # a dead code in the dress of policy is in doubt, and doubt is never dead
    ("550 5.1.1 rejected: your IP is on a blacklist", "policy destination"),
    ("550 5.1.1 refused due to recipient preferences", "policy destination"),
    ("550 5.4.1 Recipient address rejected: Access denied", "dead address"),
    # the message
    ("552 5.3.4 Message size exceeds fixed limit", "message message"),
    ("552 5.2.3 Your message exceeded Google's message size limits", "message message"),
    ("552 5.3.4 message header size exceeds limit", "message message"),
    ("550 5.6.0 Lone CR or LF in headers (see RFC2822 section 2.2)", "message message"),
    ("554 5.6.0 Message contains invalid header", "message message"),
    ("550 5.7.1 Messages missing a valid address in From: header, or having no From: header, are"
     " not accepted: multiple From header", "message message"),
    ("554 message content rejected", "message message"),
    ("554 Virus found", "message message"),
    ("553 5.6.7 the address is not ASCII and the server does not offer SMTPUTF8",
     "message address"),
    # G9
    ("550 5.2.1 The email account that you tried to reach is inactive.", "temporary address"),
    ("550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents"
     " additional messages from being delivered.", "temporary address"),
    ("550 5.2.1 mailbox disabled, not accepting messages", "temporary address"),
    # nothing said
    ("550", "unknown address"),
    ("550 5.0.0 error", "unknown address"),
    ("554 Transaction failed", "unknown address"),
    ("599 hm", "unknown address"),
]  # fmt: skip

DEFERRED = [
    ("421 4.7.28 try later", "destination", 600),
    ("421 4.7.28 Our system has detected an unusual rate of unsolicited mail", "destination", 600),
    ("421 5.7.32 From header not aligned with the authenticated domain", "destination", None),
    ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", "address", 600),
    ("452 4.2.2 The email account that you tried to reach is over quota", "address", None),
    ("450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, see http://postgrey",
     "address", 300),
    ("451 4.7.1 Greylisted for 120 seconds", "address", 300),
    ("451 Greylisted, try again in 00:09:30", "address", 300),
    ("450 4.7.1 Greylisting in action, please come back in 15 minutes", "address", 900),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "destination", 600),
    ("421 4.3.2 Service shutting down", "destination", None),
    ("421 4.7.650 please try again in 2 hours", "destination", 7200),
    ("451 4.4.1 no answer from host", "destination", None),
    ("452 4.3.1 Insufficient system storage", "destination", None),
    ("451 5.1.1 no such user", "address", None),
    ("450 Requested mail action not taken: mailbox unavailable", "address", None),
]  # fmt: skip


def split(line: str) -> tuple[int, str, str]:
    code, _, rest = line.partition(" ")
    first, _, after = rest.partition(" ")
    if first[:1].isdigit() and first.count(".") == 2:
        return int(code), first, after
    return int(code), "", rest


@pytest.mark.parametrize(("line", "meaning"), FINAL, ids=[line[:60] for line, _ in FINAL])
def test_final_answers(line: str, meaning: str) -> None:
    """G6, G7, G8, G9, G13: what 5xx means; it is final for the delivery in every case."""
    found = judge("RCPT", *split(line))
    assert f"{found.verdict} {found.scope}" == meaning
    assert found.final
    assert found.retry_after is None
    assert found.reason


@pytest.mark.parametrize(
    ("line", "scope", "wait"), DEFERRED, ids=[line[:60] for line, _, _ in DEFERRED]
)
def test_deferred_answers(line: str, scope: str, wait: float | None) -> None:
    """G5, G7, G11: 4xx is temporary whatever the enhanced code says, and may name a time."""
    found = judge("RCPT", *split(line))
    assert (found.verdict, found.scope, found.retry_after) == (Verdict.TEMPORARY, scope, wait)
    assert not found.final


def test_accepted() -> None:
    """H19: 2xx is the next hop's word."""
    found = judge("DOT", 250, "2.0.0", "Ok: queued; user unknown is not what this says")
    assert (found.verdict, found.final) == (Verdict.ACCEPTED, True)


@pytest.mark.parametrize("phase", ["CONNECT", "BANNER", "EHLO", "MAIL", "DOT"])
def test_no_answer(phase: str) -> None:
    """A lost connection is temporary and speaks of the destination."""
    found = judge(phase, 0, "", "no answer within 300 seconds")
    assert (found.verdict, found.scope, found.final) == (Verdict.TEMPORARY, "destination", False)


@pytest.mark.parametrize("phase", ["BANNER", "EHLO", "STARTTLS", "AUTH"])
def test_refused_before_any_message(phase: str) -> None:
    """G8: what is refused before MAIL never says anything about an address."""
    for text in ("no such user", "mailbox full", "go away"):
        found = judge(phase, 550, "5.1.1", text)
        assert (found.verdict, found.scope) == (Verdict.POLICY, "route")


def test_enhanced_code_inside_the_text() -> None:
    """G5: where no enhanced code leads the text, one quoted inside it is read."""
    assert judge("RCPT", 550, "", "sorry (#5.1.1)").verdict == Verdict.DEAD
    assert judge("RCPT", 550, "", "sorry, version 15.1.1").verdict == Verdict.UNKNOWN


CODES = st.integers(400, 599)
ENHANCED = st.from_regex(r"[245]\.[0-9]\.[0-9]{1,3}", fullmatch=True) | st.just("")
TEXT = st.text(max_size=200) | st.sampled_from([line for line, _ in FINAL])


@given(CODES, ENHANCED, TEXT)
def test_class_of_the_code_wins(code: int, enhanced: str, text: str) -> None:
    """G5, G13: for any words, 4xx is temporary and open, 5xx final and never "accepted"."""
    found = judge("RCPT", code, enhanced, text)
    assert found.final == (code >= 500)
    if code < 500:
        assert found.verdict == Verdict.TEMPORARY
    else:
        assert found.verdict in ("temporary", "dead", "policy", "message", "unknown")


@given(CODES.filter(lambda code: code >= 500), st.from_regex(r"5\.[5-7]\.[1-9]", fullmatch=True))
def test_codes_that_never_kill(code: int, enhanced: str) -> None:
    """G8: 5.5.x, 5.6.x and 5.7.x without clear words never call an address dead."""
    if code != 556:
        assert judge("DOT", code, enhanced, "refused").verdict != Verdict.DEAD


@given(st.text(alphabet="a mailbox user exceed quota.;:", max_size=512))
def test_words_are_read_in_bounded_time(text: str) -> None:
    """G19: no text makes the patterns run away (Hypothesis gives each example its deadline)."""
    judge("RCPT", 550, "", text)
    judge("RCPT", 450, "", text)
