"""Start the parts of a cluster, remember them, and stop exactly them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process by its id and its start time (clock ticks since boot): ids are used again, pairs are not."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has the id `pid` now. Raises ProcessLookupError when there is none."""
        return cls(pid, start_time(pid))

    @property
    def alive(self) -> bool:
        """Whether it runs. A zombie does not: its parent may collect it late, and it holds nothing.

        One whose first thread alone has ended looks like a zombie, and its other threads hold all its files.
        """
        try:
            if start_time(self.pid) != self.started:
                return False
            if state(self.pid) not in "ZX" or threads(self.pid) > 1:
                return True
        except ProcessLookupError:
            return False
        _collect(self.pid)
        return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to this very process or to none."""
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"no process {pid}") from None
    # The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    return text[text.rindex(")") + 2 :].split()


def start_time(pid: int) -> int:
    """Clock ticks from boot to the start of `pid`. Raises ProcessLookupError when there is none."""
    return int(_stat(pid)[19])


def state(pid: int) -> str:
    """The process's state letter, such as R, S or Z. Raises ProcessLookupError when there is none."""
    return _stat(pid)[0]


def threads(pid: int) -> int:
    """How many threads of the process have not ended; a zombie is one. Raises ProcessLookupError."""
    return int(_stat(pid)[17])


def _collect(pid: int) -> None:
    """Take a dead child's exit code, so that its entry goes; another parent's child is not ours to take."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def wait_gone(processes: Sequence[Process], timeout: float) -> list[Process]:
    """Wait up to `timeout` seconds for all to end; return those that still run."""
    deadline = time.monotonic() + timeout
    while True:
        left = [process for process in processes if process.alive]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def stop(processes: Sequence[Process], timeout: float = 10.0) -> None:
    """End all: SIGTERM, and after `timeout` seconds SIGKILL for those that did not listen."""
    for process in processes:
        process.send(signal.SIGTERM)
    left = wait_gone(processes, timeout)
    for process in left:
        process.send(signal.SIGKILL)
    wait_gone(left, timeout)


class Parts:
    """The running parts of one cluster, by name, remembered in `folder` from one command to the next."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start `command` as the part `name`, in a session of its own, its output appended to its log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            before = log.tell()
            child = subprocess.Popen(
                list(command),
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        # It outlives this process on purpose; without this Python warns of a child not waited for.
        child.returncode = 0
        process = Process.of(child.pid)
        (self._folder / f"{name}.json").write_text(json.dumps({**asdict(process), "log": before}))
        return process

    def get(self, name: str) -> Process | None:
        """The part `name` where it was started and not stopped since; it may have died."""
        known = self._known(name)
        return Process(known["pid"], known["started"]) if known else None

    def _known(self, name: str) -> dict[str, int]:
        """What was remembered at the start: process, and `log`, the bytes of its log that are older."""
        path = self._folder / f"{name}.json"
        known: dict[str, int] = json.loads(path.read_text()) if path.is_file() else {}
        return known

    def names(self) -> list[str]:
        """The parts that were started and not stopped since."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def log(self, name: str) -> Path:
        """The part's log."""
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        """The last lines that the part wrote to its log since its last start."""
        path = self.log(name)
        if not path.is_file():
            return ""
        # A part that was started by an older version of this module has no such mark.
        written = path.read_bytes()[self._known(name).get("log", 0) :]
        return "\n".join(written.decode(errors="replace").splitlines()[-lines:])

    def obituary(self) -> str:
        """Which parts died, with the end of their logs; empty while all that were started run."""
        dead = [name for name in self.names() if (part := self.get(name)) and not part.alive]
        return "\n".join(f"{name} ended:\n{self.tail(name)}" for name in dead)

    def stop(self, *names: str, timeout: float = 10.0) -> None:
        """Stop the named parts together, and forget them."""
        found = [process for name in names if (process := self.get(name))]
        stop(found, timeout)
        for name in names:
            (self._folder / f"{name}.json").unlink(missing_ok=True)
