"""Really sent messages in a real mail program: `python -m tests.message.mailprogram DIR`.

A newsroom sends releases, a correction and a withdrawal to one journalist; Dovecot serves them by
IMAP on loopback; Thunderbird reads them on a screen of its own (Xvfb) and is photographed, light
and dark, without remote pictures. For the eye, not part of the tests. Needs root and, from Debian,
thunderbird, dovecot-imapd, xvfb, xdotool, imagemagick and the fonts of the tests.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mailer.distribution import notices
from mailer.distribution.log import log
from PIL import Image

from tests.distribution.press import Press
from tests.distribution.recorder import Recorder

LANGUAGES = Path(__file__).parent / "languages"
SIZE = (1200, 900)
SHOWN = (1080, 900)
"""Of the screen, the part that the program takes."""
_PROGRAMS = ("thunderbird", "dovecot", "Xvfb", "xdotool", "import")
_USER = "anna"


def main(out: Path) -> int:
    """Write one picture per message and scheme, and say which."""
    missing = [each for each in _PROGRAMS if shutil.which(each) is None]
    if missing or os.geteuid() != 0:
        print(f"This needs root, and from Debian: {', '.join(missing) or 'nothing more'}.")
        return 1
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailprogram-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        subjects = _sent(folder / "room", folder / "mail")
        with _dovecot(folder) as port, _screen() as display:
            for scheme in ("light", "dark"):
                with _thunderbird(folder / scheme, port, display, dark=scheme == "dark") as window:
                    for number, subject in enumerate(subjects):
                        window.forward()
                        path = out / f"thunderbird-{number}-{scheme}.png"
                        window.shoot(path)
                        print(f"{path}  {subject}", flush=True)
    return 0


def _sent(room: Path, maildir: Path) -> list[str]:
    """Send everything for real and lay it into a Maildir, oldest first; the Subjects."""
    with (
        Recorder() as server,
        Press(room, f"sqlite:///{room}/mailer.db", port=server.port) as press,
    ):
        press.people("press", ["anna@example.org"])
        for code in ("en", "de", "ar", "ja", "hi"):
            text = (LANGUAGES / f"harbour.{code}.md").read_text("utf-8")
            path = press.config.home / f"{code}.md"
            text = re.sub(r"^(variants|translates):.*\n", "", text, flags=re.MULTILINE)
            text = re.sub(r"^id:.*$", f"id: harbour-{code}", text, flags=re.MULTILINE)
            path.write_text(text, "utf-8")
            press.queue("list:press", release=str(path))
        press.run()
        better = press.config.home / "better.md"
        text = (press.config.home / "en.md").read_text("utf-8")
        better.write_text(text.replace("44,000", "45,000"), "utf-8")
        slugs = sorted({row["release"] for row in log(press.room)})
        notices.correct(press.room, next(s for s in slugs if s.endswith("-en")), better, "anna",
                        what="The archive holds 45,000 days of readings, not 44,000.")  # fmt: skip
        notices.kill(press.room, next(s for s in slugs if s.endswith("-ar")), "anna",
                     reason="الأرقام قيد المراجعة.")  # fmt: skip
        press.run()
        got = list(server.got)
    for part in ("new", "cur", "tmp"):
        (maildir / part).mkdir(parents=True)
    for number, each in enumerate(got):
        path = maildir / "new" / f"{1_796_000_000 + number}.{number}.example"
        path.write_bytes(each.raw)
        os.utime(path, (1_796_000_000 + number,) * 2)
    subprocess.run(["chown", "-R", "mail:mail", maildir], check=True)
    return [each.message_id for each in got]


@contextlib.contextmanager
def _dovecot(folder: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    run = folder / "dovecot"
    run.mkdir()
    run.chmod(0o755)
    config = folder / "dovecot.conf"
    config.write_text(
        f"""
protocols = imap
listen = 127.0.0.1
base_dir = {run}
state_dir = {run}
log_path = {folder}/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
    )
    subprocess.run(["chgrp", "mail", folder], check=True)
    folder.chmod(0o775)
    process = subprocess.Popen(["dovecot", "-F", "-c", config])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def _screen() -> Iterator[str]:
    display = ":87"
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    process = subprocess.Popen(["Xvfb", display, "-screen", "0", size, "-nolisten", "tcp"])
    try:
        time.sleep(1)
        yield display
    finally:
        process.terminate()
        process.wait(20)


