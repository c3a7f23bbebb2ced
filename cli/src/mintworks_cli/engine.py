"""The local applier: passes over all jobs, as the operator makes them, until nothing is left to do.

The decisions are the operator's own (mintworks_operator.core); here they meet processes and files instead of a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from mintworks_api import JobQueueSpec, Reservation
from mintworks_operator.core import (
    Action,
    CreateRun,
    DeleteJob,
    DeleteRun,
    Emit,
    EnsureQueue,
    Holding,
    Notify,
    QueueView,
    RequeueAt,
    Slot,
    Snapshot,
    StopRun,
    Waiting,
    WriteStatus,
    admit,
    decide,
    held,
    named_of,
)

from .localjob import LocalJob
from .references import Key, Supplies, handed_over
from .resources import Manifest, Name
from .state import StateFolder


class Audience(Protocol):
    """Who is told what happens."""

    def event(self, job: LocalJob, event: Emit) -> None:
        """Something worth a line happened to a job."""

    def show(self, jobs: Iterable[LocalJob], now: datetime) -> None:
        """How the jobs stand now."""


class Engine:
    """All jobs of one command."""

    def __init__(self, jobs: Iterable[LocalJob], supplies: Supplies, state: StateFolder, audience: Audience) -> None:
        self.jobs: dict[Key, LocalJob] = {job.key: job for job in jobs}
        self._supplies, self._state, self._audience = supplies, state, audience
        self._queues = {name: _queue(manifest) for name, manifest in supplies.resources.queues.items()}
        self._stopping = False

    def resume(self, now: datetime) -> None:
        """Take up what an earlier command left: call it once, first.

        Raises:
            OrphanStays: a runner of an earlier command does not go.
        """
        for job in self.jobs.values():
            cut = job.resume(now)
            if job.view.finished:
                # What its manifest says now may begin it anew: a dry run that is to be a real one.
                self._pass(job, now)
                continue
            if not cut:
                continue
            self._pass(job, now)
            # A command that was killed is nobody's failure: no wait follows from it, however often it happens.
            attempts = job.record.status.attempts
            calm = {"next_attempt_time": None, "attempts": attempts and attempts.model_copy(update={"stops": 0})}
            job.record = replace(job.record, status=job.record.status.model_copy(update=calm))
            job.save()

    def step(self, now: datetime) -> bool:
        """One pass over everything; False when none of the jobs will ever move again."""
        moved = [self._pass(job, now) for job in self.jobs.values() if not job.view.finished]
        admitted = self._admit(now)
        self._audience.show(self.jobs.values(), now)
        return any(moved) or admitted or any(job.alive for job in self.jobs.values())

    def interrupt(self, now: datetime) -> None:
        """Start nothing more, and ask whatever runs to stop."""
        self._stopping = True
        for job in self.jobs.values():
            job.interrupt(now)

    def kill(self) -> None:
        """End whatever runs at once."""
        for job in self.jobs.values():
            job.kill()

    def _pass(self, job: LocalJob, now: datetime) -> bool:
        """A pass over one job; tells whether anything happened or is still to come."""
        job.watch(now)
        if self._stopping and job.active is None:
            return False
        decision = decide(self._snapshot(job), now)
        job.slot = decision.slot
        for action in decision.actions:
            self._apply(job, action, now)
        return any(not isinstance(action, WriteStatus) or action.changed for action in decision.actions)

    def _snapshot(self, job: LocalJob) -> Snapshot:
        found = handed_over(job.manifest, self.jobs)
        view = job.view
        others = (o.view for o in self.jobs.values() if o is not job and o.view.namespace == view.namespace)
        return Snapshot(
            job=view,
            queue=self._queues.get((view.namespace, view.queue)),
            runs=tuple(job.runs.values()),
            dependencies={name: self.jobs[key].view for name, key in found.items()},
            named=named_of(job.manifest.spec.removes(), others),
            news=job.news,
        )

    def _apply(self, job: LocalJob, action: Action, now: datetime) -> None:
        match action:
            case WriteStatus(status, inputs, result, changed):
                if changed:
                    job.record = replace(job.record, status=status, inputs=dict(inputs), result=result)
                    job.save()
                job.echo()
            case CreateRun():
                if not self._stopping:
                    found = handed_over(job.manifest, self.jobs)
                    others = {name: self.jobs[key].manifest for name, key in found.items()}
                    job.create(action, others, self._supplies, self._state.runner, now)
            case StopRun(run, _):
                job.stop(run, now)
            case DeleteRun(run):
                job.delete_run(run)
            case EnsureQueue(name):
                key = (job.view.namespace, name)
                self._queues.setdefault(key, QueueView(*key, 1, JobQueueSpec()))
            case Emit():
                self._audience.event(job, action)
            case RequeueAt() | DeleteJob() | Notify():
                # Every job is looked at in every pass anyway; a resource's ttl and webhooks are a cluster's business.
                pass

    def _admit(self, now: datetime) -> bool:
        """Give free slots to waiting jobs; tells whether one was given."""
        admitted = False
        for name, queue in self._queues.items():
            mine = [job for job in self.jobs.values() if (job.view.namespace, job.view.queue) == name]
            slots = {job.record.uid: job.slot for job in mine if not job.view.finished}
            alive = {job.record.uid for job in mine if job.alive}
            plan = admit(
                queue,
                sorted((s for s in slots.values() if isinstance(s, Waiting)), key=lambda s: s.order),
                [s for s in slots.values() if isinstance(s, Holding)],
                now,
                still_held=_still_held(slots, alive),
                taken=self._taken(name),
            )
            self._queues[name] = replace(queue, status=plan.status)
            admitted = admitted or bool(plan.admitted)
        return admitted and not self._stopping

    def _taken(self, name: Name) -> frozenset[str]:
        """Exclusive keys that the namespace's other queues have reserved."""
        others = (queue for other, queue in self._queues.items() if other != name and other[0] == name[0])
        return frozenset(key for queue in others for r in queue.status.reservations for key in r.keys)


def _still_held(slots: Mapping[str, Slot | None], alive: Collection[str]) -> Callable[[Reservation], bool]:
    return lambda reservation: held(reservation, slots.get(reservation.uid), reservation.uid in alive)


def _queue(manifest: Manifest) -> QueueView:
    spec = JobQueueSpec.parse(manifest.content.get("spec") or {})
    return QueueView(manifest.namespace, manifest.name, 1, spec)
