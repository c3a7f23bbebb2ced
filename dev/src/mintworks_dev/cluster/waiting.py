"""Wait for a condition with a bound, and say what was missing when it is reached."""

from __future__ import annotations

import time
from collections.abc import Callable


class NotReadyError(RuntimeError):
    """Something did not come up. The text says what, and holds the end of its log where there is one."""


def until(
    condition: Callable[[], bool],
    what: str,
    timeout: float,
    *,
    broken: Callable[[], str] = str,
    interval: float = 0.05,
) -> None:
    """Ask `condition` every `interval` seconds until it is true.

    `broken` returns text when waiting has become pointless (a part died). Raises NotReadyError with that
    text, or after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        reason = broken()
        if reason:
            raise NotReadyError(f"{what}: {reason}")
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not ready after {timeout:g} s")
        time.sleep(interval)
