"""Kubernetes Events, aggregated: what is told again makes a series of the Event instead of a new object."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from mintworks_api import API_VERSION

from .api import EVENTS, Api, ApiError
from .budget import Budget
from .core import Emit, JobView, ScheduleView

Json = dict[str, Any]

log = logging.getLogger(__name__)

CONTROLLER = "mintworks.dev/operator"
#: Limits of the API server, in bytes of UTF-8.
_NOTE = 1024
_SHORT = 128


@dataclass(frozen=True)
class Named:
    """A resource of which nothing but its name is at hand."""

    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, kind: str, obj: Json) -> Self:
        """That object."""
        meta = obj["metadata"]
        return cls(kind, meta["namespace"], meta["name"], meta["uid"])


#: Whom an Event can be about.
Subject = JobView | ScheduleView | Named


class Events:
    """Tells people. A failure to tell is logged and costs nothing else. `clock` is in seconds and only grows."""

    def __init__(self, api: Api, identity: str, clock: Callable[[], float]) -> None:
        self._api = api
        self._identity = identity
        self._clock = clock
        self._budget = Budget()

    async def tell(self, subject: Subject, emit: Emit, now: datetime) -> None:
        """Writes the Event, or marks it as told again just now. Of a burst of routine ones it leaves some out."""
        if emit.routine and not self._budget.take(subject.namespace, self._clock()):
            return
        body = event(subject, emit, self._identity, now)
        try:
            await self._api.create(EVENTS, subject.namespace, body)
        except ApiError as error:
            if error.status != 409:
                log.warning("%s/%s: Event %s is not written: %s", subject.namespace, subject.name, emit.reason, error)
                return
            await self._again(subject, body["metadata"]["name"], now)

    async def _again(self, subject: Subject, name: str, now: datetime) -> None:
        try:
            # A list, for which the operator has the right: the cluster's own Events are read so, too.
            found = await self._api.list(EVENTS, subject.namespace, {"fieldSelector": f"metadata.name={name}"})
            told = max(((e.get("series") or {}).get("count") or 1 for e in found), default=1)
            series = {"count": told + 1, "lastObservedTime": stamp(now)}
            await self._api.patch(EVENTS, subject.namespace, name, {"series": series})
        except ApiError as error:
            log.warning("%s/%s: Event %s is not written: %s", subject.namespace, subject.name, name, error)


def event(subject: Subject, emit: Emit, identity: str, now: datetime) -> Json:
    """The Event object. Its name follows from what it says about whom, so that a repetition finds it."""
    said = f"{subject.uid}/{emit.type}/{emit.reason}/{emit.message}".encode("utf-8", "replace")
    mark = hashlib.sha256(said).hexdigest()[:16]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{subject.name}.{mark}", "namespace": subject.namespace},
        "eventTime": stamp(now),
        "type": emit.type,
        "reason": cut(emit.reason, _SHORT),
        "note": cut(emit.message, _NOTE),
        "action": "Reconcile",
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
        "reportingController": CONTROLLER,
        "reportingInstance": cut(identity, _SHORT),
    }


def cut(text: str, limit: int) -> str:
    """The text in at most so many bytes, without halves of characters."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def stamp(now: datetime) -> str:
    """A time as MicroTime."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
