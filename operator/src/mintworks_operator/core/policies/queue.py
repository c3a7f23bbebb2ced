"""A job needs a queue that exists."""

from __future__ import annotations

from mintworks_api import DEFAULT_QUEUE, Phase

from .. import texts
from ..actions import EnsureQueue
from ..draft import Case, Draft, waits


def queue(case: Case, draft: Draft) -> Draft:
    """The default one is made where it is missing; no other is."""
    name, found = case.snapshot.job.queue, case.snapshot.queue
    if found is None and name == DEFAULT_QUEUE:
        return draft.do(EnsureQueue(name)).settle()
    if found is None:
        return _refused(case, draft, texts.QUEUE_NOT_FOUND, texts.queue_not_found(name))
    if found.spec is None:
        return _refused(case, draft, texts.QUEUE_INVALID, texts.queue_invalid(name))
    return draft


def _refused(case: Case, draft: Draft, reason: str, message: str) -> Draft:
    draft = draft.mark(case, texts.ADMITTED, False, reason, message)
    return waits(case, draft, Phase.PENDING, reason, message)
