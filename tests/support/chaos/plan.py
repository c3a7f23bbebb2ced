"""Which request meets which fault: a pure function of a seed, of what is asked, and of how often it was asked before.

So a plan does not depend on how requests interleave: the same seed treats the third status write of job `ffo-0042`
alike in every run.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar


class Fault(StrEnum):
    """What happens to a request."""

    DELAY = "delay"
    CUT_BEFORE = "cut before it was carried out"
    CUT_AFTER = "cut after it was carried out"
    CONFLICT = "409"
    INVALID = "422"
    THROTTLED = "429"
    ERROR = "500"
    UNAVAILABLE = "503"
    NO_ANSWER = "carried out, no answer"
    EXPIRED_PAGE = "410 on a page"


class WatchFault(StrEnum):
    """What happens to a watch, at one of its events."""

    CLOSED = "watch closed"
    CUT = "watch cut"
    LATE = "watch late"
    SKIPPED = "watch skips an event"
    GONE = "watch 410, events lost"


@dataclass(frozen=True)
class Fate:
    """A fault, and its length in seconds where it has one."""

    fault: Fault
    seconds: float = 0.0


@dataclass(frozen=True)
class WatchFate:
    """A fault of a watch, and its length in seconds where it has one."""

    fault: WatchFault
    seconds: float = 0.0


class Faults(Protocol):
    """What a proxy asks."""

    def request(self, subject: str, number: int, *, write: bool, page: bool = False) -> Fate | None:
        """What the request meets that asks `subject` for the `number`-th time (from 0); None: nothing.

        `page`: it asks for a further page of a list.
        """

    def event(self, subject: str, number: int) -> WatchFate | None:
        """What the `number`-th event (from 0, over all watches of `subject`) meets."""


@dataclass(frozen=True)
class Script:
    """Faults by hand: the fates of a subject's requests, one after another, and of its events."""

    requests: Mapping[str, tuple[Fate | None, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[WatchFate | None, ...]] = field(default_factory=dict)

    def request(self, subject: str, number: int, *, write: bool, page: bool = False) -> Fate | None:
        """The subject's `number`-th fate."""
        del write, page
        fates = self.requests.get(subject, ())
        return fates[number] if number < len(fates) else None

    def event(self, subject: str, number: int) -> WatchFate | None:
        """The subject's `number`-th fate of an event."""
        fates = self.events.get(subject, ())
        return fates[number] if number < len(fates) else None


#: How often a write meets each fault.
WRITES: Mapping[Fault, float] = {
    Fault.DELAY: 0.06,
    Fault.CUT_BEFORE: 0.03,
    Fault.CUT_AFTER: 0.04,
    Fault.CONFLICT: 0.03,
    Fault.INVALID: 0.02,
    Fault.THROTTLED: 0.02,
    Fault.ERROR: 0.03,
    Fault.UNAVAILABLE: 0.02,
    Fault.NO_ANSWER: 0.003,
}
READS: Mapping[Fault, float] = {
    Fault.DELAY: 0.06,
    Fault.CUT_BEFORE: 0.03,
    Fault.CUT_AFTER: 0.03,
    Fault.THROTTLED: 0.02,
    Fault.ERROR: 0.03,
    Fault.UNAVAILABLE: 0.02,
    Fault.NO_ANSWER: 0.002,
}
PAGES: Mapping[Fault, float] = {Fault.EXPIRED_PAGE: 0.05, **READS}
#: How often an event of a watch meets each fault.
EVENTS: Mapping[WatchFault, float] = {
    WatchFault.CLOSED: 0.003,
    WatchFault.CUT: 0.003,
    WatchFault.LATE: 0.01,
    WatchFault.SKIPPED: 0.01,
    WatchFault.GONE: 0.002,
}


@dataclass(frozen=True)
class Plan:
    """The faults of a seed."""

    seed: int
    writes: Mapping[Fault, float] = field(default_factory=lambda: WRITES)
    reads: Mapping[Fault, float] = field(default_factory=lambda: READS)
    pages: Mapping[Fault, float] = field(default_factory=lambda: PAGES)
    events: Mapping[WatchFault, float] = field(default_factory=lambda: EVENTS)

    def request(self, subject: str, number: int, *, write: bool, page: bool = False) -> Fate | None:
        """Drawn by `writes`, `pages` or `reads`."""
        chosen = self._random(subject, number)
        fault = _drawn(chosen, self.writes if write else self.pages if page else self.reads)
        if fault is Fault.DELAY:
            return Fate(fault, chosen.uniform(0.02, 1.5))
        return None if fault is None else Fate(fault, 1.0 if fault is Fault.THROTTLED else 0.0)

    def event(self, subject: str, number: int) -> WatchFate | None:
        """Drawn by `events`."""
        chosen = self._random(subject, number)
        fault = _drawn(chosen, self.events)
        if fault is None:
            return None
        long = fault in {WatchFault.LATE, WatchFault.GONE}
        return WatchFate(fault, chosen.uniform(0.2, 3.0) if long else 0.0)

    def choice(self, what: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, for whatever else is to follow from the seed."""
        return self._random(what, 0).randint(low, high)

    def _random(self, subject: str, number: int) -> random.Random:
        return random.Random(f"{self.seed}/{subject}/{number}")


F = TypeVar("F", Fault, WatchFault)


def _drawn(chosen: random.Random, shares: Mapping[F, float]) -> F | None:
    point = chosen.random()
    for fault, share in shares.items():
        point -= share
        if point < 0:
            return fault
    return None
