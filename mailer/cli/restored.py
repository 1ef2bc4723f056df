"""`mailer restored`: what a ledger that was put back holds for an officer's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli.base import FORMAT, Commands, current, existing, say
from mailer.cli.output import Column, document, emit, line

if TYPE_CHECKING:
    from mailer.distribution.restored import Word


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("restored", restored)


def restored(
    distribution: Annotated[
        int | None,
        typer.Argument(metavar="DISTRIBUTION", help="Only this one.", callback=existing),
    ] = None,
    left: Annotated[
        bool, typer.Option("--left", help="It left already: nobody is mailed again.")
    ] = False,
    let_go: Annotated[
        bool, typer.Option("--let-go", help="It did not leave: it goes on, overdue or not.")
    ] = False,
    not_certain: Annotated[
        bool,
        typer.Option("--not-certain", help="Nobody knows: `mailer resolve` decides each."),
    ] = False,
    wave: Annotated[
        int | None, typer.Option("--wave", metavar="N", help="Only this batch of it.")
    ] = None,
    format: FORMAT = "table",
) -> None:
    """What was open when the ledger was put back, and your word on what left meanwhile.

    Without one of --left, --let-go and --not-certain it lists what waits for it.
    """
    from mailer.distribution import restored as decisions

    words: dict[Word, bool] = {"left": left, "let_go": let_go, "not_certain": not_certain}
    said: list[Word] = [word for word, given in words.items() if given]
    if len(said) > 1:
        raise typer.BadParameter(
            "say one of these, not several", param_hint=f"--{said[1].replace('_', '-')}"
        )
    if said and distribution is None:
        raise typer.BadParameter("say of which distribution", param_hint="DISTRIBUTION")
    with current().newsroom() as room:
        if said and distribution is not None:
            done = decisions.decide(room, distribution, current().actor, said[0], wave=wave)
            document(done) if current().json else _say_done(done)
            return
        rows = [row for row in decisions.held(room, distribution) if wave in (None, row["wave"])]
    form = current().format(format)
    if rows and form == "table":
        line(
            f"The ledger was put back at {rows[0]['put_back_at']} and knows nothing after "
            f"{rows[0]['known_until']} ({rows[0]['why']}). Who said stop since then is not "
            "known to it either.",
            begin="waiting",
        )
        line()
    columns = [
        Column("distribution", "NO", number=True),
        Column("wave", "BATCH", number=True),
        Column("release", "RELEASE", weight=3, least=10),
        Column("due_at", "DUE", weight=1, least=16),
        Column("due", "IT WAS"),
        Column("was", "WAS", state=True),
        Column("accepted", "HAVE IT", number=True),
        Column("open", "OPEN", number=True),
    ]
    emit(rows, columns, form, empty="Nothing waits for a word after a restore.")
    if rows and form == "table":
        say("Your word: mailer restored DISTRIBUTION --left | --let-go | --not-certain")


def _say_done(done: dict[str, Any]) -> None:
    people = "1 delivery" if done["deliveries"] == 1 else f"{done['deliveries']:,} deliveries"
    number = done["distribution"]
    if done["decision"] == "left":
        line(f"{people} of distribution {number} left before; none goes again", begin="accepted")
    elif done["decision"] == "let_go":
        line(f"{people} of distribution {number} may go", begin=done["state"])
    else:
        line(
            f"{people} of distribution {number} not certain: mailer resolve {number} decides",
            begin="in_doubt",
        )
