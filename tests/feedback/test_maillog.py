"""Mail logs of Postfix and Exim, as they are and as they should not be."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from mailer.feedback.maillog import MOST_LINE, MailLog, bounded_lines, read

ID = "<aaaq.ledger@example.org>"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def of(text: str, wanted: str = ID) -> MailLog:
    return read([line.encode() + b"\n" for line in text.strip().splitlines()], [wanted], now=NOW)


def test_a_message_that_went_through() -> None:
    """H8: queue id from cleanup, the last word of a delivery agent."""
    found = of(f"""
Nov 24 10:00:00 mx postfix/smtpd[100]: connect from app[127.0.0.1]
Nov 24 10:00:00 mx postfix/cleanup[101]: 4F2A31B7C2: message-id={ID}
Nov 24 10:00:00 mx postfix/qmgr[90]: 4F2A31B7C2: from=<b@example.org>, size=9, nrcpt=1 (queue active)
Nov 24 10:00:01 mx postfix/smtp[102]: 4F2A31B7C2: to=<a@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=1, dsn=4.2.0, status=deferred (host mx.example.com said: 450 4.2.0 greylisted (in reply to RCPT TO command))
Nov 24 10:10:01 mx postfix/smtp[102]: 4F2A31B7C2: to=<a@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=601, dsn=2.0.0, status=sent (250 2.0.0 Ok)
Nov 24 10:10:01 mx postfix/qmgr[90]: 4F2A31B7C2: removed
""")  # noqa: E501
    trace = found.traces[ID]
    assert (trace.taken, trace.status, trace.text) == (True, "sent", "250 2.0.0 Ok")
    assert trace.words == "4F2A31B7C2 status=sent 250 2.0.0 Ok"
    assert found.first == datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    assert found.covers(datetime(2026, 11, 24, 10, 5, tzinfo=UTC))
    assert not found.covers(datetime(2026, 11, 24, 10, 10, tzinfo=UTC))


def test_cleanup_alone_does_not_say_that_the_server_took_it() -> None:
    """H7: Postfix logs the Message-ID while content still arrives; it may come to nothing."""
    begun = of(f"Nov 24 10:00:00 mx postfix/cleanup[1]: 4F2A31B7C2: message-id={ID}")
    assert not begun.traces[ID].taken
    refused = of(f"""
Nov 24 10:00:00 mx postfix/cleanup[1]: 4F2A31B7C2: message-id={ID}
Nov 24 10:00:00 mx postfix/cleanup[1]: 4F2A31B7C2: milter-reject: END-OF-MESSAGE from app: 5.7.1 no
Nov 24 10:00:01 mx postfix/qmgr[9]: 4F2A31B7C2: from=<>, size=9, nrcpt=1 (queue active)
""")
    assert not refused.traces[ID].taken


def test_long_queue_ids_iso_times_and_several_instances() -> None:
    """Formats that Postfix and syslog daemons write."""
    found = of(f"""
2026-11-24T10:00:00.123456+01:00 mx postfix-out/cleanup[1]: 4XyzKq1Mz9z5bc: message-id={ID}
2026-11-24T10:00:00.223456+01:00 mx postfix/smtp[1]: 4XyzKq1Mz9z5bc: to=<x@example.net>, relay=none, status=bounced (another instance)
2026-11-24T10:00:01.123456+01:00 mx postfix-out/relay/smtp[1]: 4XyzKq1Mz9z5bc: to=<a@example.com>, relay=none, status=bounced (550 5.1.1 no such user)
""")  # noqa: E501
    trace = found.traces[ID]
    assert (trace.status, trace.text) == ("bounced", "550 5.1.1 no such user")
    assert found.first == datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC)
    for program in ("lmtp", "local", "virtual"):
        one = of(f"""
<22>Nov  4 10:00:00 mx postfix/cleanup[1]: ABCDE1: message-id={ID}
<22>Nov  4 10:00:00 mx postfix/{program}[1]: ABCDE1: to=<a@example.com>, relay=x, status=sent (ok)
""")
        assert one.traces[ID].status == "sent"
        assert one.first == datetime(2026, 11, 4, 10, 0, tzinfo=UTC)


def test_a_queue_id_that_is_used_again_tells_nothing_of_the_first() -> None:
    """Short queue ids come back after a while."""
    found = of(f"""
