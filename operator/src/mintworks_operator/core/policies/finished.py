"""What is finished stays finished; its resource goes when its ttl is over."""

from __future__ import annotations

from dataclasses import replace

from mintworks_api import CLEAN, parse_duration

from ..actions import DeleteJob, DeleteRun, StopRun
from ..bulk import ended_before, given
from ..draft import Case, Draft, policy_of
from ..webhooks import unsent


def expire(case: Case, draft: Draft) -> Draft:
    """Ends the pass over a finished job: nothing of its runs may go on, and its ttl counts from its end."""
    job = case.snapshot.job
    if not job.finished:
        return draft
    left = [r for r in case.snapshot.runs if r.alive or r.lingers]
    stops = [StopRun(r.run, "JobFinished") for r in left if not r.stopping]
    draft = replace(draft.do(*stops), guarded=bool(stops))
    draft = _retain(case, draft)
    ended = job.status.completion_time
    ttl = case.spec.ttl or policy_of(case, draft).ttl if case.spec is not None else None
    # What its receiver has not heard goes out first; it does not go on for ever.
    if ended is not None and ttl is not None and not unsent(draft.status):
        end = ended + parse_duration(ttl)
        draft = draft.do(DeleteJob()) if end <= case.now else draft.wake(end)
    return draft.settle()


def _retain(case: Case, draft: Draft) -> Draft:
    """Removes what is left of the runs, where the queue's retention or the command `clean` says so."""
    job, queue = case.snapshot.job, case.snapshot.queue
    ended, left = job.status.completion_time, [r.run for r in case.snapshot.runs if not (r.alive or r.lingers)]
    if not left or ended is None or queue is None or queue.spec is None:
        return draft
    clean, keep = given(queue, CLEAN), queue.keep(succeeded=job.succeeded)
    due = ended + parse_duration(keep.age) if keep.age is not None else None
    cleaned = clean is not None and ended_before(job, clean)
    many = keep.count is not None and case.snapshot.newer >= keep.count
    if cleaned or many or (due is not None and due <= case.now):
        return draft.do(*(DeleteRun(run) for run in left))
    return draft if due is None else draft.wake(due)
