"""Long steps say what they are doing: a line at the start, one every ten seconds, one at the end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERVAL = 10.0
"""Seconds between two lines of a step that goes on."""


class Step:
    """A running step. Its `detail` (for example "812 packages") is shown in the lines on the way."""

    def __init__(self, title: str, say: Callable[[str], None]) -> None:
        self.title = title
        self.detail = ""
        self._say = say
        self._started = time.monotonic()
        self._over = threading.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since the step started."""
        return time.monotonic() - self._started

    def _line(self, ending: str) -> str:
        detail = f", {self.detail}" if self.detail else ""
        return f"{self.title}{ending} ({self.elapsed:.1f} s{detail})"

    def _tick(self) -> None:
        while not self._over.wait(INTERVAL):
            self._say(self._line(" …"))


def to_stderr(line: str) -> None:
    """Print `line` at once, where it does not mix with a command's output."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def step(title: str, say: Callable[[str], None] = to_stderr) -> Iterator[Step]:
    """Run a block as a step named `title`; what it raises ends the step as failed and goes on up."""
    running = Step(title, say)
    ticker = threading.Thread(target=running._tick, daemon=True)
    ticker.start()
    ending = ": failed"
    try:
        yield running
        ending = ": done"
    finally:
        running._over.set()
        ticker.join()
        say(running._line(ending))
