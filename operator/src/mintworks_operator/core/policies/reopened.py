"""A job that was run dry and came to its end is begun for real once its spec says so."""

from __future__ import annotations

from dataclasses import replace

from mintworks_api import DRAIN, JobCommands, Phase
from mintworks_api.status import Attempts

from .. import texts
from ..actions import Emit
from ..bulk import given
from ..draft import Case, Draft, waits


def reopened(case: Case, draft: Draft) -> Draft:
    """Begins a finished job anew, where that is due."""
    if not case.snapshot.job.finished or not due(case, draft):
        return draft
    return anew(case, draft, texts.REOPENED, texts.REOPENED_MESSAGE)


def due(case: Case, draft: Draft) -> bool:
    """Whether only dry runs were made, and the spec asks for more. A cancelled job was not to be run at all."""
    asks = case.spec is not None and not case.spec.is_dry_run()
    return bool(draft.status.dry_run) and asks and draft.status.phase is not Phase.CANCELLED


def anew(case: Case, draft: Draft, reason: str, message: str) -> Draft:
    """Fresh attempts, with the inputs that are frozen: what was done, or told, is about these. Runs are numbered on:
    the names of the old ones are taken.
    """
    attempts = Attempts(runs=draft.attempts.runs, last=draft.attempts.last)
    draft = draft.write(
        active=None,
        attempts=attempts,
        commands=_beyond_drain(case, draft),
        completion_time=None,
        conditions=[],
        dry_run=None,
        errors=[],
        next_attempt_time=None,
        progress=None,
        start_time=None,
    )
    event = Emit("Normal", reason, message)
    return waits(case, replace(draft.tell(event), result=None), Phase.PENDING, reason, message)


def _beyond_drain(case: Case, draft: Draft) -> JobCommands | None:
    """A drain that was asked for before is not about the job any more, old as it is, and though it waits again."""
    seen, drain = draft.status.commands, given(case.snapshot.queue, DRAIN)
    if drain is None:
        return seen
    return (seen or JobCommands()).model_copy(update={"drain": drain.token})
