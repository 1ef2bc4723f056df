"""The journal file by itself: what survives, whatever instant the sender died at."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer.distribution import journal as journals
from mailer.distribution.journal import Journal, is_dead, read_journal
from mailer.errors import StoreUnavailable

from tests.distribution import sending


def die(journal: Journal) -> None:
    """What the kernel does with a killed sender: the lock is free, the file stays."""
    os.close(journal._lock)


def filled(folder: Path, *, roll_after: int = 0) -> Journal:
    journal = Journal(folder, "one")
    journal.reserve(4)
    for delivery in (1, 2, 3):
        journal.dotted(delivery, delivery, 1000 + delivery, bytes([delivery]) * 32)
    journal.replied(1, 2001, 250, "2.0.0", "queued as Ünïque €")
    journal.replied(3, 2003, 0, "", "")
    return journal


def test_what_was_dotted_and_answered_is_read_back(tmp_path: Path) -> None:
    """H7."""
    die(filled(tmp_path))
    found = read_journal(tmp_path / "one.journal")
    assert found is not None
    assert {d: (e.number, e.sent_date, e.code, e.at) for d, e in found.items()} == {
        1: (1, 1001, 250, 2001),
        2: (2, 1002, None, 0),
        3: (3, 1003, 0, 2003),
    }
    assert (found[1].enhanced, found[1].reply) == ("2.0.0", "queued as Ünïque €")
    assert found[2].sha256 == b"\x02" * 32


def test_a_file_cut_at_any_byte_tells_what_came_before(tmp_path: Path) -> None:
    """H7: a reply cut in the middle is none, and nothing before it is lost."""
    journal = filled(tmp_path)
    whole = (tmp_path / "one.journal").read_bytes()[: journal._end]
    die(journal)
    cut = tmp_path / "cut.journal"
    seen: list[int] = []
    for size in range(len(whole) + 1):
        cut.write_bytes(whole[:size] + b"\0" * 64)
        found = read_journal(cut)
        assert found is not None
        seen.append(len(found) + sum(e.code is not None for e in found.values()))
        assert all(e.reply in ("", "queued as Ünïque €") for e in found.values())
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 5


@given(reply=st.text(max_size=700), enhanced=st.sampled_from(["", "5.1.1", "é" * 70]))
def test_any_reply_can_be_kept(
    tmp_path_factory: pytest.TempPathFactory, reply: str, enhanced: str
) -> None:
    """H7, H16: what the server says never spoils the journal, however long or odd."""
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, "one")
    journal.reserve(2)
    journal.dotted(1, 1, 1, b"a" * 32)
    journal.replied(1, 5, 550, enhanced, reply)
    journal.dotted(2, 1, 1, b"b" * 32)
    die(journal)
    found = read_journal(folder / "one.journal")
    os.close(journal._fd)
    assert found is not None and set(found) == {1, 2}
    assert found[1].code == 550
    kept = reply.encode("utf-8", "replace")[:600].decode("utf-8", "replace")
    assert found[1].reply == kept


def test_rolling_keeps_what_the_store_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H7: the file stays small, and open entries go along."""
    monkeypatch.setattr(journals, "_ROLL", 10_000)
    journal = Journal(tmp_path, "one")
    for delivery in range(1, 1001):
        journal.reserve(1)
        journal.dotted(delivery, 1, delivery, bytes(32))
        if delivery % 10:
            journal.replied(delivery, delivery, 250, "", "taken")
            journal.recorded([delivery])
    assert journal._end < 30_000
    die(journal)
    found = read_journal(tmp_path / "one.journal")
    assert found is not None
    assert {d for d, e in found.items() if e.code is None} == set(range(10, 1001, 10))


def test_the_living_keep_their_lock(tmp_path: Path) -> None:
    """H5: dead only when the lock is free; a lock file that is gone belongs to nobody."""
    journal = Journal(tmp_path, "one")
    assert not is_dead(journal.path)
    with pytest.raises(StoreUnavailable):
        Journal(tmp_path, "one")
    assert not is_dead(journal.path)
    die(journal)
    assert is_dead(journal.path)
    assert is_dead(tmp_path / "never.journal")
    assert read_journal(tmp_path / "never.journal") is None


def test_closing_in_order_leaves_nothing_behind(tmp_path: Path) -> None:
    journal = filled(tmp_path)
    journal.close()
    assert list(tmp_path.iterdir()) == []


_FULL = """
import resource, sys
from pathlib import Path
from mailer.distribution.journal import Journal, read_journal
from mailer.errors import StoreUnavailable
journal = Journal(Path(sys.argv[1]), "one")
journal.reserve(10)
resource.setrlimit(resource.RLIMIT_FSIZE, (journal._reserved, -1))
held = 0
try:
    for held in range(10 ** 6):
        journal.reserve(1)
        journal.dotted(held, 1, 1, bytes(32))
        journal.replied(held, 1, 250, "2.0.0", "x" * 600)
except StoreUnavailable as error:
    assert len(read_journal(journal.path)) == held, "something dotted is not in the journal"
    print(held, error)
"""


