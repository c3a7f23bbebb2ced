"""A status from a backup names a run of the resource that it was taken of."""

from __future__ import annotations

from mintworks_api.status import MAX_ATTEMPTS_SHOWN, AttemptRecord

from .. import texts
from ..draft import Case, Draft, count
from ..times import seconds


def restored(case: Case, draft: Draft) -> Draft:
    """That run is none of this job's: it costs nothing, and the next one may start at once."""
    active = draft.status.active
    if active is None or active.uid in {None, case.snapshot.job.uid}:
        return draft
    record = AttemptRecord(
        run=active.run,
        outcome="Stopped",
        reason=texts.RESTORED,
        message=texts.RESTORED_MESSAGE,
        finished=seconds(case.now),
    )
    last = [*draft.attempts.last, record][-MAX_ATTEMPTS_SHOWN:]
    return count(case, draft.write(active=None, next_attempt_time=None), last=last)