Nov 24 10:00:00 mx postfix/cleanup[1]: ABCDE1: message-id={ID}
Nov 24 10:00:00 mx postfix/qmgr[1]: ABCDE1: removed
Nov 24 11:00:00 mx postfix/smtp[1]: ABCDE1: to=<z@example.net>, relay=x, status=bounced (no)
Nov 24 12:00:00 mx postfix/cleanup[1]: ABCDE1: message-id=<other@example.org>
Nov 24 12:00:01 mx postfix/smtp[1]: ABCDE1: to=<z@example.net>, relay=x, status=bounced (no)
""")
    assert (found.traces[ID].taken, found.traces[ID].status) == (True, "")


def test_a_message_that_only_names_ours_is_not_ours() -> None:
    """Hostile input: a Message-ID inside other words decides nothing."""
    found = of(f"""
Nov 24 10:00:00 mx postfix/cleanup[1]: ABCDE1: message-id=<x@evil.example> message-id={ID}
Nov 24 10:00:00 mx postfix/cleanup[1]: ABCDE2: warning: header Subject: message-id={ID} from x
Nov 24 10:00:00 mx postfix/smtp[1]: ABCDE2: to=<a@example.com>, relay=x, status=sent (ok)
Nov 24 10:00:00 mx other[1]: ABCDE1: message-id={ID}
""")
    assert found.traces == {}


def test_exim() -> None:
    """Exim writes its "<=" line once it has taken a message."""
    bare = ID.strip("<>")
    found = of(f"""
2026-11-24 10:00:00 1tFabc-000000001Ab-2xYz <= b@example.org H=app [127.0.0.1] P=esmtp S=99 id={bare}
2026-11-24 10:00:01 1tFabc-000000001Ab-2xYz == a@example.com R=dnslookup T=remote_smtp defer (-44): 450 later
2026-11-24 10:05:01 1tFabc-000000001Ab-2xYz => a@example.com R=dnslookup T=remote_smtp H=mx C="250 ok"
2026-11-24 10:05:01 1tFabc-000000001Ab-2xYz Completed
""")  # noqa: E501
    assert (found.traces[ID].taken, found.traces[ID].status) == (True, "sent")


def test_a_log_of_last_december_read_in_january() -> None:
    """Times without a year are the latest that is not to come."""
    line = b"Dec 31 23:59:58 mx postfix/cleanup[1]: ABCDE1: message-id=<a@example.org>\n"
    found = read([line], [], now=datetime(2027, 1, 2, tzinfo=UTC))
    assert found.first == datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    odd = b"Feb 29 10:00:00 mx postfix/cleanup[1]: ABCDE1: message-id=<a@example.org>\n"
    assert read([odd], [], now=datetime(2026, 3, 1, tzinfo=UTC)).first is None


LINE = st.binary(max_size=300) | st.builds(
    lambda *parts: b" ".join(parts),
    st.sampled_from(
        [b"Nov 24 10:00:00", b"2026-11-24T10:00:00Z", b"2026-11-24 10:00:00", b"Nov 31 99:99:99"]
    ),
    st.sampled_from([b"mx postfix/cleanup[1]:", b"mx postfix/smtp[1]:", b"mx a/qmgr[2]:", b""]),
    st.sampled_from([b"ABCDE1:", b"ABCDE2:", b"1tFabc-000000001Ab-2xYz <="]),
    st.sampled_from(
        [b"message-id=" + ID.encode(), b"to=<a>, status=sent (ok)", b"removed", b"status=", b"id="]
    )
    | st.binary(max_size=80),
)


@given(st.lists(LINE, max_size=30))
def test_any_bytes_are_read_in_bounds(lines: list[bytes]) -> None:
    """G19: no line breaks the reader, and it finds only what was asked for."""
    found = read(lines, [ID], now=NOW)
    assert set(found.traces) <= {ID}
    assert found.lines <= len(lines)
    if found.first is not None and found.last is not None:
        assert found.first <= found.last
    assert all(len(trace.words) < 1000 for trace in found.traces.values())


@given(st.lists(st.binary(max_size=50).map(lambda b: b.replace(b"\n", b"")), max_size=20))
def test_of_a_line_without_end_only_the_beginning_is_kept(lines: list[bytes]) -> None:
    """Bounded memory: pieces of a buffer's length become whole lines or their beginnings."""
    text = b"".join(line + b"\n" for line in lines)
    pieces = []
    while text:
        cut = min(text.find(b"\n") + 1, 10)
        pieces.append(text[:cut])
        text = text[cut:]
    assert [p.rstrip(b"\n") for p in bounded_lines(iter(pieces))] == [line[:10] for line in lines]
    assert MOST_LINE >= 4096
