"""The operator as a process that is started again whenever it ends, as a kubelet does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

#: Imports take most of the time until an operator works, and there are many lives.
_PREPARED = "import sys; from mintworks_operator.__main__ import main; sys.exit(main() if sys.stdin.readline() else 0)"


class Supervised:
    """Keeps one operator running. `born` is called at each start; `exits` are the codes it ended with by itself."""

    def __init__(self, folder: Path, born: Callable[[], None]) -> None:
        self._folder = folder
        self._environment: dict[str, str] = {}
        self._born = born
        self._process: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None
        self._killed = False
        self.lives = 0
        self.exits: list[int] = []

    def kill(self) -> None:
        """kill -9, at once."""
        if self._process is not None:
            self._killed = True
            self._process.kill()

    async def keep(self, environment: dict[str, str]) -> None:
        """Starts it with this environment, and again each time it ended, until cancelled."""
        self._environment = {**os.environ, **environment}
        while True:
            self._start()
            assert self._process is not None
            await asyncio.to_thread(self._process.wait)
            if not self._killed:
                self.exits.append(self._process.returncode)

    def stop(self) -> int:
        """Asks it to end; its exit code. Blocks for at most 30 seconds."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def end(self) -> None:
        """Whatever it does, it ends."""
        for process in (self._process, self._spare):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(20)

    def logs(self) -> str:
        """What all lives wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("operator-*.log")))

    def _start(self) -> None:
        self.lives += 1
        self._killed = False
        self._born()
        self._process, self._spare = self._spare or self._prepared(self.lives), self._prepared(self.lives + 1)
        assert self._process.stdin is not None
        self._process.stdin.write(b"begin\n")
        self._process.stdin.close()

    def _prepared(self, life: int) -> subprocess.Popen[bytes]:
        """A process that has imported everything, and becomes the operator when it is told so."""
        with (self._folder / f"operator-{life:03}.log").open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-c", _PREPARED], env=self._environment, stdin=subprocess.PIPE, stdout=out, stderr=out
            )
