"""What the operator asks of a job kind. It knows no kind by name: it knows this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from .base import Model, StatusModel
from .policy import JobPolicy
from .refs import JobRef, Mount


@dataclass(frozen=True)
class Dependency:
    """A job that another one builds on, as that one needs to see it: `spec`, `inputs` and `result` are wire form."""

    kind: str
    uid: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, Any]
    result: Mapping[str, Any]


class JobSpec(JobPolicy):
    """Base of every job kind's spec. The defaults fit a kind without references."""

    def depends_on(self) -> list[JobRef]:
        """Jobs that must have succeeded before this one starts."""
        return []

    def mounts(self) -> list[Mount]:
        """Secrets, sources and volumes of this job's own pod."""
        return []

    def shared_mounts(self) -> list[Mount]:
        """Of `mounts()`, what a job that depends on this one mounts too (its sources, with the credentials
        that reading them takes; no other Secret).
        """
        return []

    def exclusive(self, inputs: Mapping[str, Any]) -> list[str]:
        """Keys of which only one running job in the namespace may hold each, such as `tree:ADDRESS`."""
        del inputs
        return []

    def initial_inputs(self, dependencies: Mapping[str, Dependency]) -> dict[str, Any]:
        """What of status.inputs is known before the first attempt; frozen by the write that admits the job."""
        del dependencies
        return {}

    def removes(self) -> frozenset[str]:
        """CIDs whose content this job takes away."""
        return frozenset()

    def spares(self, named: Collection[str]) -> dict[str, Any]:
        """What of status.inputs follows from which of `removes()` other jobs of the namespace name; held against the
        cluster before every run.
        """
        del named
        return {}

    def is_dry_run(self) -> bool:
        """Whether a run of this spec changes nothing outside: it tells what it would do."""
        return False

    def as_dry_run(self) -> Self:
        """The spec for `mintworks estimate`: it changes nothing but files of the runner's own, and starts now."""
        now: dict[str, object] = {"suspend": None, "start_after": None, "delay": None, "max_attempts": 1}
        return self.model_copy(update=now)

    def on_development_chain(self, rpc_url: str, reachable: Callable[[str], bool]) -> Self:
        """The spec for `mintworks run --localnet`: the chain at `rpc_url`, and no service that is not `reachable`."""
        del rpc_url, reachable
        return self


@dataclass(frozen=True)
class JobKind:
    """One kind of job: its names, its models, and what the operator needs to run it."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    spec: type[JobSpec]
    inputs: type[StatusModel]
    result: type[StatusModel]
    description: str
    image: str = "runner"
    grace_seconds: int = 30

    def parse(self, spec: Mapping[str, Any]) -> JobSpec:
        """The spec as a model.

        Raises:
            pydantic.ValidationError: with the path of each bad field.
        """
        return self.spec.parse(spec)


@dataclass(frozen=True)
class Rendered:
    """A resource that is not a job (JobQueue, JobSchedule), for the generator.

    `columns` are kubectl's: name, type, JSON path and priority of each (1: with `-o wide` alone).
    """

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    spec: type[Model]
    status: type[StatusModel]
    description: str
    columns: tuple[tuple[str, str, str, int], ...]
    longest_name: int = 63
