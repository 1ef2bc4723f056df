"""Servers that do not keep to the protocol: nobody is doubled, lost or believed without reason."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailer.clock import SECOND
from mailer.smtp import Connection, Outgoing, Phase, Reply, SmtpFailure, Timeouts, client

from tests.smtp.acts import (
    CLOSE,
    HALF,
    HANG,
    KEYWORDS,
    SKIP,
    Drip,
    Profile,
    Raw,
    Refuse,
    Rule,
    Wait,
)
from tests.smtp.authority import Authority
from tests.smtp.chaos import Chaos, chaos
from tests.smtp.helpers import ListSource, endpoint, outgoing, send, text

OFFERS = {
    "pipelined": KEYWORDS,
    "lock-step": ("SIZE 10000000", "8BITMIME"),
    "chunking": (*KEYWORDS, "CHUNKING"),
}
ALL = pytest.mark.parametrize("keywords", list(OFFERS.values()), ids=list(OFFERS))
SHORT = Timeouts(mail=0.3, rcpt=0.3, data=0.3, block=0.3, dot=0.3, quit=0.3)

Result = tuple[Chaos, ListSource, Reply | None]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    client._without_bdat.clear()


async def meet(
    script: dict[str, list[object]],
    keywords: tuple[str, ...],
    count: int = 3,
    *,
    items: list[Outgoing] | None = None,
    like: Profile | None = None,
    limits: Timeouts = SHORT,
) -> Result:
    async with chaos(script, keywords=keywords, like=like) as server:  # type: ignore[arg-type]
        source = ListSource(items or [outgoing(number) for number in range(1, count + 1)])
        ended = await send(endpoint(server.port, timeouts=limits), source)
        return server, source, ended


def judge(server: Chaos, source: ListSource) -> None:
    """What must be so whatever the server did."""
    taken: list[str] = [entry["rcpt_to"] for entry in server.record if entry.get("taken")]
    assert len(taken) == len(set(taken)), "a message was sent twice"
    for number, outcome in source.outcomes.items():
        arrived = f"<j{number}@example.net>" in taken
        if outcome.reply.code == 250:
            assert arrived, "believed without reason"
        if arrived:
            assert outcome.dotted, "taken, and not known to be possible"
            assert number in source.dotted
    given_back = {item.delivery for item in source.items}
    assert not given_back & set(source.outcomes)
    assert len(given_back) + len(source.outcomes) == source.expected


@ALL
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_one_reply_too_many(verb: str, keywords: tuple[str, ...]) -> None:
    """A surplus reply would make each later one the answer to something else: the end."""
    usual = {"DATA": "354 go"}.get(verb, "250 Ok")
    script = {verb: [usual, f"{usual}\r\n250 2.0.0 and more"]}
    server, source, ended = asyncio.run(meet(script, keywords))  # type: ignore[arg-type]
    if verb == "DATA" and "CHUNKING" in keywords:
        assert ended is None
        return
    assert ended is not None
    assert ended.code == 0
    judge(server, source)
    assert source.codes[1] == 250
    if verb != "DOT":
        assert not source.outcomes[2].dotted
        assert text(2) not in server.received


@ALL
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_one_reply_too_few(verb: str, keywords: tuple[str, ...]) -> None:
    """A forgotten reply is waited for; what is read in its place is not believed."""
    usual = {"DATA": "354 go"}.get(verb, "250 Ok")
    server, source, ended = asyncio.run(meet({verb: [usual, SKIP]}, keywords))
    if verb == "DATA" and "CHUNKING" in keywords:
        assert ended is None
        return
    assert ended is not None
    assert ended.code == 0
    assert source.codes[1] == 250
    taken = [entry["rcpt_to"] for entry in server.record if entry.get("taken")]
    assert len(taken) == len(set(taken))
    if verb != "DOT":
        assert not source.outcomes[2].dotted or "<j2@example.net>" in taken


@ALL
@pytest.mark.parametrize(
    ("verb", "answer"),
    [("MAIL", "354 go"), ("RCPT", "354 go"), ("DATA", "250 Ok"), ("DOT", "354 go"),
     ("DOT", "334 VXNlcm5hbWU6")],
)  # fmt: skip
def test_an_answer_to_something_else(verb: str, answer: str, keywords: tuple[str, ...]) -> None:
    """250 to DATA, 354 to anything else: nothing after it can be attributed."""
    usual = {"DATA": "354 go"}.get(verb, "250 Ok")
    script = {verb: [usual, answer]}
    server, source, ended = asyncio.run(meet(script, keywords))  # type: ignore[arg-type]
    if verb == "DATA" and "CHUNKING" in keywords:
        assert ended is None
        return
    assert ended is not None
    assert "no answer to" in ended.text
    judge(server, source)
    assert source.outcomes[2].reply.code == 0
    assert source.outcomes[2].dotted == (verb == "DOT")


@ALL
def test_a_goodbye_behind_good_answers(keywords: tuple[str, ...]) -> None:
    """421 in the same breath as the answers: what they say counts, and no content leaves."""
    last = "RCPT" if "CHUNKING" in keywords else "DATA"
    usual = "354 go" if last == "DATA" else "250 Ok"
    script = {last: [usual, f"{usual}\r\n421 4.3.2 shutting down"]}
    server, source, ended = asyncio.run(meet(script, keywords))  # type: ignore[arg-type]
    assert ended is not None
    assert ended.code == 421
    assert source.codes == {1: 250, 2: 0}
    assert not source.outcomes[2].dotted
    assert text(2) not in server.received
    judge(server, source)


@ALL
def test_refusals_in_the_same_breath_as_a_goodbye(keywords: tuple[str, ...]) -> None:
    """A refusal that came with a surplus reply is still that message's outcome."""
    script = {"RCPT": ["250 Ok", "550 5.1.1 nobody\r\n421 4.7.0 enough"]}
    server, source, ended = asyncio.run(meet(script, keywords))  # type: ignore[arg-type]
    assert ended is not None
    assert source.codes[2] == 550
    assert not source.outcomes[2].dotted
    judge(server, source)


