"""What the metrics are told, and that their page names each of them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.status import ActiveRun, AttemptRecord, Attempts, Items, Progress
from mintworks_operator import metrics
from mintworks_operator.core import Holding, JobView, Waiting
from mintworks_operator.measures import Waits, written
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from support.snapshots import CREATED, NOW, job

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
LABELS = {"kind": "MetadataJob", "namespace": "ns", "queue": "default"}


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, LABELS | labels) or 0.0


class Change:
    """By how much each of these has grown since."""

    def __init__(self, **samples: dict[str, str]) -> None:
        self._samples = samples
        self._before = {name: value(f"mintworks_{name}", **labels) for name, labels in samples.items()}

    def seen(self) -> dict[str, float]:
        now = {name: value(f"mintworks_{name}", **labels) for name, labels in self._samples.items()}
        return {name: round(now[name] - before, 6) for name, before in self._before.items()}


def record(run: int, outcome: Any, seconds: float = 10) -> AttemptRecord:
    started = NOW - timedelta(seconds=seconds)
    return AttemptRecord(run=run, outcome=outcome, reason="Because", started=started, finished=NOW)


def test_an_end_is_counted_once_with_its_time_and_its_rate() -> None:
    before = job(status=JobStatus(phase=Phase.RUNNING, active=ActiveRun(run=1, reserved=CREATED)))
    after = JobStatus(
        phase=Phase.SUCCEEDED,
        attempts=Attempts(runs=1, made=1, last=[record(1, "Succeeded")]),
        progress=Progress(percent=100, items=Items(total=70, done=70, already=20)),
    )
    ended = {"outcome": "succeeded"}
    change = Change(
        jobs_finished_total={"result": "succeeded"},
        attempt_duration_seconds_sum=ended,
        attempt_duration_seconds_count=ended,
        items_per_second_sum={},
        retries_total={"after": "succeeded"},
    )
    written(before, after)
    once = {
        "jobs_finished_total": 1.0,
        "attempt_duration_seconds_sum": 10.0,
        "attempt_duration_seconds_count": 1.0,
        "items_per_second_sum": 5.0,
        "retries_total": 0.0,
    }
    assert change.seen() == once
    written(job(status=after), after.model_copy(update={"observed_generation": 2}))
    assert change.seen() == once


@pytest.mark.parametrize("outcome", ["Failed", "Stalled", "Stopped"])
def test_a_run_after_another_is_a_retry_after_that(outcome: str) -> None:
    attempts = Attempts(runs=1, last=[record(1, outcome)])
    change = Change(
        retries_total={"after": outcome.lower()},
        stalls_total={},
        attempt_duration_seconds_count={"outcome": outcome.lower()},
    )
    active = JobStatus(phase=Phase.RUNNING, active=ActiveRun(run=1, reserved=CREATED))
    backoff = JobStatus(phase=Phase.BACKOFF, attempts=attempts)
    written(job(status=active), backoff)
    again = ActiveRun(run=2, reserved=NOW)
    written(job(status=backoff), JobStatus(phase=Phase.RUNNING, attempts=attempts, active=again))
    stalled = float(outcome == "Stalled")
    assert change.seen() == {"retries_total": 1.0, "stalls_total": stalled, "attempt_duration_seconds_count": 1.0}


def waiting(run: int, view: JobView) -> Waiting:
    return Waiting(view.uid, run, view.kind, 5, CREATED, view.name)


def test_a_wait_ends_with_the_slot_that_was_waited_for() -> None:
    waits, view = Waits(), job()
    change = Change(queue_wait_seconds_sum={}, queue_wait_seconds_count={})
    waits.note(view, waiting(1, view), 100.0)
    waits.note(view, waiting(1, view), 105.0)
    waits.note(view, Holding(view.uid, 1), 107.0)
    waits.note(view, Holding(view.uid, 1), 900.0)
    assert change.seen() == {"queue_wait_seconds_sum": 7.0, "queue_wait_seconds_count": 1.0}
    waits.note(view, waiting(2, view), 1000.0)
    waits.note(view, None, 1001.0)
    waits.note(view, Holding(view.uid, 2), 1002.0)
    assert change.seen()["queue_wait_seconds_count"] == 1.0, "it was suspended, and nobody knows since when it waits"


def test_a_wait_is_since_the_first_pass_that_saw_it() -> None:
    waits, view = Waits(), job()
    assert waits.since(view.uid, NOW, 100.0) == NOW
    waits.note(view, waiting(1, view), 100.0)
    waits.note(view, waiting(1, view), 105.0)
    assert waits.since(view.uid, NOW, 107.0) == NOW - timedelta(seconds=7)
    waits.note(view, Holding(view.uid, 1), 108.0)
    assert waits.since(view.uid, NOW, 109.0) == NOW


def told() -> set[str]:
    """Metrics that the page has a row for, each with its type and labels."""
    rows = re.findall(r"^\| `(mintworks_\w+)` \| (\w+) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    return {f"{name} {type_} {labels}" for name, type_, labels in rows}


def known() -> set[str]:
    """The same of what the operator has."""
    found = {"mintworks_jobs gauge kind, namespace, queue, phase"}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            family = next(iter(metric.describe()))
            name = family.name + ("_total" if family.type == "counter" else "")
            found.add(f"{name} {family.type} {', '.join(metric._labelnames) or '–'}")
    return found


def test_the_page_has_a_row_for_each_metric_and_no_other() -> None:
    assert told() == known()
    text = PAGE.read_text()
    for name in re.findall(r"mintworks_\w+", text.partition("## What to watch")[2]):
        assert re.sub(r"_bucket$", "", name) in {row.split()[0] for row in told()}, name


def test_no_label_can_be_anything() -> None:
    allowed = {"kind", "namespace", "queue", "phase", "result", "outcome", "after", "subject", "reason"}
    allowed |= {"method", "resource", "code", "–"}
    assert {label for row in known() for label in row.split(" ", 2)[2].split(", ")} <= allowed
