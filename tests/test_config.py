"""The configuration: what a good one becomes, and the exact sentence for each broken one.

Each file in data/broken_configs has one fault and beside it the message expected. In the file
the fault is marked: without the lines that end in `# fault`, and with those that begin with
`#+ ` made real, it must load, so that no file fails for another reason than its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailer import config
from mailer.config_values import key_positions
from mailer.errors import ConfigError

REPOSITORY = Path(__file__).parent.parent
BROKEN = Path(__file__).parent / "data" / "broken_configs"
MINIMAL = '[newsroom]\nname = "A"\nsender = "Press <press@example.org>"\n'


def _write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.toml")))
def test_broken_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each broken configuration gives its own sentence, and only its fault makes it fail."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ConfigError) as caught:
        config.load(Path(f"{name}.toml"), {})
    assert str(caught.value) + "\n" == (BROKEN / f"{name}.expected").read_text("utf-8")
    assert caught.value.exit_code == 3

    mended = []
    for line in (BROKEN / f"{name}.toml").read_bytes().splitlines():
        if not line.rstrip().endswith(b"# fault"):
            mended.append(line.removeprefix(b"#+ "))
    path = tmp_path / "config.toml"
    path.write_bytes(b"\n".join(mended) + b"\n")
    config.load(path, {})


def test_every_broken_configuration_has_its_message() -> None:
    """No file stands without its expectation, nor the other way round."""
    names = {path.stem for path in BROKEN.glob("*.toml")}
    assert names == {path.stem for path in BROKEN.glob("*.expected")}
    assert len(names) > 50


def test_sample_is_complete_and_gives_the_defaults(tmp_path: Path) -> None:
    """The sample names every key there is, and its values are the defaults."""
    sample = config.load(REPOSITORY / "config.toml", {})
    data = tomllib.loads((REPOSITORY / "config.toml").read_text("utf-8"))
    for section, field in config.ConfigFile.model_fields.items():
        keys = getattr(field.annotation, "model_fields", None)
        if keys is not None:  # the warm-up stands there as a comment
            assert set(data[section]) == set(keys) - {"warm_up"}, section
    minimal = config.load(_write(tmp_path, MINIMAL), {})
    assert sample.sending == minimal.sending
    assert sample.routes == minimal.routes
    assert sample.web == minimal.web
    assert not sample.live
    assert sample.newsroom.accent == minimal.newsroom.accent
    assert sample.newsroom.public_url == minimal.newsroom.public_url


def test_commented_parts_of_the_sample_work(tmp_path: Path) -> None:
    """What the sample shows as comments is right as it stands there."""
    sample = (REPOSITORY / "config.toml").read_text("utf-8")
    live = re.sub(r"(?m)^# (\[+[a-z_.]+\]+|[a-z_]+ = .*)$", r"\1", sample)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "spare.password").write_text("x")
    (tmp_path / "keys" / "spare.password").chmod(0o600)
    loaded = config.load(_write(tmp_path, live), {}, signing_keys=False)
    assert [route.name for route in loaded.routes] == ["default", "spare"]
    assert loaded.routes[1].order == 10 and loaded.routes[1].password == "x"
    assert [(each.name, each.connections, each.rate) for each in loaded.destinations] == [
        ("gmail", 10, 20.0)
    ]
    warm = loaded.routes[0].warm_up
    assert warm is not None
    first = date(2026, 12, 1)
    limits = [warm.limit(first + timedelta(days=n)) for n in (-1, 0, 1, 2, 30)]
    assert limits == [200, 200, 260, 338, None]


def test_routes_beside_a_default_without_a_server(tmp_path: Path) -> None:
    """Where others are named, the sandbox is no way out unless it is named itself."""
    more = '[[routes]]\nname = "relay"\nurl = "smtp://mail.example.org"\n'
    names = [route.name for route in config.load(_write(tmp_path, MINIMAL + more), {}).routes]
    assert names == ["relay"]
    both = '[smtp]\nurl = "smtp://127.0.0.1:1025"\n' + more
    names = [route.name for route in config.load(_write(tmp_path, MINIMAL + both), {}).routes]
    assert names == ["default", "relay"]


def test_sample_values() -> None:
    """Durations become seconds, the default route is known as the sandbox's."""
    sample = config.load(REPOSITORY / "config.toml", {})
    assert sample.sending.retry == (300.0, 1800.0, 3600.0, 7200.0)
    assert sample.sending.give_up_after == 345_600.0
    route = sample.routes[0]
    assert (route.name, route.host, route.port, route.tls) == (
        "default",
        "127.0.0.1",
        1025,
        "offered",
    )
    assert route.is_default_address
    assert sample.store.url == f"sqlite:///{REPOSITORY / 'mailer.db'}"
    assert sample.web.public == ("127.0.0.1", 8025)
    assert sample.keys_dir == REPOSITORY / "keys"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("4d", 345_600), ("60s", 60), ("1h30m", 5400), ("0s", 0), ("500ms", 0.5)],
)
def test_durations(text: str, seconds: float, tmp_path: Path) -> None:
    """A duration is a number with a unit, or several in a row."""
    path = _write(tmp_path, MINIMAL + f'[sending]\nlate_grace = "{text}"\n')
    assert config.load(path, {}).sending.late_grace == seconds