def test_a_full_disk_is_met_before_the_dot(tmp_path: Path) -> None:
    """H20: what was reserved can be written; the refusal comes in time, as a sentence."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100
    assert "journal cannot be written" in done.stdout and "nothing was sent" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_file_that_is_replaced_meanwhile_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H7: the store's thread makes room while the event loop writes dots and replies."""
    monkeypatch.setattr(journals, "_ROLL", 500)
    journal = Journal(tmp_path, "one")
    journal.reserve(2000)
    ended = threading.Event()

    def make_room() -> None:
        while not ended.is_set():
            journal.reserve(1)

    thread = threading.Thread(target=make_room)
    thread.start()
    try:
        for delivery in range(2000):
            journal.dotted(delivery, 1, 1, bytes(32))
            if delivery % 3:
                journal.replied(delivery, 1, 250, "", "taken")
            if delivery % 3 == 2:
                journal.recorded([delivery])
    finally:
        ended.set()
        thread.join()
    die(journal)
    found = read_journal(journal.path)
    assert found is not None
    answered = {number: entry.code is not None for number, entry in found.items()}
    wanted = {n: n % 3 == 1 for n in range(2000) if n % 3 != 2}
    assert {n: answered.get(n) for n in wanted} == wanted


def test_a_journal_with_a_reply_to_an_unknown_dot_is_not_trusted(tmp_path: Path) -> None:
    """H7: who lost one record may have lost others; then everything is in doubt, nothing is
    taken for untried."""
    journal = filled(tmp_path)
    path = journal.path
    data = path.read_bytes()
    first = journals._DOT.size + 4
    die(journal)
    path.write_bytes(data[first:])
    assert read_journal(path) is None


def test_a_dot_that_did_not_leave_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H7, H8: a connection lost while a large message was written leaves no doubt, a second try
    counts by itself, and what has an answer keeps it."""
    monkeypatch.setattr(journals, "_ROLL", 0)
    journal = filled(tmp_path)
    for delivery in (1, 2, 3, 4):
        journal.undotted(delivery)
    found = read_journal(journal.path)
    assert found is not None and set(found) == {1, 3}
    journal.dotted(2, 9, 1009, b"\x09" * 32)
    found = read_journal(journal.path)
    assert found is not None and (found[2].number, found[2].code) == (9, None)
    journal.undotted(2)
    journal.dotted(5, 1, 1005, b"\x05" * 32)
    journal.reserve(1)  # into a new file
    found = read_journal(journal.path)
    assert found is not None and set(found) == {1, 3, 5}
    journal.undotted(5)
    die(journal)
    found = read_journal(journal.path)
    assert found is not None and set(found) == {1, 3}
    whole = journal.path.read_bytes()
    cut = tmp_path / "cut.journal"
    for size in range(journal._end + 1):
        cut.write_bytes(whole[:size] + b"\0" * 64)
        found = read_journal(cut)
        assert found is not None and (5 in found) <= (size < journal._end)
    undo = journals._UNDO.pack(b"U", 5)
    cut.write_bytes(undo + journals._CRC.pack(zlib.crc32(undo)) + bytes(64))
    assert read_journal(cut) is None, "its dot was lost, so others may be"


def test_without_room_a_dot_stays_in_doubt(tmp_path: Path) -> None:
    """H20: to take it back never fails; it errs on the safe side."""
    journal = Journal(tmp_path, "one")
    journal.reserve(1)
    journal.dotted(1, 1, 1, bytes(32))
    journal._reserved = journal._end
    journal.undotted(1)
    die(journal)
    found = read_journal(journal.path)
    assert found is not None and set(found) == {1}


class _Cutter:
    """A mail server that takes all of a large message but its end, and hangs up."""

    def __enter__(self) -> _Cutter:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut = 0
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                with self._listener.accept()[0] as connection:
                    self._talk(connection, connection.makefile("rb"))

    def _talk(self, connection: socket.socket, lines: BinaryIO) -> None:
        connection.sendall(b"220 here\r\n")
        for line in lines:
            if line.startswith(b"BDAT"):
                lines.read(int(line.split()[1]))
                self.cut += 1
                return
            ehlo = line.upper().startswith(b"EHLO")
            connection.sendall(b"250-here\r\n250 CHUNKING\r\n" if ehlo else b"250 ok\r\n")


def test_a_large_message_cut_off_leaves_no_doubt_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H8: what is read after a crash says that its end never left."""
    paragraph = "It carries trams and people, and " * 30
    long = sending.RELEASE.replace("It carries", f"{paragraph}\n\n" * 60 + "It carries")
    monkeypatch.setattr(sending, "RELEASE", long)
    with _Cutter() as server:
        url = f"sqlite:///{tmp_path / 'mailer.db'}"
        office = sending.Office(tmp_path / "room", server.port, url, 1, sending='retry = ["1h"]')
        process = office.start("run")
        try:
            while office.states() != {"deferred": 1}:
                assert process.poll() is None
            assert server.cut
            [path] = (office.config.spool_dir / "journals").glob("*.journal")
            assert b"D" in path.read_bytes() and read_journal(path) == {}
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
