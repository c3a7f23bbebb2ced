"""What the cluster's Events warn of."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from .api import EVENTS, Api, ApiError
from .core import Trouble
from .troubles import of_events

Json = dict[str, Any]

log = logging.getLogger(__name__)

#: How often a namespace's Events are read, at most.
APART = timedelta(seconds=5)
_QUERY = {"fieldSelector": "type=Warning"}


class Warned:
    """Reads the warnings of a whole namespace for all who ask.

    The API server has no index of Events: to answer for one object it reads every Event of the namespace from etcd. In
    a burst, in which hundreds of pods wait for a node, one LIST for each of them cost more than all that was written.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        #: When a namespace's Events were asked for last, and what they said, by uid of what it is about.
        self._asked: dict[str, datetime] = {}
        self._read: dict[str, dict[str, Trouble]] = {}

    async def of(self, namespace: str, uid: str, now: datetime) -> Trouble | None:
        """What keeps the object of that uid from starting, as of a reading that is at most `APART` old; while one is
        under way, as of the one before it.
        """
        asked = self._asked.get(namespace)
        if asked is None or now - asked >= APART:
            self._asked[namespace] = now
            await self._ask(namespace)
        return self._read.get(namespace, {}).get(uid)

    async def _ask(self, namespace: str) -> None:
        try:
            self._read[namespace] = _by_uid(await self._api.list(EVENTS, namespace, _QUERY))
        except ApiError as error:
            log.warning("the Events of namespace %s cannot be read: %s", namespace, error)


def _by_uid(events: Iterable[Json]) -> dict[str, Trouble]:
    grouped = groupby(sorted(events, key=_uid), key=_uid)
    troubles = ((uid, of_events(about)) for uid, about in grouped)
    return {uid: trouble for uid, trouble in troubles if trouble is not None}


def _uid(event: Json) -> str:
    return str((event.get("regarding") or {}).get("uid", ""))
