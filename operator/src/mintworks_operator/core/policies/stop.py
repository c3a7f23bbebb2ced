"""The active run is asked to stop: for a pause, or because it does not start."""

from __future__ import annotations

from .. import texts
from ..actions import StopRun
from ..draft import Case, Draft, active_run, policy_of
from ..views import RunState


def stop(case: Case, draft: Draft) -> Draft:
    """Why is written down before anything is stopped: when the run is gone, only that tells what became of it."""
    active = draft.status.active
    if active is None:
        return draft
    run = active_run(case, draft)
    reason = active.stopping or _reason(case, draft)
    if reason is None:
        return draft
    if active.stopping is None:
        draft = draft.write(active=active.model_copy(update={"stopping": reason}))
        if reason == texts.SUSPENDED:
            draft = draft.mark(case, texts.PROGRESSING, True, texts.STOPPING, texts.SUSPENDING_MESSAGE)
    if run is not None and not run.stopping:
        draft = draft.do(StopRun(active.run, reason))
    return draft


def _reason(case: Case, draft: Draft) -> str | None:
    if case.suspended:
        return texts.SUSPENDED
    run, active = active_run(case, draft), draft.status.active
    if run is None or active is None or run.state is not RunState.PENDING:
        return None
    late = active.reserved + policy_of(case, draft).start_timeout_delta <= case.now
    return texts.START_TIMEOUT if late else None
