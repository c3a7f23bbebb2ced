"""`mintworks estimate`: the jobs run dry in a folder that is thrown away, and what the real ones will cost."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mintworks_api import JobSpec, Phase
from mintworks_api.mintjob import LAMPORTS_PER_SOL
from rich.console import Console
from rich.table import Table

from .engine import Engine
from .localjob import LocalJob
from .references import Supplies
from .report import exit_code, outcome, report
from .running import Place, take_up, work
from .show import Display, phase_of
from .state import StateFolder

#: What of a dry run's result is a sum over several jobs.
_SUMS: Final = ("items", "already", "transactions", "feesLamports", "mostFeesLamports", "rentLamports", "seconds")
_COLUMNS: Final = ("JOB", "ITEMS", "ALREADY", "TRANSACTIONS", "FEES", "AT MOST", "RENT", "TOTAL SOL", "ABOUT")


def estimate(supplies: Supplies, placed: Place | None, shown: Display) -> tuple[list[LocalJob], dict[str, Any]]:
    """Run the jobs dry: (jobs, the end as JSON).

    A job that would have to wait for something is not waited for. Nothing is kept, and nothing is known of earlier
    commands: what is minted already is read from the chain.
    """

    def dry(spec: JobSpec) -> JobSpec:
        return (spec if placed is None else placed(spec)).as_dry_run()

    with tempfile.TemporaryDirectory(prefix="mintworks-estimate-") as folder:
        state = StateFolder(Path(folder))
        try:
            jobs = take_up(supplies, state, dry, datetime.now(UTC))
            ended_by = work(Engine(jobs, supplies, state, shown), shown, lambda: any(map(_waits, jobs)))
            wire = report(jobs, Path(folder), exit_code(jobs) if ended_by is None else 128 + ended_by)
        finally:
            state.close()
    # What it was run in is gone.
    del wire["state"]
    for job in wire["jobs"]:
        del job["log"]
    return jobs, {**wire, "total": total(jobs)}


def total(jobs: Sequence[LocalJob]) -> dict[str, int]:
    """The sums over all jobs that told an estimate; they run one after the other, as far as this tells."""
    told = [found for job in jobs if (found := _told(job)) is not None]
    return {name: sum(result.get(name, 0) for result in told) for name in _SUMS}


def print_estimate(console: Console, jobs: Sequence[LocalJob]) -> None:
    """The estimate for people. Every amount is in SOL."""
    table = Table(*_COLUMNS, box=None, pad_edge=False, padding=(0, 3, 0, 0))
    told = [(job.label, found) for job in jobs if (found := _told(job)) is not None]
    if len(told) > 1:
        told.append(("total", total(jobs)))
    for label, result in told:
        table.add_row(label, *_row(result))
    if told:
        console.print(table)
    for job in jobs:
        found = _told(job)
        if found is not None:
            console.print(f"{job.label}: {_wallet(found)}", markup=False, highlight=False, soft_wrap=True)
        elif phase_of(job) is not Phase.SUCCEEDED:
            console.print(f"{job.label}: {outcome(job)}", markup=False, highlight=False, soft_wrap=True)


def _row(result: Mapping[str, Any]) -> list[str]:
    fees, rent = result["feesLamports"], result["rentLamports"]
    return [
        *(str(result[name]) for name in ("items", "already", "transactions")),
        *map(sol, (fees, result["mostFeesLamports"], rent, fees + rent)),
        str(timedelta(seconds=result["seconds"])),
    ]


def _wallet(result: Mapping[str, Any]) -> str:
    holds = result["balanceLamports"]
    lacks = result["feesLamports"] + result["rentLamports"] - holds
    return f"the wallet holds {sol(holds)} SOL" + (f" and lacks {sol(lacks)}" if lacks > 0 else "")


def sol(lamports: int) -> str:
    """An amount in SOL without trailing zeros."""
    return f"{Decimal(lamports) / LAMPORTS_PER_SOL:.9f}".rstrip("0").rstrip(".")


def _told(job: LocalJob) -> Mapping[str, Any] | None:
    """The job's result, where it is an estimate."""
    result = job.record.result
    return result if result is not None and result.get("dryRun") else None


def _waits(job: LocalJob) -> bool:
    attempts = job.record.status.attempts
    return attempts is not None and attempts.stops > 0
