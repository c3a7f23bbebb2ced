"""Snapshots for tests of the operator's pure core, each in one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mintworks_api import FINISHED, JobQueueSpec, JobQueueStatus, JobStatus, Phase, Reservation, ResolvedPolicy
from mintworks_api.status import ActiveRun, AttemptRecord, Attempts, Condition
from mintworks_operator.core import (
    Action,
    Decision,
    Failure,
    JobView,
    News,
    QueueView,
    RunState,
    RunView,
    Snapshot,
    WriteStatus,
    decide,
)

from support.specs import METADATA, MINT, RESULT

CREATED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOW = CREATED + timedelta(hours=1)


def job(spec: dict[str, Any] | None = None, status: JobStatus | None = None, **fields: Any) -> JobView:
    """A MetadataJob `a` with uid `uid-a`."""
    made = JobView("MetadataJob", "ns", "a", "uid-a", 1, CREATED, {**METADATA, **(spec or {})}, status or JobStatus())
    return replace(made, **fields)


def mint(spec: dict[str, Any] | None = None, **fields: Any) -> JobView:
    """A MintJob `m` that builds on the MetadataJob `rows`."""
    return replace(
        JobView("MintJob", "ns", "m", "uid-m", 1, CREATED, {**MINT, "metadataFrom": {"job": "rows"}, **(spec or {})}),
        **fields,
    )


def active(run: int = 1, *, reserved: datetime = NOW, stopping: str | None = None, **fields: Any) -> JobStatus:
    """The status of a job whose run number `run` holds its slot."""
    attempts = fields.pop("attempts", Attempts(runs=run))
    policy = fields.pop("policy", ResolvedPolicy())
    return JobStatus(
        phase=Phase.RUNNING,
        active=ActiveRun(run=run, reserved=reserved, stopping=stopping),
        attempts=attempts,
        policy=policy,
        **fields,
    )


def waiting(phase: Phase = Phase.BACKOFF, runs: int = 1, **fields: Any) -> JobStatus:
    """The status of a job between runs."""
    attempts = fields.pop("attempts", Attempts(runs=runs))
    return JobStatus(phase=phase, attempts=attempts, policy=ResolvedPolicy(), **fields)


def finished(phase: Phase = Phase.SUCCEEDED, ended: datetime = NOW) -> JobStatus:
    """The status of a job that came to its end."""
    assert phase in FINISHED
    good = phase is Phase.SUCCEEDED
    return JobStatus(
        phase=phase,
        completion_time=ended,
        attempts=Attempts(runs=1, made=1),
        observed_generation=1,
        conditions=[condition("Succeeded", good), condition("Failed", not good, message="no luck.")],
    )


def condition(name: str, value: bool, reason: str = "Because", message: str = "") -> Condition:
    """A condition."""
    return Condition(
        type=name,
        status="True" if value else "False",
        reason=reason,
        message=message,
        observed_generation=1,
        last_transition_time=CREATED,
    )


def record(run: int, reason: str, message: str = "") -> AttemptRecord:
    """A finished run."""
    return AttemptRecord(run=run, outcome="Failed", reason=reason, message=message, finished=NOW)


def queue(*reserved: tuple[str, int], concurrency: int = 5, **spec: Any) -> QueueView:
    """The default queue, with slots reserved for these runs."""
    slots = [Reservation(uid=uid, run=run) for uid, run in reserved]
    made = JobQueueSpec.model_validate({"concurrency": concurrency, **spec})
    return QueueView("ns", "default", 1, made, JobQueueStatus(reservations=slots))


def run(number: int = 1, state: RunState = RunState.RUNNING, **fields: Any) -> RunView:
    """A run."""
    return replace(RunView(number, state, started=NOW), **fields)


def failed(failure: Failure, number: int = 1, **fields: Any) -> RunView:
    """A run that failed just now."""
    return run(number, RunState.FAILED, failure=failure, finished=NOW, **fields)


def complete(result: Any = None, number: int = 1) -> RunView:
    """A run that ended with exit code 0 and this result."""
    told = {"result": RESULT if result is None else result}
    return run(number, RunState.COMPLETE, finished=NOW, termination=told)


def look(view: JobView, *runs: RunView, now: datetime = NOW, **fields: Any) -> Decision:
    """A pass over a job in the default queue."""
    fields.setdefault("queue", queue())
    fields.setdefault("news", News())
    return decide(Snapshot(job=view, runs=runs, **fields), now)


def written(decision: Decision) -> WriteStatus:
    """The status write of a decision."""
    write = decision.actions[0]
    assert isinstance(write, WriteStatus)
    return write


def kinds(decision: Decision) -> list[str]:
    """What the decision does, by name."""
    return [type(action).__name__ for action in decision.actions]


def reason_of(decision: Decision, name: str = "Progressing") -> tuple[str, str]:
    """Status and reason of a condition as written."""
    found = next(c for c in written(decision).status.conditions if c.type == name)
    return found.status, found.reason


def only(decision: Decision, kind: type[Action]) -> Any:
    """The one action of that kind."""
    found = [action for action in decision.actions if isinstance(action, kind)]
    assert len(found) == 1, decision.actions
    return found[0]
