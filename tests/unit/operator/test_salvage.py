"""What is written of a status that the API server refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from mintworks_api import JobStatus, Phase
from mintworks_api.status import Condition, Progress
from mintworks_operator.core import WriteStatus
from mintworks_operator.salvage import salvage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def condition(name: str, status: Literal["True", "False"]) -> Condition:
    return Condition(type=name, status=status, reason=name, message="", observed_generation=1, last_transition_time=NOW)


def test_a_success_whose_result_is_refused_is_a_failure() -> None:
    ends = [condition("Progressing", "False"), condition("Succeeded", "True"), condition("Failed", "False")]
    status = JobStatus(phase=Phase.SUCCEEDED, conditions=ends, progress=Progress(percent=100))
    left = salvage(WriteStatus(status, {"items": 2**70}, {"items": 2**70}), {"cid": "b"}, "items is too large")
    assert (left.status.phase, left.inputs, left.result) == (Phase.FAILED, {"cid": "b"}, None)
    assert left.status.progress is None
    assert [(c.type, c.status, c.reason, c.message) for c in left.status.conditions] == [
        ("Progressing", "False", "BadResult", "items is too large"),
        ("Succeeded", "False", "BadResult", "items is too large"),
        ("Failed", "True", "BadResult", "items is too large"),
    ]


def test_a_running_job_runs_on() -> None:
    status = JobStatus(phase=Phase.RUNNING, conditions=[condition("Admitted", "True")])
    left = salvage(WriteStatus(status, {}, None), {}, "why")
    assert left.status == status
