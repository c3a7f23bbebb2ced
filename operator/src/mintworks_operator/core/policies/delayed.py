"""Not before startAfter, nor sooner than `delay` after creation."""

from __future__ import annotations

from datetime import datetime

from mintworks_api import Phase, parse_duration

from .. import texts
from ..draft import Case, Draft, waits


def delayed(case: Case, draft: Draft) -> Draft:
    """Counts for the first run alone: later ones have their backoff."""
    until = not_before(case)
    if draft.attempts.runs or draft.status.promoted or until is None or until <= case.now:
        return draft
    return waits(case, draft.wake(until), Phase.DELAYED, texts.DELAYED, texts.delayed(until))


def not_before(case: Case) -> datetime | None:
    """The moment that the spec names for the first start; None where it names none."""
    if case.spec is None:
        return None
    if case.spec.delay is not None:
        return case.snapshot.job.created + parse_duration(case.spec.delay)
    return case.spec.start_after
