"""The end: phase, result and errors of each job, as a table or as one JSON object; and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from mintworks_api import Phase
from mintworks_api.status import JobError
from mintworks_operator.core import Failure
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .localjob import LocalJob
from .problems import Problem
from .show import COLOURS, Shown, phase_of, reason_of

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 64


def exit_code(jobs: Sequence[LocalJob]) -> int:
    """0 where every job succeeded; 64 where those that failed did so by bad input; else 1."""
    open_jobs = [job for job in jobs if phase_of(job) is not Phase.SUCCEEDED]
    if not open_jobs:
        return EXIT_DONE
    failed = [job for job in open_jobs if phase_of(job) is Phase.FAILED]
    return EXIT_BAD_INPUT if failed and all(map(_bad_input, failed)) else EXIT_FAILED


def report(jobs: Sequence[LocalJob], state: Path, code: int) -> dict[str, Any]:
    """The end as JSON."""
    return {"ok": code == EXIT_DONE, "exitCode": code, "state": str(state), "jobs": [_job(job) for job in jobs]}


def refusal(problems: Iterable[Problem], code: int) -> dict[str, Any]:
    """Why nothing was run, as JSON."""
    return {"ok": False, "exitCode": code, "jobs": [], "problems": [problem.wire() for problem in problems]}


def print_table(console: Console, jobs: Sequence[Shown]) -> None:
    """The end for people."""
    table = Table("JOB", "PHASE", "ATTEMPT", "RESULT", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for job in jobs:
        phase = phase_of(job)
        attempts = job.status.attempts
        table.add_row(
            job.label,
            Text(phase.value, style=COLOURS.get(phase, "cyan")),
            (attempts.summary or "") if attempts else "",
            Text(outcome(job)),
        )
    console.print(table)


def print_logs(console: Console, jobs: Sequence[LocalJob]) -> None:
    """Where to read on, for people: of each job that did not succeed, its log."""
    for job in jobs:
        if phase_of(job) is not Phase.SUCCEEDED and (log := _log(job)) is not None:
            console.print(f"log of {job.label}: {log}", markup=False, highlight=False, soft_wrap=True)


def outcome(job: Shown) -> str:
    """The result, or why there is none."""
    if job.result is not None:
        return "\n".join(f"{name}: {value}" for name, value in job.result.items())
    reason, message = reason_of(job)
    head = f"{reason}: {message}" if reason else message
    return "\n".join([head, *map(_error, job.status.errors)])


def _error(error: JobError) -> str:
    places = (
        error.field,
        None if error.item is None else f"item {error.item}",
        None if error.row is None else f"row {error.row}",
        error.column and f"column {error.column}",
    )
    where = ", ".join(place for place in places if place)
    return f"- {where}: {error.message}" if where else f"- {error.message}"


def _job(job: LocalJob) -> dict[str, Any]:
    namespace, kind, name = job.key
    status = job.record.status.wire()
    reason, message = reason_of(job)
    return {
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "uid": job.record.uid,
        "phase": phase_of(job).value,
        "reason": reason,
        "message": message,
        "result": job.record.result,
        "inputs": job.record.inputs,
        "errors": status.get("errors", []),
        "attempts": status.get("attempts"),
        "startTime": status.get("startTime"),
        "completionTime": status.get("completionTime"),
        "log": str(_log(job) or "") or None,
    }


def _bad_input(job: LocalJob) -> bool:
    return bool(job.runs) and job.runs[max(job.runs)].failure is Failure.INPUT_BAD


def _log(job: LocalJob) -> Path | None:
    """The last run's log, where there was a run."""
    return job.folder.run(max(job.runs)).log if job.runs else None
