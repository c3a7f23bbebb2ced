"""What the manifests mean for jobs that the state folder knows: gone on with, reported, begun anew, or refused.

A job that succeeded stays so. One that failed begins anew, as if it were deleted and applied again. One under way goes
on, with what of its spec may change (as the CRD says); a changed source or any other change of its spec is refused.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mintworks_api import FINISHED, Phase
from mintworks_api.base import MUTABLE, Model, only_to
from pydantic.fields import FieldInfo

from .problems import Problem
from .references import Supplies, content
from .resources import JobManifest
from .schema import bare
from .state import JobRecord

_REMEDY = "give the job another name, or use another --state"


def adopt(
    job: JobManifest, spec: Mapping[str, Any], sources: Mapping[str, str], known: JobRecord | None, now: datetime
) -> JobRecord | list[Problem]:
    """The job's record from now on, or why it is refused.

    Args:
        job: The manifest.
        spec: The spec that runs: the manifest's, or that for --localnet.
        sources: What `source_hashes` says now.
        known: The record in the state folder.
        now: The time.
    """
    given = job.manifest.content["spec"]
    if known is None or known.status.phase in FINISHED - {Phase.SUCCEEDED}:
        return JobRecord(str(uuid.uuid4()), now, given, spec, sources)
    problems = list(_refusals(job, given, sources, known))
    if problems:
        return problems
    merged = merge(job.kind.spec, known.spec, spec)
    changed = merged != known.spec
    return JobRecord(
        uid=known.uid,
        created=known.created,
        given=given,
        spec=merged,
        sources=sources,
        generation=known.generation + (1 if changed else 0),
        # Who starts the command again wants it to go on now, not when an earlier command would have.
        status=known.status.model_copy(update={"next_attempt_time": None}),
        inputs=known.inputs,
        result=known.result,
    )


def source_hashes(job: JobManifest, supplies: Supplies) -> dict[str, str]:
    """Field to SHA-256 of what the ConfigMaps hold that the job reads. A volume's files are the runner's to hold."""
    found = {}
    for mount in job.spec.mounts():
        data = content(mount, job.manifest, supplies) if mount.config_map is not None else None
        if isinstance(data, bytes):
            found[mount.field] = hashlib.sha256(data).hexdigest()
    return found


def frozen_changes(
    model: type[Model], old: Mapping[str, Any], new: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Paths of fields that differ and may not."""
    for name, info in _fields(model).items():
        if old.get(name) == new.get(name):
            continue
        inner = _inner(info, old.get(name), new.get(name))
        if inner is not None:
            yield from frozen_changes(inner, old[name], new[name], (*path, name))
        elif not _mutable(info) or not _allowed(info, old.get(name), new.get(name)):
            yield (*path, name)


def merge(model: type[Model], old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old spec with what may change taken from the new one."""
    merged = dict(old)
    for name, info in _fields(model).items():
        inner = _inner(info, old.get(name), new.get(name))
        if inner is not None:
            merged[name] = merge(inner, old[name], new[name])
        elif _mutable(info):
            merged.pop(name, None)
            if name in new:
                merged[name] = new[name]
    return merged


def _refusals(
    job: JobManifest, given: Mapping[str, Any], sources: Mapping[str, str], known: JobRecord
) -> Iterator[Problem]:
    state = "has succeeded" if known.status.phase is Phase.SUCCEEDED else "is under way"
    for path in frozen_changes(job.kind.spec, known.given, given):
        yield job.manifest.problem(("spec", *path), f"may not change: the job {state}; {_REMEDY}")
    if known.status.phase is not Phase.SUCCEEDED and not known.inputs:
        return
    for name, digest in sources.items():
        if known.sources.get(name, digest) != digest:
            message = f"its content changed, but the job {state} with what it was; {_REMEDY}"
            yield job.manifest.problem(("spec", *name.split(".")), message)


def _fields(model: type[Model]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _mutable(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(MUTABLE))


def _allowed(info: FieldInfo, old: Any, new: Any) -> bool:
    """Whether a mutable field may change so: one that is left out is its default."""
    value = only_to(info)
    before, after = (info.default if given is None else given for given in (old, new))
    return value is None or after in {before, value}


def _inner(info: FieldInfo, old: Any, new: Any) -> type[Model] | None:
    """The model below a field that may change, where both sides have it: its own fields then say what may."""
    annotation = bare(info.annotation)
    if not (_mutable(info) and isinstance(old, Mapping) and isinstance(new, Mapping)):
        return None
    if not (isinstance(annotation, type) and issubclass(annotation, Model)):
        return None
    # Without marks of its own (priorityFee) it may change as a whole.
    return annotation if any(map(_mutable, annotation.model_fields.values())) else None
