"""Sends what passes decided to send, beside them, and keeps what came of it until a pass has written it down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mintworks_api import JobStatus

from .. import metrics
from ..core import Delivery, Notify, given_up
from ..keys import JobKey, Key
from .outbox import Outbox

log = logging.getLogger(__name__)

#: Webhooks that are under way at once: in all, and of one namespace.
ALL = 32
SHARE = 4

Send = Callable[[str, Notify], Awaitable[Delivery]]


class Notifier:
    """Nothing here survives the process, and nothing must: what no status says was sent is sent again, with its id.

    `wake` asks for a pass, which takes up `deliveries`; `leading` returns while this replica leads for certain.
    """

    def __init__(self, send: Send, wake: Callable[[Key], None], leading: Callable[[], Awaitable[object]]) -> None:
        self._send = send
        self._wake = wake
        self._leading = leading
        self._outbox: Outbox[tuple[JobKey, str, Notify]] = Outbox(SHARE)
        #: By uid of the job and id of the notification: the try that waits or is under way, and how the last one went.
        self._tries: dict[str, dict[str, int]] = {}
        self._went: dict[str, dict[str, Delivery]] = {}
        metrics.WEBHOOKS_WAITING.set_function(lambda: len(self._outbox))

    def notify(self, key: JobKey, uid: str, notify: Notify) -> None:
        """Send it, unless that was asked for already."""
        went = self._went.get(uid, {}).get(notify.id)
        if self._tries.get(uid, {}).get(notify.id) == notify.attempt or (went and went.attempt == notify.attempt):
            return
        self._tries.setdefault(uid, {})[notify.id] = notify.attempt
        self._outbox.add(key.namespace, (key, uid, notify))

    def deliveries(self, uid: str) -> tuple[Delivery, ...]:
        """How tries of that job's webhooks went of which its status may not know."""
        return tuple(self._went.get(uid, {}).values())

    def written(self, uid: str, status: JobStatus) -> None:
        """The job's status is this: what it knows need not be kept."""
        went = self._went.get(uid)
        if went is None:
            return
        known = {n.id: n.attempts for n in status.notifications}
        left = {id_: d for id_, d in went.items() if d.attempt > known.get(id_, d.attempt)}
        if left:
            self._went[uid] = left
        else:
            del self._went[uid]

    def forget(self, uid: str) -> None:
        """The job is gone, and what waits for it is not sent."""
        self._tries.pop(uid, None)
        self._went.pop(uid, None)

    async def run(self) -> None:
        """Sends for ever."""
        async with asyncio.TaskGroup() as group:
            for _ in range(ALL):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            namespace, (key, uid, notify) = await self._outbox.get()
            try:
                await self._leading()
                # A job that is gone has no receiver any more.
                if self._tries.get(uid, {}).get(notify.id) == notify.attempt:
                    await self._try(key, uid, notify)
            finally:
                self._outbox.done(namespace)

    async def _try(self, key: JobKey, uid: str, notify: Notify) -> None:
        delivery = await self._send(key.namespace, notify)
        result = "given_up" if given_up(delivery) else "failed" if delivery.error else "delivered"
        metrics.WEBHOOKS.labels(key.namespace, result).inc()
        if delivery.error:
            log.info("%s/%s: webhook %s: %s", key.namespace, key.name, notify.id, delivery.error)
        tries = self._tries.get(uid)
        if tries is None:
            return
        tries.pop(notify.id, None)
        if not tries:
            del self._tries[uid]
        self._went.setdefault(uid, {})[notify.id] = delivery
        self._wake(key)
