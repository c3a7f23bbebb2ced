"""Which jobs each JobSchedule made, kept up to date with every change."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any

from mintworks_api import JOB_SCHEDULE, SCHEDULED_AT

from .core import Scheduled
from .keys import JobKey, ScheduleKey
from .tally import phase_of
from .views import as_dict, as_list, moment

Json = dict[str, Any]

#: Times that are remembered of a schedule, whose jobs may be gone: it looks at the last one alone.
_REMEMBERED = 10


class Offspring:
    """Jobs by the uid of the schedule that controls them, and the times whose jobs were seen."""

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, tuple[str, Json]]] = {}
        self._seen: dict[str, deque[datetime]] = {}

    def change(self, key: JobKey, old: Json | None, new: Json | None) -> ScheduleKey | None:
        """A job came, changed, or went. Answers whose it is, where that schedule has to look."""
        obj = new or old
        owner = _owner(obj) if obj is not None else {}
        if obj is None or not owner:
            return None
        family, uid = self._jobs.setdefault(owner["uid"], {}), obj["metadata"]["uid"]
        if new is None:
            family.pop(uid, None)
        else:
            family[uid] = (key.kind, new)
            time = scheduled_at(new)
            seen = self._seen.setdefault(owner["uid"], deque(maxlen=_REMEMBERED))
            if time is not None and time not in seen:
                seen.append(time)
        same = old is not None and new is not None and _told(old) == _told(new)
        return None if same else ScheduleKey(key.namespace, owner["name"])

    def of(self, uid: str) -> list[Scheduled]:
        """The jobs of the schedule of that uid."""
        return [_scheduled(kind, obj) for kind, obj in self._jobs.get(uid, {}).values()]

    def job(self, uid: str, job: str) -> Json | None:
        """The job of that uid among them."""
        return self._jobs.get(uid, {}).get(job, ("", None))[1]

    def seen(self, uid: str) -> list[datetime]:
        """The last times whose jobs were seen."""
        return list(self._seen.get(uid, ()))

    def forget(self, uid: str) -> None:
        """The schedule is gone; the garbage collector ends its jobs."""
        self._jobs.pop(uid, None)
        self._seen.pop(uid, None)


def scheduled_at(obj: Json) -> datetime | None:
    """The time that a job is for, as its annotation says; None where it says none."""
    text = (obj["metadata"].get("annotations") or {}).get(SCHEDULED_AT, "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def _owner(obj: Json) -> Json:
    owners = obj["metadata"].get("ownerReferences") or []
    return next((o for o in owners if o.get("controller") and o.get("kind") == JOB_SCHEDULE.kind), {})


def _told(obj: Json) -> tuple[str, bool]:
    """What of a job concerns its schedule."""
    notifications = as_list(as_dict(obj.get("status")).get("notifications"))
    return phase_of(obj), any(as_dict(n).get("nextAttemptTime") for n in notifications)


def _scheduled(kind: str, obj: Json) -> Scheduled:
    meta = obj["metadata"]
    return Scheduled(
        kind=kind,
        name=meta["name"],
        uid=meta["uid"],
        time=scheduled_at(obj),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        phase=phase_of(obj),
        ended=moment(as_dict(obj.get("status")).get("completionTime")),
        unsent=_told(obj)[1],
    )
