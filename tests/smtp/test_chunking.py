"""CHUNKING (RFC 3030): BDAT instead of DATA, where a server offers it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from mailer.smtp import Connection, Outgoing, Phase, Reply, Timeouts, client

from tests.smtp.acts import CLOSE, HALF, HANG, RESET, Drip, Pause, Raw
from tests.smtp.chaos import Chaos, chaos
from tests.smtp.helpers import ListSource, endpoint, outgoing, send, text

PIPELINED = ("PIPELINING", "SIZE 100000000", "8BITMIME", "CHUNKING")
LOCK_STEP = ("SIZE 100000000", "CHUNKING")
BOTH = pytest.mark.parametrize("keywords", [PIPELINED, LOCK_STEP], ids=["pipelined", "lock-step"])

Result = tuple[Chaos, ListSource, Reply | None]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """A port may be given out again, to a server that knows BDAT."""
    yield
    client._without_bdat.clear()


def play(
    script: dict[str, list[object]],
    count: int = 3,
    *,
    keywords: tuple[str, ...] = PIPELINED,
    items: list[Outgoing] | None = None,
    times: Timeouts | None = None,
) -> Result:
    async def run() -> Result:
        async with chaos(script, keywords=keywords) as server:  # type: ignore[arg-type]
            source = ListSource(items or [outgoing(number) for number in range(1, count + 1)])
            settings = {"timeouts": times} if times else {}
            ended = await send(endpoint(server.port, **settings), source)
            return server, source, ended

    return asyncio.run(run())


def large(number: int, lines: int = 2_000) -> Outgoing:
    return outgoing(number, text(number), *[b"." + b"y" * 997 + b"\r\n"] * lines)


@BOTH
def test_many_messages(keywords: tuple[str, ...]) -> None:
    """RFC 3030: the size, then the content as it is; no DATA, no dot, no dot doubled."""
    items = [
        outgoing(number, text(number, "Hi\r\n.\r\n..b\r\n"), size=number) for number in range(30)
    ]
    server, source, ended = play({}, items=items, keywords=keywords)
    assert ended is None
    assert set(source.codes.values()) == {250}
    assert [mail.wire for mail in server.mails] == [b"".join(item.chunks) for item in items]
    assert source.dotted == list(range(30))
    size = len(b"".join(items[0].chunks))
    assert f"BDAT {size} LAST\r\n".encode() in server.lines
    assert b"DATA\r\n" not in server.lines
    assert server.connections == 1


def test_next_envelope_leaves_with_the_content() -> None:
    """RFC 2920: the next MAIL and RCPT wait for nothing; content waits for RCPT's reply (H15)."""

    async def run() -> None:
        async with chaos({"DOT": [HANG]}, keywords=PIPELINED) as server:
            source = ListSource([outgoing(1), outgoing(2)])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            for _ in range(200):
                await asyncio.sleep(0.01)
                if len([line for line in server.lines if line.startswith(b"RCPT")]) == 2:
                    break
            await asyncio.sleep(0.05)
            verbs = [line.split()[0] for line in server.lines]
            assert verbs == [b"EHLO", b"MAIL", b"RCPT", b"BDAT", b"MAIL", b"RCPT"]
            assert source.dotted == [1]
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert source.outcomes[1].dotted
            assert not source.outcomes[2].dotted
            await connection.close(1)

    asyncio.run(run())


@BOTH
@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "BDAT"])
def test_a_refusal_disturbs_no_other_message(
    verb: str, code: int, keywords: tuple[str, ...]
) -> None:
    """G5, H11: as with DATA; and of a refused recipient's message no byte leaves."""
    enhanced = f"{code // 100}.1.1"
    script = {verb: ["250 Ok", f"{code} {enhanced} not this one"]}
    server, source, ended = play(script, 4, keywords=keywords)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 250, 2: code, 3: 250, 4: 250}
    phase = Phase.DOT if verb == "BDAT" else Phase(verb)
    assert source.outcomes[2].reply == Reply(phase, code, enhanced, "not this one")
    assert source.outcomes[2].dotted == (verb == "BDAT")
    assert source.dotted == ([1, 2, 3, 4] if verb == "BDAT" else [1, 3, 4])
    assert (text(2) in server.received) == (verb == "BDAT")
    assert [entry["rcpt_to"] for entry in server.record if entry.get("taken")] == [
        f"<j{number}@example.net>" for number in (1, 3, 4)
    ]
    assert server.connections == 1


