"""Events about an object: read, and laid out as `kubectl describe` does."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import ServerError
from .find import Object
from .layout import ago

if TYPE_CHECKING:
    from .connection import Connection

Json = dict[str, Any]


def events_of(connection: Connection, found: Object) -> list[Json]:
    """The Events about the object, oldest first; none for whom may not read them. Raises CommandError."""
    query = {"fieldSelector": f"involvedObject.uid={found.uid}"}
    try:
        listed: list[Json] = connection.list(f"/api/v1/namespaces/{found.namespace}/events", query).get("items") or []
    except ServerError as problem:
        if problem.status != 403:
            raise
        return []
    return sorted(listed, key=lambda event: str(_last(event)))


def rows(events: list[Json], now: datetime) -> list[list[str]]:
    """A line of cells for each Event, below a head."""
    if not events:
        return [["Events:", "<none>"]]
    head = [
        ["Events:"],
        ["  Type", "Reason", "Age", "From", "Message"],
        ["  ----", "------", "----", "----", "-------"],
    ]
    return [*head, *(_row(event, now) for event in events)]


def count(event: Json) -> int:
    """How often it was told."""
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)


def _row(event: Json, now: datetime) -> list[str]:
    first, last = _first(event), _last(event)
    age = ago(last, now)
    if (times := count(event)) > 1:
        age = f"{age} (x{times} over {ago(first, now)})"
    source = event.get("reportingComponent") or (event.get("source") or {}).get("component") or ""
    return [f"  {event.get('type')}", str(event.get("reason")), age, str(source), str(event.get("message")).strip()]


def _first(event: Json) -> datetime | None:
    return _moment(event.get("firstTimestamp") or event.get("eventTime"))


def _last(event: Json) -> datetime | None:
    seen = (event.get("series") or {}).get("lastObservedTime") or event.get("lastTimestamp")
    return _moment(seen) or _first(event)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
