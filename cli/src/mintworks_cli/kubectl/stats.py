"""`queue stats`: what each queue's status counts, in one line or whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from .layout import ago, table

Json = dict[str, Any]

_COUNTS: Final = (
    "pending", "delayed", "queued", "running", "backoff", "suspended", "succeeded", "failed", "cancelled",
)  # fmt: skip
_HEALTH: Final = "Healthy"


def stats(queue: Mapping[str, Any]) -> Json:
    """The numbers of a queue, for machines."""
    status, meta = queue.get("status") or {}, queue["metadata"]
    health = _health(status)
    return {
        "namespace": meta.get("namespace"),
        "name": meta["name"],
        "paused": bool((queue.get("spec") or {}).get("paused")),
        "concurrency": (queue.get("spec") or {}).get("concurrency"),
        "running": status.get("running", 0),
        "waiting": status.get("waiting", 0),
        "counts": {name: (status.get("counts") or {}).get(name, 0) for name in _COUNTS},
        "lastHour": status.get("lastHour") or {},
        "oldestWaiting": status.get("oldestWaiting"),
        "health": {"status": health.get("status"), "reason": health.get("reason"), "message": health.get("message")},
    }


def columns(queues: Iterable[Mapping[str, Any]], now: datetime, *, namespaces: bool, headers: bool = True) -> str:
    """The numbers of the queues, for people."""
    return table(_lines(queues, now, namespaces, headers))


def _lines(queues: Iterable[Mapping[str, Any]], now: datetime, namespaces: bool, headers: bool) -> Iterator[list[str]]:
    if headers:
        head = ["NAME", "SLOTS", *map(str.upper, _COUNTS), "OK/MIN", "FAILED/MIN", "OLDEST", "HEALTH"]
        yield ["NAMESPACE", *head] if namespaces else head
    for queue in queues:
        told, status = stats(queue), queue.get("status") or {}
        hour, oldest = told["lastHour"], told["oldestWaiting"]
        line = [
            told["name"],
            str(status.get("summary") or f"{told['running']}/{told['concurrency'] or '?'}"),
            *(str(told["counts"][name]) for name in _COUNTS),
            str(hour.get("succeededPerMinute", "0")),
            str(hour.get("failedPerMinute", "0")),
            ago(datetime.fromisoformat(oldest), now) if oldest else "-",
            _word(told),
        ]
        yield [str(told["namespace"]), *line] if namespaces else line


def _word(told: Mapping[str, Any]) -> str:
    health = told["health"]
    word = _HEALTH if health["status"] == "True" else str(health["reason"] or "Unknown")
    return f"{word},Paused" if told["paused"] else word


def _health(status: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions") or [] if c.get("type") == _HEALTH), {})
