"""Environment and spec are read as the protocol says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.protocol import SPEC_LIMIT, Environment, RunSpec

JOB = {"kind": "MintJob", "namespace": "n", "name": "j", "uid": "u", "run": 2, "spec": {"batchSize": 3}}


def test_defaults_are_those_of_the_pod() -> None:
    environment = Environment.read({})
    assert environment == Environment()
    assert environment.mount("wallet.secret") == Path("/mintworks/mounts/wallet.secret")
    assert (environment.state, environment.channel) == (None, None)


def test_variables_win() -> None:
    environment = Environment.read({"MINTWORKS_WORK": "/w", "MINTWORKS_STATE": "/s", "MINTWORKS_CHANNEL": ""})
    assert (environment.work, environment.state, environment.channel) == (Path("/w"), Path("/s"), None)


def test_a_spec_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    dependency = {"kind": "MetadataJob", "uid": "d", "spec": {}, "inputs": None, "result": {"cid": "bafy"}}
    path.write_text(json.dumps({"job": JOB, "inputs": None, "dependencies": {"meta": dependency}}))
    run = RunSpec.read(path)
    assert (run.kind, run.run, run.inputs, run.spec) == ("MintJob", 2, {}, {"batchSize": 3})
    assert run.dependencies["meta"].name == "meta"
    assert run.dependencies["meta"].result == {"cid": "bafy"}


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"job": 3}', json.dumps({"job": JOB | {"run": "x"}}), " " * (SPEC_LIMIT + 1)]
)
def test_a_broken_spec_is_not_the_jobs_fault(tmp_path: Path, content: str) -> None:
    path = tmp_path / "spec.json"
    path.write_text(content)
    with pytest.raises(AttemptFailed) as caught:
        RunSpec.read(path)
    assert caught.value.reason == "SpecUnreadable"