@ALL
def test_bare_line_feeds_and_odd_bytes_in_replies(keywords: tuple[str, ...]) -> None:
    """Line ends without CR are read, NUL and escapes are kept only as words (H16)."""
    script = {"MAIL": [Raw(b"250 Ok\n")], "RCPT": [Raw(b"250-a\n250 b\n")],
              "DOT": [Raw(b"250 2.0.0 a\0b\x1b[2J\n")]}  # fmt: skip
    _, source, ended = asyncio.run(meet(script, keywords))  # type: ignore[arg-type]
    assert ended is None
    assert source.codes == {1: 250, 2: 250, 3: 250}
    assert source.outcomes[1].reply.text == "a\\x00b\\x1b[2J"


@ALL
@pytest.mark.parametrize(
    "act",
    [Raw(b"250 " + b"x" * 8192 + b"\r\n"), Raw(b"250-" + b"x" * 8192), Raw(b"2\0" + b"50 Ok\r\n"),
     Raw(b"\0\0\0\0\r\n"), Raw(b"250-a\r\n354 b\r\n"), Raw(b"\r\n"), Raw(b"250\tOk\r\n"), HALF],
    ids=["8 kB", "8 kB open", "NUL", "NULs", "mixed", "empty", "tab", "half-close"],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DOT"])
def test_what_is_no_reply(act: object, verb: str, keywords: tuple[str, ...]) -> None:
    """Code 0, in doubt only after the end of the content, and nothing more is sent."""
    server, source, ended = asyncio.run(meet({verb: ["250 Ok", act]}, keywords))
    assert ended is not None
    assert ended.code == 0
    judge(server, source)
    assert source.outcomes[2].reply.code == 0
    assert source.outcomes[2].dotted == (verb == "DOT")


ANSWERS = st.sampled_from(
    ["250 Ok", "354 go", "450 no", "550 no", "503 what", "421 bye", "250 a\r\n250 b", "", SKIP,
     CLOSE, HALF, Raw(b"250 Ok\n"), Raw(b"\0\r\n"), Raw(b"250-a\r\n550 b\r\n"), Raw(b"25", True),
     Wait(0.01), Wait(0.01, "450 later")]
)  # fmt: skip
BRIEF = Timeouts(mail=0.1, rcpt=0.1, data=0.1, block=0.1, dot=0.1, quit=0.1)


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["MAIL", "RCPT", "DATA", "BDAT", "DOT", "RSET", "QUIT"]),
        st.lists(st.one_of(st.just("250 Ok"), ANSWERS), max_size=4),
        max_size=4,
    ),
    st.sampled_from(list(OFFERS.values())),
    st.booleans(),
)
def test_any_mixture_keeps_the_books(
    script: dict[str, list[object]], keywords: tuple[str, ...], careless: bool
) -> None:
    """H7: one outcome for each message taken; what the server has is at least possible here."""
    copy = {verb: list(acts) for verb, acts in script.items()}
    like = Profile(careless=careless)
    server, source, _ = asyncio.run(meet(copy, keywords, 4, like=like, limits=BRIEF))
    taken = [entry["rcpt_to"] for entry in server.record if entry.get("taken")]
    assert len(taken) == len(set(map(str, taken)))
    for number, outcome in source.outcomes.items():
        if f"<j{number}@example.net>" in taken:
            assert outcome.dotted
    assert len(source.items) + len(source.outcomes) == 4
    wanted = {text(number) for number in range(5)}
    assert all(mail.content in wanted for mail in server.mails)


