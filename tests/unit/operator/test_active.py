"""The active run: how its start goes, what it tells, and how it is stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.policy import ResolvedPolicy
from mintworks_api.status import Attempts, Items, Progress
from mintworks_operator.core import CreateRun, Emit, Holding, News, RequeueAt, RunState, RunView, StopRun, Trouble
from mintworks_operator.core.texts import REASONS
from support.snapshots import (
    CREATED,
    NOW,
    active,
    complete,
    condition,
    finished,
    job,
    kinds,
    look,
    mint,
    only,
    queue,
    reason_of,
    run,
    written,
)
from support.specs import RESULT

PENDING = run(state=RunState.PENDING, started=None)
OFTEN = timedelta(minutes=10)


def quiet(**fields: Any) -> JobStatus:
    """An active status that has nothing left to say about itself."""
    return written(look(job(status=active(**fields)), PENDING, news=News(Progress(percent=1)))).status


def test_a_missing_run_is_created_again_behind_a_guard() -> None:
    """The operator died between the write that took the number and the create."""
    status = quiet(conditions=[condition("Progressing", True, "Starting")])
    decision = look(job(status=status))
    assert kinds(decision) == ["WriteStatus", "CreateRun", "RequeueAt"]
    assert not written(decision).changed
    assert only(decision, CreateRun).run == 1
    assert decision.slot == Holding("uid-a", 1)


def test_a_refused_create_is_told_and_tried_again() -> None:
    decision = look(job(status=active()), refused=Trouble("QuotaExceeded", "exceeded quota: jobs"))
    assert reason_of(decision) == ("False", "QuotaExceeded")
    assert kinds(decision) == ["WriteStatus", "CreateRun", "Emit", "RequeueAt"]


def test_trouble_is_told_once_for_each_reason() -> None:
    trouble = Trouble("ImagePull", "no such image")
    first = look(job(status=active()), run(state=RunState.PENDING, trouble=trouble))
    assert reason_of(first) == ("False", "ImagePull")
    told = only(first, Emit).message
    assert told == f"{REASONS['ImagePull'].todo} The cluster says: no such image"
    assert written(first).status.conditions[-1].message == told
    again = look(job(status=written(first).status), run(state=RunState.PENDING, trouble=trouble))
    assert kinds(again) == ["RequeueAt"]


def test_a_short_run_costs_no_write_that_says_it_runs() -> None:
    status = quiet(conditions=[condition("Progressing", True, "Starting")])
    soon = look(job(status=status), run())
    assert kinds(soon) == ["RequeueAt"]
    late = look(job(status=status), run(), now=NOW + timedelta(seconds=10))
    assert reason_of(late) == ("True", "Running")


def test_a_run_that_starts_after_trouble_says_so_at_once() -> None:
    status = quiet(conditions=[condition("Progressing", False, "ImagePull")])
    assert reason_of(look(job(status=status), run())) == ("True", "Running")


@pytest.mark.parametrize(
    ("progress", "summary"),
    [
        (Progress(percent=60, items=Items(total=100, done=60)), "60/100"),
        (Progress(percent=60), "60%"),
        (Progress(percent=60, items=Items(done=7)), "60%"),
    ],
)
def test_progress_shows_in_one_column(progress: Progress, summary: str) -> None:
    shown = written(look(job(status=active()), run(), news=News(progress))).status.progress
    assert shown is not None
    assert shown.summary == summary


def test_the_first_value_of_an_input_wins() -> None:
    found = {"items": 3, "rowsSha256": "1" * 64, "strange": 1}
    first = look(job(status=active()), run(), news=News(inputs=found))
    assert written(first).inputs == {"items": 3, "rowsSha256": "1" * 64}
    changed = look(job(status=active(), inputs={"items": 3}), run(), news=News(inputs={**found, "items": 4}))
    assert written(changed).inputs == {"items": 3}
    assert reason_of(changed) == ("False", "InputChanged")


def test_inputs_without_the_kinds_form_are_passed_over() -> None:
    assert not written(look(job(status=active()), run(), news=News(inputs={"items": "many"}))).inputs


def test_a_pause_is_written_down_before_the_run_is_stopped() -> None:
    decision = look(job({"suspend": True}, active()), run())
    assert kinds(decision) == ["WriteStatus", "StopRun"]
    status = written(decision).status
    assert status.active is not None
    assert status.active.stopping == "Suspended"
    assert status.phase is Phase.RUNNING
    assert isinstance(decision.slot, Holding), "the slot is not free before the process has ended"
    again = look(job({"suspend": True}, status), run(stopping=True))
    assert kinds(again) == []


def test_a_stop_that_was_written_but_not_done_is_done() -> None:
    status = written(look(job({"suspend": True}, active()), run())).status
    assert only(look(job(status=status), run()), StopRun).reason == "Suspended"


@pytest.mark.parametrize(("late", "stopped"), [(timedelta(0), True), (timedelta(seconds=-1), False)])
def test_a_run_that_does_not_start_is_given_up(late: timedelta, stopped: bool) -> None:
    decision = look(job(status=active(reserved=NOW)), PENDING, now=NOW + OFTEN + late)
    assert ("StopRun" in kinds(decision)) is stopped
    if not stopped:
        assert only(decision, RequeueAt).time == NOW + OFTEN


def test_a_running_run_has_no_start_timeout() -> None:
    assert "StopRun" not in kinds(look(job(status=active(reserved=NOW)), run(), now=NOW + 2 * OFTEN))


def test_other_runs_are_stopped_and_old_ones_removed() -> None:
    old = [run(n, RunState.FAILED) for n in (1, 2, 3)]
    decision = look(job(status=active(13, attempts=Attempts(runs=13))), *old, run(12), run(13))
    assert [(k, a.run) for k, a in zip(kinds(decision), decision.actions, strict=True) if hasattr(a, "run")] == [
        ("DeleteRun", 1),
        ("DeleteRun", 2),
        ("DeleteRun", 3),
        ("StopRun", 12),
    ]


def test_a_finished_job_has_no_living_run() -> None:
    decision = look(job(status=finished()), run(1))
    assert kinds(decision) == ["WriteStatus", "StopRun"]
    assert not written(decision).changed


def test_ttl() -> None:
    view = job({"ttl": "1h"}, finished(ended=NOW))
    assert only(look(view), RequeueAt).time == NOW + timedelta(hours=1)
    assert kinds(look(view, now=NOW + timedelta(hours=1))) == ["DeleteJob"]
    assert kinds(look(job(status=finished()))) == []


def test_the_queues_ttl_counts_where_the_job_has_none() -> None:
    ended = finished(ended=NOW).model_copy(update={"policy": ResolvedPolicy(ttl="2h")})
    assert only(look(job(status=ended)), RequeueAt).time == NOW + timedelta(hours=2)
    assert only(look(job({"ttl": "1h"}, ended)), RequeueAt).time == NOW + timedelta(hours=1)


def test_of_ttl_only_the_queues_is_frozen() -> None:
    """A job's own may be taken away again; it must not be deleted by one that it once had."""
    for own, defaults, frozen in (("1h", {}, None), (None, {"ttl": "2h"}, "2h"), ("1h", {"ttl": "2h"}, "2h")):
        view = job({"ttl": own} if own else {})
        policy = written(look(view, queue=queue(("uid-a", 1), jobDefaults=defaults))).status.policy
        assert policy is not None
        assert policy.ttl == frozen


