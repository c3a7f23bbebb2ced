"""Clocks that are a minute apart: nothing is lost or repeated, waits are off by no more than the clocks, and nothing
ends before it began.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import Phase
from mintworks_api.policy import ResolvedBackoff, ResolvedPolicy
from mintworks_api.status import Progress
from mintworks_operator.core import CreateRun, DeleteJob, Failure, News, RunState, Waiting
from support.snapshots import (
    CREATED,
    NOW,
    active,
    complete,
    condition,
    failed,
    finished,
    job,
    kinds,
    look,
    only,
    queue,
    reason_of,
    run,
    written,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("node", [-MINUTE, MINUTE])
def test_that_it_runs_is_told_whatever_the_nodes_clock_says(node: timedelta) -> None:
    later = NOW + timedelta(seconds=6)
    started = run(started=NOW + node)
    told = [condition("Progressing", True, "Starting")]
    pending = run(state=RunState.PENDING, started=None)
    quiet = written(look(job(status=active(conditions=told)), pending, news=News(Progress(percent=1)))).status
    decision = look(job(status=quiet), started, now=later)
    assert reason_of(decision) == ("True", "Running")


def test_that_it_waits_is_told_though_the_api_servers_clock_is_ahead() -> None:
    decision = look(job(), now=CREATED - MINUTE)
    assert written(decision).status.phase is Phase.QUEUED
    assert isinstance(decision.slot, Waiting)


def test_a_job_from_the_future_starts() -> None:
    decision = look(job(), queue=queue(("uid-a", 1)), now=CREATED - MINUTE)
    assert only(decision, CreateRun).run == 1


@given(
    st.timedeltas(-MINUTE, MINUTE),
    st.timedeltas(-MINUTE, MINUTE),
    st.timedeltas(-MINUTE, MINUTE),
    st.booleans(),
)
def test_no_end_is_before_its_beginning(
    node: timedelta, controller: timedelta, operator: timedelta, good: bool
) -> None:
    """A run starts by the node's clock, its Job ends by the controller's, the job by the leader's."""
    ended = complete() if good else failed(Failure.INPUT_BAD)
    ended = replace(ended, started=NOW + node, finished=NOW + controller)
    status = written(look(job(status=active(start_time=NOW)), ended, now=NOW + operator)).status
    assert status.attempts is not None
    last = status.attempts.last[-1]
    assert last.started is not None
    assert last.finished is not None
    assert last.started <= last.finished
    assert status.start_time is not None
    assert status.completion_time is not None
    assert status.start_time <= status.completion_time


@pytest.mark.parametrize("behind", [-MINUTE, timedelta(), MINUTE])
def test_waits_are_off_by_no_more_than_the_clocks(behind: timedelta) -> None:
    """Written by an operator whose clock shows `NOW + behind` when the one that takes over has NOW."""
    old, wait = NOW + behind, timedelta(minutes=5)
    policy = ResolvedPolicy(backoff=ResolvedBackoff(type="fixed", delay="5m", jitter=0))
    status = written(look(job(status=active(policy=policy)), failed(Failure.FAILED), now=old)).status
    assert status.next_attempt_time == old + wait

    def starts(now: datetime) -> bool:
        found = look(job(status=status), failed(Failure.FAILED), queue=queue(("uid-a", 2)), now=now)
        return "CreateRun" in kinds(found)

    assert not starts(NOW + wait - MINUTE - timedelta(seconds=1))
    assert starts(NOW + wait + MINUTE)
    done = job({"ttl": "5m"}, finished(ended=old))
    assert not [
        a for a in look(done, now=NOW + wait - MINUTE - timedelta(seconds=1)).actions if isinstance(a, DeleteJob)
    ]
    assert only(look(done, now=NOW + wait + MINUTE), DeleteJob)
