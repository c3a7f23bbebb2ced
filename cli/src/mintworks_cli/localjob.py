"""One job of a local run: its record, its runs, its living process, and what the process tells."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mintworks_api import JOB_KINDS, JobStatus
from mintworks_operator.core import Failure, JobView, News, RunState, RunView, fold
from mintworks_operator.core.actions import CreateRun
from mintworks_operator.core.slots import Slot

from .layout import RunFolder, lay_out
from .processes import RunnerProcess, end_orphan
from .references import Key, Supplies
from .resources import JobManifest
from .state import JobFolder, JobRecord
from .state import replace as write_whole

EXIT_FAILURES: Final = {64: Failure.INPUT_BAD, 75: Failure.STOPPED}
_INTERRUPTED: Final = "the command that it belonged to was ended"
_TAIL_BYTES: Final = 4096


@dataclass
class LocalJob:
    """A job under way. Its record is on disk before anything else follows from it."""

    manifest: JobManifest
    record: JobRecord
    folder: JobFolder
    runs: dict[int, RunView] = field(default_factory=dict)
    slot: Slot | None = None
    news: News = field(default_factory=News)
    _process: RunnerProcess | None = None
    _deadline: datetime | None = None
    _read: int = 0
    _echoed: dict[str, Any] | None = None

    @property
    def key(self) -> Key:
        """(namespace, kind, name)."""
        return self.manifest.key

    @property
    def label(self) -> str:
        """KIND/NAME."""
        return f"{self.manifest.manifest.kind}/{self.manifest.manifest.name}"

    @property
    def status(self) -> JobStatus:
        """Its status."""
        return self.record.status

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What came of it."""
        return self.record.result

    @property
    def alive(self) -> bool:
        """Whether a run of it lives."""
        return self._process is not None

    @property
    def view(self) -> JobView:
        """The job as `decide` looks at it."""
        namespace, kind, name = self.key
        record = self.record
        return JobView(
            kind=kind,
            namespace=namespace,
            name=name,
            uid=record.uid,
            generation=record.generation,
            created=record.created,
            spec=record.spec,
            status=record.status,
            inputs=record.inputs,
            result=record.result,
        )

    @property
    def active(self) -> int | None:
        """Number of the run that holds the job's slot."""
        return self.record.status.active.run if self.record.status.active is not None else None

    def resume(self, now: datetime) -> bool:
        """Take up what an earlier command left: end its runner if it still lives. Tells whether a run was cut short.

        Raises:
            OrphanStays: that runner does not go.
        """
        end_orphan(self.folder.lock)
        cut = False
        for number in self.folder.runs():
            ended = self.folder.ended(number)
            if ended is None:
                cut = True
                told = {"reason": "Interrupted", "message": _INTERRUPTED}
                ended = RunView(number, RunState.FAILED, Failure.STOPPED, finished=now, termination=told)
                self.folder.note_end(ended)
            self.runs[number] = ended
        return cut

    def save(self) -> None:
        """Put the record on disk."""
        self.folder.save(self.record)

    def create(
        self, action: CreateRun, dependencies: dict[str, JobManifest], supplies: Supplies, runner: Path, now: datetime
    ) -> None:
        """Start a run unless it exists; `runner` is the folder that runners keep."""
        if action.run in self.runs:
            return
        folder = self.folder.run(action.run)
        lay_out(folder, action, self.manifest, dependencies, supplies)
        self.news, self._read, self._echoed = News(), 0, None
        grace = timedelta(seconds=action.grace_seconds)
        self._process = RunnerProcess(self.folder.lock, folder.log, folder.environment(runner), grace)
        timeout = action.policy.timeout_delta
        self._deadline = None if timeout is None else now + timeout
        self.runs[action.run] = RunView(action.run, RunState.RUNNING, started=now)
        self.echo()

    def watch(self, now: datetime) -> None:
        """See whether the process ended, and what it told."""
        number, process = self.active, self._process
        if number is None:
            return
        code = None if process is None else process.poll(now)
        # After the process was looked at: what it told last must not be missed.
        self._listen(number)
        if process is None:
            return
        if code is not None:
            self._end(number, code, now)
        elif self._deadline is not None and now >= self._deadline:
            process.stop(now)

    def stop(self, number: int, now: datetime) -> None:
        """Ask a run to stop."""
        if self._process is not None and number in self.runs:
            self._process.stop(now)
            self.runs[number] = replace(self.runs[number], stopping=True)

    def interrupt(self, now: datetime) -> None:
        """Ask whatever runs to stop, because the command was asked to end."""
        if self._process is not None:
            self._process.stop(now)

    def kill(self) -> None:
        """End whatever runs at once; nothing is noted, the next command finds it cut short."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def delete_run(self, number: int) -> None:
        """Forget an ended run."""
        self.runs.pop(number, None)
        shutil.rmtree(self.folder.run(number).root, ignore_errors=True)

    def echo(self) -> None:
        """Tell the active run what of the inputs is on disk."""
        inputs = dict(self.record.inputs)
        if self.active in self.runs and inputs != self._echoed and self.active is not None:
            write_whole(self.folder.run(self.active).channel / "inputs.json", inputs)
            self._echoed = inputs

    def _listen(self, number: int) -> None:
        try:
            with (self.folder.run(number).channel / "messages.jsonl").open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        self.news = fold(JOB_KINDS[self.manifest.manifest.kind], self.news, number, whole.splitlines())

    def _end(self, number: int, code: int, now: datetime) -> None:
        folder = self.folder.run(number)
        late = self._deadline is not None and now >= self._deadline
        failure = Failure.DEADLINE_EXCEEDED if late and code else EXIT_FAILURES.get(code, Failure.FAILED)
        ended = replace(
            self.runs[number],
            state=RunState.FAILED if code else RunState.COMPLETE,
            failure=failure if code else None,
            finished=now,
            termination=_termination(folder),
            message=_how(code, folder) if code else "",
        )
        self.folder.note_end(ended)
        self.runs[number] = ended
        self._process = None


def _termination(folder: RunFolder) -> dict[str, Any] | None:
    try:
        message = json.loads(folder.termination.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return message if isinstance(message, dict) else None


def _how(code: int, folder: RunFolder) -> str:
    """How the process ended, with the last line that it printed."""
    what = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    with folder.log.open("rb") as file:
        file.seek(max(0, folder.log.stat().st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"{what}; last words: {last}" if last else what
