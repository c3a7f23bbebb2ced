"""The active run: created where it is missing, how its start goes, and whether its node still answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from .. import texts
from ..actions import Emit
from ..draft import Case, Draft, active_run, count, policy_of
from ..slots import Holding
from ..times import ahead
from ..views import RunState, RunView, Trouble
from .dependencies import unmet
from .permitted import unlisted
from .start import created

#: How long after its time a run that was told to end is taken to be on a node that does not answer.
OVERDUE = timedelta(seconds=60)

#: A run shorter than this is not worth a write that says it runs.
WORTH_TELLING = timedelta(seconds=10)


def follow(case: Case, draft: Draft) -> Draft:
    """Ends the pass over a job whose run holds a slot."""
    active = draft.status.active
    if active is None:
        return draft
    keys = tuple(case.spec.exclusive(draft.inputs)) if case.spec is not None else ()
    draft = replace(draft, slot=Holding(case.snapshot.job.uid, active.run, keys))
    run = active_run(case, draft)
    if run is not None and _silent(case, run):
        draft = _cut_off(case, draft, run)
    elif active.stopping is not None:
        draft = _stopping(case, draft)
    else:
        draft = _missing(case, draft) if run is None else _running(case, draft, run)
    if run is not None and run.alive and run.due is not None and case.now < run.due + OVERDUE:
        draft = draft.wake(run.due + OVERDUE)
    return count(case, draft).settle()


def _missing(case: Case, draft: Draft) -> Draft:
    # The operator died between the write that took the number and the create, or the create was refused.
    active = draft.status.active
    if active is None or case.spec is None or any(r.alive for r in case.snapshot.runs):
        return draft
    draft = _starting_by(case, draft)
    lacking = unmet(case, draft) or unlisted(case, draft)
    if lacking is not None:
        # What it builds on was deleted, or applied anew, since the slot was taken; or the operator has other lists now.
        return _troubled(case, draft, *lacking)
    told = draft.condition(texts.PROGRESSING)
    if told is not None and told.reason == texts.INPUT_CHANGED:
        # Of what the job builds on, and that is as it was again.
        draft = draft.mark(case, texts.PROGRESSING, True, texts.STARTING, texts.STARTING_MESSAGE)
    draft = created(case, draft, active.run)
    return _held_up(case, draft, case.snapshot.refused)


def _silent(case: Case, run: RunView) -> bool:
    """Whether the run's node does not answer: the cluster says so, or the run should have ended long ago."""
    return run.alive and (run.cut_off or (run.due is not None and run.due + OVERDUE <= case.now))


def _cut_off(case: Case, draft: Draft, run: RunView) -> Draft:
    if run.state is RunState.PENDING and draft.status.active is not None and draft.status.active.stopping is None:
        draft = _starting_by(case, draft)
    return _troubled(case, draft, texts.NODE_UNREACHABLE, texts.node_unreachable(run.node))


def _stopping(case: Case, draft: Draft) -> Draft:
    """It ends, unless its node no longer answers; one that was told so may answer again."""
    told = draft.condition(texts.PROGRESSING)
    if told is None or told.reason != texts.NODE_UNREACHABLE:
        return draft
    return draft.mark(case, texts.PROGRESSING, True, texts.STOPPING, texts.STOPPING_MESSAGE)


def _running(case: Case, draft: Draft, run: RunView) -> Draft:
    if run.state is RunState.PENDING:
        return _starting(case, draft, run)
    progressing = draft.condition(texts.PROGRESSING)
    if progressing is None or progressing.reason in {texts.RUNNING, texts.INPUT_CHANGED}:
        return draft
    started = run.started or case.now
    due = case.now if ahead(started, case.now) else started + WORTH_TELLING
    quiet = draft.status == case.snapshot.job.status and progressing.status == "True"
    if quiet and case.now < due:
        return draft.wake(due)
    return draft.mark(case, texts.PROGRESSING, True, texts.RUNNING, texts.RUNNING_MESSAGE)


def _starting(case: Case, draft: Draft, run: RunView) -> Draft:
    return _held_up(case, _starting_by(case, draft), run.trouble)


def _starting_by(case: Case, draft: Draft) -> Draft:
    """With another look at the end of startTimeout."""
    active = draft.status.active
    return draft if active is None else draft.wake(active.reserved + policy_of(case, draft).start_timeout_delta)


def _held_up(case: Case, draft: Draft, trouble: Trouble | None) -> Draft:
    if trouble is None:
        return draft
    return _troubled(case, draft, trouble.reason, texts.trouble(trouble.reason, trouble.message))


def _troubled(case: Case, draft: Draft, reason: str, message: str) -> Draft:
    """Tells why the run does not start, with one Event for each reason."""
    before = draft.condition(texts.PROGRESSING)
    draft = draft.mark(case, texts.PROGRESSING, False, reason, message)
    new = before is None or before.reason != reason
    return draft.tell(Emit("Warning", reason, message)) if new else draft
