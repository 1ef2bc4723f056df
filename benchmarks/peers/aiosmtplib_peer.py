"""Sends COUNT EmailMessages through aiosmtplib: PORT COUNT CONNECTIONS TEXTFILE HTMLFILE."""

from __future__ import annotations

import asyncio
import itertools
import sys
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib


async def main(port: int, count: int, connections: int, text: str, html: str) -> int:
    numbers = itertools.count()

    async def worker() -> int:
        sent = 0
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            while (n := next(numbers)) < count:
                message = EmailMessage()
                message["From"] = "Press Office <press@example.org>"
                message["To"] = f'"Ada N{n}" <j{n}@example.com>'
                message["Subject"] = "A release for the benchmark"
                message.set_content(text.replace("SLOT", f"Ada N{n}"))
                message.add_alternative(html.replace("SLOT", f"Ada N{n}"), subtype="html")
                await client.send_message(message)
                sent += 1
        return sent

    return sum(await asyncio.gather(*(worker() for _ in range(connections))))


if __name__ == "__main__":
    port, count, connections = (int(word) for word in sys.argv[1:4])
    text, html = (Path(name).read_text("utf-8") for name in sys.argv[4:6])
    print(asyncio.run(main(port, count, connections, text, html)))
