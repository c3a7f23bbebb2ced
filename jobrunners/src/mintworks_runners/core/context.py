"""What a runner is handed: the run, where things are, how to tell about it, how to read sources, when to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mintworks_api import JOB_KINDS, JobSpec
from pydantic import ValidationError

from .errors import AttemptFailed, Finding, InvalidInput
from .protocol import Environment, RunSpec
from .report import Reporter
from .sources import SourceReader
from .stop import StopSignal


@dataclass(frozen=True, slots=True)
class JobContext:
    """Everything one run has to do with. A runner keeps no other ties to the outside than these and its own clients."""

    run: RunSpec
    environment: Environment
    reporter: Reporter
    sources: SourceReader
    stop: StopSignal

    @property
    def work(self) -> Path:
        """Scratch directory: the only place that can be written to, gone with the pod."""
        return self.environment.work

    def secret(self, field: str, key: str) -> Path:
        """The file of the Secret's entry `key` that the spec names at `field` (`wallet.secret`)."""
        return self.environment.mount(field) / key


Result = Mapping[str, Any]
Runner = Callable[[JobContext], Awaitable[Result]]
"""A kind's work: from its context to its complete result (wire form), or a RunEnded."""


def parse_spec(kind: str, spec: Mapping[str, Any]) -> JobSpec:
    """The spec as its kind's model.

    InvalidInput with the path of each bad field, though the CRD refuses such specs first: `mintworks run` has no CRD.
    AttemptFailed `RunnerTooOld` where nothing is wrong but that a field is unknown: the operator knew it, and what it
    asks for must not be passed over; another image may know it too.
    """
    try:
        return JOB_KINDS[kind].parse(spec)
    except ValidationError as error:
        found = [
            (problem["type"], problem["msg"], ".".join(map(str, ("spec", *problem["loc"]))))
            for problem in error.errors(include_input=False, include_url=False)
        ]
        unknown = [field for type_, _, field in found if type_ == "extra_forbidden"]
        if len(unknown) == len(found):
            message = f"this runner does not know {', '.join(unknown)}: its image is older than the operator"
            raise AttemptFailed("RunnerTooOld", message) from error
        raise InvalidInput([Finding("InvalidSpec", message, field=field) for _, message, field in found]) from error
