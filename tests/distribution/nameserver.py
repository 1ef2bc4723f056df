"""A DNS server on loopback that answers from a table, by UDP, and counts what it was asked."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class Nameserver:
    """`address`: HOST:PORT. `asked`: how often each name was asked for, by (name, type)."""

    def __init__(self, records: Mapping[tuple[str, str], str]) -> None:
        self._records = records
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked: Counter[tuple[str, str]] = Counter()

    def serve(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(data), peer)

    def stop(self) -> None:
        host, port = self.address.split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (host, int(port)))

    def close(self) -> None:
        self._socket.close()

    def _answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = {1: "A", 15: "MX", 28: "AAAA"}[int(question.rdtype)]
        self.asked[name, kind] += 1
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if record := self._records.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, record))
        elif (name, "FAILS") in self._records:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif not any(known == name for known, _ in self._records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()


@contextmanager
def nameserver(records: Mapping[tuple[str, str], str]) -> Iterator[Nameserver]:
    """Runs while the block lasts."""
    server = Nameserver(records)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()
