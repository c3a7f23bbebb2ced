"""Keys of the work queue: what a pass is about."""

from __future__ import annotations

from typing import NamedTuple


class JobKey(NamedTuple):
    """A job."""

    kind: str
    namespace: str
    name: str


class QueuesKey(NamedTuple):
    """All queues of a namespace: exclusive keys hold across them, so they are admitted from together."""

    namespace: str


class PulseKey(NamedTuple):
    """Nothing: its pass proves that the work loop turns."""


class ScheduleKey(NamedTuple):
    """A JobSchedule."""

    namespace: str
    name: str


Key = JobKey | QueuesKey | ScheduleKey | PulseKey
