"""Sending: `mailer queue`, `send-to`, `test-send`, `pause`, `resume`, `cancel`, `refresh`, `run`,
`serve`, `worker` and `sandbox`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mailer.cli.base import Commands, current, existing, say
from mailer.cli.output import document, line, printable
from mailer.errors import StoreUnavailable

if TYPE_CHECKING:
    from mailer.distribution.queue import Queued
    from mailer.distribution.single import Single
    from mailer.distribution.supervisor import Summary

DISTRIBUTION = Annotated[
    int,
    typer.Argument(
        metavar="DISTRIBUTION", help="Its number, as `mailer status` shows it.", callback=existing
    ),
]
LOG = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        envvar="MAILER_LOG",
        show_envvar=False,
        help="What happens as JSON lines: a file, or - for stderr (MAILER_LOG).",
    ),
]
REASON = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept in the history.")]


def register(app: Commands) -> None:
    """Add this module's commands."""
    app.add("queue", queue)
    app.add("send-to", send_to)
    app.add("test-send", test_send)
    app.add("pause", pause)
    app.add("resume", resume)
    app.add("cancel", cancel)
    app.add("refresh", refresh)
    app.add("serve", serve)
    app.add("run", run)
    app.add("worker", worker)
    app.add("sandbox", sandbox)


def pause(distribution: DISTRIBUTION, reason: REASON = None) -> None:
    """Stop sending a distribution within a second, until `resume`."""
    from mailer.distribution import control

    with current().newsroom() as room:
        control.pause(room, distribution, current().actor, reason=reason)
    _state(distribution, "paused")


def resume(distribution: DISTRIBUTION) -> None:
    """Go on after a pause, and let go what is waiting for an officer."""
    from mailer.distribution import control

    with current().newsroom() as room:
        state = control.resume(room, distribution, current().actor)
    _state(distribution, state)


def refresh(
    distribution: DISTRIBUTION,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who would come and go.")
    ] = False,
) -> None:
    """Work the audience of a distribution out anew, for the batches that have not begun.

    Says who came and who went. An approval given before is cleared.
    """
    from mailer.distribution import refresh as anew

    with current().newsroom() as room:
        found = anew.carry_out(room, distribution, current().actor, dry_run=dry_run)
    for warning in found.warnings:
        say(f"Warning: {warning}")
    if current().json:
        document(found.as_json())
        return
    would = "would come" if dry_run else "came"
    line(
        f"distribution {distribution}: {found.came:,} {would}, {found.back:,} "
        f"{'would come' if dry_run else 'came'} back, {found.went:,} "
        f"{'would go' if dry_run else 'went'}; {found.recipients:,} recipients"
    )
    for sign, people in (("+", found.people_came), ("-", found.people_went)):
        for person in people:
            words = (person["name"], person["outlet"], person["country"])
            line(f"  {sign} {', '.join(printable(word) for word in words if word)}")
    if found.too_late:
        line(f"  {found.too_late:,} more fit, and their batch has begun: see `mailer send-to`")
    if found.draft:
        line("  it needs an approval again")


def cancel(distribution: DISTRIBUTION, reason: REASON = None) -> None:
    """Stop a distribution for good. Nobody is told; who already has it stays in the log."""
    from mailer.distribution import control

    with current().newsroom() as room:
        stopped = control.cancel(room, distribution, current().actor, reason=reason)
    if current().json:
        document(
            {
                "distribution": distribution,
                "state": "cancelled",
                "cancelled": stopped.cancelled,
                "accepted": stopped.accepted,
                "in_doubt": stopped.in_doubt,
            }
        )
        return
    line(
        f"distribution {distribution}: {stopped.cancelled:,} will not be sent, "
        f"{stopped.accepted:,} had been accepted",
        begin="cancelled",
    )
    if stopped.accepted or stopped.in_doubt:
        say(f"Who may have it: mailer log {distribution} --state accepted")


