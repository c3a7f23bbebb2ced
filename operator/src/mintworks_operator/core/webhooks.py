"""Webhooks: which ends of a job are told, what is said of them, and when. Pure: whoever sends tells how it went."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from mintworks_api import JobStatus, Notification, Phase, ResolvedNotify
from mintworks_api.status import MAX_NOTIFICATIONS

from .times import SHORT, clip, seconds
from .views import Delivery, JobView

#: The waits of Standard Webhooks before each try; after the last one it is given up.
DELAYS = tuple(
    timedelta(seconds=n)
    for n in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
#: A wait is up to this share longer: receivers that many jobs called at once are not called again at once.
JITTER = 0.1
#: The longest wait that a receiver may ask for by Retry-After.
LONGEST = timedelta(days=1)
#: Waits are not cut to whole seconds but filled up.
_UP = timedelta(seconds=1, microseconds=-1)


def announced(
    status: JobStatus, uid: str, notify: ResolvedNotify | None, reason: str, message: str
) -> list[Notification]:
    """The notifications of a job whose status says that it has just ended, for this reason: its end among them where
    `notify` asks for it.
    """
    ended, outcome = status.completion_time, status.phase
    if notify is None or ended is None or outcome is None or outcome.value not in notify.on:
        return status.notifications
    runs = status.attempts.runs if status.attempts is not None else 0
    made = Notification(
        id=_id(uid, runs, outcome, ended),
        url=notify.url,
        outcome=outcome.value,
        reason=clip(reason, SHORT),
        message=clip(message),
        time=ended,
        next_attempt_time=ended,
    )
    return _bounded([*status.notifications, made])


def unsent(status: JobStatus) -> list[Notification]:
    """What is still to be delivered. Whoever deletes the job before that takes it away from its receiver."""
    return [n for n in status.notifications if n.next_attempt_time is not None]


def given_up(delivery: Delivery) -> bool:
    """Whether no further try follows a failed one."""
    return bool(delivery.error) and (delivery.final or delivery.attempt >= len(DELAYS))


def recorded(notification: Notification, delivery: Delivery) -> Notification:
    """The notification after that try."""
    told: dict[str, Any] = {
        "attempts": delivery.attempt,
        "code": delivery.code,
        "error": clip(delivery.error) or None,
        "next_attempt_time": None,
    }
    if not delivery.error:
        told["delivered_time"] = seconds(delivery.time)
    elif not given_up(delivery):
        told["next_attempt_time"] = seconds(delivery.time + _wait(delivery) + _UP)
    return notification.model_copy(update=told)


def payload(job: JobView, notification: Notification) -> dict[str, Any]:
    """The body, as JSON. What the job came to is in it as long as the job stands at that end: not where somebody has
    begun it anew meanwhile.
    """
    n, status = notification, job.status
    data: dict[str, Any] = {
        "kind": job.kind,
        "namespace": job.namespace,
        "name": job.name,
        "uid": job.uid,
        "outcome": n.outcome,
        "reason": n.reason,
        "message": n.message,
    }
    if status.completion_time == n.time and status.phase == n.outcome:
        data |= _details(status, job.result)
    return {"type": f"{job.kind.lower()}.{n.outcome.lower()}", "timestamp": n.time.isoformat(), "data": data}


def _details(status: JobStatus, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the job came to."""
    wire = status.wire()
    attempts, progress = wire.get("attempts") or {}, wire.get("progress") or {}
    found = {
        "dryRun": bool(status.dry_run),
        "attempts": attempts.get("made", 0),
        "startTime": wire.get("startTime"),
        "completionTime": wire.get("completionTime"),
        "items": progress.get("items"),
        "result": dict(result) if result is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _id(uid: str, runs: int, outcome: Phase, ended: datetime) -> str:
    """The same for the same end, whoever decides it and however often. Without a full stop, which ends it in what is
    signed.
    """
    mark = hashlib.sha256(f"{uid}/{runs}/{outcome.value}/{ended.isoformat()}".encode()).hexdigest()
    return f"msg_{mark[:32]}"


def _wait(delivery: Delivery) -> timedelta:
    # The same for the same try: a pass that is repeated must decide the same.
    share = int(hashlib.sha256(f"{delivery.id}/{delivery.attempt}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return max(DELAYS[delivery.attempt] * (1 + JITTER * share), min(delivery.retry_after, LONGEST))


def _bounded(notifications: list[Notification]) -> list[Notification]:
    """No more than a status holds: the oldest go, of those that nobody waits for first."""
    while len(notifications) > MAX_NOTIFICATIONS:
        settled = [n for n in notifications if n.next_attempt_time is None]
        notifications = [n for n in notifications if n is not (settled or notifications)[0]]
    return notifications
