"""The active run ended: it is judged, counted, and either ends the job or makes it wait for the next run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from mintworks_api import Phase
from mintworks_api.status import MAX_ATTEMPTS_SHOWN, MAX_ERRORS, AttemptRecord, JobError, Progress

from .. import texts
from ..actions import Emit
from ..backoff import retry_wait, stop_wait
from ..draft import Case, Draft, active_run, count, policy_of
from ..outcome import Outcome, asked, judge
from ..times import ahead, clip, not_before, seconds
from ..views import RunView
from ..webhooks import announced
from .absorb import summarized
from .reopened import anew, due

#: How long the other containers of a pod have to end after the runner, before they are ended.
LINGER = timedelta(seconds=10)
#: What is told of a run only after its container started.
_RAN = frozenset({texts.RUNNING, texts.NODE_UNREACHABLE})


def conclude(case: Case, draft: Draft) -> Draft:
    """Ends the pass where the job ends; else the slot is free, and later policies say what the job waits for."""
    run, active = active_run(case, draft), draft.status.active
    if run is not None and run.lingers and case.now < (lingered := _lingered(case, run)):
        # Most often it ends now, and the Job then says how the run ended.
        return draft.wake(lingered)
    outcome = _outcome(case, draft)
    if outcome is None or active is None:
        return draft
    started = run.started if run is not None else None
    finished = (run.finished if run is not None else None) or seconds(case.now)
    record = AttemptRecord(
        run=active.run,
        outcome=outcome.verdict,
        reason=outcome.reason,
        message=outcome.message,
        started=started,
        finished=not_before(finished, started),
    )
    draft = draft.write(active=None, errors=_errors(draft, outcome))
    draft = count(case, draft, **_counted(draft, outcome, record))
    end = _end(case, draft, outcome)
    if end is not None and end[0] != texts.CANCELLED and due(case, draft):
        # The spec changed while the dry run went on: its end is not the job's.
        return anew(case, draft, texts.REOPENED, texts.REOPENED_MESSAGE)
    if end is not None:
        return replace(finish(case, draft, _phase(outcome), *end), result=outcome.result)
    return draft.write(next_attempt_time=_resume(case, draft, outcome))


def _lingered(case: Case, run: RunView) -> datetime:
    ended = run.finished or case.now
    return case.now if ahead(ended, case.now) else ended + LINGER


def _outcome(case: Case, draft: Draft) -> Outcome | None:
    """How the active run ended; None while it lives, or may still be created."""
    active, run = draft.status.active, active_run(case, draft)
    if active is None:
        return None
    progressing = draft.condition(texts.PROGRESSING)
    why = progressing.message if progressing is not None and progressing.status == "False" else ""
    if run is not None:
        held_up = progressing is not None and progressing.reason in texts.STARTS
        return None if run.alive else judge(case.kind, active, run, why, held_up=held_up)
    if active.stopping is not None:
        return asked(active, why)
    if active.run in case.snapshot.lost or (progressing is not None and progressing.reason in _RAN):
        return Outcome("Stalled", texts.RUN_DELETED, texts.DELETED_MESSAGE)
    policy = policy_of(case, draft)
    if active.reserved + policy.start_timeout_delta <= case.now:
        return Outcome("Stalled", texts.START_TIMEOUT, texts.start_timeout(why))
    return None


def _counted(draft: Draft, outcome: Outcome, record: AttemptRecord) -> dict[str, object]:
    now = draft.attempts
    stopped = outcome.verdict == "Stopped"
    return {
        "made": now.made + (1 if outcome.verdict in {"Succeeded", "Failed"} else 0),
        "stalls": now.stalls + (1 if outcome.verdict == "Stalled" else 0),
        "stops": now.stops + (0 if outcome.asked else 1) if stopped else 0,
        "last": [*now.last, record][-MAX_ATTEMPTS_SHOWN:],
    }


def _errors(draft: Draft, outcome: Outcome) -> list[JobError]:
    if outcome.verdict == "Succeeded":
        return []
    told = list(outcome.errors)
    if outcome.verdict == "Failed" and not told:
        told = [JobError(reason=outcome.reason, message=outcome.message)]
    return [*draft.status.errors, *told][-MAX_ERRORS:]


def _end(case: Case, draft: Draft, outcome: Outcome) -> tuple[str, str] | None:
    """Reason and message of the job's end, where this outcome is one."""
    attempts, policy = draft.attempts, policy_of(case, draft)
    if outcome.verdict == "Succeeded":
        return texts.SUCCEEDED, texts.succeeded(attempts.summary or "")
    if outcome.final or outcome.reason == texts.CANCELLED:
        return outcome.reason, outcome.message
    if outcome.verdict == "Failed" and attempts.made >= policy.max_attempts:
        why = texts.attempts_exhausted(attempts.made, policy.max_attempts, outcome.message)
        return texts.ATTEMPTS_EXHAUSTED, why
    if outcome.verdict == "Stalled" and attempts.stalls > policy.max_stalled:
        return texts.TOO_MANY_STALLS, texts.too_many_stalls(attempts.stalls, policy.max_stalled, outcome.message)
    return None


def _phase(outcome: Outcome) -> Phase:
    if outcome.verdict == "Succeeded":
        return Phase.SUCCEEDED
    return Phase.CANCELLED if outcome.asked else Phase.FAILED


def finish(case: Case, draft: Draft, phase: Phase, reason: str, message: str) -> Draft:
    """The job comes to its end. Exactly one of its conditions Succeeded and Failed is True then, so that whoever waits
    for either goes on: what was cancelled counts as failed.
    """
    good = phase is Phase.SUCCEEDED
    draft = draft.write(
        phase=phase,
        completion_time=not_before(seconds(case.now), draft.status.start_time),
        next_attempt_time=None,
        progress=_full(draft.status.progress) if good else draft.status.progress,
    )
    draft = draft.mark(case, texts.PROGRESSING, False, reason, message)
    draft = draft.mark(case, texts.SUCCEEDED, good, reason, message)
    draft = draft.mark(case, texts.FAILED, not good, reason, message)
    if case.snapshot.notifies:
        notify = policy_of(case, draft).notify
        told = announced(draft.status, case.snapshot.job.uid, notify, reason, message)
        draft = draft.write(notifications=told)
    type_: Literal["Normal", "Warning"] = "Warning" if phase is Phase.FAILED else "Normal"
    return draft.tell(Emit(type_, reason, clip(message), routine=good)).settle()


def _full(progress: Progress | None) -> Progress:
    """A success is complete, whether or not the last word about progress arrived."""
    items = progress.items if progress is not None else None
    if items is not None and items.total is not None:
        items = items.model_copy(update={"done": max(0, items.total - items.failed)})
    return summarized((progress or Progress()).model_copy(update={"percent": 100, "items": items}))


def _resume(case: Case, draft: Draft, outcome: Outcome) -> datetime | None:
    """When the next run may start; None for at once. By this clock: the node's, on which the run ended, may be off."""
    attempts, uid = draft.attempts, case.snapshot.job.uid
    if outcome.asked:
        return None
    if outcome.verdict == "Stopped":
        return case.now + stop_wait(attempts.stops)
    failures = attempts.made if outcome.verdict == "Failed" else attempts.stalls
    return case.now + retry_wait(policy_of(case, draft), failures, f"{uid}/{attempts.runs}")
