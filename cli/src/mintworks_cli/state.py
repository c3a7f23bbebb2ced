"""The state folder: what a command knows of its jobs, so that the next one goes on where a killed one was.

lock                                  held by the command that works with the folder
jobs/NAMESPACE/KIND/NAME/job.json     the job: uid, spec, status (replaced as a whole, after a sync to disk)
jobs/NAMESPACE/KIND/NAME/run.lock     held by the job's living runner
jobs/NAMESPACE/KIND/NAME/runs/N/      one run: spec, log, messages, termination message, run.json once it ended
runner/                               MINTWORKS_STATE of the runners: ledger caches, CAR files, locks of trees
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from mintworks_api import JobStatus
from mintworks_operator.core.views import Failure, RunState, RunView

from .layout import RunFolder


class StateInUse(Exception):  # noqa: N818 - says what is so
    """Another command works with the folder."""


class StateDamaged(Exception):  # noqa: N818 - says what is so
    """A file of the folder is not what a command wrote."""


_JOB_REMEDY: Final = "restore it from a copy; with another --state the job would be a new one and do its work anew"
_RUN_REMEDY: Final = "remove this file, and the run counts as cut short"

Read = TypeVar("Read")


@dataclass
class JobRecord:
    """A job as it stands in job.json.

    `given` is the manifest's spec, `spec` the one that runs (--localnet changes it); `sources` maps the field of each
    ConfigMap that the job reads to the SHA-256 of its content.
    """

    uid: str
    created: datetime
    given: Mapping[str, Any]
    spec: Mapping[str, Any]
    sources: Mapping[str, str] = field(default_factory=dict)
    generation: int = 1
    status: JobStatus = field(default_factory=JobStatus)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None

    def wire(self) -> dict[str, Any]:
        """The record as JSON."""
        return {
            "uid": self.uid,
            "created": self.created.isoformat(),
            "generation": self.generation,
            "given": self.given,
            "spec": self.spec,
            "sources": self.sources,
            "status": self.status.wire(),
            "inputs": self.inputs,
            "result": self.result,
        }

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> Self:
        """The record from its JSON."""
        return cls(
            uid=wire["uid"],
            created=datetime.fromisoformat(wire["created"]),
            generation=wire["generation"],
            given=wire["given"],
            spec=wire["spec"],
            sources=wire["sources"],
            status=JobStatus.model_validate(wire["status"]),
            inputs=wire["inputs"],
            result=wire["result"],
        )


class JobFolder:
    """The folder of one job."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "run.lock"

    def load(self) -> JobRecord | None:
        """The record, where there is one.

        Raises:
            StateDamaged: the file holds something else.
        """
        return _read(self.root / "job.json", JobRecord.read, _JOB_REMEDY)

    def save(self, record: JobRecord) -> None:
        """Replace the record; whoever is killed meanwhile leaves the old one whole."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(self.root / "job.json", record.wire())

    def run(self, number: int) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.root / "runs" / str(number))

    def runs(self) -> list[int]:
        """Numbers of the runs that have a folder."""
        return sorted(int(path.name) for path in (self.root / "runs").glob("*") if path.name.isdigit())

    def ended(self, number: int) -> RunView | None:
        """How a run ended, where that was noted.

        Raises:
            StateDamaged: the file holds something else.
        """

        def view(wire: Mapping[str, Any]) -> RunView:
            return RunView(
                run=number,
                state=RunState(wire["state"]),
                failure=Failure(wire["failure"]) if wire["failure"] else None,
                started=_time(wire["started"]),
                finished=_time(wire["finished"]),
                termination=wire["termination"],
                message=wire["message"],
            )

        return _read(self.run(number).root / "run.json", view, _RUN_REMEDY)

    def note_end(self, run: RunView) -> None:
        """Note how a run ended, and remove what must not outlive it."""
        folder = self.run(run.run)
        folder.clear()
        wire = {
            "state": run.state,
            "failure": run.failure,
            "started": run.started.isoformat() if run.started else None,
            "finished": run.finished.isoformat() if run.finished else None,
            "termination": run.termination,
            "message": run.message,
        }
        replace(folder.root / "run.json", wire)

    def forget(self) -> None:
        """Remove the job's runs and its record."""
        shutil.rmtree(self.root / "runs", ignore_errors=True)
        (self.root / "job.json").unlink(missing_ok=True)


class StateFolder:
    """The state folder, held by this process as long as it lives."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing and take it.

        Raises:
            StateInUse: another command has it.
        """
        self.root = root.resolve()
        self.runner = self.root / "runner"
        self.runner.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise StateInUse(f"another `mintworks run` works with {self.root}") from error

    def job(self, namespace: str, kind: str, name: str) -> JobFolder:
        """The folder of a job."""
        return JobFolder(self.root / "jobs" / namespace / kind / name)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)


def replace(path: Path, content: object) -> None:
    """Write JSON to `path` so that a reader, now or after a crash, finds the old content or the new one."""
    draft = path.with_name(path.name + ".new")
    with draft.open("w") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path, read: Callable[[Mapping[str, Any]], Read], remedy: str) -> Read | None:
    """What `read` makes of the JSON in a file; None where there is no file."""
    try:
        return read(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateDamaged(f"{path}: not what mintworks wrote there ({type(error).__name__}); {remedy}") from error


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
