"""Pictures from a file beside the text to the page, and nobody sees one before its time (D14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailer import config as configuration
from mailer.clock import ManualClock
from mailer.distribution import previews, releases, upkeep
from mailer.distribution.context import Newsroom
from mailer.distribution.dkim import records as dns
from mailer.distribution.enclosed import Enclosed
from mailer.distribution.log import log
from mailer.distribution.sent import as_sent
from mailer.distribution.single import test_send as send_a_test
from mailer.errors import InputError, MailerError
from mailer.message.merge import MergeTemplate
from mailer.store import media
from mailer.web.public import public_app

from tests.distribution.press import Press
from tests.distribution.room import RELEASE, write_release
from tests.distribution.test_schedule import NOON
from tests.distribution.test_sent import Capture, signing
from tests.distribution.test_single import BOSS, office, sent_now
from tests.message.foreign import by_dkimpy
from tests.release.pictures import photo
from tests.web.serving import bare, serving

PICTURE = '![A bridge at dawn](bridge.jpg "The bridge")\n\nIt carries'
TEXT = "---\nid: bridge\nmedia:\n- {file: bridge.jpg, credit: Ada, licence: CC BY 4.0}\n---\n"
TEXT += RELEASE.replace("It carries", PICTURE)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def press(tmp_path: Path, store_url: str, clock: ManualClock) -> Iterator[Press]:
    """A newsroom, two journalists, a release with a picture beside it."""
    with Press(tmp_path / "room", store_url, clock=clock) as press:
        office(press)
        press.people("brussels", ["b1@example.com", "b2@example.com"])
        write_release(press.config.home, TEXT)
        (press.config.home / "bridge.jpg").write_bytes(photo())
        yield press


def hosted(html: str) -> list[str]:
    """The paths of pictures that a message or page shows or links to, full ones first."""
    return sorted(
        set(re.findall(r'http://127\.0\.0\.1:8025(/r/[^" ]+/media/[^" ]+)', html)), key=len
    )


def compiled(press: Press, number: int) -> str:
    [(data,)] = press.rows(
        "SELECT c.data FROM compiled c JOIN distributions d ON d.compiled = c.digest "
        "WHERE d.id = :number",
        number=number,
    )
    template = MergeTemplate.from_bytes(bytes(data))
    message = message_from_bytes(previews.sample(press.room, template), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def kept_pictures(room: Newsroom) -> dict[tuple[str, str], bytes | None]:
    """Every form of every picture in a store, which says of none that it is not whole."""
    with room.store.read() as tx:
        assert list(media.faults(tx)) == []
        keys = [(row["sha256"], row["form"]) for row in tx.all("media.forms")]
        return {key: media.read(tx, *key) for key in keys}


def test_a_picture_is_there_as_long_as_its_release_may_be_read(
    press: Press, clock: ManualClock
) -> None:
    """D4, D14, C10, C23: shown in message and page, 404 before the first batch and for
    a picture that a correction replaced, 410 after a kill; guessing tells nothing."""
    queued = press.queue("list:brussels", at="2026-03-03T15:00", zone="UTC")
    assert not [each for each in queued.warnings if "picture" in each or "licence" in each]
    html = compiled(press, 1)
    full, small, dense = hosted(html)
    assert (small.endswith("-600.jpg"), dense.endswith("-1200.jpg")) == (True, True)
    [image] = re.findall(r"<img[^>]*>", html)
    assert re.search(r'alt="A bridge at dawn" width="552" height="345"', image)
    assert "Credit: Ada · Licence: CC BY 4.0" in html and "JPEG, 1600 × 1000" in html
    with serving(public_app(press.room)) as address, bare(address) as client:
        missing = client.get("/r/nothing/media/x.jpg")
        documents = "/r/bridge.pdf", "/r/bridge.docx"
        for path in (full, small, dense, *documents):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (404, missing.text)
        clock.advance(3 * 3600)
        assert sent_now(press, 1) == 2
        page = client.get("/r/bridge").text
        assert hosted(page) == [full, small, dense]
        for path, start in zip(documents, (b"%PDF", b"PK"), strict=True):
            assert f'href="http://127.0.0.1:8025{path}"' in page and path in html
            assert client.get(path).content.startswith(start)
        assert f'<meta property="og:image" content="http://127.0.0.1:8025{dense}">' in page
        for path, limit in ((full, 25_000_000), (small, 300_000), (dense, 700_000)):
            answer = client.get(path)
            assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
            assert len(answer.content) < limit and "set-cookie" not in answer.headers
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            tag = {"If-None-Match": answer.headers["etag"]}
            assert client.get(path, headers=tag).status_code == 304
        assert client.get(full.replace("bridge.jpg", "other.jpg")).status_code == 404
        assert client.get("/r/bridge/media/..%2f..%2fconfig.toml").status_code == 404
        # Another picture under the same text is another revision, and the old one is gone with it.
        (press.config.home / "bridge.jpg").write_bytes(photo(colour="#993322"))
        press.queue("list:brussels")
        assert sent_now(press, 2) == 2
        new = hosted(client.get("/r/bridge").text)
        assert new[0] != full and client.get(new[0]).status_code == 200
        assert client.get(full).status_code == 404
        with press.room.store.write() as tx:
            tx.execute("UPDATE distributions SET state = 'killed', finished_at = due_at", {})
        for path in (new[0], full, *documents):
            assert client.get(path).status_code == 410


def test_a_message_that_leaves_early_carries_its_picture(press: Press) -> None:
    """B2, D4, D24: a test, which nobody could fetch a picture for, has it beside the HTML; its
    Content-ID is found once and used once."""
    send_a_test(press.room, str(press.release), BOSS, "anna")
    [(data,)] = press.rows("SELECT data FROM compiled")
    raw = previews.sample(press.room, MergeTemplate.from_bytes(bytes(data)))
    message = message_from_bytes(raw, policy=policy.default)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/jpeg",
    ]
    *_, html, image = message.walk()
    name = image["Content-ID"].strip("<>")
    assert html.get_content().count(f"cid:{name}") == 1
    assert raw.count(b"Content-ID: <") == 1
    assert name.endswith("@example.org")
    assert image.get_content().startswith(b"\xff\xd8") and not message.defects
    assert max(map(len, raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))) <= 76
    boundaries = re.findall(rb'boundary="([^"]+)"', raw)
    assert not any(a != b and b.startswith(a) for a in boundaries for b in boundaries)


@pytest.mark.parametrize("name", ["pdf", "Straße für Zürich 2026.pdf"])
def test_what_a_message_carries_arrives_signed_and_comes_back(
    tmp_path: Path, store_url: str, name: str
) -> None:
    """B2, B18, D14, A5, design decision 7: picture and PDF beside the text, on a real server; the
    signatures hold, and the very bytes can be shown again."""
    with (
        Capture() as server,
        Press(tmp_path / "room", store_url, port=server.port) as press,
    ):
        press.config = signing(press.config)
        press.people("brussels", ["b1@example.com"])
        write_release(press.config.home, TEXT)
        (press.config.home / "bridge.jpg").write_bytes(photo())
        attach = name if name == "pdf" else str(press.config.home / name)
        if name != "pdf":
            Path(attach).write_bytes(b"%PDF-1.7\nof the office\n%%EOF\n")
        queued = press.queue("list:brussels", enclosed=Enclosed(True, attach))
        assert any("The PDF is attached" in each for each in queued.warnings)
        press.run()
        [(_, got)] = server.got
        records = {record.name: record.value for record in dns(press.config)}
        assert by_dkimpy([got], records) == [{"mailer": True, "second": True}]
        [row] = log(press.room)
        assert as_sent(press.room, row["delivery"]).data == got
    message = message_from_bytes(got, policy=policy.default)
    assert isinstance(message, EmailMessage) and not message.defects
    assert message.get_content_type() == "multipart/mixed"
    [attached] = message.iter_attachments()
    assert attached.get_filename() == ("bridge.pdf" if name == "pdf" else name)
    assert attached.get_content().startswith(b"%PDF-")
    body = message.get_body(("related",))
    assert body is not None
    assert [part.get_content_type() for part in body.walk()][1:] == ["text/html", "image/jpeg"]
    assert b"=_" in got and max(map(len, got.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"MZ", "only a PDF"), (b"%PDF-" + bytes(2_000_001), "larger than 2 MB"), (None, "no such")],
)
def test_what_cannot_be_attached_is_refused(press: Press, data: bytes | None, words: str) -> None:
    """D14, B17: nothing is queued."""
    path = press.config.home / "paper.pdf"
    if data is not None:
        path.write_bytes(data)
    before = press.sizes()
    with pytest.raises(MailerError, match=words):
        press.queue("list:brussels", enclosed=Enclosed(False, str(path)))
    assert press.sizes() == before


def test_a_newsroom_may_put_pictures_into_all_messages(press: Press) -> None:
    """B2: `[media] inline = true`."""
    path = press.config.path
    path.write_text(path.read_text() + "\n[media]\ninline = true\n")
    object.__setattr__(press.room, "config", configuration.load(path, {}))
    press.queue("list:brussels")
    html = compiled(press, 1)
    assert 'src="cid:' in html and "-600.jpg" not in html


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("bridge.jpg", b"\xff\xd8\xff" + bytes(26_000_000), "larger than 25 MB"),
        ("bridge.jpg", b"%PDF-1.7", "says JPEG, and it is PDF"),
        ("bridge.jpg", None, "cannot be read: no such file"),
        ("../secret.jpg", photo(300, 200), "does not lie in the folder of the text"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_nothing(
    press: Press, name: str, data: bytes | None, words: str
) -> None:
    """Bad input: exit code 4, with the line, and nothing is stored."""
    write_release(press.config.home, TEXT.replace("bridge.jpg", name))
    path = press.config.home / name
    path.unlink(missing_ok=True)
    if data is not None:
        path.write_bytes(data)
    before = press.sizes()
    for use in (
        lambda: press.queue("list:brussels"),
        lambda: releases.import_file(press.room, press.release, "anna"),
    ):
        with pytest.raises(InputError, match=words) as error:
            use()
        assert error.value.exit_code == 4 and "bridge.md, line" in str(error.value)
    assert press.sizes() == before


def test_a_check_of_the_store_looks_at_pictures(press: Press) -> None:
    """What was altered, cut or lost is said."""
    releases.import_file(press.room, press.release, "anna")
    assert upkeep.check(press.room) == []
    with press.room.store.write() as tx:
        tx.execute("UPDATE media_pieces SET data = :data WHERE form = 'full'", {"data": b"no"})
        tx.execute("DELETE FROM media_pieces WHERE form = '600'", {})
    said = " ".join(upkeep.check(press.room))
    assert "(full) is not there to its end" in said and "(600) is not there" in said
    with press.room.store.write() as tx:
        tx.execute("DELETE FROM media", {})
    assert "names the file" in " ".join(upkeep.check(press.room))
