"""What a run is given: its environment (paths) and its spec. docs/protocol.md describes both for any language."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .errors import AttemptFailed

SPEC_LIMIT: Final = 48 * 1024
"""Bytes: the spec travels as an annotation, and annotations of an object share 256 KiB."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where things are in this process: the pod's mounts, or what `mintworks run` laid out.

    `state` and `channel` exist only without a cluster; `redis_file` may name a file that is not there (no Redis).
    """

    spec: Path = Path("/mintworks/spec/spec.json")
    mounts: Path = Path("/mintworks/mounts")
    work: Path = Path("/mintworks/work")
    redis_file: Path = Path("/mintworks/redis/url")
    termination: Path = Path("/dev/termination-log")
    state: Path | None = None
    channel: Path | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """The environment from MINTWORKS_* variables (the process's own unless given), with the protocol's defaults."""
        values = os.environ if variables is None else variables
        default = cls()

        def path(name: str, otherwise: Path) -> Path:
            return Path(values.get(f"MINTWORKS_{name}") or otherwise)

        def optional(name: str) -> Path | None:
            value = values.get(f"MINTWORKS_{name}")
            return Path(value) if value else None

        return cls(
            spec=path("SPEC", default.spec),
            mounts=path("MOUNTS", default.mounts),
            work=path("WORK", default.work),
            redis_file=path("REDIS_FILE", default.redis_file),
            termination=path("TERMINATION", default.termination),
            state=optional("STATE"),
            channel=optional("CHANNEL"),
        )

    def mount(self, field_path: str) -> Path:
        """The directory at which the reference at `field_path` of the spec (`wallet.secret`, `rows`) is mounted."""
        return self.mounts / field_path


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that this one depends on, as it was when this run was started: spec, frozen inputs and result."""

    name: str
    kind: str
    uid: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run of one job. `run` numbers runs, not attempts made; `inputs` is the frozen status.inputs."""

    kind: str
    namespace: str
    name: str
    uid: str
    run: int
    spec: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Mapping[str, Dependency] = field(default_factory=dict)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> RunSpec:
        """The run from its JSON document. KeyError or TypeError where a part is missing or of another shape."""
        job = document["job"]
        dependencies = {
            name: Dependency(
                name=name,
                kind=str(found["kind"]),
                uid=str(found["uid"]),
                spec=dict(found["spec"]),
                inputs=dict(found.get("inputs") or {}),
                result=dict(found.get("result") or {}),
            )
            for name, found in (document.get("dependencies") or {}).items()
        }
        return cls(
            kind=str(job["kind"]),
            namespace=str(job["namespace"]),
            name=str(job["name"]),
            uid=str(job["uid"]),
            run=int(job["run"]),
            spec=dict(job["spec"]),
            inputs=dict(document.get("inputs") or {}),
            dependencies=dependencies,
        )

    @classmethod
    def read(cls, path: Path) -> RunSpec:
        """The run from the file at `path` (MINTWORKS_SPEC).

        AttemptFailed `SpecUnreadable` where it cannot be read: the operator wrote it, so it is not the job's bad input.
        """
        try:
            with path.open("rb") as file:
                data = file.read(SPEC_LIMIT + 1)
            if len(data) <= SPEC_LIMIT:
                return cls.parse(json.loads(data))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AttemptFailed("SpecUnreadable", f"cannot read the run's spec {path}: {error!r}") from error
        raise AttemptFailed("SpecUnreadable", f"the run's spec {path} is larger than {SPEC_LIMIT} bytes")