def test_a_taken_recipient_after_a_refused_sender() -> None:
    """A server that takes the recipient of a sender it refused gets no content."""
    script = {"MAIL": ["450 4.1.0 no"], "RCPT": ["250 Ok"]}
    server, source, ended = play(script, 2)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 450, 2: 250}
    assert text(1) not in server.received
    assert server.lines.count(b"RSET\r\n") == 1


def test_the_next_message_is_not_blamed() -> None:
    """RFC 3030 section 2: 503 to the MAIL behind a refused BDAT says nothing of that message."""
    script = {"BDAT": ["554 5.6.0 no"], "MAIL": ["250 Ok", "503 5.5.1 RSET first"]}
    server, source, ended = play(script, 3)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 554, 2: 0, 3: 250}
    given_back = source.outcomes[2]
    assert given_back.reply.local
    assert not given_back.dotted
    assert text(2) not in server.received
    assert server.lines.count(b"RSET\r\n") == 1


@pytest.mark.parametrize(("keywords", "resets"), [(LOCK_STEP, 1), (PIPELINED, 0)])
def test_a_refused_bdat_is_cleared_away(keywords: tuple[str, ...], resets: int) -> None:
    """RFC 3030 section 2: RSET after a refused BDAT, unless the next MAIL is on its way already."""
    script = {"BDAT": ["554 5.6.0 no"]}
    server, source, _ = play(script, 2, keywords=keywords)  # type: ignore[arg-type]
    assert source.codes == {1: 554, 2: 250}
    assert server.lines.count(b"RSET\r\n") == resets


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "BDAT"])
@pytest.mark.parametrize(
    "act",
    [CLOSE, RESET, HALF, HANG, Raw(b"no smtp\r\n"), Raw(b"354 go\r\n"), Raw(b"250-a\r\n550 b\r\n"),
     Raw(b"250 " + b"x" * 8192 + b"\r\n"), Drip("250 " + "x" * 100, 0.05), Raw(b"25", close=True)],
    ids=["close", "reset", "half-close", "hang", "garbage", "354", "mixed", "8 kB", "drip", "half"],
)  # fmt: skip
def test_no_usable_answer(act: object, verb: str, keywords: tuple[str, ...]) -> None:
    """H7, H10: code 0; in doubt only what had its BDAT LAST."""
    times = Timeouts(mail=0.3, rcpt=0.3, data=0.3, block=0.3, dot=0.3, quit=0.3)
    server, source, ended = play({verb: ["250 Ok", act]}, 3, keywords=keywords, times=times)
    assert ended is not None
    assert ended.code == 0
    assert source.codes[1] == 250
    lost = source.outcomes[2]
    assert lost.reply.code == 0
    assert lost.dotted == (verb == "BDAT")
    taken = source.outcomes.get(3)
    assert taken is None or (taken.reply.code == 0 and not taken.dotted)
    assert set(source.dotted) == ({1, 2} if verb == "BDAT" else {1})
    assert (text(2) in server.received) == (verb == "BDAT")


@BOTH
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "BDAT"])
def test_421_ends_the_connection(verb: str, keywords: tuple[str, ...]) -> None:
    """G11: as with DATA."""
    script = {verb: ["250 Ok", "421 4.7.28 later"]}
    _, source, ended = play(script, 4, keywords=keywords)  # type: ignore[arg-type]
    assert ended is not None
    assert (ended.code, ended.enhanced) == (421, "4.7.28")
    assert source.outcomes[2].reply == ended
    given_back = [source.outcomes[number] for number in (3, 4) if number in source.outcomes]
    assert all(outcome.reply.code == 0 and not outcome.dotted for outcome in given_back)


@BOTH
@pytest.mark.parametrize("size", [1, 200], ids=["small", "large"])
def test_withdrawn_right_before_the_content(keywords: tuple[str, ...], size: int) -> None:
    """H15: not a byte of what the source withdraws at the last instant, and no later message."""

    async def run() -> None:
        async with chaos(keywords=keywords) as server:
            source = ListSource([outgoing(1), large(2, size), outgoing(3)])
            source.may_dot = lambda item: item.delivery != 2
            ended = await send(endpoint(server.port), source)
            assert ended is not None
            assert ended.local
            assert [entry["rcpt_to"] for entry in server.record if entry.get("taken")] == [
                "<j1@example.net>"
            ]
            assert text(2) not in server.received
            assert not source.outcomes[2].dotted
            assert 3 not in source.outcomes or not source.outcomes[3].dotted

    asyncio.run(run())


