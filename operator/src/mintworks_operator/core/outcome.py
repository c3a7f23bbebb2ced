"""What became of a run: a table from how it ended to what that means for the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mintworks_api import JobKind
from mintworks_api.status import ActiveRun, JobError
from pydantic import ValidationError

from . import texts
from .times import SHORT, clip
from .validation import problems
from .views import Failure, RunState, RunView


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `final`: the job fails whatever attempts are left. `asked`: the operator wanted the stop."""

    verdict: Literal["Succeeded", "Failed", "Stalled", "Stopped"]
    reason: str
    message: str
    errors: tuple[JobError, ...] = ()
    result: Mapping[str, Any] | None = None
    final: bool = False
    asked: bool = False


_FAILURES: dict[Failure, tuple[Literal["Failed", "Stalled", "Stopped"], str, str]] = {
    Failure.INPUT_BAD: ("Failed", texts.INPUT_BAD, texts.INPUT_BAD_MESSAGE),
    Failure.STOPPED: ("Stopped", texts.STOPPED, texts.STOPPED_MESSAGE),
    Failure.DISRUPTED: ("Stalled", texts.DISRUPTED, texts.DISRUPTED_MESSAGE),
    Failure.DEADLINE_EXCEEDED: ("Failed", texts.DEADLINE_EXCEEDED, texts.DEADLINE_MESSAGE),
    Failure.OUT_OF_MEMORY: ("Failed", texts.OUT_OF_MEMORY, texts.OUT_OF_MEMORY_MESSAGE),
    Failure.FAILED: ("Failed", texts.RUN_FAILED, texts.FAILED_MESSAGE),
}


def judge(kind: JobKind, active: ActiveRun, run: RunView, why: str = "", *, held_up: bool = False) -> Outcome:
    """The outcome of a run that ended.

    A stop that the operator asked for excuses any failure but bad input: a runner killed on its way out did nothing
    wrong. It does not take back a success. `why` is what held the run back before, for a run that never started;
    `held_up`: that was the cluster. A deadline that such a run met is no attempt: Kubernetes counts from when a node
    took the pod, also while its image is not to be had.
    """
    if run.state is RunState.COMPLETE:
        complete = _complete(kind, run)
        return asked(active, why) if complete.verdict != "Succeeded" and active.stopping else complete
    failure = run.failure or Failure.FAILED
    unstarted = held_up and run.started is None and failure is Failure.DEADLINE_EXCEEDED
    if unstarted or (active.stopping is not None and failure is not Failure.INPUT_BAD):
        return asked(active, why or run.message)
    verdict, reason, message = _FAILURES[failure]
    if failure is Failure.DISRUPTED and run.trouble is not None:
        return Outcome(verdict, run.trouble.reason, clip(texts.trouble(run.trouble.reason, run.trouble.message)))
    told = run.termination or {}
    if failure in {Failure.DISRUPTED, Failure.DEADLINE_EXCEEDED}:
        # The runner's own word says what it did when it was interrupted, not why it was.
        return Outcome(verdict, reason, _said(failure, reason, run.message or message))
    return Outcome(
        verdict,
        clip(_text(told.get("reason")) or reason, SHORT),
        clip(_text(told.get("message"))) or _said(failure, reason, run.message or message),
        errors=_errors(told.get("errors")),
        final=failure is Failure.INPUT_BAD,
    )


def _said(failure: Failure, reason: str, what: str) -> str:
    """What became of a run, with advice where somebody has to do something."""
    return clip(what) if failure in {Failure.DISRUPTED, Failure.STOPPED} else texts.ended(reason, what)


def asked(active: ActiveRun, why: str) -> Outcome:
    """The outcome of a run that the operator stopped, ended or gone."""
    if active.stopping == texts.SUSPENDED:
        return Outcome("Stopped", texts.SUSPENDED, texts.SUSPENDED_MESSAGE, asked=True)
    if active.stopping == texts.CANCELLED:
        return Outcome("Stopped", texts.CANCELLED, texts.CANCELLED_MESSAGE, asked=True)
    return Outcome("Stalled", active.stopping or texts.START_TIMEOUT, texts.start_timeout(why))


def _complete(kind: JobKind, run: RunView) -> Outcome:
    told = (run.termination or {}).get("result")
    if not isinstance(told, Mapping):
        return Outcome("Stalled", texts.NO_RESULT, texts.COMPLETE_WITHOUT_RESULT)
    try:
        result = kind.result.model_validate(told).wire()
    except ValidationError as error:
        return Outcome("Stalled", texts.BAD_RESULT, clip(texts.bad_result(problems(error, "result"))))
    return Outcome("Succeeded", texts.SUCCEEDED, "", result=result)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _errors(value: object) -> tuple[JobError, ...]:
    """The runner's errors, cut to what the status holds; what has no form of an error is left out."""
    found = []
    for item in value if isinstance(value, list) else []:
        cut = {"reason": SHORT, "message": 1024, "field": SHORT, "column": SHORT}
        try:
            fields = {k: clip(v, cut[k]) if k in cut and isinstance(v, str) else v for k, v in item.items()}
            found.append(JobError.model_validate(fields))
        except (ValidationError, AttributeError):
            continue
    return tuple(found)
