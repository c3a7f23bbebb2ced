"""Progress for people: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Protocol, Self

from mintworks_api import FINISHED, JobStatus, Phase
from mintworks_operator.core import Emit
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from .references import Key

#: A plain line about a step that goes on comes at most so often.
QUIET: Final = timedelta(seconds=5)

COLOURS: Final = {Phase.SUCCEEDED: "green", Phase.FAILED: "red", Phase.CANCELLED: "red", Phase.BACKOFF: "yellow"}


class Shown(Protocol):
    """A job that people are shown, wherever it runs."""

    @property
    def key(self) -> Key:
        """(namespace, kind, name)."""

    @property
    def label(self) -> str:
        """What people call it."""

    @property
    def status(self) -> JobStatus:
        """Its status."""

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What came of it, where it succeeded."""

    @property
    def alive(self) -> bool:
        """Whether a run of it lives."""


def phase_of(job: Shown) -> Phase:
    """The job's phase; Pending before the first pass."""
    return job.status.phase or Phase.PENDING


def reason_of(job: Shown) -> tuple[str, str]:
    """Reason and message of what the job waits for, or ended with."""
    found = next((c for c in job.status.conditions if c.type == "Progressing"), None)
    return ("", "") if found is None else (found.reason, found.message)


def now_doing(job: Shown) -> str:
    """What the job does, or waits for, in one line."""
    progress = job.status.progress
    if phase_of(job) is not Phase.RUNNING:
        return reason_of(job)[1]
    if progress is None or not job.alive:
        return "starting"
    return ": ".join(part for part in (progress.step, progress.message) if part)


class Display(AbstractContextManager["Display"]):
    """Who is told what happens; opened before the first pass and closed after the last."""

    @abstractmethod
    def event(self, job: Shown, event: Emit) -> None:
        """Something worth a line happened to a job."""

    @abstractmethod
    def show(self, jobs: Iterable[Shown], now: datetime) -> None:
        """How the jobs stand now."""


class Lines(Display):
    """A line for every change of phase or step, and every five seconds within one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: dict[Key, tuple[datetime, tuple[str, ...]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def event(self, job: Shown, event: Emit) -> None:
        """A line about it."""
        self._line(job, f"{event.reason}: {event.message}")

    def show(self, jobs: Iterable[Shown], now: datetime) -> None:
        """A line for every job that has something new to say."""
        for job in jobs:
            phase, progress = phase_of(job), job.status.progress
            if phase in FINISHED:
                continue
            running = phase is Phase.RUNNING and progress is not None
            state = (phase.value, (progress.step or "") if running and progress else reason_of(job)[0])
            before = self._told.get(job.key)
            if before is not None and (before[1] == state and (not running or now - before[0] < QUIET)):
                continue
            self._told[job.key] = (now, state)
            done = f" {progress.percent}% {progress.summary or ''}".rstrip() if running and progress else ""
            self._line(job, f"{phase.value}{done}  {now_doing(job)}".rstrip())

    def _line(self, job: Shown, text: str) -> None:
        self._console.print(f"{job.label}: {text}", markup=False, highlight=False, soft_wrap=True)


class Bars(Display):
    """A bar for each job."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[Key, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[phase]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[summary]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            console=console,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def event(self, job: Shown, event: Emit) -> None:
        """A line above the bars, where it is no success: that is seen in its bar."""
        if event.type == "Warning":
            self._console.print(Text(f"{job.label}: {event.reason}: {event.message}", style="yellow"))

    def show(self, jobs: Iterable[Shown], now: datetime) -> None:
        """Bring the bars up to date."""
        for job in jobs:
            phase, progress = phase_of(job), job.status.progress
            if job.key not in self._tasks:
                self._tasks[job.key] = self._progress.add_task(
                    job.label, start=False, total=100, phase="", summary="", doing=""
                )
            task = self._tasks[job.key]
            if job.alive:
                self._progress.start_task(task)
            elif phase in FINISHED:
                self._progress.stop_task(task)
            self._progress.update(
                task,
                completed=progress.percent if progress else 0,
                phase=f"[{COLOURS.get(phase, 'cyan')}]{phase.value}[/]",
                summary=(progress.summary or "") if progress else "",
                doing="" if phase is Phase.SUCCEEDED else now_doing(job),
            )


def display(console: Console) -> Display:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)
