"""Commands for all jobs of a queue, and its retention: what they touch, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from mintworks_api import BulkCommand, JobCommands, JobQueueStatus, JobStatus, Phase
from mintworks_api.status import AttemptRecord, Attempts
from mintworks_operator.core import Asked, Emit, JobView, QueueView, RunState, admit, announced
from mintworks_operator.core.actions import DeleteRun, RequeueAt, WriteStatus
from support.snapshots import (
    CREATED,
    NOW,
    active,
    finished,
    job,
    kinds,
    look,
    only,
    queue,
    reason_of,
    run,
    waiting,
    written,
)

EARLIER, LATER = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
ENDED = run(1, RunState.FAILED, finished=NOW)


def told(name: str, time: datetime | None = NOW, **spec: Any) -> QueueView:
    """A queue that was given a command at `time`."""
    command = BulkCommand(name=name, token="1", time=time, by="kubectl-annotate")
    return replace(queue(**spec), status=JobQueueStatus(commands=[command]))


def ran(moment: datetime) -> Attempts:
    record = AttemptRecord(run=1, outcome="Failed", reason="X", finished=moment)
    return Attempts(runs=1, made=1, last=[record])


# --- the queue's part ---


def noted(view: QueueView, now: datetime = NOW) -> list[tuple[str, str, datetime | None]]:
    plan = admit(view, [], [], now, still_held=lambda _: True)
    return [(c.name, c.token, c.time) for c in plan.status.commands]


def test_a_command_is_noted_with_its_time_and_a_new_value_replaces_it() -> None:
    view = replace(queue(), asked={"drain": Asked("1", "kubectl")})
    assert noted(view) == [("drain", "1", NOW)]
    again = replace(view, status=admit(view, [], [], NOW, still_held=lambda _: True).status)
    assert noted(again, LATER) == [("drain", "1", NOW)]
    more = replace(again, asked={"drain": Asked("2"), "retry-failed": Asked("x")})
    assert noted(more, LATER) == [("retry-failed", "x", LATER), ("drain", "2", LATER)]
    assert noted(replace(again, asked={}), LATER) == [("drain", "1", NOW)]


def test_what_came_with_the_queue_has_no_time() -> None:
    view = replace(queue(), asked={"drain": Asked("1", at_creation=True)})
    assert noted(view) == [("drain", "1", None)]
    assert kinds(look(job(status=waiting(Phase.QUEUED)), queue=told("drain", None))) != ["WriteStatus", "Emit"]


def heard(view: QueueView, now: datetime = NOW) -> list[tuple[str, str]]:
    """What people are told by a pass over the queue."""
    after = admit(view, [], [], now, still_held=lambda _: True).status
    return [(emit.reason, emit.message) for emit in announced(view.status, after)]


def test_each_new_value_is_told_once_with_who_asked() -> None:
    view = replace(queue(), asked={"drain": Asked("1", "kubectl"), "clean": Asked("1", "argocd")})
    cleaning, draining = heard(view)
    said = "drain: each job that waits now is cancelled; what runs goes on. Asked for by kubectl."
    assert draining == ("CommandAccepted", said)
    assert cleaning[1].startswith("clean: ")
    again = replace(view, status=admit(view, [], [], NOW, still_held=lambda _: True).status)
    assert heard(again, LATER) == []
    more = replace(again, asked={**view.asked, "drain": Asked("2", "me")})
    assert [message.partition("Asked for ")[2] for _, message in heard(more, LATER)] == ["by me."]
    restored = replace(queue(), asked={"retry-failed": Asked("1", at_creation=True)})
    assert heard(restored) == [], "it does nothing"


# --- retry-failed ---


def test_what_had_failed_is_retried_once() -> None:
    status = finished(Phase.FAILED, EARLIER)
    decision = look(job(status=status), queue=told("retry-failed"))
    after = written(decision).status
    assert (after.phase, after.commands) == (Phase.PENDING, JobCommands(retry_failed="1"))
    assert only(decision, Emit).message.endswith("Asked for by kubectl-annotate.")
    # It failed again within the same second.
    again = finished(Phase.FAILED).model_copy(update={"commands": after.commands})
    assert kinds(look(job(status=again), queue=told("retry-failed"))) == []


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(finished(Phase.FAILED, LATER), id="failed later"),
        pytest.param(finished(Phase.SUCCEEDED, EARLIER), id="succeeded"),
        pytest.param(finished(Phase.CANCELLED, EARLIER), id="cancelled"),
    ],
)
def test_what_had_not_failed_is_not_retried(status: JobStatus) -> None:
    assert kinds(look(job(status=status), queue=told("retry-failed"))) == []


# --- drain ---


@pytest.mark.parametrize(
    "status",
    [
        JobStatus(),
        waiting(Phase.QUEUED),
        waiting(Phase.DELAYED, runs=0),
        waiting(Phase.BACKOFF, attempts=ran(EARLIER), next_attempt_time=LATER),
        JobStatus(phase=Phase.SUSPENDED),
    ],
)
def test_what_waits_is_drained(status: JobStatus) -> None:
    decision = look(job(status=status), queue=told("drain"))
    assert written(decision).status.phase is Phase.CANCELLED
    assert reason_of(decision, "Failed") == ("True", "Drained")


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(job(status=active()), id="runs"),
        pytest.param(job(status=waiting(Phase.QUEUED), created=LATER), id="created later"),
        pytest.param(job(status=waiting(Phase.QUEUED, attempts=ran(LATER))), id="ran meanwhile"),
        pytest.param(job(status=finished(Phase.FAILED, EARLIER)), id="finished"),
    ],
)
def test_what_did_not_wait_then_is_left_alone(view: JobView) -> None:
    decision = look(view, *([run()] if view.status.active else []), queue=told("drain"), now=LATER)
    writes = [a for a in decision.actions if type(a).__name__ == "WriteStatus"]
    assert not writes or written(decision).status.phase is not Phase.CANCELLED


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        pytest.param(finished(Phase.CANCELLED), {"retry": Asked("r")}, id="drained itself"),
        pytest.param(finished(Phase.FAILED, EARLIER), {"retry": Asked("r")}, id="failed before"),
        pytest.param(finished(Phase.SUCCEEDED, EARLIER).model_copy(update={"dry_run": True}), {}, id="was a dry run"),
    ],
)
def test_what_is_begun_again_is_not_drained_by_an_earlier_drain(status: JobStatus, asked: dict[str, Asked]) -> None:
    again = written(look(job(status=status, asked=asked), queue=told("drain"), now=LATER)).status
    assert again.phase is Phase.PENDING
    waits = job(status=again.model_copy(update={"phase": Phase.QUEUED}), asked=asked)
    decision = look(waits, queue=told("drain"), now=LATER)
    assert all(a.status.phase is not Phase.CANCELLED for a in decision.actions if isinstance(a, WriteStatus))
    # A later one means it.
    more = replace(told("drain"), status=JobQueueStatus(commands=[BulkCommand(name="drain", token="2", time=LATER)]))
    assert written(look(waits, queue=more, now=LATER)).status.phase is Phase.CANCELLED


# --- clean and retention ---


def test_clean_removes_the_runs_of_what_had_ended_and_not_the_job() -> None:
    early = job(status=finished(Phase.FAILED, EARLIER))
    decision = look(early, ENDED, replace(ENDED, run=2), queue=told("clean"))
    assert [a.run for a in decision.actions if isinstance(a, DeleteRun)] == [1, 2]
    assert kinds(look(job(status=finished(Phase.FAILED, LATER)), ENDED, queue=told("clean"))) == []


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED])
def test_runs_go_by_age(phase: Phase) -> None:
    of = "succeeded" if phase is Phase.SUCCEEDED else "failed"
    view, keeps = job(status=finished(phase, CREATED)), queue(retention={of: {"age": "2h"}})
    assert only(look(view, ENDED, queue=keeps), RequeueAt).time == CREATED + timedelta(hours=2)
    assert only(look(view, ENDED, queue=keeps, now=CREATED + timedelta(hours=2)), DeleteRun).run == 1
    other = queue(retention={"failed" if of == "succeeded" else "succeeded": {"age": "1s", "count": 0}})
    assert kinds(look(view, ENDED, queue=other)) == []


def test_runs_go_by_count_whichever_is_first() -> None:
    view = job(status=finished())
    keeps = queue(retention={"succeeded": {"count": 2, "age": "9h"}})
    assert kinds(look(view, ENDED, queue=keeps, newer=1)) == ["RequeueAt"]
    assert kinds(look(view, ENDED, queue=keeps, newer=2)) == ["DeleteRun"]
    assert kinds(look(view, queue=keeps, newer=2)) == [], "nothing is left"


def test_what_lives_is_stopped_and_not_removed() -> None:
    keeps = queue(retention={"succeeded": {"count": 0}})
    assert "DeleteRun" not in kinds(look(job(status=finished()), run(), queue=keeps))
