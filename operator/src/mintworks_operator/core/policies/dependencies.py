"""A job waits for those it builds on, and takes their results into its frozen inputs."""

from __future__ import annotations

from mintworks_api import JOB_KINDS, JobRef, Phase
from pydantic import ValidationError

from .. import texts
from ..document import initial_inputs
from ..draft import Case, Draft, waits
from ..inputs import difference
from ..specs import parsed
from ..validation import problems
from ..views import JobView


def dependencies(case: Case, draft: Draft) -> Draft:
    """Every one must have succeeded, with what this job's frozen inputs say, where there are any."""
    found = unmet(case, draft)
    return draft if found is None else waits(case, draft, Phase.PENDING, *found)


def unmet(case: Case, draft: Draft) -> tuple[str, str] | None:
    """Reason and message of what the job has to wait for; None where it may start."""
    if case.spec is None:
        return None
    found = case.snapshot.dependencies
    for ref in case.spec.depends_on():
        lacking = _unmet(case, ref, found.get(ref.name))
        if lacking is not None:
            return lacking
    changed = difference(draft.inputs, initial_inputs(case.spec, case.snapshot))
    return None if changed is None else (texts.INPUT_CHANGED, texts.input_changed(*changed))


def _unmet(case: Case, ref: JobRef, job: JobView | None) -> tuple[str, str] | None:
    names = (ref.field, ref.kind, ref.name)
    if job is None:
        return texts.DEPENDENCY_MISSING, texts.dependency_missing(*names)
    if not job.finished:
        return _unfinished(names, job)
    if ref.with_own and (lacking := _own(case, ref, job)) is not None:
        return lacking
    if ref.any_end:
        return None
    if not job.succeeded:
        why = next((c.message for c in job.status.conditions if c.type == texts.FAILED), "")
        return texts.DEPENDENCY_FAILED, texts.dependency_failed(*names, why)
    try:
        JOB_KINDS[ref.kind].result.model_validate(job.result or {})
    except ValidationError as error:
        # Someone edited its status.
        return texts.DEPENDENCY_FAILED, texts.dependency_incomplete(*names, problems(error, "status.result"))
    return None


def _unfinished(names: tuple[str, str, str], job: JobView) -> tuple[str, str]:
    """It waits; where what it waits for itself will not come by itself, that is told along the chain."""
    held = next((c for c in job.status.conditions if c.type == texts.PROGRESSING and c.status == "False"), None)
    if held is not None and held.reason in texts.STUCK:
        reason = texts.DEPENDENCY_FAILED if held.reason == texts.DEPENDENCY_FAILED else texts.DEPENDENCY_NOT_FINISHED
        return reason, texts.dependency_held_back(*names, held.reason, held.message)
    return texts.DEPENDENCY_NOT_FINISHED, texts.dependency_not_finished(*names)


def _own(case: Case, ref: JobRef, job: JobView) -> tuple[str, str] | None:
    """Whether what the job was built on is still there."""
    try:
        inner = parsed(JOB_KINDS[job.kind], job.spec).depends_on()
    except ValidationError as error:
        return texts.DEPENDENCY_FAILED, texts.dependency_incomplete(
            ref.field, ref.kind, ref.name, problems(error, "spec")
        )
    for own in inner:
        if ref.beneath(own) not in case.snapshot.dependencies:
            return texts.DEPENDENCY_MISSING, texts.dependency_missing(ref.field, own.kind, own.name)
    return None
