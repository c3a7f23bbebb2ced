"""Commands by annotation: each value is carried out once, by the write that echoes it, and people see who asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from mintworks_api import JobCommands, JobStatus, Phase
from mintworks_api.status import Attempts
from mintworks_operator.core import Asked, Emit, Failure, RunState, StopRun
from mintworks_operator.core.actions import RequeueAt
from mintworks_operator.views import job_view
from support.snapshots import (
    CREATED,
    NOW,
    active,
    complete,
    failed,
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
from support.specs import METADATA

LATER = NOW + timedelta(hours=1)


def asked(*names: str, value: str = "1", at_creation: bool = False) -> dict[str, Asked]:
    return {name: Asked(value, "kubectl-annotate", at_creation) for name in names}


def done(**tokens: str) -> JobCommands:
    return JobCommands(**tokens)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(JobStatus(), id="new"),
        pytest.param(waiting(next_attempt_time=LATER), id="backing off"),
        pytest.param(waiting(Phase.QUEUED), id="queued"),
        pytest.param(JobStatus(phase=Phase.SUSPENDED), id="suspended"),
    ],
)
def test_a_job_that_waits_is_cancelled_at_once(status: JobStatus) -> None:
    decision = look(job(status=status, asked=asked("cancel")))
    after = written(decision).status
    assert (after.phase, after.completion_time, after.next_attempt_time) == (Phase.CANCELLED, NOW, None)
    assert after.commands == done(cancel="1")
    assert reason_of(decision, "Failed") == ("True", "Cancelled")
    assert reason_of(decision, "Succeeded") == ("False", "Cancelled")
    assert only(decision, Emit).message.endswith("Asked for by kubectl-annotate.")
    assert decision.slot is None


def test_a_job_that_runs_is_stopped_first_and_cancelled_when_its_run_has_ended() -> None:
    decision = look(job(status=active(), asked=asked("cancel")), run())
    after = written(decision).status
    assert after.active is not None
    assert (after.phase, after.active.stopping, after.commands) == (Phase.RUNNING, "Cancelled", done(cancel="1"))
    assert only(decision, StopRun).run == 1
    stopping = active(stopping="Cancelled", commands=done(cancel="1"))
    for end, phase in (
        (failed(Failure.STOPPED), Phase.CANCELLED),
        (failed(Failure.FAILED), Phase.CANCELLED),
        (complete(), Phase.SUCCEEDED),
        (failed(Failure.INPUT_BAD), Phase.FAILED),
    ):
        ended = written(look(job(status=stopping, asked=asked("cancel")), end)).status
        assert (ended.phase, ended.completion_time) == (phase, NOW)
        assert ended.attempts is not None
        assert ended.attempts.made == (0 if phase is Phase.CANCELLED else 1)
    assert written(look(job(status=stopping, asked=asked("cancel")))).status.phase is Phase.CANCELLED, "it never began"


def test_cancelling_goes_before_a_pause() -> None:
    paused = active(stopping="Suspended")
    decision = look(job({"suspend": True}, paused, asked=asked("cancel")), run(stopping=True))
    after = written(decision).status
    assert after.active is not None
    assert after.active.stopping == "Cancelled"


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.CANCELLED])
def test_retry_gives_fresh_attempts_and_keeps_what_is_known(phase: Phase) -> None:
    status = finished(phase).model_copy(update={"attempts": Attempts(runs=4, made=3, stalls=1)})
    decision = look(job(status=status, inputs={"cid": "x"}, asked=asked("retry")))
    write = written(decision)
    after = write.status
    assert (after.phase, after.completion_time, after.commands) == (Phase.PENDING, None, done(retry="1"))
    assert after.attempts is not None
    assert (after.attempts.runs, after.attempts.made, after.attempts.stalls) == (4, 0, 0)
    assert (write.inputs, write.result) == ({"cid": "x"}, None)
    assert only(decision, Emit).reason == "Retried"
    assert {c.type for c in after.conditions} == {"Progressing", "Admitted"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("retry", waiting(next_attempt_time=LATER)),
        ("retry", finished(Phase.SUCCEEDED)),
        ("cancel", finished(Phase.SUCCEEDED)),
        ("cancel", finished(Phase.FAILED)),
        ("promote", waiting(Phase.QUEUED)),
        ("promote", finished(Phase.FAILED)),
    ],
)
def test_what_cannot_be_done_is_said_and_echoed(name: str, status: JobStatus) -> None:
    decision = look(job(status=status, asked=asked(name)))
    after = written(decision).status
    assert after.commands == done(**{name: "1"})
    assert after.phase == status.phase
    assert only(decision, Emit).reason == "CommandIgnored"


@pytest.mark.parametrize("spec", [{"delay": "9h"}, {"startAfter": LATER.isoformat()}])
def test_a_delayed_job_is_promoted(spec: dict[str, Any]) -> None:
    status = JobStatus(phase=Phase.DELAYED)
    decision = look(job(spec, status, asked=asked("promote")), queue=queue(("uid-a", 1)))
    after = written(decision).status
    assert (after.phase, after.promoted, after.commands) == (Phase.RUNNING, True, done(promote="1"))
    assert "Promoted" in [action.reason for action in decision.actions if isinstance(action, Emit)]


def test_a_job_that_backs_off_is_promoted() -> None:
    status = waiting(next_attempt_time=LATER)
    assert only(look(job(status=status)), RequeueAt).time == LATER
    decision = look(job(status=status, asked=asked("promote")), queue=queue(("uid-a", 2)))
    after = written(decision).status
    assert (after.phase, after.promoted, after.next_attempt_time) == (Phase.RUNNING, None, None)


def test_a_value_is_carried_out_once_and_the_next_one_again() -> None:
    status = finished(Phase.FAILED).model_copy(update={"commands": done(retry="1")})
    assert kinds(look(job(status=status, asked=asked("retry")))) == []
    assert written(look(job(status=status, asked=asked("retry", value="2")))).status.phase is Phase.PENDING
    assert kinds(look(job(status=status))) == [], "what is taken away was carried out all the same"


def test_what_came_with_the_resource_is_noted_and_not_done() -> None:
    old = asked("cancel", "retry", "promote", at_creation=True)
    decision = look(job({"delay": "9h"}, asked=old))
    after = written(decision).status
    assert (after.phase, after.commands) == (Phase.DELAYED, done(cancel="1", retry="1", promote="1"))
    given_since = look(job({"delay": "9h"}, asked=asked("cancel")))
    assert written(given_since).status.phase is Phase.CANCELLED, "before the first look, but after the creation"


def test_on_hold_is_suspended() -> None:
    assert written(look(job(held=True))).status.phase is Phase.SUSPENDED
    decision = look(job(status=active(), held=True), run())
    assert only(decision, StopRun).reason == "Suspended"
    assert written(look(job(status=JobStatus(phase=Phase.SUSPENDED)))).status.phase is not Phase.SUSPENDED


def test_a_run_that_outlives_a_retry_is_waited_for() -> None:
    status = finished(Phase.CANCELLED).model_copy(update={"attempts": Attempts(runs=1)})
    again = written(look(job(status=status, asked=asked("retry")), run())).status
    decision = look(job(status=again), run(state=RunState.RUNNING), queue=queue(("uid-a", 2)))
    assert "CreateRun" not in kinds(decision)
    assert only(decision, StopRun).reason == "Stray"


# --- who asked, and when, as the API server tells it ---


def resource(annotations: dict[str, str], *managed: dict[str, Any]) -> dict[str, Any]:
    meta = {
        "namespace": "ns",
        "name": "a",
        "uid": "uid-a",
        "creationTimestamp": CREATED.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "annotations": annotations,
        "managedFields": list(managed),
    }
    return {"metadata": meta, "spec": METADATA}


def manager(name: str, at: str, *annotations: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{annotation}": {} for annotation in annotations}}}
    return {"manager": name, "time": at, "fieldsV1": fields}


def test_who_asked_is_the_manager_that_set_it_last() -> None:
    view = job_view(
        "MetadataJob",
        resource(
            {"mintworks.dev/cancel": "now", "mintworks.dev/retry": "x" * 300, "example.org/cancel": "no"},
            manager("argocd", "2026-01-01T12:00:00Z", "mintworks.dev/cancel", "mintworks.dev/retry"),
            manager("kubectl-annotate", "2026-01-01T12:30:00Z", "mintworks.dev/cancel"),
            {"manager": "helm", "time": "2026-01-01T13:00:00Z", "fieldsV1": {"f:spec": {}}},
        ),
    )
    assert view.asked["cancel"] == Asked("now", "kubectl-annotate", at_creation=False)
    retry = view.asked["retry"]
    assert (retry.by, retry.at_creation, len(retry.token)) == ("argocd", True, len("sha256:") + 64)
    assert not view.held


@pytest.mark.parametrize(("value", "held"), [("", True), ("true", True), ("maintenance", True), ("false", False)])
def test_the_annotation_hold(value: str, held: bool) -> None:
    assert job_view("MetadataJob", resource({"mintworks.dev/hold": value})).held is held
