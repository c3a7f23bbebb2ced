"""What a pass decides. `Decision.actions` is in the order of application.

A status write comes first, and whatever has an effect follows only when that write was accepted: it is guarded by the
resource's version, so a pass over stale data ends there and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mintworks_api import JobStatus, Mount, ResolvedPolicy
from mintworks_api.status import Condition

from .slots import Slot


@dataclass(frozen=True)
class WriteStatus:
    """Write the whole status, guarded by the version that the snapshot was taken at.

    `changed` is False where only the guard is wanted: the write proves that the snapshot still holds.
    """

    status: JobStatus
    inputs: Mapping[str, Any]
    result: Mapping[str, Any] | None
    changed: bool = True

    def wire(self) -> dict[str, Any]:
        """The status as it stands in YAML."""
        wire = self.status.wire()
        if self.inputs:
            wire["inputs"] = dict(self.inputs)
        if self.result is not None:
            wire["result"] = dict(self.result)
        return wire


@dataclass(frozen=True)
class Tell:
    """Write this one condition into a status of which nothing else may change."""

    condition: Condition


@dataclass(frozen=True)
class CreateRun:
    """Start run number `run`, unless it exists.

    `document` is the spec file of the runner protocol; `mounts` are this job's own, `shared_mounts` those of its
    dependencies by name; `image` is a key of the configured images; grace in seconds.
    """

    run: int
    document: Mapping[str, Any]
    policy: ResolvedPolicy
    mounts: tuple[Mount, ...]
    shared_mounts: Mapping[str, tuple[Mount, ...]]
    image: str
    grace_seconds: int


@dataclass(frozen=True)
class StopRun:
    """Ask a living run to stop (SIGTERM, then after its grace SIGKILL). Repeating it does no harm."""

    run: int
    reason: str


@dataclass(frozen=True)
class DeleteRun:
    """Remove what is left of an ended run."""

    run: int


@dataclass(frozen=True)
class EnsureQueue:
    """Create the JobQueue with an empty spec, unless it exists."""

    name: str


@dataclass(frozen=True)
class DeleteJob:
    """Delete the job resource itself: its ttl is over."""


@dataclass(frozen=True)
class Notify:
    """Send try number `attempt` of this webhook, unless it is under way. Somebody else waits for the answer."""

    id: str
    attempt: int
    url: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Emit:
    """Tell people by a Kubernetes Event. `routine`: of very many at once some need not be told."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    routine: bool = False


@dataclass(frozen=True)
class RequeueAt:
    """Look again at this time."""

    time: datetime


Action = WriteStatus | Tell | CreateRun | StopRun | DeleteRun | EnsureQueue | DeleteJob | Notify | Emit | RequeueAt


@dataclass(frozen=True)
class Decision:
    """What to do, and how the job stands to its queue: it waits for a slot, holds one, or neither (None)."""

    actions: tuple[Action, ...] = field(default=())
    slot: Slot | None = None
