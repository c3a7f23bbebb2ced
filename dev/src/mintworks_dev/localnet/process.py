"""A localnet as a process of its own, for tests that kill it or that talk to it without asyncio."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class LocalnetProcess:
    """`localnet run` as a child: `with LocalnetProcess("--slot-ms=50") as chain: … chain.url`.

    With `--state DIR` among the arguments, `kill` and a new process go on with the same chain.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments: Sequence[str] = arguments
        self.url = ""
        self.twin_url = ""

    def __enter__(self) -> Self:
        """Starts it and waits until it listens; RuntimeError where it ends instead."""
        command = [sys.executable, "-m", "mintworks_dev.localnet", "run", "--port=0", "--twin-port=0"]
        self._child = subprocess.Popen([*command, *self._arguments], stdout=subprocess.PIPE, text=True)
        line = self._child.stdout.readline() if self._child.stdout else ""
        if not line:
            raise RuntimeError(f"localnet ended with exit code {self._child.wait()}")
        where = json.loads(line.removeprefix("localnet: "))
        self.url = where["url"]
        self.twin_url = f"http://127.0.0.1:{where['twin']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self._child.terminate()
        self._end()

    def kill(self) -> None:
        """SIGKILL: it has no chance to write anything more."""
        self._child.kill()
        self._end()

    def _end(self) -> None:
        self._child.wait(timeout=10)
        if self._child.stdout:
            self._child.stdout.close()
