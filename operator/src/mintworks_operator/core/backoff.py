"""How long to wait before the next run."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from mintworks_api import ResolvedPolicy, parse_duration

STOP_FIRST = timedelta(seconds=5)
STOP_LONGEST = timedelta(minutes=5)
#: Past this many doublings every wait is at its upper bound; it keeps 2**n from overflowing a timedelta.
_DOUBLINGS = 30


def fraction(seed: str) -> float:
    """A number in [0, 1) that follows from the seed alone: a pass that is run twice finds the same wait."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") / 2**64


def retry_wait(policy: ResolvedPolicy, count: int, seed: str) -> timedelta:
    """The wait after the `count`-th failure (from 1): the delay, doubled each time where exponential, bounded, of which
    the share `jitter` is random.
    """
    backoff = policy.backoff
    wait, longest = parse_duration(backoff.delay), parse_duration(backoff.max_delay)
    if backoff.type == "exponential":
        wait = _doubled(wait, count, longest)
    wait = min(wait, longest)
    return wait * (1 - backoff.jitter * fraction(seed))


def stop_wait(count: int) -> timedelta:
    """The wait after the `count`-th stop in a row (from 1): 5 seconds, doubled, at most 5 minutes."""
    return _doubled(STOP_FIRST, count, STOP_LONGEST)


def _doubled(first: timedelta, count: int, longest: timedelta) -> timedelta:
    doublings = max(0, min(count - 1, _DOUBLINGS))
    # Divided instead of multiplied: 30 doublings of a year would overflow.
    return longest if first > longest / 2**doublings else first * 2**doublings
