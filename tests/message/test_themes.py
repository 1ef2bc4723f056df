"""Themes: one block changed by a small file, theme.toml, and what its documentation promises."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from mailer.errors import CheckFailed
from mailer.message import compile_release
from mailer.message.compile import template_context
from mailer.message.render import Parts
from mailer.message.templates import TemplateSource, package_templates
from mailer.message.theme import KEYS
from mailer.message.values import SLOTS
from mailer.message.view import View, view_of

from tests.message.samples import SENDER, TEMPLATES, english, hebrew, preview_parts, values

DOCS = Path(__file__).parents[2] / "docs" / "templates.md"


def put(folder: Path, **files: str) -> TemplateSource:
    """A newsroom's own files over the package's; "__" stands for "/", "_dot_" for "."."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return TemplateSource([folder, package_templates()])


def shown(source: TemplateSource) -> Parts:
    return preview_parts(compile_release(english(), SENDER, source), values())


def test_one_block_is_changed_by_a_file_of_three_lines(tmp_path: Path) -> None:
    """The rest is the packaged layout to the byte, and super() is what the block was."""
    own = '{% extends "email/release.html" %}\n{% block end %}\n<p>OVER</p>\n{% endblock %}\n'
    html = shown(put(tmp_path, email__release_dot_html=own)).html
    plain = shown(TEMPLATES).html
    assert "<p>OVER</p>" not in plain
    end = re.search(r'<p class="end.*?</p>', plain)
    assert end
    # Styles differ: paragraphs of the story are styled wherever they stand.
    assert re.sub(r"<p[^>]*>OVER</p>", end[0], html) == plain
    both = own.replace("<p>OVER</p>", "{{ super() }}")
    assert shown(put(tmp_path, email__release_dot_html=both)).html == plain


def test_own_names_reach_down_layer_by_layer(tmp_path: Path) -> None:
    """The newsroom's file extends the theme's, and the theme's the package's; includes too."""
    source = put(
        tmp_path,
        theme_dot_toml='extends = "mine"\n',
        email__release_dot_html='{% extends "email/release.html" %}'
        "{% block end %}{{ super() }}<p>two</p>{% endblock %}",
        email__partials__footer_dot_html="<tr><td>before</td></tr>"
        '{% include "email/partials/footer.html" %}',
        themes__mine__email__release_dot_html='{% extends "email/release.html" %}'
        "{% block end %}{{ super() }}<p>one</p>{% endblock %}",
    )
    html = shown(source).html
    assert re.search(r"ENDS</p>\s*<p[^>]*>one</p>\s*<p[^>]*>two</p>", html)
    assert html.index("before</td>") < html.index("Choose what you get")


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("{{ nothing }}", "email/release.html, line 3"),
        ("{{ journalist.outlet|upper }}", "email/release.html, line 3"),
        ("{% if reason %}x{% endif %}", "email/release.html, line 3"),
    ],
)
def test_faults_in_a_small_file_have_its_line(tmp_path: Path, block: str, place: str) -> None:
    """Nothing of the layering shows in what people read."""
    own = f'{{% extends "email/release.html" %}}\n{{% block end %}}\n{block}\n{{% endblock %}}\n'
    with pytest.raises(CheckFailed) as caught:
        shown(put(tmp_path, email__release_dot_html=own))
    assert caught.value.where == place


def test_agency_looks_different_and_is_whole(tmp_path: Path) -> None:
    """D16, C12: the shipped theme greets, and its colours pass in both modes."""
    source = put(tmp_path, theme_dot_toml='extends = "agency"\n')
    html = shown(source).html
    assert "Dear Anna Nowak," in html and "max-width:600px" in html.replace(": ", ":")
    assert "Georgia" not in html and "Choose what you get" in html
    arabic = preview_parts(compile_release(hebrew(), SENDER, source), values(language="he"))
    assert "border-top:3px" in arabic.html.replace(": ", ":")


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('[light]\nground = "#ffffff"\nink = "#aaaaaa"\n', 3, "contrast of 2.3"),
        ('[dark]\nground = "#eeeeee"\n', 2, "In the dark mode `ink`"),
        ('[light]\naccent = "#ffcc00"\n', 2, "`accent` #ffcc00 on `ground` #ffffff"),
        ('[light]\naccent = "red"\n', 2, "#1f4e79"),
        ("[layout]\nwidth = 601\n", 2, "480 to 600"),
        ("[layout]\nwidht = 600\n", 2, "Did you mean width"),
        ("[colours]\n", 1, "no [colours]"),
        ('[fonts]\nserif = "x; color: red"\n', 2, "list of fonts"),
        ('[masthead]\nlogo = "http://press.example.org/a.png"\n', 2, "https"),
        ('[masthead]\nlogo = "https://press.example.org/a.png"\n', 2, "logo_width"),
        ('extends = "nobody"\n', 1, "There is no theme"),
        ('\n[masthead]\nwordmark = "x\n', 3, "not TOML"),
        pytest.param("width = " + "[" * 20_000, 1, "not TOML", id="nested"),
        pytest.param("width = " + "9" * 5_000, 1, "not TOML", id="digits"),
    ],
)
def test_a_fault_in_theme_toml_has_its_line(
    tmp_path: Path, text: str, line: int, part: str
) -> None:
    """C12: whatever cannot be read, or is none, is refused with file and line."""
    with pytest.raises(CheckFailed) as caught:
        shown(put(tmp_path, theme_dot_toml=text))
    assert part in str(caught.value)
    assert caught.value.where == f"{tmp_path / 'theme.toml'}, line {line}"


def test_theme_values_arrive(tmp_path: Path) -> None:
    """Wordmark, fonts, colours and the logo with its words for who loads no pictures."""
    theme = (
        '[masthead]\nwordmark = "The <Observatory>"\n'
        'logo = "https://press.example.org/l.png"\nlogo_width = 180\nlogo_height = 40\n'
        "[fonts]\nserif = \"Palatino, 'Book Antiqua', serif\"\n"
        '[light]\nground = "#fffdf8"\n'
    )
    html = shown(put(tmp_path, theme_dot_toml=theme)).html
    assert 'alt="The &lt;Observatory&gt;"' in html and 'width="180"' in html
    assert "Palatino" in html and "Georgia" not in html and "#fffdf8" in html


def test_the_documentation_names_what_there_is() -> None:
    """docs/templates.md lists every slot, name, key and block, and no other."""
    text = DOCS.read_text("utf-8")

    def listed(heading: str, column: int = 0) -> set[str]:
        part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
        rows = [row.split("|") for row in part.split("\n") if row.startswith("|")]
        return {name for row in rows for name in re.findall(r"`([\w.]+)`", row[column + 1])}

    assert listed("Fields of a journalist") == set(SLOTS)
    view = view_of(english(), SENDER)
    properties = {name for name in vars(View) if isinstance(vars(View)[name], property)}
    seen = {f"view.{each.name}" for each in fields(view)} | {f"view.{each}" for each in properties}
    names = set(template_context(view)) | seen
    assert listed("What else templates see") == names
    keys = {key for section in KEYS.values() for key in section}
    assert listed("theme.toml", 1) == keys | {"extends"}
    base = (package_templates() / "email" / "base.html").read_text("utf-8")
    assert listed("Blocks of the layout") == set(re.findall(r"{% block (\w+) %}", base))
