"""Ports at which nobody listens until the test lets somebody.

A port that was free a moment ago may be another test's server the next one, who then gets mail
that is not his. So it is kept: a socket that is bound and does not listen refuses connections, the
system gives its port to nobody who asks for any, and a server who names it may listen there
(SO_REUSEADDR, as servers do).
"""

from __future__ import annotations

import socket

_kept: list[socket.socket] = []


def unused_port() -> int:
    """A port on 127.0.0.1 of whoever asks, as long as this process lives."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _kept.append(keeper)
    port: int = keeper.getsockname()[1]
    return port
