"""CustomResourceDefinitions of the API's kinds."""

from __future__ import annotations

from typing import Any

import yaml

from ..base import GROUP, VERSION
from ..kind import JobKind, Rendered
from ..status import JobStatus
from .schema import Schema, structural

#: kubectl apply keeps the whole object in an annotation, and annotations end at 256 KiB.
MAX_BYTES = 128 * 1024

_JOB_COLUMNS = (
    ("PHASE", "string", ".status.phase", 0),
    ("PROGRESS", "string", ".status.progress.summary", 0),
    ("ATTEMPT", "string", ".status.attempts.summary", 0),
    ("AGE", "date", ".metadata.creationTimestamp", 0),
    ("QUEUE", "string", ".spec.queue", 1),
    ("STEP", "string", ".status.progress.step", 1),
    ("STALLS", "integer", ".status.attempts.stalls", 1),
    ("STARTED", "date", ".status.startTime", 1),
    ("FINISHED", "date", ".status.completionTime", 1),
)
_LONGEST_NAME = 63


def job_crd(kind: JobKind) -> dict[str, Any]:
    """The CRD of a job kind: spec frozen but for mutable fields, status with the kind's inputs and result."""
    status = structural(JobStatus)
    status["properties"]["inputs"] = {"description": "Inputs, frozen.", **structural(kind.inputs)}
    status["properties"]["result"] = {"description": "What came of it.", **structural(kind.result)}
    spec = {"description": f"What the {kind.kind} is to do.", **structural(kind.spec, frozen=True)}
    return _crd(kind, spec, status, _JOB_COLUMNS, _LONGEST_NAME)


def resource_crd(kind: Rendered) -> dict[str, Any]:
    """The CRD of a resource that is not a job: its spec may change at any time."""
    spec = {"description": f"What the {kind.kind} is to do.", **structural(kind.spec)}
    return _crd(kind, spec, structural(kind.status), kind.columns, kind.longest_name)


def to_yaml(crd: dict[str, Any]) -> str:
    """The CRD as YAML.

    Raises:
        ValueError: it is larger than MAX_BYTES.
    """
    text = "# Made by `make generate` from the models in crds/src; do not edit.\n" + yaml.safe_dump(
        crd, sort_keys=False, width=120, allow_unicode=True
    )
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"{crd['metadata']['name']} has {len(text.encode())} bytes, more than {MAX_BYTES}")
    return text


def _name_rule(longest: int) -> Schema:
    return {
        "rule": f"self.metadata.name.size() <= {longest} && !self.metadata.name.contains('.')",
        "message": f"metadata.name must be a DNS label: at most {longest} characters of a-z, 0-9 and -",
    }


def _crd(
    kind: JobKind | Rendered, spec: Schema, status: Schema, columns: tuple[Any, ...], longest_name: int
) -> dict[str, Any]:
    status["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    root: Schema = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {"description": "Written by the operator.", **status},
        },
        "x-kubernetes-validations": [_name_rule(longest_name)],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": type_, "jsonPath": path, "priority": priority}
            for name, type_, path, priority in columns
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
                "categories": ["mintworks"],
            },
            "versions": [version],
        },
    }