class _Window:
    """The program's window, driven by keys as a reader would."""

    def __init__(self, display: str) -> None:
        self._environ = {**os.environ, "DISPLAY": display}

    def keys(self, *names: str) -> None:
        for name in names:
            subprocess.run(["xdotool", "key", name], env=self._environ, check=True)
            time.sleep(0.4)

    def type(self, text: str) -> None:
        subprocess.run(["xdotool", "type", text], env=self._environ, check=True)

    def titles(self) -> list[str]:
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "", "getwindowname", "%@"],
            env=self._environ, capture_output=True, text=True,
        )  # fmt: skip
        return found.stdout.splitlines()

    def forward(self) -> None:
        """The next message of the list."""
        self.keys("f")

    def shoot(self, path: Path) -> None:
        time.sleep(3)
        screen = subprocess.run(
            ["import", "-window", "root", "png:-"],
            env=self._environ, capture_output=True, check=True,
        )  # fmt: skip
        picture = Image.open(io.BytesIO(screen.stdout)).convert("RGB").crop((0, 0, *SHOWN))
        picture.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


@contextlib.contextmanager
def _thunderbird(home: Path, port: int, display: str, *, dark: bool) -> Iterator[_Window]:
    home.mkdir()
    scheme = "dark" if dark else "light"
    wanted = {
        "mail.accountmanager.accounts": "account1",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.account.account1.identities": "id1",
        "mail.account.account1.server": "server1",
        "mail.account.lastKey": 1,
        "mail.identity.id1.fullName": "Anna Example",
        "mail.identity.id1.useremail": "anna@example.org",
        "mail.identity.id1.valid": True,
        "mail.server.server1.type": "imap",
        "mail.server.server1.hostname": "127.0.0.1",
        "mail.server.server1.port": port,
        "mail.server.server1.userName": _USER,
        "mail.server.server1.name": "Anna",
        "mail.server.server1.socketType": 0,
        "mail.server.server1.authMethod": 3,
        "mail.server.server1.login_at_startup": True,
        "mail.server.server1.check_new_mail": True,
        "mailnews.start_page.enabled": False,
        "mailnews.message_display.disable_remote_image": True,
        "mail.rights.version": 1,
        "mail.shell.checkDefaultClient": False,
        "mail.provider.suppress_dialog_on_startup": True,
        "mail.spotlight.firstRunDone": True,
        "mail.ui.show.migration.on.upgrade": False,
        "mail.pane_config.dynamic": 0,
        "app.update.enabled": False,
        "app.donation.eoy.version.viewed": 9999,
        "browser.policies.applied": True,
        "datareporting.policy.dataSubmissionEnabled": False,
        "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
        "toolkit.telemetry.enabled": False,
        "extensions.update.enabled": False,
        "network.dns.disabled": False,
        "ui.systemUsesDarkTheme": int(dark),
        "layout.css.prefers-color-scheme.content-override": 0 if dark else 1,
        "extensions.activeThemeID": f"thunderbird-compact-{scheme}@mozilla.org",
    }

    def written(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return f'"{value}"' if isinstance(value, str) else str(value)

    (home / "user.js").write_text(
        "".join(f'user_pref("{name}", {written(value)});\n' for name, value in wanted.items())
    )
    environ = {
        **os.environ,
        "DISPLAY": display,
        "HOME": str(home),
        "MOZ_CRASHREPORTER_DISABLE": "1",
    }
    process = subprocess.Popen(
        ["thunderbird", "--no-remote", "--profile", str(home), "-width", str(SIZE[0]),
         "-height", str(SIZE[1])],
        env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    window = _Window(display)
    try:
        _signed_in(window)
        yield window
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def _signed_in(window: _Window) -> None:
    """The password is asked for once; any will do."""
    until = time.monotonic() + 120
    while not any("assword" in title for title in window.titles()):
        if time.monotonic() > until:
            raise SystemExit(f"No question for a password came: {window.titles()}")
        time.sleep(1)
    window.type("anna")
    window.keys("Return")
    time.sleep(8)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
