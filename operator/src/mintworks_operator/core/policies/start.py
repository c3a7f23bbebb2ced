"""The next run: it waits for a slot, and starts once its queue reserved one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mintworks_api import JOB_KINDS, Mount, Phase
from mintworks_api.status import ActiveRun
from pydantic import ValidationError

from .. import texts
from ..actions import CreateRun
from ..document import MAX_DOCUMENT, document, encode, initial_inputs
from ..draft import Case, Draft, count, policy_of, waits
from ..inputs import freeze
from ..slots import Holding, Waiting
from ..specs import parsed
from ..times import ahead, seconds
from ..views import JobView
from .delayed import not_before

#: A job that waits no longer than this for its slot gets no write that says Queued. It counts from when the operator
#: saw it wait: one that had no time for it until then most often has a slot for it, too.
WORTH_TELLING = timedelta(seconds=1)


def start(case: Case, draft: Draft) -> Draft:
    """Takes the reserved slot, or waits for one."""
    spec, snapshot = case.spec, case.snapshot
    if spec is None or any(r.alive for r in snapshot.runs):
        return draft.settle()
    inputs = freeze(draft.inputs, initial_inputs(spec, snapshot))
    number = _next(case, draft)
    size = len(encode(document(snapshot, number, inputs)).encode())
    if size > MAX_DOCUMENT:
        draft = draft.mark(case, texts.ADMITTED, False, texts.SPEC_TOO_LARGE, texts.spec_too_large(size, MAX_DOCUMENT))
        return waits(case, draft, Phase.PENDING, texts.SPEC_TOO_LARGE, texts.spec_too_large(size, MAX_DOCUMENT))
    keys = tuple(spec.exclusive(inputs))
    if snapshot.has_slot(number):
        taken = _taken(case, replace(draft, inputs=inputs), number)
        return replace(created(case, taken, number), slot=Holding(snapshot.job.uid, number, keys)).settle()
    job = snapshot.job
    waiting = Waiting(job.uid, number, job.kind, policy_of(case, draft).priority, job.created, job.name, keys)
    return replace(_queued(case, draft), slot=waiting)


def created(case: Case, draft: Draft, number: int) -> Draft:
    """With the creation of that run, guarded by a status write: a pass over stale data creates nothing."""
    spec, found = case.spec, case.snapshot.dependencies
    if spec is None or any(ref.name not in found for ref in spec.depends_on()):
        return draft
    shared = {name: _shared(job) for name, job in found.items()}
    create = CreateRun(
        run=number,
        document=document(case.snapshot, number, draft.inputs),
        policy=policy_of(case, draft),
        mounts=tuple(spec.mounts()),
        shared_mounts={name: mounts for name, mounts in shared.items() if mounts},
        image=case.kind.image,
        grace_seconds=case.kind.grace_seconds,
    )
    return replace(draft.do(create), guarded=True)


def _shared(job: JobView) -> tuple[Mount, ...]:
    try:
        return tuple(parsed(JOB_KINDS[job.kind], job.spec).shared_mounts())
    except ValidationError:
        # It succeeded, so an older operator could read it: this job's runner says what it misses.
        return ()


def _next(case: Case, draft: Draft) -> int:
    # Runs that the status does not know of exist where it was reset, or restored from a backup.
    return max(draft.attempts.runs, *(r.run for r in case.snapshot.runs), 0) + 1


def _taken(case: Case, draft: Draft, number: int) -> Draft:
    now = seconds(case.now)
    draft = draft.write(
        phase=Phase.RUNNING,
        active=ActiveRun(run=number, uid=case.snapshot.job.uid, reserved=now),
        start_time=draft.status.start_time or now,
        next_attempt_time=None,
        policy=policy_of(case, draft),
        dry_run=True if case.spec is not None and case.spec.is_dry_run() else None,
    )
    draft = draft.mark(case, texts.ADMITTED, True, texts.ADMITTED)
    draft = draft.mark(case, texts.PROGRESSING, True, texts.STARTING, texts.STARTING_MESSAGE)
    return count(case, draft, runs=number)


def _queued(case: Case, draft: Draft) -> Draft:
    """Says Queued, unless the wait has only just begun."""
    if draft.status.phase in {None, Phase.BACKOFF, Phase.DELAYED}:
        since = _since(case, draft)
        told = since + WORTH_TELLING
        if case.now < told and not ahead(since, case.now):
            return draft.wake(told).settle()
    return waits(case, draft, Phase.QUEUED, texts.QUEUED, texts.QUEUED_MESSAGE)


def _since(case: Case, draft: Draft) -> datetime:
    """The earliest moment from which the job can have waited for its slot."""
    moments = [case.snapshot.job.created, draft.status.next_attempt_time, not_before(case)]
    moments.extend(r.finished for r in draft.attempts.last)
    moments.append(case.snapshot.waiting)
    return max(m for m in moments if m is not None)
