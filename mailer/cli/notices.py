"""A word about a release that some have: `mailer correct`, `refile`, `update`, `kill`, `hold`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailer.cli.base import Commands, current, say
from mailer.cli.output import document, line
from mailer.cli.releases import RELEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.distribution.notices import Given

FILE = Annotated[Path, typer.Argument(metavar="FILE", help="The corrected text.")]
WHAT = Annotated[
    str, typer.Option("--what", metavar="TEXT", help="What was wrong and what is right.")
]
REASON = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; journalists read it.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    for command in (correct, refile, update, kill, hold):
        app.add(command.__name__, command)


def correct(release: RELEASE, file: FILE, what: WHAT = "") -> None:
    """Replace a text with an error: who has it is told, who has not gets the corrected text."""
    _bring(release, file, "correction", what)


def refile(release: RELEASE, file: FILE, what: WHAT = "") -> None:
    """The same for a slip that changes nothing of the news."""
    _bring(release, file, "refile", what)


def update(release: RELEASE, file: FILE, what: WHAT = "") -> None:
    """The same for news that has gone on."""
    _bring(release, file, "update", what)


def kill(release: RELEASE, reason: REASON) -> None:
    """Withdraw a release for good: nothing of it is sent any more, and who has it is told."""
    from mailer.distribution import notices

    with current().newsroom() as room:
        given = notices.kill(room, release, current().actor, reason=reason, progress=_counting())
    _tell(given)


def hold(
    release: RELEASE,
    reason: REASON,
    cleared: Annotated[
        bool, typer.Option("--cleared", help="The hold is over: it may be used as it was sent.")
    ] = False,
) -> None:
    """Stop a release while you check it, and tell who has it not to use it meanwhile."""
    from mailer.distribution import notices

    with current().newsroom() as room:
        act = notices.clear if cleared else notices.hold
        given = act(room, release, current().actor, reason=reason, progress=_counting())
    _tell(given)


def _bring(release: str, file: Path, kind: str, what: str) -> None:
    from mailer.distribution import notices

    with current().newsroom() as room:
        given = notices.correct(
            room,
            release,
            file,
            current().actor,
            kind=kind,
            what=what,
            progress=_counting(),
        )
    _tell(given)


def _counting() -> Callable[[int], None]:
    """Says how many are planned, where there are many."""
    last = 0

    def tell(planned: int) -> None:
        nonlocal last
        if planned - last >= 50_000:
            last = planned
            say(f"{planned:,} planned …")

    return tell


_WORDS = {
    "kill": "withdrawn",
    "hold": "on hold",
    "cleared": "cleared: it may be used",
    "correction": "corrected",
    "refile": "refiled",
    "update": "updated",
    "embargo-change": "embargo changed",
}


def _tell(given: Given) -> None:
    for warning in given.warnings:
        say(f"Warning: {warning[:1].upper()}{warning[1:]}")
    if current().json:
        document(given.as_json())
        return
    before = " already; what that did:" if given.again else ""
    line(f"{given.release} is {_WORDS[given.kind]}{before}")
    numbers = ", ".join(map(str, given.distributions))
    of = f" (distribution {numbers})" if numbers else ""
    line(f"  {given.told:,} who have it, or may have it, are told{of}")
    if given.revision is not None:
        line(f"  {given.corrected:,} who have nothing yet get revision {given.revision} instead")
    if given.kind == "kill":
        line(f"  {given.stopped:,} who had nothing yet get nothing")
    tell_people(given.cannot_be_told, "cannot be told by mail")
    tell_people(given.not_certain, "may not have it; they are told all the same")


def tell_people(people: list[dict[str, str]], what: str) -> None:
    """Name people with what is known of them, so that somebody can call."""
    if people:
        say(f"{len(people):,} {what}:")
    for each in people:
        said = [each["name"], each["outlet"], each["email"], each["phone"], each["why"]]
        line("  " + "  ".join(part for part in said if part))
