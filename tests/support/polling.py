"""Waiting with a bound, for what another thread, process or machine does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NeverCameError(AssertionError):
    """What was waited for did not come in time; the text says what there was instead."""


def eventually(what: str, condition: Callable[[], T | None], seconds: float = 40, interval: float = 0.1) -> T:
    """The first true answer of `condition`, asked often, for so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NeverCameError(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return once something is so that goes on in this process."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NeverCameError(f"not within {seconds:g} s")
        await asyncio.sleep(0.01)