@BOTH
def test_large_messages_arrive_whole(keywords: tuple[str, ...]) -> None:
    """The end of a large message is said when all of it was taken: BDAT size, then BDAT 0 LAST."""
    items = [large(1, 9_000), outgoing(2), large(3), large(4)]
    server, source, ended = play({}, items=list(items), keywords=keywords)
    assert ended is None
    assert source.codes == {1: 250, 2: 250, 3: 250, 4: 250}
    assert [mail.wire for mail in server.mails] == [b"".join(item.chunks) for item in items]
    assert server.lines.count(b"BDAT 0 LAST\r\n") == 3


@BOTH
@pytest.mark.parametrize("act", [CLOSE, HANG, "421 4.3.0 bye", Raw(b"354 go\r\n")])
def test_a_large_message_lost_on_the_way_leaves_no_doubt(
    act: object, keywords: tuple[str, ...]
) -> None:
    """H7: whatever happens before BDAT LAST, nobody can have taken the message."""
    times = Timeouts(block=0.3, dot=0.3)
    items = [large(1), outgoing(2)]
    server, source, ended = play({"BDAT": [act]}, items=items, keywords=keywords, times=times)
    assert ended is not None
    assert source.outcomes[1].reply.phase == Phase.DATA
    assert not source.outcomes[1].dotted
    assert not server.mails


@BOTH
def test_a_refused_part_of_a_large_message(keywords: tuple[str, ...]) -> None:
    """RFC 3030 section 2: after a refused chunk no further one; the next message is whole."""
    script = {"BDAT": ["552 5.3.4 too large for us"]}
    items = [large(1), outgoing(2)]
    server, source, ended = play(script, items=items, keywords=keywords)  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 552, 2: 250}
    assert not source.outcomes[1].dotted
    assert b"BDAT 0 LAST\r\n" not in server.lines
    assert [mail.content for mail in server.mails] == [text(2)]


@pytest.mark.parametrize("answer", ["250 2.0.0 Ok", "552 5.3.4 too large for us"])
def test_an_answer_to_half_a_message(answer: str) -> None:
    """A refusal in the middle counts, an acceptance of what has not left does not."""

    async def run() -> None:
        script = {"RCPT": [Pause(1.0, "250 Ok")]}
        async with chaos(script, keywords=PIPELINED) as server:  # type: ignore[arg-type]
            source = ListSource([large(1, 9_000), outgoing(2)])
            connection = await Connection.open(endpoint(server.port))
            running = asyncio.ensure_future(connection.run(source))
            for _ in range(90):
                await asyncio.sleep(0.01)
                if source.dotted:
                    break
            assert source.dotted == [1]
            server.script["BDAT"] = [""]  # that which is said now, instead
            for talk in server.talks:
                talk.say(answer.encode() + b"\r\n")
            if answer.startswith("552"):
                await asyncio.wait_for(source.all_over.wait(), 5)
                assert source.codes == {1: 552, 2: 250}
                assert [mail.content for mail in server.mails] == [text(2)]
            else:
                ended = await asyncio.wait_for(running, 5)
                assert ended is not None
                assert "half a message" in ended.text
                assert not source.outcomes[1].dotted
            await connection.close(1)
            await running

    asyncio.run(run())


@BOTH
@pytest.mark.parametrize("size", [1, 200], ids=["small", "large"])
@pytest.mark.parametrize("code", [500, 502])
def test_a_server_that_does_not_know_bdat(keywords: tuple[str, ...], code: int, size: int) -> None:
    """Content that is read as commands: the connection ends at once, the next one uses DATA."""

    async def run() -> None:
        script = {"BDAT": [f"{code} 5.5.1 what"]}
        async with chaos(script, keywords=keywords) as server:  # type: ignore[arg-type]
            place = endpoint(server.port)
            source = ListSource([large(1, size), outgoing(2)])
            ended = await send(place, source)
            assert ended is not None
            assert ended.code == 0
            assert "CHUNKING" in ended.text
            assert source.codes[1] == 0
            assert not source.outcomes[1].dotted
            again = ListSource([large(1, size), outgoing(2)])
            assert await send(place, again) is None
            assert again.codes == {1: 250, 2: 250}
            assert server.lines.count(b"DATA\r\n") == 2
            assert [mail.content for mail in server.mails[-2:]] == [
                b"".join(large(1, size).chunks),
                text(2),
            ]

    asyncio.run(run())


def test_a_known_bdat_may_be_refused_by_any_code() -> None:
    """Once BDAT was understood, 500 is the refusal of a message as any other."""
    _, source, ended = play({"BDAT": ["250 Ok", "500 5.0.0 no"]}, 3)  # type: ignore[dict-item]
    assert ended is None
    assert source.codes == {1: 250, 2: 500, 3: 250}
