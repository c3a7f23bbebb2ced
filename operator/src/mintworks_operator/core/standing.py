"""How a queue stands, for people: counts, rates, health. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mintworks_api import JobCounts, LastHour
from mintworks_api.status import Condition

from . import texts
from .conditions import Said, condition
from .views import QueueView

#: From so many ends within an hour on their failures say something of the queue.
TELLING = 5
#: Shares of failures from which a queue is degraded, and unhealthy.
SOME, MANY = 0.1, 0.5
_MINUTES = 60


@dataclass(frozen=True)
class Standing:
    """What is known of a queue's jobs: numbers by phase, ends within the last hour, the creation of the oldest that
    waits. `redis`: whether Redis answers; None where there is none. `changes`: when an end is no longer of that hour.
    """

    phases: Mapping[str, int] = field(default_factory=dict)
    succeeded: int = 0
    failed: int = 0
    oldest: datetime | None = None
    redis: bool | None = None
    changes: datetime | None = None

    def counts(self) -> JobCounts:
        """The numbers by phase; a job that has none is pending."""
        known = {name: self.phases.get(name.capitalize(), 0) for name in JobCounts.model_fields}
        return JobCounts(**known | {"pending": known["pending"] + self.phases.get("", 0)})

    def last_hour(self) -> LastHour:
        """The rates."""
        return LastHour(
            succeeded=self.succeeded,
            failed=self.failed,
            succeeded_per_minute=f"{self.succeeded / _MINUTES:.3g}",
            failed_per_minute=f"{self.failed / _MINUTES:.3g}",
        )


UNTOLD = Standing()


def conditions(queue: QueueView, standing: Standing, now: datetime, *, crowded: bool = False) -> list[Condition]:
    """Ready, Healthy and RedisConnected. `crowded`: what all namespaces share keeps somebody from starting."""
    return [
        condition(queue.status.conditions, name, said, generation=queue.generation, now=now)
        for name, said in (
            (texts.READY, _ready(queue, crowded=crowded)),
            (texts.HEALTHY, _healthy(queue, standing)),
            (texts.REDIS_CONNECTED, _connected(standing)),
        )
    ]


def _ready(queue: QueueView, *, crowded: bool) -> Said:
    if queue.spec is None:
        return "False", texts.QUEUE_INVALID, texts.queue_invalid(queue.name)
    if queue.spec.paused:
        return "True", texts.PAUSED, texts.QUEUE_PAUSED
    if crowded:
        return "True", texts.TOTAL_REACHED, texts.TOTAL_REACHED_MESSAGE
    return "True", texts.READY, texts.QUEUE_READY


def _healthy(queue: QueueView, standing: Standing) -> Said:
    ended = standing.succeeded + standing.failed
    share = standing.failed / ended if ended >= TELLING else 0.0
    if queue.spec is None:
        return "False", texts.UNHEALTHY, texts.queue_invalid(queue.name)
    if share >= MANY:
        return "False", texts.UNHEALTHY, texts.failing(standing.failed, ended)
    if share >= SOME:
        return "False", texts.DEGRADED, texts.failing(standing.failed, ended)
    if standing.redis is False:
        return "False", texts.DEGRADED, texts.REDIS_AWAY_MESSAGE
    return "True", texts.HEALTHY, texts.HEALTHY_MESSAGE


def _connected(standing: Standing) -> Said:
    if standing.redis is None:
        return "Unknown", texts.NO_REDIS, texts.NO_REDIS_MESSAGE
    if standing.redis:
        return "True", texts.REDIS_CONNECTED, texts.REDIS_CONNECTED_MESSAGE
    return "False", texts.REDIS_AWAY, texts.REDIS_AWAY_MESSAGE
