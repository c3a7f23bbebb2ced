"""A queue's rate limit: in any time as long as `per` at most `max` runs start.

Starts are kept in a queue's status, so that neither a crash nor another leader forgets them. A thousand of them are not
a thousand entries: those of a fiftieth of `per` are counted together, as of its end. That never lets one start too
many, and now and then puts one off by a fiftieth.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mintworks_api import RateLimit, Starts, parse_duration

PARTS = 50
#: A start that has not happened so long after it was counted is counted anew: the leader may have died in between, or
#: the API server have refused the job's status.
LATE = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINEST = timedelta(milliseconds=1)


def left(starts: Sequence[Starts], limit: RateLimit, now: datetime) -> int:
    """How many runs may start now."""
    return max(0, limit.max - sum(s.count for s in _counted(starts, limit, now)))


def next_at(starts: Sequence[Starts], limit: RateLimit, now: datetime) -> datetime:
    """When one more may start; `now` where it may at once."""
    used = sum(s.count for s in _counted(starts, limit, now))
    for each in _counted(starts, limit, now):
        if used < limit.max:
            break
        used -= each.count
        now = each.at + parse_duration(limit.per)
    return now


def started(starts: Sequence[Starts], limit: RateLimit, now: datetime, count: int) -> list[Starts]:
    """With so many more, and without those that count no longer."""
    kept, at = _counted(starts, limit, now), _end(limit, now)
    if kept and kept[-1].at == at:
        kept, count = kept[:-1], kept[-1].count + count
    return [*kept, Starts(at=at, count=count)]


def late(at: datetime | None, now: datetime) -> bool:
    """Whether a start that was counted at `at` (None: never) and has not happened is to be counted anew."""
    return at is None or now - at >= LATE


def anew(starts: Sequence[Starts], limit: RateLimit, now: datetime, at: datetime | None) -> list[Starts] | None:
    """With a start that was counted at `at` counted now instead; None where there is no room for it."""
    others = list(starts)
    if at is not None:
        old = _end(limit, at)
        others = [s.model_copy(update={"count": s.count - (s.at == old)}) for s in _counted(starts, limit, now)]
    return started([s for s in others if s.count], limit, now, 1) if left(others, limit, now) else None


def _counted(starts: Sequence[Starts], limit: RateLimit, now: datetime) -> list[Starts]:
    """Those that count now. What another clock put into the future counts as of now: it would hold the queue up."""
    latest, per = _end(limit, now), parse_duration(limit.per)
    merged: dict[datetime, int] = {}
    for each in starts:
        at = min(each.at, latest)
        # Of another limit there may be finer ones.
        at = at if at == latest else _end(limit, at)
        merged[at] = merged.get(at, 0) + each.count
    return [Starts(at=at, count=count) for at, count in sorted(merged.items()) if at + per > now]


def _end(limit: RateLimit, moment: datetime) -> datetime:
    """The end of the part of time that a moment is in."""
    width = max(parse_duration(limit.per) / PARTS, _FINEST)
    whole, rest = divmod(moment - _EPOCH, width)
    return _EPOCH + (whole + bool(rest)) * width
