"""Opening a newsroom: keys, store and schema must belong together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mailer.config import Config
from mailer.distribution.context import (
    address_hash,
    create_store,
    fingerprint,
    open_newsroom,
    read_suppression_key,
)
from mailer.errors import ConfigError, Refused, StoreUnavailable
from mailer.store import migrations, open_store
from mailer.store.core import fact

from tests.distribution.room import make_config, open_room


@pytest.fixture
def config(tmp_path: Path, store_url: str) -> Config:
    return make_config(tmp_path / "room", port=1, store=store_url)


def test_another_suppression_key_is_refused(config: Config) -> None:
    """Decision 8: whoever said stop would be mailed again; exit 6, and the store is unchanged."""
    path = config.keys_dir / "suppression.key"
    right = path.read_text()
    path.write_text("ab" * 32)
    for _ in range(2):
        with pytest.raises(Refused, match="not the one this ledger was made with") as caught:
            open_newsroom(config)
        create_store(config)  # what the first child does must not make the wrong key the right one
    assert caught.value.exit_code == 6
    assert caught.value.where == str(path)
    path.write_text(right)
    open_newsroom(config).close()


def test_the_store_knows_the_key_only_by_its_fingerprint(config: Config) -> None:
    """E12."""
    key = read_suppression_key(config)
    with open_room(config) as room, room.store.read() as tx:
        assert fact(tx, "suppression_key") == fingerprint(key)
        assert key.hex() not in str([tuple(r.values()) for r in map(dict, tx.rows(_FACTS, {}))])
    assert fingerprint(key) not in key.hex()


_FACTS = "SELECT name, value FROM facts"


@pytest.mark.parametrize("name", ["suppression.key", "token.keys"])
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("missing", "this key is missing"),
        ("readable", "can be read by other users"),
        ("group", "can be read by other users"),
        ("garbled", r"hexadecimal|key"),
        ("empty", r"hexadecimal|holds no key"),
        ("bytes", "this key cannot be read"),
        ("folder", "this key cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_a_configuration_error(
    tmp_path: Path, name: str, what: str, sentence: str
) -> None:
    """Contract: exit 3 with the file; no key material in the sentence."""
    config = make_config(tmp_path / "room", port=1)
    path = config.keys_dir / name
    secret = path.read_text().split()[-1]
    match what:
        case "missing":
            path.unlink()
        case "readable":
            path.chmod(0o604)
        case "group":
            path.chmod(0o640)
        case "garbled":
            path.write_text(path.read_text().replace(secret, secret[:-2] + "zz"))
        case "empty":
            path.write_text("")
        case "bytes":
            path.write_bytes(b"\xff\xfe" + secret.encode())
        case "folder":
            path.unlink()
            path.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match=sentence) as caught:
        open_newsroom(config)
    assert caught.value.exit_code == 3
    assert name in caught.value.where
    assert secret[:8] not in str(caught.value)


def test_a_missing_store_is_said_and_not_made(tmp_path: Path) -> None:
    """Contract: opening would otherwise make an empty one and forget who said stop."""
    config = make_config(tmp_path / "room", port=1)
    path = config.home / "mailer.db"
    path.unlink()
    with pytest.raises(ConfigError, match=r"there is no store at .*mailer\.db"):
        open_newsroom(config)
    assert not path.exists()


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    """Bad input: a sentence, not a traceback."""
    config = make_config(tmp_path / "room", port=1)
    for suffix in ("-wal", "-shm"):
        (config.home / f"mailer.db{suffix}").unlink(missing_ok=True)
    (config.home / "mailer.db").write_bytes(b"email,first_name\n" * 400)
    with pytest.raises(ConfigError, match="not a usable SQLite database"):
        open_newsroom(config)


def test_an_empty_database_is_said(tmp_path: Path, postgres_url: str) -> None:
    """Contract: `mailer init` makes the tables."""
    config = make_config(tmp_path / "room", port=1)
    (config.home / "mailer.db").unlink()
    (config.home / "mailer.db").touch()
    with pytest.raises(ConfigError, match="store is empty"):
        open_newsroom(config)
    other = make_config(tmp_path / "other", port=1)
    text = other.path.read_text().replace("sqlite:///mailer.db", postgres_url)
    other.path.write_text(text)
    from mailer import config as configuration

    with pytest.raises(ConfigError, match="store is empty"):
        open_newsroom(configuration.load(other.path, {}))


@pytest.mark.parametrize(
    ("step", "sentence", "way_out"),
    [
        (1, "this program needs", "store migrate"),
        (-1, "newer than this program", "Upgrade mailer"),
    ],
)
def test_another_schema_is_refused_both_ways(
    config: Config, monkeypatch: pytest.MonkeyPatch, step: int, sentence: str, way_out: str
) -> None:
    """Decision 11: exit 75, nothing done; only init, migrate and the first child change it."""
    here = migrations.latest()
    if step > 0:
        monkeypatch.setattr(migrations, "latest", lambda: here + 1)
    else:
        store = open_store(config.store.url)
        with store.write() as tx:
            tx.run("core.record_migration", number=here + 1, name="later", at=0)
        store.close()
    with pytest.raises(StoreUnavailable, match=sentence) as caught:
        open_newsroom(config)
    assert way_out in caught.value.hint and caught.value.exit_code == 75


def test_a_database_that_is_away_is_for_later(tmp_path: Path) -> None:
    """Contract: exit 75, and quickly."""
    config = make_config(tmp_path / "room", port=1)
    text = config.path.read_text()
    config.path.write_text(
        text.replace("sqlite:///mailer.db", "postgresql://nobody@/none?host=/nowhere")
    )
    from mailer import config as configuration

    with pytest.raises(StoreUnavailable, match="cannot be used now"):
        open_newsroom(configuration.load(config.path, {}), busy_timeout=0.5)


def test_made_twice_the_ledger_keeps_its_id(config: Config) -> None:
    """Decision 7: kept by every start, backup and copy."""
    with open_room(config) as room:
        before = room.sender.ledger_id
    assert create_store(config) == []
    with open_room(config) as room:
        assert room.sender.ledger_id == before
        assert before == before.lower() and len(before) == 16


def test_a_copied_newsroom_opens_with_its_own_keys(tmp_path: Path) -> None:
    """Decision 8: store and keys belong together wherever they lie."""
    config = make_config(tmp_path / "room", port=1)
    shutil.copytree(config.home, tmp_path / "copy")
    from mailer import config as configuration

    copy = configuration.load(tmp_path / "copy" / "config.toml", {})
    with open_newsroom(copy) as one, open_newsroom(config) as two:
        assert one.sender.ledger_id == two.sender.ledger_id
        assert one.address_hash("a@example.com") == two.address_hash("a@example.com")


def test_spellings_of_one_mailbox_have_one_hash() -> None:
    """E12, decision 8: NFC, lower case, A-label domain; another key gives another hash."""
    key = bytes(range(32))
    spellings = ["Zoë.Ex@Bücher.example", "zoe\u0308.ex@xn--bcher-kva.example"]
    assert len({address_hash(key, each) for each in spellings}) == 1
    assert address_hash(key, "a@example.com") != address_hash(key, "b@example.com")
    assert address_hash(key, "a@example.com") != address_hash(bytes(32), "a@example.com")
