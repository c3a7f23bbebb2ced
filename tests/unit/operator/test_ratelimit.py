"""A queue's rate limit, against every window of time."""

from __future__ import annotations

from datetime import datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given
from mintworks_api import RateLimit, Starts
from mintworks_api.base import parse_duration
from mintworks_api.jobqueue import MAX_STARTS
from mintworks_operator.core import ratelimit
from mintworks_operator.core.ratelimit import PARTS, left, next_at, started
from support.snapshots import NOW

LIMITS = st.builds(RateLimit, max=st.integers(1, 7), per=st.sampled_from(["20ms", "1s", "7s", "1m", "1h30m", "7d"]))


@given(LIMITS, st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), max_size=60))
def test_no_window_ever_holds_more_and_nothing_waits_much_longer_than_it_must(
    limit: RateLimit, steps: list[tuple[float, int]]
) -> None:
    per, now = parse_duration(limit.per), NOW
    kept: list[Starts] = []
    real: list[datetime] = []
    for share, wanted in steps:
        now += share * per
        room = left(kept, limit, now)
        # What the limit itself allows, were every start known to the microsecond; and what it must allow.
        assert room <= limit.max - sum(at > now - per for at in real)
        late = per + 2 * max(per / PARTS, timedelta(milliseconds=1))
        assert room >= limit.max - sum(at > now - late for at in real)
        count = min(room, wanted)
        if count:
            kept = started(kept, limit, now, count)
            real += [now] * count
        assert len(kept) <= MAX_STARTS
        due = next_at(kept, limit, now)
        assert left(kept, limit, due) > 0
        assert due == now or left(kept, limit, due - timedelta(microseconds=1)) == 0


def test_a_limit_that_changes_counts_what_was_started_before() -> None:
    minute, second = RateLimit(max=3, per="1m"), RateLimit(max=2, per="1s")
    kept = started([], minute, NOW, 3)
    assert (left(kept, minute, NOW), left(kept, second, NOW)) == (0, 0)
    later = NOW + timedelta(seconds=5)
    assert (left(kept, minute, later), left(kept, second, later)) == (0, 2)
    assert left(started(kept, second, later, 1), RateLimit(max=9, per="1h"), later) >= 5


def test_what_a_clock_put_into_the_future_holds_nothing_up_for_long() -> None:
    limit = RateLimit(max=1, per="10s")
    kept = started([], limit, NOW + timedelta(days=9), 1)
    assert left(kept, limit, NOW) == 0
    assert next_at(kept, limit, NOW) <= NOW + timedelta(seconds=11)


def test_a_time_of_nothing_limits_nothing() -> None:
    limit = RateLimit(max=1, per="0s")
    assert left(started([], limit, NOW, 1), limit, NOW + timedelta(milliseconds=2)) == 1
    assert ratelimit.next_at([], limit, NOW) == NOW
