"""Runners beside an operator of another version: what they are told may have more in it, or less."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mintworks_api import JOB_KINDS
from mintworks_operator.core import News, RunState, RunView, fold
from mintworks_operator.core.outcome import judge
from mintworks_runners.core.context import parse_spec
from mintworks_runners.core.errors import AttemptFailed, InvalidInput
from mintworks_runners.core.protocol import RunSpec
from support.snapshots import NOW, active
from support.specs import GOOD, METADATA, RESULT, RESULTS

JOB = {"kind": "MetadataJob", "namespace": "n", "name": "j", "uid": "u", "run": 2, "spec": METADATA}
FUTURE: dict[str, Any] = {"future": {"a": [1]}}


def document(job: dict[str, Any], **parts: Any) -> RunSpec:
    return RunSpec.parse(json.loads(json.dumps({"job": job, **parts})))


def test_a_document_of_a_newer_operator_is_read_without_what_is_new() -> None:
    dependency = {"kind": "MetadataJob", "uid": "d", "spec": METADATA, "inputs": {}, "result": RESULT}
    plain = document(JOB, inputs={"items": 3}, dependencies={"rows": dependency})
    newer = document(JOB | FUTURE, inputs={"items": 3}, dependencies={"rows": dependency | FUTURE}, **FUTURE)
    assert newer == plain


def test_a_document_of_an_older_operator_may_lack_what_is_optional() -> None:
    assert document(JOB) == document(JOB, inputs={}, dependencies={})


@pytest.mark.parametrize("kind", GOOD)
def test_a_field_of_the_spec_that_a_runner_does_not_know_is_not_passed_over(kind: str) -> None:
    """It may say that nothing is to be minted. Nor does it fail the job for good: another image may know it."""
    with pytest.raises(AttemptFailed, match=r"does not know spec\.fromTheFuture") as caught:
        parse_spec(kind, {**GOOD[kind], "fromTheFuture": True})
    assert caught.value.reason == "RunnerTooOld"
    with pytest.raises(InvalidInput):
        parse_spec(kind, {**GOOD[kind], "priority": -1})


def test_messages_of_a_newer_runner_are_read_without_what_is_new() -> None:
    kind = JOB_KINDS["MetadataJob"]
    progress = {"type": "progress", "run": 1, "percent": 5, "items": {"total": 4, "done": 1}}
    plain = [progress, {"type": "inputs", "run": 1, "inputs": {"items": 4}}]
    newer = [
        {**progress, **FUTURE, "items": {"total": 4, "done": 1, **FUTURE}},
        {"type": "inputs", "run": 1, "inputs": {"items": 4, **FUTURE}, **FUTURE},
        {"type": "future", "run": 1},
    ]
    assert fold(kind, News(), 1, map(json.dumps, newer)) == fold(kind, News(), 1, map(json.dumps, plain))


def test_messages_of_an_older_runner_may_lack_what_is_optional() -> None:
    told = fold(JOB_KINDS["MintJob"], News(), 1, ['{"type": "progress", "run": 1}'])
    assert told.progress is not None
    assert told.progress.percent == 0


@pytest.mark.parametrize("kind", JOB_KINDS)
def test_the_end_of_a_newer_runner_is_read_without_what_is_new(kind: str) -> None:
    told, holding = {"result": RESULTS[kind] | FUTURE, **FUTURE}, active(1).active
    assert holding is not None
    outcome = judge(JOB_KINDS[kind], holding, RunView(1, RunState.COMPLETE, finished=NOW, termination=told))
    assert outcome.verdict == "Succeeded"
    assert outcome.result is not None
    assert "future" not in outcome.result
