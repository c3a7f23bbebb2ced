"""Statuses that this operator did not write: a newer one's, and one from a backup."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_api import Phase
from mintworks_api.status import ActiveRun
from mintworks_operator.core import CreateRun, Tell, Waiting
from mintworks_operator.views import job_view
from support.snapshots import NOW, active, finished, job, look, only, queue, reason_of, run, written
from support.specs import METADATA


def resource(status: Any, spec: Any = METADATA) -> dict[str, Any]:
    meta = {"namespace": "ns", "name": "a", "uid": "uid-a", "creationTimestamp": "2026-01-01T12:00:00Z"}
    return {"metadata": meta, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ({"phase": "Archived"}, "status.phase"),
        ({"phase": "Running", "active": {"run": "first"}}, "status.active.run"),
        ({"attempts": {"last": [{"run": 1, "outcome": "Skipped", "reason": "X"}]}}, "status.attempts.last.0.outcome"),
        ({"conditions": "none"}, "status.conditions"),
    ],
)
def test_a_job_whose_status_cannot_be_read_is_left_alone(status: Any, field: str) -> None:
    view = job_view("MetadataJob", resource(status))
    assert field in view.unreadable
    decision = look(view, run(1), run(2), queue=queue(("uid-a", 1)))
    condition = only(decision, Tell).condition
    assert len(decision.actions) == 1
    assert decision.slot is None
    assert (condition.type, condition.status, condition.reason) == ("Progressing", "False", "StatusUnreadable")
    assert field in condition.message
    assert "Upgrade the operator" in condition.message


def test_fields_of_a_newer_operator_stop_nothing() -> None:
    view = job_view("MetadataJob", resource({"phase": "Succeeded", "future": 1, "attempts": {"runs": 2, "future": []}}))
    assert view.unreadable == ""
    assert view.succeeded
    assert view.status.attempts is not None
    assert view.status.attempts.runs == 2


@pytest.mark.parametrize(("spec", "status"), [([], []), ("x", "y"), (3, 4), (None, None)])
def test_a_resource_that_is_no_resource_is_explained(spec: Any, status: Any) -> None:
    decision = look(job_view("MetadataJob", resource(status, spec)))
    assert reason_of(decision, "Admitted")[1] == "InvalidSpec"


def test_a_newer_spec_is_explained_and_started_by_nobody() -> None:
    """What an unknown field asks for, nobody here knows: a dry run would mint."""
    decision = look(job({"dryRun": True}), queue=queue(("uid-a", 1)))
    assert reason_of(decision, "Admitted") == ("False", "InvalidSpec")
    assert "spec.dryRun" in written(decision).status.conditions[0].message
    assert not [a for a in decision.actions if isinstance(a, CreateRun)]


def restored(**fields: Any) -> Any:
    status = active(3, **fields)
    assert status.active is not None
    return status.model_copy(update={"active": status.active.model_copy(update={"uid": "uid-before"})})


def test_a_run_of_the_resource_that_was_backed_up_is_not_waited_for() -> None:
    decision = look(job(status=restored()))
    status = written(decision).status
    assert status.active is None
    assert isinstance(decision.slot, Waiting)
    assert decision.slot.run == 4, "numbers of runs are never used again"
    assert status.attempts is not None
    assert (status.attempts.made, status.attempts.stalls, status.attempts.stops) == (0, 0, 0)
    assert [(r.run, r.outcome, r.reason) for r in status.attempts.last] == [(3, "Stopped", "Restored")]


def test_the_slot_is_taken_by_the_next_run_of_the_restored_resource() -> None:
    decision = look(job(status=restored()), queue=queue(("uid-a", 4)))
    assert only(decision, CreateRun).run == 4
    assert written(decision).status.active == ActiveRun(run=4, uid="uid-a", reserved=NOW)


def test_a_job_that_was_being_stopped_when_it_was_backed_up_stays_suspended() -> None:
    decision = look(job({"suspend": True}, restored(stopping="Suspended")))
    assert written(decision).status.phase is Phase.SUSPENDED


def test_a_finished_job_stays_finished() -> None:
    done = finished(Phase.SUCCEEDED)
    assert not look(job(status=done)).actions
    stray = look(job(status=done), run(1))
    assert [type(a).__name__ for a in stray.actions] == ["WriteStatus", "StopRun"]
