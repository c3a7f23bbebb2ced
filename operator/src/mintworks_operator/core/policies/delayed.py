"""Not before startAfter, nor sooner than `delay` after creation."""

from __future__ import annotations

from mintworks_api import Phase, parse_duration

from .. import texts
from ..draft import Case, Draft, waits


def delayed(case: Case, draft: Draft) -> Draft:
    """Counts for the first run alone: later ones have their backoff."""
    if case.spec is None or draft.attempts.runs:
        return draft
    until = case.spec.start_after
    if case.spec.delay is not None:
        until = case.snapshot.job.created + parse_duration(case.spec.delay)
    if until is None or until <= case.now:
        return draft
    return waits(case, draft.wake(until), Phase.DELAYED, texts.DELAYED, texts.delayed(until))
