"""The process of one run: started on a leash, asked to stop, killed after its grace; and what a killed command left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

ORPHAN_WAIT: Final = 10.0
"""Seconds that a killed orphan may take to be gone."""

_RUNNER: Final = (sys.executable, "-m", "mintworks_runners")


class OrphanStays(Exception):  # noqa: N818 - says what is so
    """The process of an earlier command still works on a job, and could not be ended."""


class RunnerProcess:
    """A runner that this command started. Times are given by the caller."""

    def __init__(self, lock: Path, log: Path, environment: Mapping[str, str], grace: timedelta) -> None:
        self._grace = grace
        self._kill_at: datetime | None = None
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mintworks_cli.leash", str(lock), str(os.getpid()), *_RUNNER],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal goes to the whole group: how runners stop is decided here, not by the terminal.
                start_new_session=True,
            )

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._kill_at is not None

    def poll(self, now: datetime) -> int | None:
        """Its exit code once it ended (negative: the signal that killed it). Past its grace it is killed."""
        code = self._process.poll()
        if code is None and self._kill_at is not None and now >= self._kill_at:
            self._process.kill()
        return code

    def stop(self, now: datetime) -> None:
        """SIGTERM, and SIGKILL after the grace; further calls change nothing."""
        if self._kill_at is None:
            self._kill_at = now + self._grace
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.wait()


def end_orphan(lock: Path) -> bool:
    """End the runner that still holds `lock`, if one does; tells whether there was one.

    Raises:
        OrphanStays: it is still there after ORPHAN_WAIT seconds.
    """
    if not lock.exists():
        return False
    with lock.open("r+b") as file:
        if _locked(file.fileno()):
            return False
        # Who holds the lock wrote its id into the file, and the lock is held now: the id is not some later process's.
        text = file.read(32)
        if text.isdigit() and int(text) > 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(text), signal.SIGKILL)
        deadline = time.monotonic() + ORPHAN_WAIT
        while not _locked(file.fileno()):
            if time.monotonic() > deadline:
                raise OrphanStays(f"process {text.decode(errors='replace')} holds {lock}")
            time.sleep(0.02)
        return True


def _locked(descriptor: int) -> bool:
    """Take the lock if it is free; it is let go with the descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