def queue(
    release: Annotated[
        list[str],
        typer.Argument(metavar="RELEASE", help="A file, an id or a slug.", show_default=False),
    ],
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="SEGMENT", help="A segment, or list:NAME; may be repeated."),
    ] = None,
    at: Annotated[
        str, typer.Option(metavar="WHEN", help='ISO 8601, with or without a zone, or "now".')
    ] = "now",
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The zone of WHEN, if it names none.")
    ] = None,
    local_time: Annotated[
        bool, typer.Option("--local-time", help="WHEN is each journalist's own time.")
    ] = False,
    embargo: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Nothing leaves before this.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="EMAIL", help="A journalist besides; may be repeated."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--except", metavar="EMAIL", help="Not this one; may be repeated."),
    ] = None,
    skip_received: Annotated[
        bool, typer.Option("--skip-received", help="Not those who have or get the release.")
    ] = False,
    late: Annotated[
        str, typer.Option(metavar="HOW", help="What is late: hold, send or drop.")
    ] = "hold",
    over: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help='Spread each batch evenly, such as "40m".'),
    ] = None,
    inline_images: Annotated[
        bool, typer.Option("--inline-images", help="Messages carry the picture that they show.")
    ] = False,
    attach: Annotated[
        str, typer.Option(metavar="PDF", help="One small PDF: pdf (the release's own), or a file.")
    ] = "",
    wait_variants: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Wait for languages not ready, then send another."),
    ] = None,
    as_ready: Annotated[
        bool, typer.Option("--as-ready", help="Each language leaves when it is ready.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be queued.")
    ] = False,
) -> None:
    """Queue a release for the journalists of one or more segments.

    Several segments stand after one --to or each after its own.
    """
    from mailer.distribution.enclosed import Enclosed
    from mailer.distribution.queue import Order, queue

    segments = [*(to or []), *release[1:]]
    if not to:
        raise typer.BadParameter("say who gets it: a segment, or list:NAME", param_hint="--to")
    order = Order(
        release=release[0],
        to=segments,
        at=at,
        zone=tz,
        local_time=local_time,
        embargo=embargo,
        late=late,
        also=also or (),
        leave_out=leave_out or (),
        skip_received=skip_received,
        over=over,
        wait_variants=wait_variants,
        as_ready=as_ready,
        enclosed=Enclosed(inline_images, attach),
    )
    with current().newsroom() as room:
        queued = queue(room, order, current().actor, dry_run=dry_run)
        zone = tz or room.config.newsroom.timezone
    _warn(queued.warnings)
    if current().json:
        document(queued.as_json())
        return
    _tell_queued(queued, zone)


def send_to(
    distribution: DISTRIBUTION,
    email: Annotated[str, typer.Option(metavar="EMAIL", help="Who gets it.")],
    again: Annotated[
        bool, typer.Option("--again", help="Although it was sent already; needs a reason.")
    ] = False,
    reason: REASON = None,
) -> None:
    """Send what a distribution sent to one more journalist, who should have got it."""
    from mailer.distribution import single

    with current().newsroom() as room:
        sent = single.send_to(
            room, distribution, email, current().actor, again=again, reason=reason
        )
    _tell_single(sent)


def test_send(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A file, an id or a slug.")],
    to: Annotated[str, typer.Option(metavar="EMAIL", help="One of newsroom.test_recipients.")],
) -> None:
    """Send a release to a test recipient, marked [TEST]; its links act on nobody."""
    from mailer.distribution import single

    with current().newsroom() as room:
        sent = single.test_send(room, release, to, current().actor)
    _tell_single(sent)


def _tell_single(sent: Single) -> None:
    _warn(sent.warnings)
    if current().json:
        document(sent.as_json())
        return
    what = "" if sent.kind == "release" else f" ({sent.kind})"
    line(
        f"distribution {sent.distribution}: queued for {sent.email}{what}, delivery "
        f"{sent.delivery}, due {sent.due_at}",
        begin="scheduled",
    )


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        say(f"Warning: {_sentence(warning)}")


