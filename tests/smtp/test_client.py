"""The client against a server that keeps to its script: what arrives, what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from mailer.smtp import Connection, Outgoing, Phase, Reply, SmtpFailure, Timeouts

from tests.smtp.chaos import CLOSE, HANG, Chaos, Drip, Pause, Raw, chaos
from tests.smtp.helpers import QUICK, ListSource, Outside, endpoint, outgoing, send, text

LOCK_STEP = ("SIZE 10000000", "8BITMIME")
PIPELINED = ("PIPELINING", "SIZE 10000000", "8BITMIME")
BOTH = pytest.mark.parametrize("keywords", [PIPELINED, LOCK_STEP], ids=["pipelined", "lock-step"])

Result = tuple[Chaos, ListSource, Reply | None]


def play(
    script: dict[str, list[object]],
    count: int = 3,
    *,
    keywords: tuple[str, ...] = PIPELINED,
    items: list[Outgoing] | None = None,
    careless: bool = False,
    **settings: object,
) -> Result:
    async def run() -> Result:
        async with chaos(script, keywords=keywords, careless=careless) as server:  # type: ignore[arg-type]
            source = ListSource(items or [outgoing(number) for number in range(1, count + 1)])
            ended = await send(endpoint(server.port, **settings), source)
            return server, source, ended

    return asyncio.run(run())


def arrived(server: Chaos) -> list[str]:
    """Recipients of what arrived, in order."""
    return [mail.rcpt_to[0].partition("@")[0].strip("<") for mail in server.mails]


@BOTH
def test_many_messages_on_one_connection(keywords: tuple[str, ...]) -> None:
    """H11: one recipient per transaction, the connection reused, each message whole."""
    server, source, ended = play({}, 50, keywords=keywords)
    assert ended is None
    assert server.connections == 1
    assert arrived(server) == [f"j{number}" for number in range(1, 51)]
    assert [mail.content for mail in server.mails] == [text(number) for number in range(1, 51)]
    assert all(len(mail.rcpt_to) == 1 for mail in server.mails)
    assert source.dotted == list(range(1, 51))
    first = source.outcomes[1]
    assert first.dotted
    assert first.reply == Reply(Phase.DOT, 250, "2.0.0", "Ok: queued")
    assert server.lines[-1] == b"QUIT\r\n"


def test_next_envelope_leaves_with_the_last_dot() -> None:
    """RFC 2920: MAIL, RCPT and DATA of the next message wait for no reply but the last 354."""

    async def run() -> None:
        async with chaos({"DOT": [HANG]}) as server:
            source = ListSource([outgoing(1), outgoing(2)])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            for _ in range(200):
                await asyncio.sleep(0.01)
                if server.lines.count(b"DATA\r\n") == 2:
                    break
            assert server.lines.count(b"DATA\r\n") == 2
            assert not source.outcomes
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert source.outcomes[1].dotted
            assert not source.outcomes[2].dotted
            await connection.close(1)

    asyncio.run(run())


def test_mail_from_announces_the_size() -> None:
    """B17: SIZE= stands in MAIL FROM where SIZE is offered, and not where it is not."""
    server, _, _ = play({}, 1)
    size = len(text(1))
    assert f"MAIL FROM:<bounces@example.org> SIZE={size}\r\n".encode() in server.lines
    server, _, _ = play({}, 1, keywords=("PIPELINING",))
    assert b"MAIL FROM:<bounces@example.org>\r\n" in server.lines


def test_too_large_is_refused_here() -> None:
    """B17: what is larger than the announced SIZE fails before MAIL, and the next goes out."""
    items = [outgoing(1, text(1, "x" * 90 + "\r\n")), outgoing(2)]
    server, source, _ = play({}, items=items, keywords=("PIPELINING", "SIZE 120"))
    reply = source.outcomes[1].reply
    assert (reply.phase, reply.code, reply.enhanced, reply.local) == ("MAIL", 552, "5.3.4", True)
    assert not source.outcomes[1].dotted
    assert arrived(server) == ["j2"]
    assert len([line for line in server.lines if line.startswith(b"MAIL")]) == 1


def test_multi_line_reply_is_joined() -> None:
    """Lines are joined by a space, and the enhanced code stands once, apart."""
    script = {"DOT": ["550-5.1.1 No such\r\n550-5.1.1 person\r\n550 5.1.1 here"]}
    _, source, _ = play(script, 1)  # type: ignore[arg-type]
    assert source.outcomes[1].reply == Reply(Phase.DOT, 550, "5.1.1", "No such person here")


def test_reply_text_is_printable_and_bounded() -> None:
    """H16: controls are escaped and the text kept is at most 512 bytes."""
    script = {"DOT": [Raw(b"250 2.0.0 a\x1b[31m\xff\xc3\xa9 " + b"z" * 700 + b"\r\n")]}
    _, source, _ = play(script, 1)  # type: ignore[arg-type]
    kept = source.outcomes[1].reply.text
    assert kept.startswith("a\\x1b[31m\\xffé zz")
    assert kept.isprintable()
    assert len(kept.encode()) == 512


@BOTH
@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_refusal_disturbs_no_other_message(
    verb: str, code: int, keywords: tuple[str, ...]
) -> None:
    """G5, H11: 4xx or 5xx anywhere concerns one message; the rest of the connection goes on."""
    enhanced = f"{code // 100}.1.1"
    default = {"MAIL": "250 Ok", "RCPT": "250 Ok", "DATA": "354 go", "DOT": "250 Ok"}[verb]
    script = {verb: [default, f"{code} {enhanced} not this one"]}
    server, source, ended = play(script, 4, keywords=keywords)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 250, 2: code, 3: 250, 4: 250}
    reply = source.outcomes[2].reply
    assert reply == Reply(Phase(verb), code, enhanced, "not this one")
    assert source.outcomes[2].dotted == (verb == "DOT")
    assert source.dotted == ([1, 2, 3, 4] if verb == "DOT" else [1, 3, 4])
    there = [name for name in arrived(server) if name != "j2" or verb != "DOT"]
    assert there == ["j1", "j3", "j4"]
    assert server.connections == 1


@BOTH
def test_every_message_refused(keywords: tuple[str, ...]) -> None:
    """A row of refusals needs no luck with what the server keeps of the last transaction."""
    script = {"RCPT": ["550 5.1.1 no"] * 20}
    server, source, ended = play(script, 20, keywords=keywords)  # type: ignore[arg-type]
    assert ended is None
    assert set(source.codes.values()) == {550}
    assert not server.mails


def test_354_after_a_refused_recipient_gets_a_lone_dot() -> None:
    """Lesson 14: a server that answers 354 all the same gets no content and no empty message."""
    script = {"RCPT": ["250 Ok", "550 5.1.1 no", "250 Ok"]}
    server, source, ended = play(script, 3, careless=True)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 250, 2: 550, 3: 250}
    assert source.dotted == [1, 3]
    assert arrived(server) == ["j1", "j3"]
    assert server.lines.count(b"RSET\r\n") == 1
    assert [mail.content for mail in server.mails] == [text(1), text(3)]


def test_an_accepted_lone_dot_ends_the_connection() -> None:
    """Lesson 14: a server that takes an empty message for nobody is not trusted further."""
    script = {"RCPT": ["550 5.1.1 no"], "DOT": ["250 Ok: queued"]}
    server, source, ended = play(script, 2, careless=True)  # type: ignore[arg-type]
    assert ended is not None
    assert ended.code == 0
    assert source.codes[1] == 550
    assert not source.outcomes[1].dotted
    assert not server.mails


def test_354_after_a_refused_sender_with_a_taken_recipient() -> None:
    """No dot is written where a server might deliver an empty message to somebody."""
    script = {"MAIL": ["450 4.1.0 no"], "RCPT": ["250 Ok"]}
    server, source, ended = play(script, 1, careless=True)  # type: ignore[arg-type]
    assert ended is not None
    assert source.codes == {1: 450}
    assert b".\r\n" not in server.received.replace(b"\r\n.\r\n", b"")
    assert not server.mails


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    "act",
    [
        CLOSE,
        HANG,
        Raw(b"no smtp\r\n"),
        Raw(b"250\xff" * 3 + b"\r\n"),
        Raw(b"999 no\r\n"),
        Raw(b"250-" + b"x" * 5000),
        Raw(b"250-more\r\n" * 5000),
        Raw(b"250-a\r\n550 b\r\n"),
        Drip("250 " + "x" * 1000, 0.01),
        Raw(b"25", close=True),
    ],
    ids=["close", "hang", "garbage", "glued", "code", "long", "endless", "mixed", "drip", "half"],
)
def test_no_usable_answer(act: object, verb: str, keywords: tuple[str, ...]) -> None:
    """H7, H10: no reply in time, or one that is none: code 0; in doubt only after the dot."""
    good = {"MAIL": "250 Ok", "RCPT": "250 Ok", "DATA": "354 go", "DOT": "250 Ok"}[verb]
    times = Timeouts(mail=0.3, rcpt=0.3, data=0.3, block=0.3, dot=0.3, quit=0.3)
    server, source, ended = play({verb: [good, act]}, 3, keywords=keywords, timeouts=times)
    assert ended is not None
    assert ended.code == 0
    assert source.codes[1] == 250
    lost = source.outcomes[2]
    assert lost.reply.code == 0
    assert lost.reply.text
    assert lost.reply.phase == verb
    assert lost.dotted == (verb == "DOT")
    taken = source.outcomes.get(3)
    assert taken is None or (taken.reply.code == 0 and not taken.dotted)
    assert set(source.dotted) == ({1, 2} if verb == "DOT" else {1})
    assert server.connections == 1


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_421_ends_the_connection(verb: str, keywords: tuple[str, ...]) -> None:
    """G11: 421 is the reply of the message it answers, and what was only begun is given back."""
    good = {"MAIL": "250 Ok", "RCPT": "250 Ok", "DATA": "354 go", "DOT": "250 Ok"}[verb]
    script = {verb: [good, "421 4.7.28 later"]}
    _, source, ended = play(script, 4, keywords=keywords)  # type: ignore[arg-type]
    assert ended == Reply(Phase(verb), 421, "4.7.28", "later")
    assert source.outcomes[2].reply == ended
    given_back = [source.outcomes[number] for number in (3, 4) if number in source.outcomes]
    assert all(outcome.reply.code == 0 and not outcome.dotted for outcome in given_back)
    assert len(source.outcomes) + len(source.items) == 4


def test_what_was_pipelined_is_given_back_when_the_answer_is_lost() -> None:
    """The message behind the lost one never had its dot, so it can be sent elsewhere."""
    _, source, _ = play({"DOT": [CLOSE]}, 2)  # type: ignore[dict-item]
    assert source.outcomes[1].dotted
    assert source.outcomes[1].reply.phase == Phase.DOT
    assert not source.outcomes[2].dotted
    assert source.outcomes[2].reply.code == 0


def test_withdrawn_right_before_the_dot() -> None:
    """H15: what the source withdraws at the last instant is not sent, and nothing in its place."""

    async def run() -> None:
        async with chaos() as server:
            source = ListSource([outgoing(1), outgoing(2), outgoing(3)])
            source.may_dot = lambda item: item.delivery != 2
            ended = await send(endpoint(server.port), source)
            assert ended is not None
            assert arrived(server) == ["j1"]
            assert not source.outcomes[2].dotted
            assert source.outcomes[2].reply.local
            assert not source.outcomes[3].dotted

    asyncio.run(run())


def test_wake_and_close() -> None:
    """An idle connection waits for `wake`; `close` lets the message in flight have its reply."""

    async def run() -> None:
        async with chaos({"DOT": ["250 Ok", Drip("250 2.0.0 slow\r\n", 0.01)]}) as server:
            source = ListSource([])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            await asyncio.sleep(0.05)
            assert not source.outcomes
            source.items.append(outgoing(1))
            connection.wake()
            await asyncio.sleep(0.05)
            assert source.codes == {1: 250}
            source.items.append(outgoing(2))
            connection.wake()
            await asyncio.sleep(0.05)
            source.items.append(outgoing(3))
            await connection.close()
            assert await running is None
            assert source.codes == {1: 250, 2: 250}
            assert source.outcomes[2].reply.text == "slow"
            assert arrived(server) == ["j1", "j2"]
            assert server.lines[-1] == b"QUIT\r\n"
            connection.wake()

    asyncio.run(run())


def test_close_gives_up_after_its_grace() -> None:
    """Decision 5: a stop waits only so long; the message is then in doubt."""

    async def run() -> None:
        async with chaos({"DOT": [HANG]}) as server:
            source = ListSource([outgoing(1)])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            await asyncio.sleep(0.1)
            await connection.close(0.1)
            await running
            assert source.outcomes[1].dotted
            assert source.outcomes[1].reply.code == 0

    asyncio.run(run())


@pytest.mark.parametrize("farewell", [Raw(b"", close=True), Raw(b"421 4.4.2 idle\r\n", close=True)])
def test_closed_while_idle_is_a_normal_reconnect(farewell: Raw) -> None:
    """H11: the end of an idle connection is told apart by phase QUIT."""

    async def run() -> Reply | None:
        async with chaos() as server:
            source = ListSource([])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            await asyncio.sleep(0.05)
            for talk in server.talks:
                talk.say(farewell.raw, close=True)
            ended = await asyncio.wait_for(running, 2)
            await connection.close(1)
            return ended

    ended = asyncio.run(run())
    assert ended is not None
    assert ended.phase == Phase.QUIT
    assert ended.code == (421 if farewell.raw else 0)


def test_a_broken_source_is_not_hidden() -> None:
    """What the source raises ends the connection and comes out of `run`."""

    class Broken(ListSource):
        def outcome(self, item: Outgoing, outcome: object) -> None:
            raise RuntimeError("no room")

    async def run() -> None:
        async with chaos() as server:
            connection = await Connection.open(endpoint(server.port))
            with pytest.raises(RuntimeError, match="no room"):
                await connection.run(Broken([outgoing(1), outgoing(2)]))
            await connection.close(1)

    asyncio.run(run())


@pytest.mark.parametrize("call", ["next", "dotting"])
def test_a_source_that_fails_while_sending(call: str) -> None:
    """The message at hand and the one behind it are given back, not sent and not forgotten."""

    class Failing(ListSource):
        def next(self) -> Outgoing | None:
            if call == "next" and len(self.items) == 1:
                raise RuntimeError("no room")
            return super().next()

        def dotting(self, item: Outgoing) -> bool:
            if call == "dotting":
                raise RuntimeError("no room")
            return super().dotting(item)

    async def run() -> None:
        async with chaos() as server:
            source = Failing([outgoing(1), outgoing(2), outgoing(3)])
            connection = await Connection.open(endpoint(server.port))
            with pytest.raises(RuntimeError, match="no room"):
                await connection.run(source)
            await connection.close(1)
            assert len(source.outcomes) + len(source.items) == 3
            if call == "dotting":
                assert not any(outcome.dotted for outcome in source.outcomes.values())
                assert not server.mails

    asyncio.run(run())


def test_messages_per_connection() -> None:
    """H11: a connection carries so many messages and is then ended politely."""

    async def run() -> None:
        async with chaos() as server:
            source = ListSource([outgoing(number) for number in range(5)])
            place = endpoint(server.port, messages_per_connection=3)
            connection = await Connection.open(place)
            assert await connection.run(source) is None
            assert len(server.mails) == 3
            assert len(source.items) == 2
            assert server.lines[-1] == b"QUIT\r\n"

    asyncio.run(run())


def test_a_large_message_lost_on_the_way_leaves_no_doubt() -> None:
    """H7: the dot of a large message waits for its content, so it is known not to be written."""

    async def run() -> None:
        async with chaos({"CONTENT": ["<deaf>"]}) as server:
            large = outgoing(1, text(1), b"x" * 70 + b"\r\n", *[b"y" * 998 + b"\r\n"] * 20_000)
            source = ListSource([large])
            times = Timeouts(block=0.3, dot=5)
            place = endpoint(
                server.port,
                timeouts=times,
            )
            server.profile.keywords = ("PIPELINING", "SIZE 100000000")
            ended = await send(place, source)
            assert ended is not None
            assert ended.text == "no answer within 0.3 seconds"
            assert source.dotted == [1]
            assert not source.outcomes[1].dotted
            assert source.outcomes[1].reply.code == 0

    asyncio.run(run())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_waking_while_a_large_message_is_written(run: Callable[[object], None]) -> None:
    """Commands of the next message never get between the content of a large one and its dot."""

    async def scene() -> None:
        async with chaos({"CONTENT": [Pause(0.3)]}) as server:
            large = outgoing(1, text(1), *[b"y" * 998 + b"\r\n"] * 9_000)
            source = ListSource([large])
            source.expected = 2
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            async with asyncio.timeout(5):
                while not source.dotted:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert source.dotted == [1]
            source.items.append(outgoing(2))
            connection.wake()
            await asyncio.wait_for(source.all_over.wait(), 5)
            assert source.codes == {1: 250, 2: 250}
            assert [mail.content for mail in server.mails] == [b"".join(large.chunks), text(2)]
            await connection.close()
            await running

    run(scene())


@pytest.mark.parametrize("answer", ["552 5.3.4 too large for us", "250 2.0.0 Ok"])
def test_an_answer_before_the_dot_of_a_large_message(answer: str) -> None:
    """A refusal in the middle counts; an acceptance of what was not ended does not."""

    async def run() -> None:
        async with chaos({"CONTENT": [Pause(0.2, answer, 0.1)], "DOT": [""]}) as server:
            large = outgoing(1, *[b"y" * 998 + b"\r\n"] * 9_000)
            source = ListSource([large, outgoing(2)])
            ended = await send(endpoint(server.port), source)
            if answer.startswith("552"):
                assert ended is None
                assert source.codes == {1: 552, 2: 250}
                assert server.mails[-1].content == text(2)
            else:
                assert ended is not None
                assert source.codes == {1: 0, 2: 0}
                assert not source.outcomes[1].dotted

    asyncio.run(run())


def test_a_large_message_arrives_whole() -> None:
    """The same way of writing delivers the message and the ones behind it."""
    large = outgoing(1, text(1), *[b"y" * 998 + b"\r\n"] * 9_000)
    items = [large, outgoing(2), outgoing(3, text(3), *[b"z" * 70 + b"\r\n"] * 2_000)]
    server, source, ended = play({}, items=list(items))
    assert ended is None
    assert source.codes == {1: 250, 2: 250, 3: 250}
    assert [mail.content for mail in server.mails] == [b"".join(item.chunks) for item in items]


@pytest.mark.parametrize(
    ("script", "phase", "code"),
    [
        ({"BANNER": ["554 5.7.1 go away"]}, Phase.BANNER, 554),
        ({"BANNER": ["421 4.3.2 not now"]}, Phase.BANNER, 421),
        ({"BANNER": [HANG]}, Phase.BANNER, 0),
        ({"BANNER": [CLOSE]}, Phase.BANNER, 0),
        ({"BANNER": [Raw(b"HTTP/1.1 400 Bad Request\r\n")]}, Phase.BANNER, 0),
        ({"EHLO": ["450 4.3.2 later"]}, Phase.EHLO, 450),
        ({"EHLO": ["550 no"], "HELO": ["550 5.7.1 never"]}, Phase.EHLO, 550),
        ({"EHLO": [HANG]}, Phase.EHLO, 0),
        ({"EHLO": [CLOSE]}, Phase.EHLO, 0),
    ],
)
def test_a_greeting_that_fails(script: dict[str, list[object]], phase: Phase, code: int) -> None:
    """H10: each phase before MAIL ends with its own words, in its own time."""

    async def run() -> None:
        async with chaos(script) as server:  # type: ignore[arg-type]
            place = endpoint(server.port, timeouts=Timeouts(banner=0.3, ehlo=0.3))
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place)
            assert failure.value.reply.phase == phase
            assert failure.value.reply.code == code
            assert failure.value.reply.text

    asyncio.run(run())


def test_falls_back_to_helo() -> None:
    """RFC 5321 section 3.2: a server that knows no EHLO is served without extensions."""
    server, source, _ = play({"EHLO": ["502 5.5.1 what"]}, 2)  # type: ignore[dict-item]
    assert b"HELO client.example.org\r\n" in server.lines
    assert source.codes == {1: 250, 2: 250}
    assert b"MAIL FROM:<bounces@example.org>\r\n" in server.lines


def test_nobody_listens() -> None:
    """A server that is away is a failure in phase CONNECT with code 0."""

    async def run() -> None:
        async with chaos() as server:
            port = server.port
        with pytest.raises(SmtpFailure) as failure:
            await Connection.open(endpoint(port, timeouts=QUICK))
        assert failure.value.reply.phase == Phase.CONNECT
        assert failure.value.reply.code == 0

    asyncio.run(run())


def test_utf8_addresses() -> None:
    """A29: a non-ASCII local part goes out where SMTPUTF8 is offered, else fails before DATA."""
    items = [outgoing(1, rcpt_to="józef@example.net"), outgoing(2)]
    server, source, _ = play({}, items=list(items))
    assert source.codes == {1: 553, 2: 250}
    assert source.outcomes[1].reply.enhanced == "5.6.7"
    assert source.outcomes[1].reply.local
    assert arrived(server) == ["j2"]
    server, source, _ = play({}, items=list(items), keywords=(*PIPELINED, "SMTPUTF8"))
    assert source.codes == {1: 250, 2: 250}
    assert server.mails[0].rcpt_to == ["<józef@example.net>"]
    assert server.mails[0].mail_from.endswith(" SMTPUTF8")
    assert "SMTPUTF8" not in server.mails[1].mail_from


def test_eight_bit_content_needs_8bitmime() -> None:
    """B4: 8-bit bytes go only where they are allowed, and are announced."""
    item = outgoing(1, "Subject: é\r\n\r\né\r\n".encode())
    server, source, _ = play({}, items=[item], keywords=("PIPELINING",))
    assert source.codes == {1: 554}
    assert not server.mails
    server, source, _ = play({}, items=[item])
    assert source.codes == {1: 250}
    assert "BODY=8BITMIME" in server.mails[0].mail_from


def test_session_tells_what_the_server_is() -> None:
    """Extensions in capitals with their parameters, the peer, and loopback on both ends."""

    async def run() -> None:
        async with chaos(keywords=("size 1000", "AUTH PLAIN", "AUTH=LOGIN", "CHUNKING")) as server:
            connection = await Connection.open(endpoint(server.port))
            session = connection.session
            assert session.extensions == {"SIZE": "1000", "AUTH": "PLAIN LOGIN", "CHUNKING": ""}
            assert session.peer == "127.0.0.1"
            assert session.loopback
            assert session.tls == ""
            assert not session.is_our_sandbox
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_answer_that_came_in_time_counts_though_this_process_was_held_up(
    factory: Callable[[], asyncio.AbstractEventLoop], tmp_path: Path
) -> None:
    """H7, H10: what waits in the socket is no silence; only who was not answered is in doubt."""

    class HeldUp(ListSource):
        def dotting(self, item: Outgoing) -> bool:
            time.sleep(1.0)
            return super().dotting(item)

    async def run() -> tuple[ListSource, ListSource]:
        waiting, busy = ListSource([outgoing(1)]), HeldUp([outgoing(2)])
        begun = asyncio.Event()
        waiting.may_dot = lambda item: begun.set() is None
        place = endpoint(server.port, timeouts=replace(QUICK, dot=0.5))
        first = asyncio.create_task(send(place, waiting))
        await begun.wait()
        await asyncio.gather(first, send(place, busy))
        return waiting, busy

    with (
        Outside(tmp_path / "record", {"latency": 0.2}) as server,
        asyncio.Runner(loop_factory=factory) as runner,
    ):
        waiting, busy = runner.run(run())
    assert waiting.codes | busy.codes == {1: 250, 2: 250}