@ALL
def test_an_address_that_the_server_cannot_take(keywords: tuple[str, ...]) -> None:
    """A29: it fails before MAIL with its own words; the others go on (EAI without SMTPUTF8)."""
    items = [outgoing(1), outgoing(2, rcpt_to="żółw@example.net"),
             outgoing(3, rcpt_to="j3@żółw.example.net"), outgoing(4)]  # fmt: skip
    server, source, ended = asyncio.run(meet({}, keywords, items=items))
    assert ended is None
    assert source.codes == {1: 250, 2: 553, 3: 553, 4: 250}
    assert source.outcomes[2].reply.enhanced == "5.6.7"
    assert "SMTPUTF8" in source.outcomes[2].reply.text
    assert not source.outcomes[2].dotted
    assert server.received.isascii()


@pytest.mark.parametrize("banner", ["220 hi\r\n250 chaos", "220 hi\r\n250-chaos\r\n250 SIZE 9"])
def test_answers_before_the_questions(banner: str) -> None:
    """What answers EHLO before it was said is not what the server offers."""

    async def run() -> None:
        async with chaos({"BANNER": [banner]}) as server:
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(endpoint(server.port))
            assert failure.value.reply.code == 0
            assert not any(line.startswith(b"MAIL") for line in server.lines)

    asyncio.run(run())


@pytest.mark.parametrize("offer", ["AUTH PLAIN", "AUTH LOGIN"])
@pytest.mark.parametrize("mode", ["implicit", "required"])
@pytest.mark.parametrize("answer", ["235 2.7.0 welcome", "535 5.7.8 wrong", "454 4.7.0 later"])
def test_sign_in_inside_tls(tmp_path: Path, offer: str, mode: str, answer: str) -> None:
    """A14: smtps:// and STARTTLS, PLAIN and LOGIN, taken and refused."""

    async def run() -> None:
        authority = Authority(tmp_path)
        context = authority.certificate("valid")
        keys = ("PIPELINING", offer, *(["STARTTLS"] if mode == "required" else []))
        tls = {"implicit": context} if mode == "implicit" else {"tls": context}
        async with chaos({"AUTH": [answer]}, keywords=keys, **tls) as server:  # type: ignore[arg-type]
            place = endpoint(server.port, tls=mode, ca_file=authority.file, user="u", password="p")
            if answer.startswith("235"):
                source = ListSource([outgoing(1)])
                assert await send(place, source) is None
                assert source.codes == {1: 250}
                return
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place)
            assert failure.value.reply.phase == Phase.AUTH
            assert failure.value.reply.code == int(answer[:3])
            assert not any(line.startswith(b"MAIL") for line in server.lines)

    asyncio.run(run())


