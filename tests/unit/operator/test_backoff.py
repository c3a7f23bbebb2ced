"""How long to wait before the next run."""

from __future__ import annotations

from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import ResolvedPolicy
from mintworks_api.policy import ResolvedBackoff
from mintworks_operator.core.backoff import fraction, retry_wait, stop_wait

SECOND = timedelta(seconds=1)


def policy(**backoff: object) -> ResolvedPolicy:
    return ResolvedPolicy(backoff=ResolvedBackoff.model_validate({"jitter": 0, **backoff}))


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ({}, [2, 4, 8, 16]),
        ({"delay": "5s", "max_delay": "12s"}, [5, 10, 12, 12]),
        ({"type": "fixed", "delay": "7s"}, [7, 7, 7, 7]),
        ({"type": "fixed", "delay": "1h", "max_delay": "10m"}, [600, 600, 600, 600]),
    ],
)
def test_the_wait_grows_as_the_policy_says(backoff: dict[str, object], waits: list[int]) -> None:
    assert [retry_wait(policy(**backoff), n, "seed") / SECOND for n in (1, 2, 3, 4)] == waits


def test_stops_wait_from_5_seconds_to_5_minutes() -> None:
    assert [stop_wait(n) / SECOND for n in (1, 2, 3, 6, 7, 8, 10_000)] == [5, 10, 20, 160, 300, 300, 300]


@given(count=st.integers(1, 10**6), jitter=st.floats(0, 1), seed=st.text())
def test_jitter_stays_within_its_share_and_repeats(count: int, jitter: float, seed: str) -> None:
    exact, random = retry_wait(policy(), count, seed), policy(jitter=jitter)
    wait = retry_wait(random, count, seed)
    assert exact * (1 - jitter) - SECOND / 1000 <= wait <= exact
    assert wait == retry_wait(random, count, seed)
    assert 0 <= fraction(seed) < 1
