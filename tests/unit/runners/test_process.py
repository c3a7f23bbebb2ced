"""A run as a process: exit codes, termination message, SIGTERM, and no write outside the scratch directory."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from mintworks_api import JOB_KINDS
from mintworks_runners.core.context import JobContext, Result
from mintworks_runners.core.process import run_job
from mintworks_runners.core.registry import RUNNERS
from mintworks_runners.core.stop import StopSignal
from support.runs import Run
from support.specs import METADATA
from support.web import Answer, serve


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path, "MetadataJob", {**METADATA, "storage": None})
    made.mount("rows/rows.csv", "name,image_filename\nOne,1.png\nTwo,2.png\n")
    return made


def test_done(run: Run) -> None:
    process = run.start()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert run.termination["result"]["items"] == 2
    assert all(json.loads(line)["message"] for line in output.splitlines())


def test_bad_input(run: Run) -> None:
    run.mount("rows/rows.csv", "name,image_filename\n,1.png\nTwo,2.png\n")
    process = run.start()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 64
    assert run.termination["errors"][0] == {
        "reason": "MissingValue",
        "message": "empty, but required",
        "field": "rows",
        "row": 2,
        "column": "name",
    }
    assert any("row 2, column name" in line for line in output.splitlines())


def test_sigterm_while_a_source_answers_slowly(run: Run) -> None:
    with serve() as web:
        web.answers["/rows"] = [Answer(503)]
        run.spec = {**run.spec, "rows": {"http": {"url": f"{web.url}/rows", "sha256": "0" * 64}}}
        process = run.start()
        deadline = time.monotonic() + 30
        while not web.asked and time.monotonic() < deadline:
            time.sleep(0.02)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert time.monotonic() - begin < 5
    assert process.returncode == 75
    assert run.termination["reason"] == "Stopped"


def test_a_read_only_root_is_enough(run: Run, tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    process = run.start(TMPDIR="/nonexistent", HOME=str(others), PYTHONDONTWRITEBYTECODE="1")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert list(others.iterdir()) == []
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"sources", "metadata.car"}


@pytest.mark.parametrize("kind", ["Job", "JobSchedule"])
async def test_a_kind_without_a_runner(run: Run, kind: str) -> None:
    run.kind = kind
    assert await run.here() == 64
    assert run.termination["reason"] == "UnknownKind"


async def test_a_spec_that_the_models_refuse(run: Run) -> None:
    run.spec = {**run.spec, "collection": {"name": "G", "sellerFeeBasisPoints": 20_000}, "colour": "red"}
    assert await run.here() == 64
    fields = {error["field"] for error in run.termination["errors"]}
    assert fields == {"spec.collection.sellerFeeBasisPoints", "spec.colour"}


def test_every_kind_of_the_api_has_a_runner() -> None:
    assert set(RUNNERS) == set(JOB_KINDS)


async def run_with(run: Run, runner: Any, stop: StopSignal | None = None) -> int:
    run.context()
    return await run_job(run.environment, stop or StopSignal(), lambda _: runner)


async def test_an_unexpected_error_is_an_attempt_without_secrets(run: Run) -> None:
    async def broken(_: JobContext) -> Result:
        raise RuntimeError("no answer from https://u:s3cret@rpc.example/")

    assert await run_with(run, broken) == 1
    assert run.termination["reason"] == "Unexpected"
    assert run.termination["message"].startswith("RuntimeError: no answer from https://***@rpc.example/. ")


async def test_a_result_that_does_not_fit_is_not_a_success(run: Run) -> None:
    async def boastful(_: JobContext) -> Result:
        return {"audit": "ok" * 1000}

    assert await run_with(run, boastful) == 1
    assert run.termination["reason"] == "Unexpected"


async def test_a_runner_that_ignores_the_stop_is_cancelled_in_time(run: Run) -> None:
    stop = StopSignal()

    async def deaf(context: JobContext) -> Result:
        context.stop.set()
        await context.stop.wait()
        await asyncio.sleep(3600)
        return {}

    begin = time.monotonic()
    assert await run_with(run, deaf, stop) == 75
    assert time.monotonic() - begin < 5
    assert run.termination["reason"] == "Stopped"


async def test_a_runner_may_finish_within_the_grace(run: Run) -> None:
    stop = StopSignal()

    async def quick(context: JobContext) -> Result:
        context.stop.set()
        return {"items": 1}

    assert await run_with(run, quick, stop) == 0
