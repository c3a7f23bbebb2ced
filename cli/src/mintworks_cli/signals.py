"""SIGINT, SIGTERM and SIGHUP as something to look at between two passes."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Final, Self

_ASKING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While open, counts requests to end. `last` is the last signal's number, None before the first."""

    def __init__(self) -> None:
        self.count = 0
        self.last: int | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _ASKING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self.last = number
