"""What people ask for by annotations: each value is carried out once, and echoed by the write that does so."""

from __future__ import annotations

from collections.abc import Callable

from mintworks_api import CANCEL, DRAIN, FINISHED, PROMOTE, RETRY, RETRY_FAILED, JobCommands, Phase

from .. import texts
from ..actions import Emit
from ..bulk import failed_before, given, waited_before
from ..draft import Case, Draft
from ..views import Asked
from .conclude import finish
from .delayed import not_before
from .reopened import anew


def commands(case: Case, draft: Draft) -> Draft:
    """What came with the resource is noted and not done: a restored backup must cancel nothing."""
    seen = (draft.status.commands or JobCommands()).wire()
    new = {name: asked for name, asked in case.snapshot.job.asked.items() if seen.get(name) != asked.token}
    if not new:
        return draft
    tokens = {name: asked.token for name, asked in new.items()}
    first = draft.status.phase is None
    draft = draft.write(commands=JobCommands.model_validate(seen | tokens))
    for name, asked in new.items():
        if not (first and asked.at_creation) and not draft.settled:
            draft = _COMMANDS[name](case, draft, asked)
    return draft


def bulk(case: Case, draft: Draft) -> Draft:
    """What was asked of all jobs of the queue."""
    job, queue = case.snapshot.job, case.snapshot.queue
    seen = draft.status.commands or JobCommands()
    retry, drain = given(queue, RETRY_FAILED), given(queue, DRAIN)
    if retry is not None and seen.retry_failed != retry.token and failed_before(job, retry):
        draft = draft.write(commands=seen.model_copy(update={"retry_failed": retry.token}))
        return anew(case, draft, texts.RETRIED, texts.asked_for(texts.RETRIED_MESSAGE, retry.by))
    if drain is not None and seen.drain != drain.token and waited_before(job, drain):
        return finish(case, draft, Phase.CANCELLED, texts.DRAINED, texts.asked_for(texts.DRAINED_MESSAGE, drain.by))
    return draft


def _cancel(case: Case, draft: Draft, asked: Asked) -> Draft:
    """At once, or once its run has ended: that finishes what it must not leave half done."""
    active = draft.status.active
    if draft.status.phase in FINISHED:
        return _nothing(draft, CANCEL, asked, texts.NOT_CANCELLED)
    if active is None:
        return finish(case, draft, Phase.CANCELLED, texts.CANCELLED, texts.asked_for(texts.CANCELLED_MESSAGE, asked.by))
    draft = draft.write(active=active.model_copy(update={"stopping": texts.CANCELLED}))
    draft = draft.mark(case, texts.PROGRESSING, True, texts.STOPPING, texts.CANCELLING_MESSAGE)
    return draft.tell(Emit("Normal", texts.STOPPING, texts.asked_for(texts.CANCELLING_MESSAGE, asked.by)))


def _retry(case: Case, draft: Draft, asked: Asked) -> Draft:
    if draft.status.phase not in {Phase.FAILED, Phase.CANCELLED}:
        return _nothing(draft, RETRY, asked, texts.NOT_RETRIED)
    return anew(case, draft, texts.RETRIED, texts.asked_for(texts.RETRIED_MESSAGE, asked.by))


def _promote(case: Case, draft: Draft, asked: Asked) -> Draft:
    until = not_before(case)
    delayed = not draft.attempts.runs and until is not None and until > case.now and not draft.status.promoted
    backing_off = draft.status.next_attempt_time is not None
    if draft.status.phase in FINISHED or not (delayed or backing_off):
        return _nothing(draft, PROMOTE, asked, texts.NOT_PROMOTED)
    draft = draft.write(promoted=True if delayed else draft.status.promoted, next_attempt_time=None)
    return draft.tell(Emit("Normal", texts.PROMOTED, texts.asked_for(texts.PROMOTED_MESSAGE, asked.by)))


def _nothing(draft: Draft, name: str, asked: Asked, why: str) -> Draft:
    return draft.tell(Emit("Normal", texts.COMMAND_IGNORED, texts.asked_for(f"{name}: {why}", asked.by)))


_COMMANDS: dict[str, Callable[[Case, Draft, Asked], Draft]] = {CANCEL: _cancel, RETRY: _retry, PROMOTE: _promote}
