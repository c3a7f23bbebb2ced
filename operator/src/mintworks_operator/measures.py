"""What the metrics are told of jobs: how long they waited, and what a status write that was accepted says is new."""

from __future__ import annotations

from datetime import datetime, timedelta

from mintworks_api import FINISHED, JobStatus
from mintworks_api.status import AttemptRecord

from . import metrics
from .core import Holding, JobView, Slot, Waiting


class Waits:
    """Since when each job was seen to wait for its slot, by a clock in seconds that only grows."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[int, float]] = {}

    def note(self, job: JobView, slot: Slot | None, clock: float) -> None:
        """How a job stands to its queue after a pass. The wait ends where it takes the slot that it waited for."""
        run, since = self._since.get(job.uid, (0, 0.0))
        if isinstance(slot, Waiting):
            if run != slot.run:
                self._since[job.uid] = (slot.run, clock)
            return
        self._since.pop(job.uid, None)
        if isinstance(slot, Holding) and run == slot.run:
            metrics.WAIT.labels(*_labels(job)).observe(clock - since)

    def since(self, uid: str, now: datetime, clock: float) -> datetime:
        """The same as a time; `now`, where no pass before found it waiting."""
        _, since = self._since.get(uid, (0, clock))
        return now - timedelta(seconds=clock - since)

    def forget(self, uid: str) -> None:
        """The job is gone."""
        self._since.pop(uid, None)


def written(job: JobView, status: JobStatus) -> None:
    """A status was written over the one that the job had."""
    labels = _labels(job)
    known = {record.run for record in _last(job.status)}
    for record in _last(status):
        if record.run not in known:
            _ended(labels, record, status)
    if status.phase in FINISHED and job.status.phase not in FINISHED:
        metrics.FINISHED.labels(*labels, status.phase.lower()).inc()
    if status.active is not None and job.status.active is None and (last := _last(status)):
        metrics.RERUNS.labels(*labels, last[-1].outcome.lower()).inc()


def _ended(labels: tuple[str, str, str], record: AttemptRecord, status: JobStatus) -> None:
    if record.outcome == "Stalled":
        metrics.STALLS.labels(*labels).inc()
    if record.started is None or record.finished is None:
        return
    seconds = max(0.0, (record.finished - record.started).total_seconds())
    metrics.ATTEMPTS.labels(*labels, record.outcome.lower()).observe(seconds)
    items = status.progress.items if status.progress is not None else None
    if items is not None and items.done > items.already and seconds > 0:
        metrics.ITEMS.labels(*labels).observe((items.done - items.already) / seconds)


def _last(status: JobStatus) -> list[AttemptRecord]:
    return status.attempts.last if status.attempts is not None else []


def _labels(job: JobView) -> tuple[str, str, str]:
    return job.kind, job.namespace, job.queue
