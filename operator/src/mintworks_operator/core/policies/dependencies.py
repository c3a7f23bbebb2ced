"""A job waits for those it builds on, and takes their results into its frozen inputs."""

from __future__ import annotations

from mintworks_api import JobRef, Phase

from .. import texts
from ..document import dependency
from ..draft import Case, Draft, waits
from ..inputs import difference
from ..views import JobView


def dependencies(case: Case, draft: Draft) -> Draft:
    """Every one must have succeeded, with what this job's frozen inputs say, where there are any."""
    if case.spec is None:
        return draft
    found = case.snapshot.dependencies
    for ref in case.spec.depends_on():
        unmet = _unmet(ref, found.get(ref.name))
        if unmet is not None:
            return waits(case, draft, Phase.PENDING, *unmet)
    initial = case.spec.initial_inputs({name: dependency(job) for name, job in found.items()})
    changed = difference(draft.inputs, initial)
    if changed is not None:
        return waits(case, draft, Phase.PENDING, texts.INPUT_CHANGED, texts.input_changed(*changed))
    return draft


def _unmet(ref: JobRef, job: JobView | None) -> tuple[str, str] | None:
    names = (ref.field, ref.kind, ref.name)
    if job is None:
        return texts.DEPENDENCY_MISSING, texts.dependency_missing(*names)
    if not job.finished:
        return texts.DEPENDENCY_NOT_FINISHED, texts.dependency_not_finished(*names)
    if not job.succeeded:
        why = next((c.message for c in job.status.conditions if c.type == texts.FAILED), "")
        return texts.DEPENDENCY_FAILED, texts.dependency_failed(*names, why)
    return None