@pytest.mark.parametrize(
    ("text", "days"),
    [("90d", 90), ("24mo", 730.5), ("2y", 730.5), ("10y", 3652.5), ("1 y", 365.25)],
)
def test_ages(text: str, days: float, tmp_path: Path) -> None:
    """E13: how long something is kept. 24 months are the default, however they are written."""
    path = _write(tmp_path, MINIMAL + f'[retention]\nmessages = "{text}"\n')
    loaded = config.load(path, {})
    assert loaded.retention.messages == days * 86_400
    plain = config.load(_write(tmp_path, MINIMAL), {})
    assert (loaded.digest() == plain.digest()) == (days == 730.5)
    assert (plain.retention.raw_mail, plain.retention.files) == (90 * 86_400, 90 * 86_400)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"29d"', 'is not between 30 days and ten years: "29d"'),
        ('"11y"', "is not between 30 days and ten years"),
        ('"90"', 'is not an age: "90"'),
        ('"24 months"', "is not an age"),
        ("90", "must be an age, not a number"),
    ],
)
def test_ages_that_cannot_be(value: str, words: str, tmp_path: Path) -> None:
    """E13: long enough for what is under way, and not for ever."""
    path = _write(tmp_path, MINIMAL + f"[retention]\nfiles = {value}\n")
    with pytest.raises(ConfigError, match=re.escape(f"`files` {words}")):
        config.load(path, {})


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    """MAILER_SECTION__KEY is read as a TOML value, else as a string."""
    path = _write(tmp_path, MINIMAL + '[sending]\nretry = ["5m"]\n')
    loaded = config.load(
        path,
        {
            "MAILER_SENDING__RETRY": '["1s", "2s"]',
            "MAILER_SENDING__GIVE_UP_AFTER": "1h",
            "MAILER_SMTP__CONNECTIONS": "3",
            "MAILER_SMTP__RATE": "2.5",
            "MAILER_NEWSROOM__NAME": "2024",
            "MAILER_STORE__URL": "postgresql://postgres:@/postgres?host=/socket",
            "MAILER_OFFICER": "anna",
            "MAILER_NEWSROOM__TEST_RECIPIENTS": '["a@example.org"]',
        },
    )
    assert loaded.sending.retry == (1.0, 2.0)
    assert loaded.sending.give_up_after == 3600.0
    assert loaded.routes[0].connections == 3
    assert loaded.routes[0].rate == 2.5
    assert loaded.newsroom.name == "2024"
    assert loaded.newsroom.test_recipients == ("a@example.org",)
    assert loaded.store.url == "postgresql://postgres:@/postgres?host=/socket"


def test_environment_faults_name_the_variable(tmp_path: Path) -> None:
    """A fault in an override is told of the variable, not of a line of the file."""
    path = _write(tmp_path, MINIMAL + '[sending]\nretry = ["5m"]\n')
    with pytest.raises(ConfigError, match=r"^environment variable MAILER_SENDING__RETRI: .*RETRY"):
        config.load(path, {"MAILER_SENDING__RETRI": '["1s"]'})
    with pytest.raises(ConfigError, match=r"^environment variable MAILER_SENDING__RETRY: `retry`"):
        config.load(path, {"MAILER_SENDING__RETRY": '["soon"]'})
    with pytest.raises(ConfigError, match=r"^environment variable MAILER_DKIM__DOMAIN: `sel"):
        config.load(path, {"MAILER_DKIM__DOMAIN": "example.org"})


def test_a_variable_adds_no_second_key(tmp_path: Path) -> None:
    """A line break in a variable cannot bring further keys in."""
    path = _write(tmp_path, MINIMAL)
    with pytest.raises(ConfigError, match="`rate` is not a number"):
        config.load(path, {"MAILER_SMTP__RATE": '"1"\nlive = true'})


def test_which_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config, else MAILER_CONFIG, else ./config.toml."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = _write(tmp_path / "here", MINIMAL), _write(tmp_path / "there", MINIMAL)
    monkeypatch.chdir(here.parent)
    assert config.load(environ={}).path == here
    assert config.load(environ={"MAILER_CONFIG": str(there)}).path == there
    assert config.load(here, {"MAILER_CONFIG": str(there)}).path == here


