"""After a run that did not finish the work, the next one waits."""

from __future__ import annotations

from mintworks_api import Phase

from .. import texts
from ..draft import Case, Draft, waits


def backing_off(case: Case, draft: Draft) -> Draft:
    """Until nextAttemptTime; what went wrong last is told meanwhile."""
    until = draft.status.next_attempt_time
    if until is None or until <= case.now:
        return draft
    last = draft.attempts.last[-1] if draft.attempts.last else None
    reason = last.reason if last is not None else texts.BACKOFF
    message = texts.backing_off(until, last.message if last is not None else "")
    return waits(case, draft.wake(until), Phase.BACKOFF, reason, message)