def _tell_queued(queued: Queued, zone: str) -> None:
    from mailer.distribution.advertising import sentence
    from mailer.distribution.instants import between

    what = "would be queued" if queued.distribution is None else "queued"
    people = "journalist" if queued.recipients == 1 else "journalists"
    name = "" if queued.distribution is None else f"distribution {queued.distribution}: "
    line(f"{name}{what} for {queued.recipients:,} {people}", begin=queued.state)
    for wave in queued.waves:
        awaits = f", waits for {wave['awaits']}" if wave["awaits"] else ""
        due = wave["due_at"] or "when it is ready"
        early = ", before the embargo ends" if wave.get("early") else ""
        text = f"{wave['zone']}  {wave['language']}{awaits}{early}"
        line(f"  {due:<24}  {wave['recipients']:>7,}  {text}")
    line(f"  {between(queued.first_at, queued.last_at, zone)}")
    for why, count in queued.left_out.items():
        line(f"  {sentence(why, count)}")
    if queued.internal:
        number = queued.internal["distribution"]
        beside = "" if number is None else f", distribution {number}"
        line(f"  internal copies, marked: {queued.internal['recipients']:,}{beside}")


def serve(log: LOG = None) -> None:
    """Serve the pages and send what is due, until interrupted."""
    config = current().configuration()
    pages = [sys.executable, "-m", "mailer.web.serve", "--config", str(config.path)]
    _supervise(log, once=False, web=pages)


def run(
    once: Annotated[bool, typer.Option("--once", help="Send all that is due, then leave.")] = False,
    log: LOG = None,
) -> int:
    """Send what is due, when it is due, until interrupted."""
    summary = _supervise(log, once=once)
    return int(once and summary.failed)


def worker(
    queues: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Only these, with commas: urgent, normal, follow-up, imports, exports, upkeep.",
        ),
    ] = "",
    log: LOG = None,
) -> None:
    """Send as one machine of several that share a store on PostgreSQL, until interrupted."""
    from mailer.distribution.tasks import chosen, require_shared

    served = chosen(queues)
    require_shared(current().configuration())
    _supervise(log, once=False, queues=served)


def _supervise(
    log: str | None, *, once: bool, web: list[str] | None = None, queues: Sequence[str] = ()
) -> Summary:
    """Run the supervisor and show what it tells; with `log` also as lines for machines, which on
    stderr take the place of what a person reads there."""
    from mailer.cli.progress import Progress
    from mailer.distribution.supervisor import Supervisor

    config = current().configuration()
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(_open_deliveries))
        tell: Callable[[Mapping[str, Any]], None] = progress.tell
        events = None
        if log:
            from mailer.distribution.eventlog import STANDARD_ERROR, EventLog

            events = stack.enter_context(EventLog(log))
            tell = events.tell if log == STANDARD_ERROR else _both(progress.tell, events.tell)
        summary = Supervisor(config, once=once, web=web, queues=queues, tell=tell).run()
        if events is not None:
            events.ended(summary.counts, summary.recovered, summary.restarted)
    if log != "-" or current().json:
        _tell_summary(summary, stopped=not once)
    return summary


def _both(*tells: Callable[[Mapping[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    def tell(event: Mapping[str, Any]) -> None:
        for each in tells:
            each(event)

    return tell


def _tell_summary(summary: Summary, *, stopped: bool = False) -> None:
    if current().json:
        document(
            {
                "counts": summary.counts,
                "recovered": summary.recovered,
                "restarted": summary.restarted,
                "decisions": _decisions(),
            }
        )
    else:
        from mailer.cli.progress import sentence

        say(sentence(summary.counts) if summary.counts or not stopped else "Stopped.")
        for decision in _decisions():
            say(decision)


def _decisions() -> list[str]:
    """What needs an officer now, so that a run that ends quietly does not hide it."""
    from mailer.distribution.log import status

    try:
        with current().newsroom() as room:
            return status(room).decisions
    except StoreUnavailable:
        return []  # the run itself was told already


def _open_deliveries() -> int:
    from mailer.distribution.log import status

    with current().newsroom() as room:
        rows = status(room).distributions
    return sum(row["open"] for row in rows if row["state"] == "sending")


def sandbox() -> None:
    """Run the loopback mail server that keeps and shows what it gets."""
    from mailer.distribution.sandbox import serve_sandbox

    serve_sandbox(
        current().configuration(),
        lambda host, port: say(f"The sandbox listens on {host}:{port}. Ctrl-C ends it."),
    )


def _state(distribution: int, state: str) -> None:
    if current().json:
        document({"distribution": distribution, "state": state})
    else:
        line(f"distribution {distribution}", begin=state)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
