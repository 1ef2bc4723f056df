"""`/metrics`: the newsroom's figures in the text format of Prometheus.

Names and labels are a contract (docs/operations.md); labels come from fixed sets only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mailer.distribution.telemetry import BOUNDS, Figures, Labels, Telemetry
from mailer.errors import StoreUnavailable

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PLACE = ["route", "destination"]


def scrape(telemetry: Telemetry) -> bytes:
    """The page of one scrape. A store that is away is a figure, not an error."""
    registry = CollectorRegistry()
    registry.register(_Once(telemetry))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            figures = self._telemetry.look()
        except StoreUnavailable:
            figures = None
        yield _gauge("mailer_store_up", "1 when the ledger answers.", figures is not None)
        yield CounterMetricFamily(
            "mailer_store_errors",
            "How often this page or /readyz found the ledger unusable.",
            value=self._telemetry.store_errors,
        )
        yield _gauge(
            "mailer_disk_free_bytes", "Room on the fullest disk.", self._telemetry.free_bytes()
        )
        # A spool that cannot be read is named by /readyz; a made-up zero would hide it.
        with contextlib.suppress(StoreUnavailable):
            yield _gauge(
                "mailer_spool_optouts",
                "Opt-outs that are safe on disk and not yet in the ledger.",
                self._telemetry.spooled(),
            )
        if figures is not None:
            yield from _of(figures)


def _of(figures: Figures) -> Iterator[Metric]:
    answers = CounterMetricFamily(
        "mailer_answers",
        "What became of deliveries since this page was first read.",
        labels=["state", *_PLACE],
    )
    for labels, count in sorted(figures.answers.items()):
        answers.add_metric(labels, count)
    yield answers
    took = HistogramMetricFamily(
        "mailer_time_to_accept_seconds",
        "From due to accepted; batches that are spread are not measured.",
        labels=["destination"],
    )
    for group, counts in sorted(figures.buckets.items()):
        took.add_metric([group], _cumulated(counts), figures.took[group])
    yield took
    yield _gauge("mailer_queued_deliveries", "Planned and not yet claimed.", figures.queued)
    yield _gauge("mailer_claimed_deliveries", "Held by a sender now.", figures.claimed)
    yield _placed("mailer_deferred_deliveries", "Waiting to be tried again.", figures.deferred)
    yield _placed("mailer_in_doubt_deliveries", "Not certain; decide them.", figures.in_doubt)
    yield _gauge(
        "mailer_backlog_counted_seconds",
        "How long ago the four figures of the backlog were counted.",
        figures.backlog_age,
    )
    yield _gauge(
        "mailer_queue_age_seconds", "How late the oldest delivery due now is.", figures.queue_age
    )
    waiting = GaugeMetricFamily(
        "mailer_waiting_for_officer", "What goes on only by an officer's word.", labels=["what"]
    )
    for what, count in sorted(figures.waiting.items()):
        waiting.add_metric([what], count)
    yield waiting
    yield _gauge("mailer_workers", "Senders that have not left.", figures.workers)
    yield _gauge("mailer_workers_alive", "Senders heard of just now.", figures.workers_alive)
    yield _gauge(
        "mailer_events_unread", "Events left for the next scrape to count.", figures.behind
    )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _placed(name: str, text: str, counts: Mapping[Labels, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=_PLACE)
    for labels, count in sorted(counts.items()):
        family.add_metric(labels, count)
    return family


def _cumulated(counts: tuple[int, ...]) -> list[tuple[str, float]]:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
