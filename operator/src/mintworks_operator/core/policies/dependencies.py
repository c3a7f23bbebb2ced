"""A job waits for those it builds on, and takes their results into its frozen inputs."""

from __future__ import annotations

from mintworks_api import JobRef, Phase
from pydantic import ValidationError

from .. import texts
from ..document import dependency
from ..draft import Case, Draft, waits
from ..inputs import difference
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
    initial = case.spec.initial_inputs({name: dependency(job) for name, job in found.items()})
    changed = difference(draft.inputs, initial)
    return None if changed is None else (texts.INPUT_CHANGED, texts.input_changed(*changed))


def _unmet(case: Case, ref: JobRef, job: JobView | None) -> tuple[str, str] | None:
    names = (ref.field, ref.kind, ref.name)
    if job is None:
        return texts.DEPENDENCY_MISSING, texts.dependency_missing(*names)
    if not job.finished:
        return texts.DEPENDENCY_NOT_FINISHED, texts.dependency_not_finished(*names)
    if not job.succeeded:
        why = next((c.message for c in job.status.conditions if c.type == texts.FAILED), "")
        return texts.DEPENDENCY_FAILED, texts.dependency_failed(*names, why)
    try:
        case.kinds[ref.kind].result.model_validate(job.result or {})
    except ValidationError as error:
        # Someone edited its status.
        return texts.DEPENDENCY_FAILED, texts.dependency_incomplete(*names, problems(error, "status.result"))
    return None
