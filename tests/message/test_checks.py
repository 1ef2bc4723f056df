"""The finished message under the eye: its weight and its colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mailer.distribution import previews, releases
from mailer.message.checks import check_message, faint_texts
from mailer.message.compile import compile_release
from mailer.message.merge import HTML_LIMIT
from mailer.message.render import message_parts

from tests.distribution.room import make_config, open_room, write_release


@pytest.mark.parametrize(
    ("body", "colours"),
    [
        ("<p style='color:#999'>pale</p>", [("#999999", "#ffffff")]),
        ("<p style='color:#767676'>just enough</p>", []),
        ("<p style='color:#777;font-size:24px'>large</p>", []),
        ("<p style='color:#777;font-size:19px;font-weight:700'>large and bold</p>", []),
        ("<p style='color:rgb(200, 200, 200)'>pale</p>", [("#c8c8c8", "#ffffff")]),
        ("<table><tr><td bgcolor='#ffff00'><font color='white'>ad</font></td></tr></table>",
         [("#ffffff", "#ffff00")]),
        ("<div style='background:#111'><p>dark on dark</p></div>", [("#000000", "#111111")]),
        ("<div style='background:url(x.png)'><p style='color:#eee'>unknown</p></div>", []),
        ("<p style='display:none;color:#fff'>hidden</p>", []),
        ("<div style='color:#eee'><p style='color:#222'>mended</p></div>", []),
    ],
)  # fmt: skip
def test_contrast_as_wcag_counts_it(body: str, colours: list[tuple[str, str]]) -> None:
    """C12."""
    found = faint_texts(f"<!DOCTYPE html><html><body>{body}</body></html>")
    assert [(each.colour, each.ground) for each in found] == colours


def test_dark_mode_is_judged_by_its_own_rules() -> None:
    """C12: a colour that no rule changes is unreadable on the ground that one does."""
    style = (
        "<style>@media (prefers-color-scheme: dark) { a:hover { color: red }"
        " .page { background-color: #17181a !important } .page .ink { color: #eee } }</style>"
    )
    html = f"<html><head>{style}</head><body class=page><p class=ink>a</p><p>left</p></body></html>"
    [faint] = [each for each in faint_texts(html) if each.dark]
    assert (faint.text, faint.colour, faint.ground) == ("left", "#000000", "#17181a")


def test_the_packaged_layout_and_the_limits(tmp_path: Path) -> None:
    """B16, C12: no false alarm on our own message; a pale accent and a heavy part are told."""
    config = make_config(tmp_path / "room", port=1)
    file = write_release(config.home)
    with open_room(config) as room:
        stored = releases.resolve(room, str(file), "anna", keep=False)
        source = releases.template_source(room)
        template = compile_release(stored.release, room.sender, source)
        html = message_parts(previews.sample(room, template)).html
        assert list(check_message(template, html)) == []
        pale = compile_release(stored.release, replace(room.sender, accent="#ffe14d"), source)
        html = message_parts(previews.sample(room, pale)).html
        [found] = check_message(pale, html)
        assert found.code == "low_contrast" and "#ffe14d" in found.message
        heavy = replace(template, encoded_html_size=HTML_LIMIT - 5000)
        assert [each.code for each in check_message(heavy, "")] == ["html_near_limit"]
        light = replace(template, encoded_html_size=89_999)
        assert list(check_message(light, "")) == []
