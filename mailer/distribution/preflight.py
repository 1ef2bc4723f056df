"""Preflight as officers meet it: `release check`, and what `queue` looks at before it plans.

The text is judged in `mailer/release/preflight`, the finished message in `mailer/message/checks`.
Here stands what needs more: the templates, the audience, and on request programs and the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailer.audience.segments import Segment
from mailer.distribution import media, previews, releases
from mailer.distribution.context import Newsroom
from mailer.distribution.linkcheck import dead_links
from mailer.distribution.named import Named
from mailer.distribution.releases import StoredRelease
from mailer.distribution.spam import spam_findings
from mailer.errors import CheckFailed, Refused
from mailer.message.checks import check_message
from mailer.message.compile import compile_release
from mailer.message.media import reachable
from mailer.message.merge import Field, MergeTemplate
from mailer.message.render import message_parts
from mailer.release.model import Finding, Severity
from mailer.release.preflight import has_errors, in_order, web_targets
from mailer.store.audience import empty_fields
from mailer.store.base import Tx

_FIELDS = {
    "journalist.first_name": ("first_name", "first name"),
    "journalist.last_name": ("last_name", "last name"),
    "journalist.name": ("name", "name"),
    "journalist.outlet": ("outlet", "outlet"),
}
"""Fields that a journalist may lack, as `empty_fields` counts them and as one says it. The
greeting has words of its own for whoever has no name."""


def check(room: Newsroom, stored: StoredRelease, *, links: bool = False) -> tuple[Finding, ...]:
    """All findings on a release and the message it makes; with `links` its addresses are asked.

    Errors are those of the contract. Takes as long as SpamAssassin where that is installed.
    """
    source = releases.source_of(room, stored)
    found = list(releases.preflight(room, stored.release, source=source))
    if not any(each.code == "leftover_mark" for each in found if each.severity is Severity.ERROR):
        # With one, the message would only find the same mark again, without its line.
        try:
            template = compile_release(stored.release, room.sender, releases.template_source(room))
        except CheckFailed as error:
            found.append(Finding("template", Severity.ERROR, str(error)))
        else:
            message = previews.sample(room, template)
            found += check_message(template, message_parts(message).html)
            found += spam_findings(message)
    found += _of_pictures(room, stored)
    found += _of_paper(room, stored)
    if links:
        targets = web_targets(stored.release, releases.setting(room, source=source))
        found += dead_links(targets)
    return in_order(found)


def refuse_errors(room: Newsroom, stored: StoredRelease) -> None:
    """Raises Refused when the release has errors; nothing was done then."""
    findings = releases.preflight(room, stored.release)
    if has_errors(findings):
        errors = [each.message for each in findings if each.severity is Severity.ERROR]
        raise Refused(
            f"this release cannot be sent: {' '.join(errors)}",
            where=stored.release.source_name,
            hint=f"See `mailer release check {stored.reference}`.",
        )


def warnings(
    room: Newsroom, stored: StoredRelease, lift: int | None = None, *, paper: bool = False
) -> list[str]:
    """The warnings on a release's text as sentences; `lift` is when it becomes free. With `paper`
    also those on its PDF, where that is attached."""
    found = [*releases.preflight(room, stored.release, lift=lift), *_of_pictures(room, stored)]
    if paper:
        found += _of_paper(room, stored)
    return _sentences(found)


def _of_paper(room: Newsroom, stored: StoredRelease) -> list[Finding]:
    """D14, D21: message and page link to the PDF, and it may have empty boxes for letters."""
    theme = releases.template_source(room).theme
    try:
        doubt = media.paper(room, stored.release, theme, stored.files).doubt
    except CheckFailed as error:
        doubt = str(error)
    advice = "Install a font that has it, such as Noto's." if "font" in doubt else None
    found = Finding("pdf_in_doubt", Severity.WARNING, doubt, suggestion=advice)
    return [found] if doubt else []


def _of_pictures(room: Newsroom, stored: StoredRelease) -> list[Finding]:
    """C23: pictures that mail programs could not fetch safely are not shown."""
    pictures = [each for each in stored.release.media if each.is_picture]
    if not pictures or reachable(room.sender.public_url):
        return []
    return [
        Finding(
            "pictures_not_shown",
            Severity.WARNING,
            "Messages do not show the picture, as newsroom.public_url is not encrypted (https); "
            "they link to it.",
            pictures[0].line,
            1,
            "Serve the public pages over https, or set media.inline.",
        )
    ]


def of_message(room: Newsroom, template: MergeTemplate) -> list[str]:
    """The warnings on the finished message as sentences, SpamAssassin's among them where it is
    installed."""
    message = previews.sample(room, template)
    found = check_message(template, message_parts(message).html)
    return _sentences([*found, *spam_findings(message)])


def of_audience(
    tx: Tx, template: MergeTemplate, segments: Sequence[Segment], who: Named
) -> list[str]:
    """Fields that the message prints and that journalists of the audience lack, as sentences (D16).

    Without a fallback each one who lacks it counts, with one only most of them. One query, and none
    when the message prints no such field.
    """
    printed = dict.fromkeys(
        (part.slot, part.fallback)
        for part in template.parts
        if isinstance(part, Field) and part.slot in _FIELDS
    )
    if not printed:
        return []
    counts = empty_fields(tx, segments, also=who.also, excepted=who.excepted, received=who.received)
    people, said = counts["people"], []
    for slot, fallback in printed:
        column, word = _FIELDS[slot]
        lacking = counts[column]
        if not lacking or (fallback and lacking * 2 <= people):
            continue
        have = "has" if lacking == 1 else "have"
        instead = f"they get “{fallback}”" if fallback else "nothing stands in its place"
        said.append(f"{lacking:,} of {people:,} journalists {have} no {word}: {instead}.")
    return said


def bare_fields(template: MergeTemplate) -> list[str]:
    """Fields that a journalist may lack and that the message prints without a fallback."""
    return list(
        dict.fromkeys(
            part.slot
            for part in template.parts
            if isinstance(part, Field) and part.slot in _FIELDS and not part.fallback
        )
    )


def _sentences(findings: Iterable[Finding]) -> list[str]:
    return [each.message for each in findings if each.severity is Severity.WARNING]
