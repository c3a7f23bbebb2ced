"""How runs end, and what follows: one row for each way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.status import ActiveRun, Attempts, Items, JobError, Progress
from mintworks_operator.core import Emit, Failure, RequeueAt, RunState, RunView, StopRun, Trouble
from mintworks_operator.core.texts import REASONS
from support.snapshots import (
    NOW,
    active,
    complete,
    condition,
    failed,
    job,
    look,
    only,
    reason_of,
    run,
    written,
)
from support.specs import RESULT

BAD = {"reason": "BadRows", "message": "1 row is bad.", "errors": [{"reason": "Empty", "message": "no name", "row": 7}]}
GONE: tuple[RunView, ...] = ()
NO_RESULT = run(1, RunState.COMPLETE, finished=NOW)
STOPPED = {"reason": "LeaseHeld", "message": "Someone mints into the tree."}


@pytest.mark.parametrize(
    ("runs", "status", "verdict", "reason", "counts"),
    [
        ([complete()], active(), "Succeeded", "Succeeded", (1, 0, 0)),
        ([NO_RESULT], active(), "Stalled", "NoResult", (0, 1, 0)),
        ([complete({"cid": "x"})], active(), "Stalled", "BadResult", (0, 1, 0)),
        ([complete("x")], active(), "Stalled", "NoResult", (0, 1, 0)),
        ([failed(Failure.INPUT_BAD, termination=BAD)], active(), "Failed", "BadRows", (1, 0, 0)),
        ([failed(Failure.INPUT_BAD)], active(), "Failed", "InputBad", (1, 0, 0)),
        ([failed(Failure.STOPPED, termination=STOPPED)], active(), "Stopped", "LeaseHeld", (0, 0, 1)),
        ([failed(Failure.DISRUPTED, termination=STOPPED)], active(), "Stalled", "Disrupted", (0, 1, 0)),
        ([failed(Failure.DEADLINE_EXCEEDED, termination=STOPPED)], active(), "Failed", "DeadlineExceeded", (1, 0, 0)),
        ([failed(Failure.OUT_OF_MEMORY)], active(), "Failed", "OutOfMemory", (1, 0, 0)),
        ([failed(Failure.FAILED)], active(), "Failed", "RunFailed", (1, 0, 0)),
        ([failed(Failure.FAILED, termination={"reason": 7})], active(), "Failed", "RunFailed", (1, 0, 0)),
        # A stop that the operator asked for excuses everything but bad input, and takes no success back.
        (GONE, active(stopping="Suspended"), "Stopped", "Suspended", (0, 0, 0)),
        ([failed(Failure.FAILED)], active(stopping="Suspended"), "Stopped", "Suspended", (0, 0, 0)),
        ([failed(Failure.STOPPED)], active(stopping="Suspended"), "Stopped", "Suspended", (0, 0, 0)),
        ([failed(Failure.INPUT_BAD)], active(stopping="Suspended"), "Failed", "InputBad", (1, 0, 0)),
        ([NO_RESULT], active(stopping="Suspended"), "Stopped", "Suspended", (0, 0, 0)),
        ([complete()], active(stopping="Suspended"), "Succeeded", "Succeeded", (1, 0, 0)),
        (GONE, active(stopping="StartTimeout"), "Stalled", "StartTimeout", (0, 1, 0)),
        # Gone though nobody asked: a stall, where it is known to have run.
        (GONE, active(conditions=[condition("Progressing", True, "Running")]), "Stalled", "RunDeleted", (0, 1, 0)),
        (
            GONE,
            active(conditions=[condition("Progressing", False, "NodeUnreachable")]),
            "Stalled",
            "RunDeleted",
            (0, 1, 0),
        ),
        (GONE, active(reserved=NOW - timedelta(minutes=10)), "Stalled", "StartTimeout", (0, 1, 0)),
    ],
)
def test_how_a_run_ends(runs: Any, status: Any, verdict: str, reason: str, counts: tuple[int, int, int]) -> None:
    after = written(look(job(status=status), *runs)).status
    attempts = after.attempts
    assert attempts is not None
    assert (attempts.last[-1].outcome, attempts.last[-1].reason) == (verdict, reason)
    assert (attempts.made, attempts.stalls, attempts.stops) == counts
    assert after.active is None


def test_a_lost_run_is_a_stall() -> None:
    after = written(look(job(status=active()), lost=frozenset({1}))).status
    assert after.attempts is not None
    assert after.attempts.last[-1].reason == "RunDeleted"


@pytest.mark.parametrize(
    ("before", "end", "phase", "reason"),
    [
        (Attempts(runs=1), complete(), Phase.SUCCEEDED, "Succeeded"),
        (Attempts(runs=1), failed(Failure.INPUT_BAD, termination=BAD), Phase.FAILED, "BadRows"),
        (Attempts(runs=1, made=2), failed(Failure.FAILED), Phase.FAILED, "AttemptsExhausted"),
        (Attempts(runs=1, made=1), failed(Failure.FAILED), Phase.BACKOFF, "RunFailed"),
        (Attempts(runs=1, stalls=3), failed(Failure.DISRUPTED), Phase.FAILED, "TooManyStalls"),
        (Attempts(runs=1, stalls=2), failed(Failure.DISRUPTED), Phase.BACKOFF, "Disrupted"),
        (Attempts(runs=1, stalls=9), failed(Failure.FAILED), Phase.BACKOFF, "RunFailed"),
        (Attempts(runs=1, made=9), failed(Failure.STOPPED), Phase.BACKOFF, "Stopped"),
    ],
)
def test_when_a_job_ends(before: Attempts, end: RunView, phase: Phase, reason: str) -> None:
    decision = look(job(status=active(attempts=before)), end)
    status = written(decision).status
    assert status.phase is phase
    assert reason_of(decision) == ("False", reason)
    ends = {c.type: c.status for c in status.conditions if c.type in {"Succeeded", "Failed"}}
    if phase is Phase.BACKOFF:
        assert not ends
        assert status.next_attempt_time is not None
        assert status.completion_time is None
    else:
        good = phase is Phase.SUCCEEDED
        assert ends == {"Succeeded": str(good), "Failed": str(not good)}
        assert status.completion_time == NOW
        assert status.next_attempt_time is None
        assert only(decision, Emit).type == ("Normal" if good else "Warning")
        assert decision.slot is None


HALF = "\ud800"
NOTHING = {"reason": "Empty", "message": "no name", "field": None, "row": None, "column": None, "item": None}


@pytest.mark.parametrize(
    ("told", "errors"),
    [
        ({"reason": HALF, "message": HALF, "errors": [{"reason": HALF, "message": HALF, "field": HALF}]}, ["?"]),
        ({"errors": [NOTHING]}, ["Empty"]),
        ({"errors": [NOTHING | {"row": 2**63}, NOTHING | {"item": 10**400}, NOTHING]}, ["Empty"]),
        ({"errors": [{"reason": 1}, 7, None, NOTHING | {"message": None}, NOTHING]}, ["Empty"]),
    ],
)
def test_whatever_a_runner_tells_last_fits_the_status(told: Any, errors: list[str]) -> None:
    decision = look(job(status=active()), failed(Failure.FAILED, termination=told))
    status = written(decision).status
    assert [e.reason for e in status.errors] == errors
    json.dumps(status.wire()).encode()
    assert JobStatus.model_validate(status.wire()) == status


@pytest.mark.parametrize("result", [{**RESULT, "items": 2**63}, {**RESULT, "bytes": -1}, {**RESULT, "cid": HALF}])
def test_a_result_that_the_api_server_would_refuse_is_a_bad_one(result: Any) -> None:
    status = written(look(job(status=active()), complete(result))).status
    assert status.attempts is not None
    assert status.attempts.last[-1].reason == "BadResult"


def test_more_failed_than_there_are_is_no_negative_count() -> None:
    status = active(progress=Progress(items=Items(total=1, failed=2**63 - 1)))
    shown = written(look(job(status=status), complete())).status
    assert JobStatus.model_validate(shown.wire()) == shown


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(hours=3)])
@pytest.mark.parametrize("failure", [Failure.STOPPED, Failure.FAILED, Failure.DISRUPTED])
def test_backoff_does_not_count_by_the_nodes_clock(off: timedelta, failure: Failure) -> None:
    ended = run(1, RunState.FAILED, failure=failure, finished=NOW + off)
    until = written(look(job(status=active()), ended)).status.next_attempt_time
    assert until is not None
    assert timedelta(seconds=1) < until - NOW <= timedelta(seconds=5)


def test_a_short_backoff_is_not_over_before_it_began() -> None:
    short = {"backoff": {"type": "fixed", "delay": "100ms", "jitter": 0}}
    now = NOW + timedelta(milliseconds=950)
    write = written(look(job(short, active(policy=None)), failed(Failure.FAILED), now=now))
    assert write.status.next_attempt_time is not None
    assert write.status.next_attempt_time > now


def test_maxattempts_raised_in_time_counts() -> None:
    view = job({"maxAttempts": 4}, active(attempts=Attempts(runs=3, made=2), run=3))
    assert written(look(view, failed(Failure.FAILED, 3))).status.phase is Phase.BACKOFF


def test_a_success_is_complete_even_where_the_last_word_was_lost() -> None:
    status = active(
        progress=Progress(percent=97, items=Items(total=100, done=97)), errors=[JobError(reason="A", message="b")]
    )
    write = written(look(job(status=status), complete()))
    assert write.result == RESULT
    assert write.status.progress is not None
    assert (write.status.progress.percent, write.status.progress.summary) == (100, "100/100")
    assert write.status.errors == []


def test_errors_are_kept_as_told_and_bounded() -> None:
    many = [{"reason": "Empty", "message": "x" * 5000, "row": n} for n in range(12)]
    told = {"reason": "R" * 500, "message": "m" * 5000, "errors": [*many, "nonsense", {"row": 1}]}
    status = written(look(job(status=active()), failed(Failure.INPUT_BAD, termination=told))).status
    assert [e.row for e in status.errors] == list(range(2, 12))
    assert all(len(e.message) == 1024 for e in status.errors)
    assert status.attempts is not None
    assert len(status.attempts.last[-1].reason) == 128


def test_a_failure_without_errors_is_one() -> None:
    told = {"reason": "KuboAway", "message": "No answer."}
    status = written(look(job(status=active()), failed(Failure.FAILED, termination=told))).status
    assert status.errors == [JobError(reason="KuboAway", message="No answer.")]


def test_the_clusters_words_stand_in_for_a_silent_runner() -> None:
    words = "The runner ended with exit code 137 (OOMKilled)."
    status = written(look(job(status=active()), failed(Failure.FAILED, message=words))).status
    assert status.attempts is not None
    assert status.attempts.last[-1].message == f"{words} {REASONS['RunFailed'].todo}"


def test_an_asked_stop_goes_on_at_once() -> None:
    """Resumed before the run had ended: no wait is left over."""
    status = active(stopping="Suspended").model_copy(
        update={"active": ActiveRun(run=1, reserved=NOW, stopping="Suspended")}
    )
    after = written(look(job(status=status))).status
    assert after.phase is Phase.QUEUED
    assert after.next_attempt_time is None


@pytest.mark.parametrize(
    "end", [complete(), failed(Failure.FAILED), failed(Failure.INPUT_BAD), failed(Failure.STOPPED)]
)
def test_a_run_whose_pod_lingers_is_judged_after_a_moment_and_then_stopped(end: RunView) -> None:
    lingering = replace(end, lingers=True)
    status = active(conditions=[condition("Progressing", True, "Running")])
    early = look(job(status=status), lingering, now=NOW + timedelta(seconds=9))
    assert only(early, RequeueAt).time == NOW + timedelta(seconds=10)
    assert StopRun not in [type(a) for a in early.actions]
    judged = look(job(status=status), lingering, now=NOW + timedelta(seconds=10))
    after = written(judged).status
    assert after.active is None
    assert after == written(look(job(status=status), end, now=NOW + timedelta(seconds=10))).status
    later = look(job(status=after), lingering, now=NOW + timedelta(seconds=10))
    assert only(later, StopRun).run == 1
    assert later.actions[0] == written(later), "guarded"
    gone = look(job(status=after), replace(lingering, stopping=True), now=NOW + timedelta(seconds=10))
    assert StopRun not in [type(a) for a in gone.actions]


def test_what_a_node_refused_is_a_stall_in_the_nodes_words() -> None:
    refused = failed(Failure.DISRUPTED, trouble=Trouble("NodeRefused", "OutOfcpu: too much"))
    status = written(look(job(status=active()), refused)).status
    assert status.attempts is not None
    record = status.attempts.last[-1]
    assert (record.outcome, record.reason, status.attempts.made) == ("Stalled", "NodeRefused", 0)
    assert record.message == f"{REASONS['NodeRefused'].todo} The cluster says: OutOfcpu: too much"


@pytest.mark.parametrize(
    ("told", "started", "verdict"),
    [
        ("ImagePull", None, ("Stalled", "StartTimeout")),
        ("ImagePull", NOW, ("Failed", "DeadlineExceeded")),
        ("Running", None, ("Failed", "DeadlineExceeded")),
        ("NodeUnreachable", None, ("Failed", "DeadlineExceeded")),
    ],
)
def test_a_deadline_that_came_before_the_start_is_no_attempt(told: str, started: Any, verdict: tuple[str, str]) -> None:
    """Kubernetes counts a pod's deadline from when its node took it, also while its image is not to be had."""
    before = condition("Progressing", told == "Running", told, "Look at the image.")
    late = failed(Failure.DEADLINE_EXCEEDED, started=started)
    status = written(look(job(status=active(conditions=[before])), late)).status
    assert status.attempts is not None
    record = status.attempts.last[-1]
    assert (record.outcome, record.reason) == verdict
    assert status.attempts.made == (0 if verdict[0] == "Stalled" else 1)
    if verdict[0] == "Stalled":
        assert record.message.startswith("Look at the image. ")
