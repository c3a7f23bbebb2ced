"""A dry run, and how the job goes on once its spec is no longer dry."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.status import Attempts, JobError
from mintworks_operator.core import CreateRun, Emit, Failure, JobView
from support.snapshots import (
    NOW,
    active,
    complete,
    failed,
    finished,
    job,
    kinds,
    look,
    mint,
    only,
    queue,
    reason_of,
    written,
)

DRY = {"dryRun": True}
RESULT = {
    "tree": "T",
    "items": 3,
    "minted": 0,
    "already": 0,
    "feesLamports": 5_000,
    "rentLamports": 0,
    "genesis": "g",
    "dryRun": True,
    "transactions": 1,
    "seconds": 140,
}
CID = "b" + "a" * 58
INPUTS = {"cid": CID, "items": 3, "genesis": "g"}


def ended(phase: Phase = Phase.SUCCEEDED, *, dry: bool | None = True) -> JobStatus:
    """The status of a job after three runs of which one was stalled."""
    attempts = Attempts(runs=3, made=2, stalls=1)
    changes = {"dry_run": dry, "attempts": attempts, "errors": [JobError(reason="X", message="x")], "start_time": NOW}
    return finished(phase).model_copy(update=changes)


def dry_job(spec: dict[str, Any], status: JobStatus, **fields: Any) -> JobView:
    """A MintJob that needs no other job."""
    alone = {"metadataFrom": {"cid": CID, "manifest": {"configMap": {"name": "r", "key": "rows.csv"}}}}
    return mint(alone | spec, status=status, inputs=INPUTS, **fields)


def test_a_run_is_noted_to_be_dry_when_it_starts() -> None:
    reserved = queue(("uid-m", 1))
    for spec, dry in ((DRY, True), ({}, None)):
        started = look(dry_job(spec, JobStatus()), queue=reserved)
        assert written(started).status.dry_run is dry
        assert only(started, CreateRun).document["job"]["spec"].get("dryRun") is dry


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED])
def test_a_finished_dry_run_begins_for_real_with_fresh_attempts(phase: Phase) -> None:
    view = dry_job({"dryRun": False}, ended(phase), result=RESULT, generation=2)
    decision = look(view)
    write = written(decision)
    after = write.status
    assert (after.phase, after.dry_run, after.completion_time, after.start_time) == (Phase.PENDING, None, None, None)
    assert after.attempts is not None
    assert (after.attempts.runs, after.attempts.made, after.attempts.stalls) == (3, 0, 0)
    assert (write.result, write.inputs, after.errors) == (None, INPUTS, [])
    assert {c.type: (c.status, c.reason) for c in after.conditions} == {
        "Progressing": ("False", "Reopened"),
        "Admitted": ("False", "Reopened"),
    }
    assert only(decision, Emit).reason == "Reopened"
    assert kinds(decision) == ["WriteStatus", "Emit"]
    # The next pass goes on as with any other job, with a run of a new number.
    begun = look(dry_job({}, after, generation=2), queue=queue(("uid-m", 4)))
    assert only(begun, CreateRun).run == 4
    assert written(begun).status.dry_run is None


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        (DRY, ended()),
        ({}, ended(dry=None)),
        ({}, ended(Phase.CANCELLED)),
        ({"tree": {}}, ended()),
    ],
)
def test_whatever_else_is_finished_stays_so(spec: dict[str, Any], status: JobStatus) -> None:
    assert kinds(look(dry_job(spec, status, result=RESULT))) == []


def test_a_kind_without_dry_runs_is_never_opened_again() -> None:
    assert kinds(look(job(status=finished()))) == []


@pytest.mark.parametrize("end", [complete(RESULT), failed(Failure.INPUT_BAD)])
def test_a_dry_run_under_way_when_the_spec_changes_is_not_the_jobs_end(end: Any) -> None:
    view = dry_job({}, active().model_copy(update={"dry_run": True}), generation=2)
    decision = look(view, end)
    assert written(decision).status.phase is Phase.PENDING
    assert written(decision).result is None
    assert reason_of(decision) == ("False", "Reopened")


def test_a_dry_run_ends_with_what_it_told() -> None:
    decision = look(dry_job(DRY, active().model_copy(update={"dry_run": True})), complete(RESULT))
    write = written(decision)
    assert (write.status.phase, write.status.dry_run) == (Phase.SUCCEEDED, True)
    assert write.result is not None
    assert (write.result["dryRun"], write.result["transactions"]) == (True, 1)
