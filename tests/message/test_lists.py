"""Lists keep the numbers their author gave them, in both parts (C21)."""

from __future__ import annotations

from mailer.message.compile import compile_release
from mailer.message.templates import TemplateSource, package_templates
from mailer.release.read import read_release

from tests.message import samples
from tests.message.samples import preview_parts


def test_a_list_that_begins_at_three_does_so_in_both_parts() -> None:
    """C21: nothing is renumbered on the way."""
    source = (
        "# Steps that remain\n\nBrussels, 1 December 2026 – Two steps remain.\n\n"
        "3. Measure again\n4. Publish\n\n## Media contact\n\nAda – press@example.org\n"
    )
    release = read_release(source.encode(), name="steps.md")
    template = compile_release(release, samples.SENDER, TemplateSource([package_templates()]))
    parts = preview_parts(template, samples.values(language="en"))
    assert '<ol start="3"' in parts.html
    assert "3. Measure again" in parts.text and "4. Publish" in parts.text