def test_a_finished_jobs_conditions_follow_its_spec() -> None:
    """`kubectl wait` passes over conditions of an older generation."""
    status = written(look(job(status=finished(), generation=2))).status
    assert {c.observed_generation for c in status.conditions} == {status.observed_generation} == {2}
    assert {c.last_transition_time for c in status.conditions} == {CREATED}


ROWS = job(status=finished(), name="rows", uid="uid-rows", result=RESULT)


@pytest.mark.parametrize(
    ("dependencies", "reason"),
    [
        ({}, "DependencyMissing"),
        ({"rows": replace(ROWS, status=JobStatus(), result=None)}, "DependencyNotFinished"),
        ({"rows": replace(ROWS, result={**RESULT, "items": 4})}, "InputChanged"),
    ],
)
def test_a_run_is_not_created_on_what_is_not_there_any_more(dependencies: Any, reason: str) -> None:
    inputs = {name: RESULT[name] for name in ("cid", "items", "rowsSha256")}
    decision = look(mint(status=active(), inputs=inputs), dependencies=dependencies)
    assert reason_of(decision) == ("False", reason)
    assert "CreateRun" not in kinds(decision)
    assert isinstance(decision.slot, Holding)
    again = look(mint(status=written(decision).status, inputs=inputs), dependencies={"rows": ROWS})
    assert "CreateRun" in kinds(again)
    assert reason_of(again)[1] != "InputChanged"


def test_a_job_that_is_being_deleted_is_left_alone() -> None:
    assert look(job(status=active(), deleting=True), run()).actions == ()


def test_a_spec_that_does_not_parse_any_more_does_not_disturb_its_run() -> None:
    decision = look(job({"rows": {}}, active()), run())
    assert isinstance(decision.slot, Holding)
    assert "StopRun" not in kinds(decision)


CUT_OFF = run(node="n", cut_off=True)
OVERDUE = run(node="n", due=NOW - timedelta(minutes=1))


@pytest.mark.parametrize("silent", [CUT_OFF, OVERDUE, replace(OVERDUE, state=RunState.PENDING)])
@pytest.mark.parametrize("stopping", [None, "Suspended"])
def test_a_node_that_does_not_answer_is_told_and_the_slot_stays_held(silent: RunView, stopping: str | None) -> None:
    view = job({"suspend": stopping is not None}, active(stopping=stopping))
    silent = replace(silent, stopping=stopping is not None)
    decision = look(view, silent)
    assert reason_of(decision) == ("False", "NodeUnreachable")
    assert "kubectl taint nodes n node.kubernetes.io/out-of-service" in only(decision, Emit).message
    assert decision.slot == Holding("uid-a", 1)
    assert CreateRun not in [type(a) for a in decision.actions]
    again = look(replace(view, status=written(decision).status), silent)
    assert Emit not in [type(a) for a in again.actions]
    assert all(a.time > NOW for a in again.actions if isinstance(a, RequeueAt)), "no hot loop"
    back = look(replace(view, status=written(decision).status), run(node="n", stopping=stopping is not None))
    assert reason_of(back) == ("True", "Running" if stopping is None else "Stopping")


def test_a_run_that_was_told_to_end_is_looked_at_again_when_it_must_have_ended() -> None:
    decision = look(job(status=quiet()), run(due=NOW + timedelta(seconds=30), started=NOW - OFTEN))
    assert only(decision, RequeueAt).time == NOW + timedelta(seconds=90)


def test_a_cut_off_run_that_ended_is_judged() -> None:
    status = active(conditions=[condition("Progressing", False, "NodeUnreachable")])
    after = written(look(job(status=status), replace(complete(), cut_off=True))).status
    assert after.phase is Phase.SUCCEEDED
