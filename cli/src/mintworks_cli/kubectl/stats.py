"""`queue stats`: what each queue's status counts, in one line or whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from .layout import ago, table

Json = dict[str, Any]

_COUNTS: Final = (
    "pending", "delayed", "queued", "running", "backoff", "suspended", "succeeded", "failed", "cancelled",
)  # fmt: skip
_HEALTH: Final = "Healthy"
_REDIS: Final = "RedisConnected"
_WIDE: Final = ("RATE-LIMIT", "OK/HOUR", "FAILED/HOUR", "REDIS", "WHY")
_HEAD: Final = [
    "NAMESPACE", "NAME", "SLOTS", *map(str.upper, _COUNTS), "OK/MIN", "FAILED/MIN", "OLDEST", "HEALTH", *_WIDE,
]  # fmt: skip

#: What -o may say.
FORMATS: Final = ("json", "wide", "yaml")


def stats(queue: Mapping[str, Any]) -> Json:
    """The numbers of a queue, for machines."""
    status, meta = queue.get("status") or {}, queue["metadata"]
    health = _condition(status, _HEALTH)
    return {
        "namespace": meta.get("namespace"),
        "name": meta["name"],
        "paused": bool((queue.get("spec") or {}).get("paused")),
        "concurrency": (queue.get("spec") or {}).get("concurrency"),
        "rateLimit": (queue.get("spec") or {}).get("rateLimit"),
        "running": status.get("running", 0),
        "waiting": status.get("waiting", 0),
        "counts": {name: (status.get("counts") or {}).get(name, 0) for name in _COUNTS},
        "lastHour": status.get("lastHour") or {},
        "oldestWaiting": status.get("oldestWaiting"),
        "health": {"status": health.get("status"), "reason": health.get("reason"), "message": health.get("message")},
        "redis": _condition(status, _REDIS).get("status"),
    }


def columns(
    queues: Iterable[Mapping[str, Any]], now: datetime, *, wide: bool, namespaces: bool, headers: bool = True
) -> str:
    """The numbers of the queues, for people."""
    lines = [_HEAD, *(_line(queue, now) for queue in queues)][0 if headers else 1 :]
    chosen = slice(0 if namespaces else 1, None if wide else -len(_WIDE))
    return table(line[chosen] for line in lines)


def _line(queue: Mapping[str, Any], now: datetime) -> list[str]:
    """Every column of that queue."""
    told, status = stats(queue), queue.get("status") or {}
    hour, oldest, limit = told["lastHour"], told["oldestWaiting"], told["rateLimit"]
    return [
        str(told["namespace"]),
        told["name"],
        str(status.get("summary") or f"{told['running']}/{told['concurrency'] or '?'}"),
        *(str(told["counts"][name]) for name in _COUNTS),
        str(hour.get("succeededPerMinute", "0")),
        str(hour.get("failedPerMinute", "0")),
        ago(datetime.fromisoformat(oldest), now) if oldest else "-",
        _word(told),
        f"{limit['max']}/{limit['per']}" if limit else "-",
        str(hour.get("succeeded", 0)),
        str(hour.get("failed", 0)),
        told["redis"] or "Unknown",
        told["health"]["message"] or "",
    ]


def _word(told: Mapping[str, Any]) -> str:
    health = told["health"]
    word = _HEALTH if health["status"] == "True" else str(health["reason"] or "Unknown")
    return f"{word},Paused" if told["paused"] else word


def _condition(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions") or [] if c.get("type") == name), {})
