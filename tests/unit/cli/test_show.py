"""What people and programs are told: lines, bars, the table, JSON, exit codes."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.status import Attempts, Condition, JobError, Progress
from mintworks_cli.localjob import LocalJob
from mintworks_cli.report import exit_code, print_logs, print_table, report
from mintworks_cli.show import Bars, Lines, display
from mintworks_cli.state import JobFolder, JobRecord
from mintworks_operator.core import Emit, Failure, RunState, RunView
from rich.console import Console
from support.manifests import METADATA, resources

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def job(phase: Phase, reason: str = "", message: str = "", **status: object) -> LocalJob:
    (manifest,) = resources(METADATA).jobs.values()
    conditions = [
        Condition(
            type="Progressing",
            status="False",
            reason=reason,
            message=message,
            observed_generation=1,
            last_transition_time=NOW,
        )
    ]
    record = JobRecord("u", NOW, {}, {}, status=JobStatus(phase=phase, conditions=conditions))
    record.status = record.status.model_copy(update=status)
    return LocalJob(manifest, record, JobFolder(Path("state")))


def console() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=200), stream


def test_a_line_for_every_change_and_no_more() -> None:
    written, stream = console()
    waiting, backoff = job(Phase.QUEUED, "Queued", "waits"), job(Phase.BACKOFF, "Backoff", "goes on at noon")
    with Lines(written) as lines:
        for second in range(20):
            lines.show([waiting], NOW + timedelta(seconds=second))
        lines.show([backoff], NOW)
        lines.event(backoff, Emit("Warning", "Oh", "no [bold]markup[/]"))
        lines.show([job(Phase.SUCCEEDED)], NOW)
    assert stream.getvalue().splitlines() == [
        "MetadataJob/meta: Queued  waits",
        "MetadataJob/meta: Backoff  goes on at noon",
        "MetadataJob/meta: Oh: no [bold]markup[/]",
    ]


def test_bars_on_a_terminal_and_lines_elsewhere() -> None:
    stream = io.StringIO()
    terminal = Console(file=stream, force_terminal=True, width=160)
    assert isinstance(display(console()[0]), Lines)
    bars = display(terminal)
    assert isinstance(bars, Bars)
    progress = Progress(percent=60, summary="60/100", step="mint", message="[7] under way")
    with bars:
        bars.show([job(Phase.RUNNING, progress=progress)], NOW)
        bars.event(job(Phase.FAILED), Emit("Warning", "Reason", "why"))
        bars.show([job(Phase.FAILED, "Reason", "why", progress=progress)], NOW)
    assert "60/100" in stream.getvalue()
    assert "Reason: why" in stream.getvalue()


def bad_input() -> LocalJob:
    failed = job(
        Phase.FAILED,
        "NameTooLong",
        "row 3 …",
        attempts=Attempts(made=1, summary="1/3"),
        errors=[JobError(reason="NameTooLong", message="33 bytes", row=3, column="name", field="rows", item=2)],
    )
    failed.runs[1] = RunView(1, RunState.FAILED, Failure.INPUT_BAD)
    return failed


def other_failure() -> LocalJob:
    failed = job(Phase.FAILED, "AttemptsExhausted", "no")
    failed.runs[1] = RunView(1, RunState.FAILED, Failure.INPUT_BAD)
    failed.runs[2] = RunView(2, RunState.FAILED, Failure.FAILED)
    return failed


@pytest.mark.parametrize(
    ("jobs", "code"),
    [
        ([], 0),
        ([job(Phase.SUCCEEDED)], 0),
        ([job(Phase.SUCCEEDED), job(Phase.SUSPENDED)], 1),
        ([bad_input()], 64),
        ([bad_input(), job(Phase.PENDING)], 64),
        ([bad_input(), other_failure()], 1),
        ([other_failure()], 1),
    ],
)
def test_exit_codes(jobs: list[LocalJob], code: int) -> None:
    assert exit_code(jobs) == code


def test_the_table_tells_result_and_errors() -> None:
    written, stream = console()
    done = job(Phase.SUCCEEDED)
    done.record.result = {"cid": "bafy", "items": 2}
    print_table(written, [done, bad_input()])
    print_logs(written, [done, bad_input()])
    text = stream.getvalue()
    assert "cid: bafy" in text
    assert "- rows, item 2, row 3, column name: 33 bytes" in text
    assert "log of MetadataJob/meta: state/runs/1/log" in text


def test_json_tells_the_same() -> None:
    found = report([bad_input()], Path("/state"), 64)
    assert (found["ok"], found["exitCode"], found["state"]) == (False, 64, "/state")
    (told,) = found["jobs"]
    assert (told["kind"], told["name"], told["phase"], told["log"]) == (
        "MetadataJob",
        "meta",
        "Failed",
        "state/runs/1/log",
    )
    assert told["errors"][0]["row"] == 3
