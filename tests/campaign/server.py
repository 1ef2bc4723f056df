"""A mail server in a process of its own that writes down, line by line, all that reaches it.

    python -m tests.campaign.server --record FILE [--profile '{"seed": 1, "latency": 0.01}']

It prints `ready HOST PORT` and leaves when its standard input closes. Each line of the record is
a JSON object; instants are UTC microseconds.

- `message`: a final dot came. `mail_at`, `mail_from`, `rcpt_to`, `message_id`, `sha256` of the
  bytes, `answer` (a word between angle brackets when the connection ends without one), and
  `taken`: does the recipient get it.
- `envelope`: a MAIL FROM of which no message came. `mail_at`, `mail_from`, `rcpt_to`.

It refuses, defers, hangs up and dawdles for a few recipients, chosen by the seed: what defers or
hangs up does so for the first try of a delivery only. What it decides stands in the record before
the answer leaves, so a sender killed in between cannot make it forget.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import re
import sys
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field

_MESSAGE_ID = re.compile(rb"(?im)^Message-ID:\s*(<[^>]+>)")


@dataclass(slots=True)
class _Mail:
    """An open envelope; `rcpt` once a recipient was taken."""

    sender: str
    rcpt: str = ""
    at: int = field(default_factory=lambda: time.time_ns() // 1000)


class RecordingServer:
    """One listening server; `record` is the descriptor it appends to."""

    def __init__(self, record: int, *, seed: int, delay: float) -> None:
        self._record = record
        self._seed = seed
        self._delay = delay
        self._chance = random.Random(seed)
        self._tries: Counter[tuple[str, str]] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side has enough.

        What arrives is written down at once, however long the answers before it take: a command
        that was sent in time must not count as late because this server dawdles.
        """
        answers: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        answers.put_nowait((0.0, "220 campaign ESMTP"))
        speaking = asyncio.create_task(self._speak(answers, writer))
        ends = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ends):
            await self._listen(reader, answers)
            await speaking
        speaking.cancel()
        writer.close()

    async def _speak(
        self, answers: asyncio.Queue[tuple[float, str]], writer: asyncio.StreamWriter
    ) -> None:
        """Give the answers in order, each after its pause; a word hangs up."""
        with contextlib.suppress(ConnectionError):
            while True:
                pause, answer = await answers.get()
                if pause:
                    await asyncio.sleep(pause)
                if not answer.startswith("<"):
                    writer.write(f"{answer}\r\n".encode())
                    await writer.drain()
                if answer.startswith(("<", "221")):
                    return

    def _note(self, kind: str, mail: _Mail, **more: object) -> None:
        entry = {"kind": kind, "mail_at": mail.at, "mail_from": f"<{mail.sender}>"}
        entry["rcpt_to"] = [f"<{mail.rcpt}>"] if mail.rcpt else []
        os.write(self._record, json.dumps({**entry, **more}).encode() + b"\n")

    def _mood(self, rcpt: str) -> int:
        """A number from 0 to 999 that decides what this recipient meets; above 57 all is well."""
        return zlib.crc32(f"{self._seed}:{rcpt}".encode()) % 1000

    def _first(self, where: str, sender: str) -> bool:
        self._tries[where, sender] += 1
        return self._tries[where, sender] == 1

    def _rcpt(self, sender: str, rcpt: str) -> str:
        mood = self._mood(rcpt)
        if mood < 10:
            return "550 5.1.1 no such user"
        if mood < 20 and self._first("rcpt", sender):
            return "451 4.7.1 come back later"
        if mood < 25 and self._first("rcpt", sender):
            return "<close>"
        return "250 2.1.5 ok"

    def _dot(self, sender: str, rcpt: str) -> tuple[str, bool]:
        """The answer to a final dot, and whether the message is taken."""
        mood = self._mood(rcpt)
        if 30 <= mood < 40 and self._first("dot", sender):
            return "451 4.3.0 later", False
        if 40 <= mood < 45:
            return "554 5.7.1 not this one", False
        if 45 <= mood < 55 and self._first("dot", sender):
            return ("<lost>", True) if mood < 50 else ("<close>", False)
        return "250 2.0.0 taken", True

    async def _listen(
        self, reader: asyncio.StreamReader, answers: asyncio.Queue[tuple[float, str]]
    ) -> None:
        mail: _Mail | None = None
        try:
            while True:
                line = (await reader.readuntil(b"\r\n")).decode("utf-8", "replace").strip()
                verb, pause = line[:4].upper(), 0.0
                if verb == "EHLO":
                    answer = "250-campaign\r\n250-PIPELINING\r\n250 SIZE 9999999"
                elif verb == "MAIL":
                    if mail is not None:
                        self._note("envelope", mail)
                    mail = _Mail(line[line.index("<") + 1 : line.index(">")])
                    answer = "250 2.1.0 ok"
                elif verb == "RCPT" and mail is not None:
                    address = line[line.index("<") + 1 : line.index(">")]
                    answer = self._rcpt(mail.sender, address)
                    mail.rcpt = address if answer.startswith("2") else ""
                elif verb == "DATA" and mail is not None and mail.rcpt:
                    answers.put_nowait((0.0, "354 go on"))
                    pause, answer = await self._content(reader, mail)
                    mail = None
                elif verb == "DATA":
                    answer = "503 5.5.1 no recipient"
                else:
                    answer = "221 bye" if verb == "QUIT" else "250 ok"
                answers.put_nowait((pause, answer))
                if answer.startswith(("<", "221")):
                    return
        finally:
            if mail is not None:
                self._note("envelope", mail)

    async def _content(self, reader: asyncio.StreamReader, mail: _Mail) -> tuple[float, str]:
        raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
        answer, taken = self._dot(mail.sender, mail.rcpt)
        found = _MESSAGE_ID.search(raw)
        self._note(
            "message",
            mail,
            message_id=found[1].decode() if found else "",
            sha256=hashlib.sha256(raw).hexdigest(),
            answer=answer,
            taken=taken,
        )
        pause = self._chance.expovariate(1 / self._delay) if self._delay else 0.0
        return pause + (1.0 if self._mood(mail.rcpt) in range(55, 58) else 0.0), answer


async def _serve(options: argparse.Namespace) -> None:
    record = os.open(options.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    profile = {"seed": 0, "latency": 0.0, **json.loads(options.profile)}
    server = RecordingServer(record, seed=profile["seed"], delay=profile["latency"])
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 24)
    print("ready 127.0.0.1", listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    listener.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", required=True, help="the file to append to")
    parser.add_argument("--profile", default="{}", help="JSON with seed and latency in seconds")
    asyncio.run(_serve(parser.parse_args()))
    os._exit(0)  # connections that hang must not keep it


if __name__ == "__main__":
    main()
