"""Prometheus metrics, served on :8080/metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

PASSES = Histogram(
    "mintworks_reconcile_seconds",
    "Time of one pass.",
    ["subject", "outcome"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
RETRIES = Counter("mintworks_reconcile_retries_total", "Passes that failed and are tried again.", ["subject", "reason"])
DEPTH = Gauge("mintworks_workqueue_depth", "Keys that wait for a pass.")
REQUESTS = Counter("mintworks_api_requests_total", "Requests to the API server.", ["method", "resource", "code"])
RUNS = Counter("mintworks_runs_total", "Runs created.", ["kind", "namespace"])
SCHEDULED = Counter("mintworks_scheduled_jobs_total", "Jobs that JobSchedules made.", ["kind", "namespace"])
LEADER = Gauge("mintworks_leader", "1 while this replica holds the Lease.")
PROGRESS = Counter("mintworks_progress_messages_total", "Messages read from runners.")
REDIS = Gauge("mintworks_redis_up", "1 while Redis answers.")


class JobsCollector(Collector):
    """Jobs by kind, namespace, queue and phase, counted in the cache when asked."""

    def __init__(self, count: Callable[[], Mapping[tuple[str, str, str, str], int]]) -> None:
        self._count = count

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge `mintworks_jobs`."""
        family = GaugeMetricFamily("mintworks_jobs", "Jobs.", labels=["kind", "namespace", "queue", "phase"])
        for labels, value in self._count().items():
            family.add_metric(list(labels), value)
        yield family

    def register(self) -> None:
        """Serve it."""
        REGISTRY.register(self)