PATIENT = dict.fromkeys(
    ["connect", "banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "block", "dot"], 30.0
)


@pytest.mark.parametrize(
    ("field", "verb", "keywords"),
    [("banner", "BANNER", KEYWORDS), ("ehlo", "EHLO", KEYWORDS),
     ("starttls", "STARTTLS", ("STARTTLS",)), ("auth", "AUTH", ("AUTH PLAIN",)),
     ("auth", "LOGIN", ("AUTH LOGIN",)), ("mail", "MAIL", KEYWORDS), ("rcpt", "RCPT", KEYWORDS),
     ("data", "DATA", KEYWORDS), ("dot", "DOT", KEYWORDS), ("mail", "MAIL", ("SIZE",)),
     ("rcpt", "RCPT", ("SIZE",)), ("data", "DATA", ("SIZE",)), ("dot", "DOT", ("SIZE",)),
     ("dot", "BDAT", (*KEYWORDS, "CHUNKING")), ("dot", "BDAT", ("CHUNKING",))],
)  # fmt: skip
@pytest.mark.parametrize("silence", [HANG, Drip("250-" + "x" * 900, 0.02)], ids=["hang", "drip"])
def test_each_phase_has_its_own_time(
    field: str, verb: str, keywords: tuple[str, ...], silence: object
) -> None:
    """H10: only the phase that is silent counts; a byte now and then is silence too."""
    times = Timeouts(**{**PATIENT, field: 0.25})

    async def run() -> Reply | None:
        script = {verb: [silence]}
        async with chaos(script, keywords=keywords) as server:  # type: ignore[arg-type]
            user = {"user": "u", "password": "p"} if "AUTH" in keywords[0] else {}
            mode = "required" if keywords == ("STARTTLS",) else "never"
            place = endpoint(server.port, timeouts=times, tls=mode, **user)
            try:
                connection = await Connection.open(place)
            except SmtpFailure as failure:
                return failure.reply
            ended = await connection.run(ListSource([outgoing(1)]))
            await connection.close(1)
            return ended

    reply = asyncio.run(asyncio.wait_for(run(), 10))
    assert reply is not None
    assert reply.text == "no answer within 0.25 seconds"
    assert reply.phase == {"LOGIN": "AUTH", "BDAT": "DOT"}.get(verb, verb)


def test_connecting_has_its_own_time() -> None:
    """H10: a port whose queue of connections is full answers nothing at all."""

    async def run() -> None:
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(socket.socket())
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):
                caller = stack.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
            place = endpoint(full.getsockname()[1], timeouts=Timeouts(connect=0.3))
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place)
            assert failure.value.reply.phase == Phase.CONNECT
            assert failure.value.reply.text == "no connection within 0.3 seconds"

    asyncio.run(run())


def test_a_silent_tls_handshake() -> None:
    """H10, A14: a port that never answers the handshake of smtps:// is given up."""

    async def run() -> None:
        async with chaos({"BANNER": [HANG]}) as server:  # clear text, so TLS gets no answer
            place = endpoint(server.port, tls="implicit", timeouts=Timeouts(connect=0.3))
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(place)
            assert failure.value.reply.phase == Phase.CONNECT

    asyncio.run(run())


def test_a_server_that_is_away_for_a_while() -> None:
    """A refused connection is phase CONNECT; afterwards the same server takes messages."""

    async def run() -> None:
        rules = [Rule("RCPT", Refuse(0.3), times=1)]
        async with chaos(like=Profile(rules=rules)) as server:
            first = ListSource([outgoing(1)])
            await send(endpoint(server.port), first)
            assert not first.outcomes[1].dotted
            with pytest.raises(SmtpFailure) as failure:
                await Connection.open(endpoint(server.port))
            assert failure.value.reply.phase == Phase.CONNECT
            await asyncio.sleep(0.6)
            second = ListSource([outgoing(1)])
            assert await send(endpoint(server.port), second) is None
            assert second.codes == {1: 250}

    asyncio.run(run())


def test_a_server_that_grows_slow() -> None:
    """Latency is waited for, not taken for silence, as long as it stays below the limit."""

    async def run() -> None:
        like = Profile(latency=0.01, growth=0.02)
        async with chaos(like=like) as server:
            source = ListSource([outgoing(number) for number in range(6)])
            assert await send(endpoint(server.port, timeouts=SHORT), source) is None
            assert set(source.codes.values()) == {250}
            waits = [e["at"] - e["dot_at"] for e in server.record if e["kind"] == "message"]
            least = [(like.latency + like.growth * n) * SECOND for n in range(6)]
            assert all(wait >= known * 0.9 for wait, known in zip(waits, least, strict=True))

    asyncio.run(run())