def test_no_file_or_a_folder(tmp_path: Path) -> None:
    """A configuration that is not there says how to make one."""
    with pytest.raises(ConfigError, match=r"no configuration here.*mailer init"):
        config.load(tmp_path / "config.toml", {})
    with pytest.raises(ConfigError, match="folder"):
        config.load(tmp_path, {})


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    """A file saved by Notepad is read, and places in it are right."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert config.load(path, {}).newsroom.name == "A"
    path.write_bytes(path.read_bytes() + b'bounce = "x"\r\n')
    with pytest.raises(ConfigError, match="line 4, column 1"):
        config.load(path, {})


def test_password_stays_secret(tmp_path: Path) -> None:
    """A password comes from a file of mode 600 or the environment and is never shown."""
    (tmp_path / "keys").mkdir()
    secret = tmp_path / "keys" / "smtp"
    secret.write_text("pass word\n")
    secret.chmod(0o600)
    path = _write(
        tmp_path,
        MINIMAL + '[smtp]\nurl = "smtp://anna%40example.org@mail.example.org"\n'
        'password_file = "keys/smtp"\n',
    )
    loaded = config.load(path, {})
    route = loaded.routes[0]
    assert (route.user, route.port, route.tls) == ("anna@example.org", 587, "required")
    assert route.password == "pass word"
    assert "pass word" not in repr(loaded) + str(loaded) + str(route)
    changed = config.load(path, {"MAILER_SMTP_PASSWORD": "other"})
    assert changed.routes[0].password == "other"
    assert changed.digest() == loaded.digest()

    secret.chmod(0o640)
    assert ["chmod 600" in warning for warning in config.load(path, {}).warnings] == [True]
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="Everybody on this machine can read"):
        config.load(path, {})


def test_store_password_is_not_shown(tmp_path: Path) -> None:
    """A password in the store's address is warned of and kept out of what is printed."""
    path = _write(tmp_path, MINIMAL + '[store]\nurl = "postgres://u:hush@h/d"\n')
    loaded = config.load(path, {})
    assert loaded.store.url == "postgresql://u:hush@h/d"
    assert "hush" not in repr(loaded)
    assert ["password" in warning for warning in loaded.warnings] == [True]
    assert (
        config.load(_write(tmp_path, MINIMAL), {"MAILER_STORE__URL": "postgres://u:p@h/d"}).warnings
        == ()
    )


