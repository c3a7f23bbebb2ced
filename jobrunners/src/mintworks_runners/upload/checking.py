"""Asks the decoder about files, and survives it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

SECONDS: Final = 60.0
"""So long a file may take."""

_POLL_SECONDS: Final = 0.2


class Decoder:
    """A process that decodes. `check_stop` is called now and then while one waits; what it raises ends the wait."""

    def __init__(self, pixels: int, frames: int, check_stop: Callable[[], None], *, seconds: float = SECONDS) -> None:
        self._command = [sys.executable, "-m", "mintworks_runners.upload.decoder", str(pixels), str(frames)]
        self._check_stop, self._seconds = check_stop, seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """The process starts with the first question."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._end()

    def problem(self, path: Path, kind: str) -> tuple[str, str] | None:
        """Why the file cannot be taken, as reason and message; None where it can."""
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise TypeError("the process was started with pipes")
        try:
            process.stdin.write(json.dumps({"path": str(path), "type": kind}).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process)
        except BrokenPipeError:
            line = b""
        if line is None:
            self._end()
            return "BrokenImage", f"decoding it takes longer than {self._seconds:.0f} s"
        if not line.endswith(b"\n"):
            self._end()
            return "BrokenImage", "the decoder breaks on it"
        answer: Any = json.loads(line)["problem"]
        return None if answer is None else (str(answer[0]), str(answer[1]))

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        return self._process

    def _line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """The answer; without its end where the process ended, None where it takes too long."""
        if process.stdout is None:
            raise TypeError("the process was started with pipes")
        deadline, line = time.monotonic() + self._seconds, b""
        while not line.endswith(b"\n"):
            self._check_stop()
            if time.monotonic() >= deadline:
                return None
            if select.select([process.stdout], [], [], _POLL_SECONDS)[0]:
                data = process.stdout.read(1 << 16)
                if not data:
                    return line
                line += data
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
