"""Prometheus metrics, served on :8080/metrics. docs/metrics.md describes each.

No label holds the name of a job, or a word that a runner or a person may choose freely: there are as many series as
there are queues, kinds and outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_QUEUE = ("kind", "namespace", "queue")
#: Waits and runs take from less than a second to days.
_LONG = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_600, 10_800, 36_000, 86_400)
_RATES = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
_SHORT = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)

FINISHED = Counter("mintworks_jobs_finished_total", "Jobs that came to an end, by its result.", [*_QUEUE, "result"])
WAIT = Histogram(
    "mintworks_queue_wait_seconds",
    "Time from when a run could start to when it got its slot.",
    _QUEUE,
    buckets=_LONG,
)
ATTEMPTS = Histogram(
    "mintworks_attempt_duration_seconds", "Time of a run's container.", [*_QUEUE, "outcome"], buckets=_LONG
)
ITEMS = Histogram("mintworks_items_per_second", "Items that a run finished, over its time.", _QUEUE, buckets=_RATES)
RERUNS = Counter(
    "mintworks_retries_total", "Runs begun after another of the same job, by how that one ended.", [*_QUEUE, "after"]
)
STALLS = Counter("mintworks_stalls_total", "Runs that were interrupted, which is not the job's fault.", _QUEUE)
RUNS = Counter("mintworks_runs_total", "Runs created.", ["kind", "namespace"])
SCHEDULED = Counter("mintworks_scheduled_jobs_total", "Jobs that JobSchedules made.", ["kind", "namespace"])

PASSES = Histogram("mintworks_reconcile_seconds", "Time of one pass.", ["subject", "outcome"], buckets=_SHORT)
RETRIES = Counter("mintworks_reconcile_retries_total", "Passes that failed and are tried again.", ["subject", "reason"])
DEPTH = Gauge("mintworks_workqueue_depth", "Keys that wait for a pass.")
REQUESTS = Counter("mintworks_api_requests_total", "Requests to the API server.", ["method", "resource", "code"])
LEADER = Gauge("mintworks_leader", "1 while this replica holds the Lease.")
PROGRESS = Counter("mintworks_progress_messages_total", "Messages read from runners.")
LAG = Histogram(
    "mintworks_progress_lag_seconds",
    "Time from when a runner told something to when the operator read it.",
    buckets=_SHORT,
)
WEBHOOKS = Counter(
    "mintworks_webhook_deliveries_total",
    "Tries to send a webhook: delivered, failed, given_up.",
    ["namespace", "result"],
)
WEBHOOKS_WAITING = Gauge("mintworks_webhooks_waiting", "Webhooks that are due and not under way yet.")
REDIS = Gauge("mintworks_redis_up", "1 while Redis answers.")


class JobsCollector(Collector):
    """Jobs by kind, namespace, queue and phase, counted in the cache when asked."""

    def __init__(self, count: Callable[[], Mapping[tuple[str, str, str, str], int]]) -> None:
        self._count = count

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge `mintworks_jobs`."""
        family = GaugeMetricFamily("mintworks_jobs", "Jobs.", labels=[*_QUEUE, "phase"])
        for labels, value in self._count().items():
            family.add_metric(list(labels), value)
        yield family

    def register(self) -> None:
        """Serve it."""
        REGISTRY.register(self)