def test_store_is_relative_to_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative SQLite path counts from config.toml, wherever the command is called."""
    (tmp_path / "room").mkdir()
    _write(tmp_path / "room", MINIMAL + '[store]\nurl = "sqlite:///data/ledger.db"\n')
    monkeypatch.chdir(tmp_path)
    loaded = config.load(Path("room/config.toml"), {})
    assert loaded.store.url == f"sqlite:///{tmp_path}/room/data/ledger.db"
    _write(tmp_path / "room", MINIMAL + f'[store]\nurl = "sqlite:///{tmp_path}/x.db"\n')
    assert config.load(Path("room/config.toml"), {}).store.url == f"sqlite:///{tmp_path}/x.db"


def test_what_is_left_out_follows_from_the_rest(tmp_path: Path) -> None:
    """Without them, answers and bounces go to the sender, links to the public listener."""
    loaded = config.load(_write(tmp_path, MINIMAL + '[web]\npublic = "[::1]:9000"\n'), {})
    assert loaded.newsroom.reply_to == "press@example.org"
    assert loaded.newsroom.bounce_address == "press@example.org"
    assert loaded.newsroom.public_url == "http://[::1]:9000"


def test_frozen(tmp_path: Path) -> None:
    """Nobody changes the configuration after it was read."""
    loaded = config.load(_write(tmp_path, MINIMAL), {})
    with pytest.raises(ValueError, match="frozen"):
        loaded.live = True  # type: ignore[misc]


def test_digest_follows_what_matters(tmp_path: Path) -> None:
    """Machines of one newsroom may differ in paths and processes, not in what they send. A key
    that says what is so without it makes no difference (decision 16)."""
    path = _write(tmp_path, MINIMAL)
    plain = config.load(path, {}).digest()
    assert config.load(path, {"MAILER_SENDING__PROCESSES": "7"}).digest() == plain
    assert config.load(path, {"MAILER_STORE__URL": "sqlite:///x.db"}).digest() == plain
    assert config.load(path, {"MAILER_SENDING__ON_DOUBT": "hold"}).digest() == plain
    assert config.load(path, {"MAILER_SENDING__ON_DOUBT": "resend"}).digest() != plain
    assert config.load(path, {"MAILER_NEWSROOM__NAME": "B"}).digest() != plain
    assert config.load(path, {"MAILER_SMTP__URL": "smtp://127.0.0.1:26"}).digest() != plain


DKIM = '[dkim]\ndomain = "example.org"\nselector = "s1"\nkey_file = "keys/rsa.pem"\n'
SECOND = 'ed25519_selector = "s2"\ned25519_key_file = "keys/ed.pem"\n'


def _pem(path: Path, *arguments: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    subprocess.run(
        ["openssl", arguments[0], "-out", path, *arguments[1:]], check=True, capture_output=True
    )
    path.chmod(mode)
    return path


def test_signing_keys_are_read_and_stay_secret(tmp_path: Path) -> None:
    """A5, A6, A11: two keys under two selectors; nothing of them is printed or written out, and
    machines with other keys are told apart."""
    rsa = _pem(tmp_path / "keys" / "rsa.pem", "genrsa", "2048")
    _pem(tmp_path / "keys" / "ed.pem", "genpkey", "-algorithm", "ed25519")
    path = _write(tmp_path, MINIMAL + DKIM + SECOND)
    loaded = config.load(path, {})
    assert loaded.dkim is not None and loaded.dkim.domain == "example.org"
    assert [key.selector for key in loaded.dkim.keys] == ["s1", "s2"]
    assert loaded.warnings == ()
    shown = repr(loaded) + str(loaded.model_dump()) + str(loaded.dkim.model_dump(mode="json"))
    assert "PrivateKey" not in shown
    assert not any(line in shown for line in rsa.read_text().splitlines())
    before = loaded.digest()
    assert config.load(path, {}).digest() == before
    _pem(rsa, "genrsa", "2048")
    assert config.load(path, {}).digest() != before


@pytest.mark.parametrize(
    ("arguments", "mode", "fault"),
    [
        (("genrsa", "768"), 0o600, "an RSA key of 768 bits, and mail services ignore"),
        (("genrsa", "5120"), 0o600, "an RSA key of 5120 bits, and not every"),
        (("genrsa", "2048"), 0o640, "that others on this machine can read"),
        (("genrsa", "2048"), 0o604, "that others on this machine can read"),
        (("genpkey", "-algorithm", "ed25519"), 0o600, "does not name an RSA key"),
        (("genrsa", "-aes128", "-passout", "pass:x", "2048"), 0o600, "encrypted with a password"),
        (("rand", "-hex", "64"), 0o600, "holds no private key"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(
    arguments: tuple[str, ...], mode: int, fault: str, tmp_path: Path
) -> None:
    """A5, A11: with the line of key_file, and never with the key."""
    key = _pem(tmp_path / "keys" / "rsa.pem", *arguments, mode=mode)
    with pytest.raises(ConfigError, match="line 7, column 1: `key_file` ") as caught:
        config.load(_write(tmp_path, MINIMAL + DKIM), {})
    assert fault in str(caught.value)
    assert not any(line in str(caught.value) for line in key.read_text().splitlines())
    assert config.load(_write(tmp_path, MINIMAL + DKIM), {}, signing_keys=False).dkim is not None


def test_a_short_key_is_warned_of(tmp_path: Path) -> None:
    """A5: under 2,048 bits."""
    _pem(tmp_path / "keys" / "rsa.pem", "genrsa", "1024")
    [warning] = config.load(_write(tmp_path, MINIMAL + DKIM), {}).warnings
    assert "config.toml, line 7" in warning and "has 1024 bits" in warning


_KEYS = st.text("abcdefgh_-", min_size=1, max_size=6)
_VALUES = st.sampled_from(
    ['"a # b"', "'x]'", '"""\n[no]\nx = 1\n"""', "[1, # ]\n 2]", "{ in = '}' }", "1", "'''a'''"]
)


@given(
    st.lists(
        st.tuples(_KEYS, st.lists(st.tuples(_KEYS, _VALUES), max_size=4, unique_by=lambda t: t[0])),
        max_size=4,
        unique_by=lambda t: t[0],
    )
)
def test_positions_are_those_of_the_keys(tables: list[tuple[str, list[tuple[str, str]]]]) -> None:
    """Whatever stands in between, each key is found where it was written."""
    source, expected = "", {}
    for table, pairs in tables:
        expected[table,] = (source.count("\n") + 1, 1)
        source += f"[{table}] # = 'x\n"
        for key, value in pairs:
            expected[table, key] = (source.count("\n") + 1, 3)
            source += f"  {key} = {value} # note\n"
    tomllib.loads(source)
    found = key_positions(source)
    assert {key: found.get(key) for key in expected} == expected


def test_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an explicit environment, the process's own is read."""
    for name in list(os.environ):
        if name.startswith("MAILER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MAILER_NEWSROOM__NAME", "From outside")
    assert config.load(_write(tmp_path, MINIMAL)).newsroom.name == "From outside"
