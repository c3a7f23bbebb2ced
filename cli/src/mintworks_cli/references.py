"""What jobs refer to, held to what is at hand: Secrets, ConfigMaps and jobs among the manifests, claims by --volume."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Protocol

from mintworks_api import Mount

from .problems import BadInput, Problem
from .resources import JobManifest, Manifest, Name, Resources

Key = tuple[str, str, str]


class HasManifest(Protocol):
    """A job with its manifest."""

    manifest: JobManifest


@dataclass(frozen=True)
class Supplies:
    """What serves references: the manifests, and --volume's claim to folder."""

    resources: Resources
    volumes: Mapping[str, Path] = field(default_factory=dict)


def check(supplies: Supplies) -> None:
    """Hold every reference to what is at hand.

    Raises:
        BadInput: each one that leads nowhere, with its field and what there is instead.
    """
    resources, problems = supplies.resources, list[Problem]()
    for job in resources.jobs.values():
        for mount in job.spec.mounts():
            try:
                content(mount, job.manifest, supplies)
            except BadInput as error:
                problems.extend(error.problems)
        problems.extend(_missing_jobs(job, resources))
        queue = job.spec.queue
        if queue not in (None, "default") and (job.manifest.namespace, queue) not in resources.queues:
            problems.append(_unseen(job.manifest, "queue", f"JobQueue {queue}", resources.queues))
    if not problems:
        problems = _cycle(resources)
    if problems:
        raise BadInput(problems)


def in_order(resources: Resources) -> list[JobManifest]:
    """The jobs, each after those it depends on, else as the manifests have them. The references must be checked."""
    graph = {key: dependencies(job) for key, job in resources.jobs.items()}
    return [resources.jobs[key] for key in TopologicalSorter(graph).static_order()]


def dependencies(job: JobManifest) -> list[Key]:
    """Keys of the jobs that this one depends on."""
    return [(job.manifest.namespace, reference.kind, reference.name) for reference in job.spec.depends_on()]


def handed_over(job: JobManifest, jobs: Mapping[Key, HasManifest]) -> dict[str, Key]:
    """The jobs that a run of this one is told about, by the name it knows each under."""
    found: dict[str, Key] = {}
    for reference in job.spec.depends_on():
        key = (job.manifest.namespace, reference.kind, reference.name)
        found[reference.name] = key
        if reference.with_own and key in jobs:
            for inner in jobs[key].manifest.spec.depends_on():
                found[reference.beneath(inner)] = (job.manifest.namespace, inner.kind, inner.name)
    return found


def content(mount: Mount, of: Manifest, supplies: Supplies) -> bytes | Path:
    """What a mount brings: an entry's bytes, or a claim's folder.

    Raises:
        BadInput: there is none.
    """
    resources, volumes = supplies.resources, supplies.volumes
    if mount.claim is not None:
        if mount.claim not in volumes:
            hint = f"PersistentVolumeClaim {mount.claim}: say --volume {mount.claim}=DIR; given"
            raise BadInput([_missing(of, mount.field, hint, volumes)])
        return volumes[mount.claim]
    kind, name = ("Secret", mount.secret) if mount.secret is not None else ("ConfigMap", mount.config_map)
    holders = resources.secrets if kind == "Secret" else resources.config_maps
    holder = holders.get((of.namespace, name or ""))
    if holder is None:
        raise BadInput([_unseen(of, mount.field, f"{kind} {name} among the manifests", holders)])
    found = entries(holder)
    if mount.key not in found:
        raise BadInput([_missing(of, mount.field, f"key {mount.key} in {kind} {name}", found)])
    return found[mount.key]


def entries(holder: Manifest) -> dict[str, bytes]:
    """The entries of a Secret or ConfigMap.

    Raises:
        BadInput: a value that is no text, or no base64 where that is expected.
    """
    found: dict[str, bytes] = {}
    coded = {"Secret": "data", "ConfigMap": "binaryData"}[holder.kind]
    plain = {"Secret": "stringData", "ConfigMap": "data"}[holder.kind]
    for part in (coded, plain):
        values = holder.content.get(part) or {}
        if not isinstance(values, dict):
            raise BadInput([holder.problem((part,), "a mapping is expected")])
        for key, value in values.items():
            # Never the value itself in a message: it may be a key.
            if not isinstance(value, str):
                raise BadInput([holder.problem((part, key), "text is expected: put it in quotes")])
            try:
                found[key] = _decoded(value) if part == coded else value.encode()
            except binascii.Error as error:
                raise BadInput(
                    [holder.problem((part, key), f"base64 is expected; plain text goes in {plain}")]
                ) from error
    return found


def _decoded(value: str) -> bytes:
    """Base64 in lines too, as the API server takes it."""
    return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)


def _missing_jobs(job: JobManifest, resources: Resources) -> list[Problem]:
    return [
        _unseen(
            job.manifest,
            reference.field,
            f"{reference.kind} {reference.name} among the manifests",
            ((namespace, name) for namespace, kind, name in resources.jobs if kind == reference.kind),
        )
        for reference in job.spec.depends_on()
        if (job.manifest.namespace, reference.kind, reference.name) not in resources.jobs
    ]


def _missing(of: Manifest, field: str, what: str, there: Iterable[str], elsewhere: str = "") -> Problem:
    names = ", ".join(sorted(there)) or "none"
    return of.problem(("spec", *field.split(".")), f"no {what}; there: {names}{elsewhere}")


def _unseen(of: Manifest, field: str, what: str, there: Iterable[Name]) -> Problem:
    """`what` is missing in the job's namespace, whatever others have: it does not see them."""
    names: dict[str, list[str]] = {}
    for namespace, name in sorted(there):
        names.setdefault(namespace, []).append(name)
    here = names.pop(of.namespace, [])
    others = (
        f"; in namespace {n}, not in the job's ({of.namespace}): {', '.join(found)}" for n, found in names.items()
    )
    return _missing(of, field, what, here, "".join(others))


def _cycle(resources: Resources) -> list[Problem]:
    try:
        in_order(resources)
    except CycleError as error:
        names = [f"{kind}/{name}" for _, kind, name in error.args[1]]
        return [resources.jobs[error.args[1][0]].manifest.problem(("spec",), f"waits for itself: {' → '.join(names)}")]
    return []
