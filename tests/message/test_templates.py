"""Fields in templates: printed or refused, with file and line; and templates that are broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailer.errors import CheckFailed
from mailer.message import compile_release
from mailer.message.merge import MergeTemplate
from mailer.message.templates import TemplateSource

from tests.message.samples import ANNA, SENDER, english, preview_parts, values

HTML = """<!DOCTYPE html>
<html lang="en" dir="ltr">
<head><meta charset="utf-8"><title>x</title></head>
<body><div>
{body}
</div><a href="{{{{ unsubscribe_url }}}}">x</a></body>
</html>
"""
LEAVE = '<a href="{{ unsubscribe_url }}">x</a>'


def compiled(tmp_path: Path, html: str = "", text: str = "plain\n", **files: str) -> MergeTemplate:
    email = tmp_path / "email"
    email.mkdir(exist_ok=True)
    (email / "odd.html").write_text(HTML.format(body=html), encoding="utf-8")
    (email / "odd.txt").write_text(f"{text}\n{{{{ unsubscribe_url }}}}\n", encoding="utf-8")
    for name, content in files.items():
        (email / f"{name}.html").write_text(content, encoding="utf-8")
    return compile_release(english(), SENDER, TemplateSource([tmp_path]), layout="odd")


MISUSES = {
    "filter": "{{ journalist.outlet|upper }}",
    "filter default": '{{ journalist.outlet|default("x") }}',
    "filter length": "{{ journalist.outlet|length }}",
    "filter after fallback": '{{ journalist.outlet|fallback("x")|upper }}',
    "filter argument": '{{ "a"|replace("a", journalist.outlet) }}',
    "filter safe": "{{ journalist.outlet|safe }}",
    "filter attr": '{{ journalist.outlet|attr("name") }}',
    "filter join": "{{ [journalist.outlet, journalist.name]|join(', ') }}",
    "filter map": "{{ [journalist.outlet]|map('upper')|list }}",
    "filter format": '{{ "%s"|format(journalist.outlet) }}',
    "filter tojson": "{{ [journalist.outlet]|tojson }}",
    "filter sort": "{{ [journalist.outlet, journalist.name]|sort }}",
    "filter unique": "{{ [journalist.outlet, journalist.name]|unique|list }}",
    "filter select": "{{ [journalist.outlet]|select|list }}",
    "filter xmlattr": "<p{{ {'title': journalist.outlet}|xmlattr }}></p>",
    "filter pprint": "{{ [journalist.outlet]|pprint }}",
    "equal": '{% if journalist.outlet == "x" %}a{% endif %}',
    "equal reversed": '{% if "x" == journalist.outlet %}a{% endif %}',
    "unequal": '{% if journalist.outlet != "x" %}a{% endif %}',
    "less": '{% if journalist.outlet < "x" %}a{% endif %}',
    "in text": '{% if journalist.outlet in "abc" %}a{% endif %}',
    "in list": '{% if journalist.outlet in ["a"] %}a{% endif %}',
    "in it": '{% if "a" in journalist.outlet %}a{% endif %}',
    "in dict": '{% if journalist.outlet in {"a": 1} %}a{% endif %}',
    "truth": "{% if journalist.outlet %}a{% endif %}",
    "truth of url": "{% if unsubscribe_url %}a{% endif %}",
    "not": "{% if not journalist.outlet %}a{% endif %}",
    "and": "{{ journalist.outlet and 1 }}",
    "or": "{{ journalist.outlet or 'there' }}",
    "inline if": "{{ 'a' if journalist.outlet else 'b' }}",
    "test defined": "{% if journalist.outlet is defined %}a{% endif %}",
    "test none": "{% if journalist.outlet is none %}a{% endif %}",
    "test string": "{% if journalist.outlet is string %}a{% endif %}",
    "tilde": '{{ "Dear " ~ journalist.name }}',
    "tilde after": '{{ journalist.name ~ "," }}',
    "plus": '{{ "Dear " + journalist.name }}',
    "times": "{{ journalist.name * 2 }}",
    "modulo": '{{ "Dear %s" % journalist.name }}',
    "minus": "{{ -journalist.name }}",
    "attribute": "{{ journalist.name.upper() }}",
    "subscript": "{{ journalist.name[0] }}",
    "slice": "{{ journalist.name[:3] }}",
    "call": "{{ journalist.name() }}",
    "format": '{{ "Dear {}".format(journalist.name) }}',
    "function": "{{ range(journalist.name) }}",
    "dict function": "{{ dict(a=journalist.name) }}",
    "loop": "{% for letter in journalist.name %}{{ letter }}{% endfor %}",
    "repr in list": "{{ [journalist.name] }}",
    "include": "{% include journalist.name %}",
    "through a variable": "{% set x = journalist.name %}{{ x|upper }}",
    "variable truth": "{% set x = journalist.name %}{% if x %}a{% endif %}",
    "variable comparison": "{% set x = journalist.name %}{% if x == 'a' %}a{% endif %}",
    "variable tilde": "{% set x = journalist.name %}{{ x ~ 'a' }}",
    "with": "{% with x = journalist.name %}{{ x|title }}{% endwith %}",
    "macro": "{% macro m(x) %}{{ x|lower }}{% endmacro %}{{ m(journalist.name) }}",
    "macro result": "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(journalist.name)|upper }}",
    "macro truth": "{% macro m(x) %}{{ x }}{% endmacro %}{% if m(journalist.name) %}a{% endif %}",
    "captured": "{% set x %}{{ journalist.name }}{% endset %}{{ x|upper }}",
    "captured truth": "{% set x %}{{ journalist.name }}{% endset %}{% if x %}a{% endif %}{{ x }}",
    "captured equal": "{% set x %}{{ journalist.name }}{% endset %}{{ x == 'a' }}{{ x }}",
    "captured in": "{% set x %}{{ journalist.name }}{% endset %}{{ 'a' in x }}{{ x }}",
    "captured method": "{% set x %}{{ journalist.name }}{% endset %}{{ x.upper() }}",
    "captured slice": "{% set x %}{{ journalist.name }}{% endset %}{{ x[:2] }}",
    "captured twice": "{% set x %}{{ journalist.name }}{% endset %}{{ x }}{{ x }}",
    "captured dropped": "{% set x %}{{ journalist.name }}{% endset %}",
    "filter block": "{% filter upper %}{{ journalist.name }}{% endfilter %}",
    "replace block": "{% filter replace('a', 'b') %}{{ journalist.name }}{% endfilter %}",
    "unknown field": "{{ journalist.email }}",
    "unknown by name": "{{ journalist['email'] }}",
    "branch never taken": "{% if false %}{{ journalist.name|upper }}{% endif %}",
    "private": "{{ journalist.__class__ }}",
    "in a link": '<a href="{{ journalist.name }}">x</a>',
    "in part of a link": '<a href="https://example.org/?q={{ journalist.name }}">x</a>',
    "in an event": '<p onclick="{{ journalist.name }}">x</p>',
    "in a style": '<p style="color: {{ journalist.name }}">x</p>',
    "in a comment": "<!-- {{ journalist.name }} -->",
}


@pytest.mark.parametrize("snippet", MISUSES.values(), ids=MISUSES.keys())
@pytest.mark.parametrize("part", ["html", "text"])
def test_a_field_is_printed_or_refused(tmp_path: Path, snippet: str, part: str) -> None:
    """C19, D16: nothing but printing; the error names file and line."""
    html_only = snippet.startswith(("<a", "<p on", "<p style", "<!--"))
    if part == "text" and html_only:
        return  # in plain text these are just words around a field
    lines = f"\n\n{snippet}\n"
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, **{part: lines})
    where = "email/odd.html, line 7" if part == "html" else "email/odd.txt, line 3"
    assert caught.value.where == where
    assert str(caught.value).count("\n") == 0
    assert caught.value.message.endswith(".")


def test_the_sentence_about_a_misused_field(tmp_path: Path) -> None:
    """What the officer reads."""
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, text="Dear {{ journalist.name|upper }},")
    assert str(caught.value) == (
        "email/odd.txt, line 1: The filter “upper” cannot be used on the field journalist.name. "
        "A field can only be printed, or printed with |fallback(“…”)."
    )


GOOD = {
    "plain": "{{ journalist.name }}",
    "fallback": '{{ journalist.name|fallback("colleague") }}',
    "variable": "{% set x = journalist.name %}{{ x }}",
    "macro": "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(journalist.name) }}",
    "captured": "{% set x %}{{ journalist.name }}{% endset %}{{ x }}",
    "by name": "{{ journalist['name'] }}",
    "chosen": "{{ journalist.name if true else journalist.outlet }}",
    "first": "{{ [journalist.name]|first }}",
    "call block": "{% macro m() %}{{ caller() }}{% endmacro %}"
    "{% call m() %}{{ journalist.name }}{% endcall %}",
}


@pytest.mark.parametrize("snippet", GOOD.values(), ids=GOOD.keys())
def test_printing_is_possible_in_every_honest_way(tmp_path: Path, snippet: str) -> None:
    """The refusals above do not come from a template that refuses everything."""
    template = compiled(tmp_path, html=snippet, text=snippet + "\n")
    parts = preview_parts(template, values())
    assert "Anna Nowak" in parts.html
    assert "Anna Nowak" in parts.text


def test_fallback_stands_for_an_empty_value(tmp_path: Path) -> None:
    """D16: a safe fallback per field, escaped where it stands."""
    from dataclasses import replace

    snippet = 'for {{ journalist.outlet|fallback("you & yours") }} now'
    template = compiled(tmp_path, html=snippet, text=snippet + "\n")
    parts = preview_parts(template, values(replace(ANNA, outlet="")))
    assert "for you &amp; yours now" in parts.html
    assert "for you & yours now" in parts.text


def test_fields_in_words_of_attributes_are_escaped(tmp_path: Path) -> None:
    """C19: a name cannot leave the attribute it stands in."""
    from dataclasses import replace

    template = compiled(tmp_path, html='<p title="{{ journalist.outlet }}">x</p>')
    parts = preview_parts(template, values(replace(ANNA, outlet='"><script>alert(1)</script>')))
    assert "<script" not in parts.html


BROKEN = {
    "syntax": (
        "\n{% if %}",
        "email/odd.html, line 6: The template cannot be read: "
        "Expected an expression, got 'end of statement block'.",
    ),
    "unclosed": (
        "{% for a in [1] %}",
        "email/odd.html, line 6: The template cannot be read: Unexpected end of template. Jinja "
        "was looking for the following tags: 'endfor' or 'else'. The innermost block that needs "
        "to be closed is 'for'.",
    ),
    "undefined": (
        "\n\n{{ headline }}",
        "email/odd.html, line 7: The template uses what is not there: 'headline' is undefined.",
    ),
    "undefined attribute": (
        "{{ release.headlin }}",
        "email/odd.html, line 5: The template uses what is not there: "
        "'mailer.release.model.Release object' has no attribute 'headlin'.",
    ),
    "missing include": (
        '{% include "email/none.html" %}',
        "email/odd.html, line 5: The template email/none.html does not exist.",
    ),
    "missing filter": (
        "{{ release.slug|shout }}",
        "email/odd.html, line 5: The template cannot be read: No filter named 'shout'.",
    ),
    "unsafe": (
        "{{ release.__class__.__mro__ }}",
        "email/odd.html, line 5: The template may not do this: access to attribute '__class__' of "
        "'Release' object is unsafe.",
    ),
    "type": (
        "{{ 1 / 0 }}",
        "email/odd.html, line 5: The template fails here: division by zero.",
    ),
    "nothing": (
        "{{ release.end_mark }}",
        "email/odd.html, line 5: This prints nothing: the value is missing (None).",
    ),
    "left over": (
        "{% raw %}{{ first_name }}{% endraw %}",
        "email/odd.html: A template mark was left over: {{ first_name }} "
        "If it stands in the release, take it out there.",
    ),
    "important": (
        "<style>\n.a { color: red }\n.b { color: red !important }\n</style>",
        "email/odd.html, line 7 of the rendered page: “!important” stands among the styles that "
        'are written into the elements. Put it into the block marked data-premailer="ignore".',
    ),
}


@pytest.mark.parametrize(("snippet", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_templates_say_what_and_where(tmp_path: Path, snippet: str, message: str) -> None:
    """Template errors become one sentence with file and line (C3, D16)."""
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, html=snippet)
    assert str(caught.value) == message


def test_errors_in_an_included_file_name_that_file(tmp_path: Path) -> None:
    """The place is where the fault is, not where it was included."""
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, html='{% include "email/part.html" %}', part="\n{{ nowhere }}\n")
    assert caught.value.where == "email/part.html, line 2"
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, html='{% include "email/part.html" %}', part="\n\n{{ reason|trim }}\n")
    assert caught.value.where == "email/part.html, line 3"


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    """An editor saved it in another encoding."""
    with pytest.raises(CheckFailed) as caught:
        (tmp_path / "email").mkdir()
        (tmp_path / "email" / "part.html").write_bytes(b"caf\xe9")
        compiled(tmp_path, html='{% include "email/part.html" %}')
    assert "not written in UTF-8" in str(caught.value)


def test_a_layout_that_is_not_there(tmp_path: Path) -> None:
    """The sentence says where it was looked for."""
    with pytest.raises(CheckFailed) as caught:
        compile_release(english(), SENDER, TemplateSource([tmp_path]), layout="gone")
    assert str(caught.value) == f"There is no template email/gone.html in {tmp_path}."


def test_the_newsrooms_own_file_counts_first(tmp_path: Path) -> None:
    """`templates eject` copies one file; the others still come from the package."""
    from mailer.message.templates import package_templates

    partials = tmp_path / "email" / "partials"
    partials.mkdir(parents=True)
    (partials / "masthead.html").write_text("<tr><td>Our own masthead</td></tr>\n")
    source = TemplateSource([tmp_path, package_templates()])
    parts = preview_parts(compile_release(english(), SENDER, source), values())
    assert "Our own masthead" in parts.html
    assert "Choose what you get" in parts.html


def test_html_over_the_limit_is_an_error(tmp_path: Path) -> None:
    """B16: Gmail would cut off the footer."""
    with pytest.raises(CheckFailed) as caught:
        compiled(tmp_path, html="<p>" + "word " * 25_000 + "</p>")
    assert "100,000" in str(caught.value)


def test_layouts_must_begin_with_the_doctype(tmp_path: Path) -> None:
    """C4: and every spelling of it ends as the one that clients know."""
    email = tmp_path / "email"
    email.mkdir()
    (email / "odd.txt").write_text("x\n{{ unsubscribe_url }}\n")
    (email / "odd.html").write_text(f"<html><body>{LEAVE}</body></html>")
    with pytest.raises(CheckFailed):
        compile_release(english(), SENDER, TemplateSource([tmp_path]), layout="odd")
    (email / "odd.html").write_text(f"<!doctype html><html><body>{LEAVE}</body></html>")
    template = compile_release(english(), SENDER, TemplateSource([tmp_path]), layout="odd")
    html = preview_parts(template, values()).html
    assert html.startswith("<!DOCTYPE html>")
    assert html.lower().count("<!doctype") == 1


@pytest.mark.parametrize("part", ["html", "txt"])
def test_each_part_lets_its_reader_leave(tmp_path: Path, part: str) -> None:
    """E10: a layout of the newsroom's own cannot do without the link, in either part."""
    compiled(tmp_path)
    path = tmp_path / "email" / f"odd.{part}"
    path.write_text(path.read_text().replace("{{ unsubscribe_url }}", "https://example.org/"))
    with pytest.raises(CheckFailed, match="unsubscribe_url") as caught:
        compile_release(english(), SENDER, TemplateSource([tmp_path]), layout="odd")
    assert caught.value.where == f"email/odd.{part}"


def test_a_fallback_without_words_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="A fallback is one line of plain text"):
        compiled(tmp_path, html="{{ journalist.outlet|fallback }}")
