"""What is finished stays finished; its resource goes when its ttl is over."""

from __future__ import annotations

from dataclasses import replace

from mintworks_api import parse_duration

from ..actions import DeleteJob, StopRun
from ..draft import Case, Draft, policy_of


def expire(case: Case, draft: Draft) -> Draft:
    """Ends the pass over a finished job: nothing of its runs may go on, and its ttl counts from its end."""
    job = case.snapshot.job
    if not job.finished:
        return draft
    left = [r for r in case.snapshot.runs if r.alive or r.lingers]
    stops = [StopRun(r.run, "JobFinished") for r in left if not r.stopping]
    draft = replace(draft.do(*stops), guarded=bool(stops))
    ended = job.status.completion_time
    ttl = case.spec.ttl or policy_of(case, draft).ttl if case.spec is not None else None
    if ended is not None and ttl is not None:
        end = ended + parse_duration(ttl)
        draft = draft.do(DeleteJob()) if end <= case.now else draft.wake(end)
    return draft.settle()
