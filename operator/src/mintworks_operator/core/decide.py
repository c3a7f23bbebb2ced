"""The pass over one job: `decide(snapshot, now)`, a chain of small policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mintworks_api import JOB_KINDS
from pydantic import ValidationError

from .actions import Decision, Tell
from .draft import Case, Draft, decision, unreadable
from .policies import (
    absorb,
    active,
    backing_off,
    commands,
    conclude,
    delayed,
    dependencies,
    finished,
    notified,
    permitted,
    queue,
    reopened,
    restored,
    served,
    start,
    stop,
    strays,
    suspended,
    valid,
)
from .specs import parsed
from .validation import problems
from .views import Snapshot

Policy = Callable[[Case, Draft], Draft]

#: In this order, until one settles: what ended, what runs, what holds a job back, what starts it.
POLICIES: tuple[Policy, ...] = (
    commands.commands,
    commands.bulk,
    reopened.reopened,
    notified.notified,
    finished.expire,
    restored.restored,
    strays.sweep,
    absorb.news,
    conclude.conclude,
    stop.stop,
    active.follow,
    served.served,
    valid.valid,
    suspended.suspended,
    backing_off.backing_off,
    dependencies.dependencies,
    delayed.delayed,
    queue.queue,
    permitted.permitted,
    start.start,
)


def decide(snapshot: Snapshot, now: datetime) -> Decision:
    """What to do about one job.

    Pure: the same snapshot at the same time gives the same decision, and a decision carried out twice, or in part, or
    at any later time, leads to the same end.
    """
    job = snapshot.job
    if job.deleting:
        return Decision()
    if job.unreadable:
        # Whoever wrote it knows more of this job. What runs goes on, and nothing is begun.
        return Decision(actions=(Tell(unreadable(job, now)),))
    case = _case(snapshot, now)
    draft = Draft(status=job.status, inputs=job.inputs, result=job.result)
    for policy in POLICIES:
        draft = policy(case, draft)
        if draft.settled:
            break
    return decision(case, draft)


def _case(snapshot: Snapshot, now: datetime) -> Case:
    kind = JOB_KINDS[snapshot.job.kind]
    try:
        return Case(snapshot, now, kind, parsed(kind, snapshot.job.spec))
    except ValidationError as error:
        return Case(snapshot, now, kind, None, problems(error, "spec"))
