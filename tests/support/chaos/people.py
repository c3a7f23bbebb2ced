"""Those who are not in the storm: people who create, pause and delete jobs, and the runners that tell inputs."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Coroutine
from typing import Any

from mintworks_dev.cluster.stages import TOLD_MARK
from redis.asyncio import Redis

from .fleet import Act, Order
from .history import GROUP, ApiServer, Change, History

Json = dict[str, Any]
PLURALS = {"MetadataJob": "metadatajobs", "MintJob": "mintjobs"}
#: Jobs that are created in a second.
PACE = 25.0


class People:
    """Carries out what the orders say, on what really happens."""

    def __init__(self, api: ApiServer, history: History, redis: Redis, seed: int) -> None:
        self._api = api
        self._redis = redis
        self._orders: dict[tuple[str, str, str], Order] = {}
        self._chosen = random.Random(f"people {seed}")
        self._done: set[tuple[str, ...]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.troubles: list[BaseException] = []
        history.listeners.append(self._seen)

    async def create(self, orders: list[Order]) -> None:
        """Creates these jobs, one after another."""
        self._orders |= {order.key: order for order in orders}
        for order in orders:
            meta = {"name": order.name, "namespace": order.namespace}
            body = {"apiVersion": "mintworks.dev/v1alpha1", "kind": order.kind, "metadata": meta, "spec": order.spec}
            await self._api.ask("POST", path(order.key, collection=True), body)
            if order.act is Act.DELETE_SOON:
                self._once(order.key, "delete", self._delete(order, self._chosen.uniform(0, 6)))
            elif order.act is Act.RESUME:
                self._once(order.key, "resume", self._suspend(order, False, self._chosen.uniform(1, 6)))
            await asyncio.sleep(1 / PACE)

    async def close(self) -> None:
        """Ends what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _seen(self, change: Change) -> None:
        if change.kind == "Pod" and change.type != "DELETED" and change.obj["status"].get("phase") == "Running":
            labels = change.obj["metadata"]["labels"]
            order = self._orders.get((labels["mintworks.dev/kind"], change.key[1], labels["mintworks.dev/job"]))
            run = labels["mintworks.dev/run"]
            if order is None or "deletionTimestamp" in change.obj["metadata"]:
                return
            if order.act is Act.TELL:
                self._once(order.key, f"tell {run}", self._tell(order, change.obj))
            elif order.act is Act.DELETE:
                self._once(order.key, "delete", self._delete(order, self._chosen.uniform(0, 1)))
            elif order.act is Act.PAUSE and run == "1":
                self._once(order.key, "pause", self._suspend(order, True, self._chosen.uniform(0, 1)))
        elif change.kind in PLURALS and (change.obj.get("status") or {}).get("phase") == "Suspended":
            order = self._orders.get(change.key)
            if order is not None and order.act is Act.PAUSE:
                self._once(order.key, "resume", self._suspend(order, False, self._chosen.uniform(0, 2)))

    def _once(self, key: tuple[str, str, str], what: str, work: Coroutine[Any, Any, None]) -> None:
        if (*key, what) in self._done:
            work.close()
            return
        self._done.add((*key, what))
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.troubles.append(error)

    async def _suspend(self, order: Order, value: bool, wait: float) -> None:
        await asyncio.sleep(wait)
        await self._api.ask("PATCH", path(order.key), {"spec": {"suspend": value}}, patch=True)

    async def _delete(self, order: Order, wait: float) -> None:
        await asyncio.sleep(wait)
        await self._api.ask("DELETE", path(order.key))

    async def _tell(self, order: Order, pod: Json) -> None:
        """As a runner whose work cannot be undone: it tells its inputs until they are echoed, and then goes on."""
        meta = pod["metadata"]
        uid, run = meta["labels"]["mintworks.dev/uid"], int(meta["labels"]["mintworks.dev/run"])
        stem, inputs = f"mw:{order.namespace}:{uid}", {"rowsSha256": "1" * 64, "items": 3}
        progress = {"type": "progress", "run": run, "percent": 40, "items": {"total": 5, "done": 2}}
        while await self._redis.get(f"{stem}:inputs") is None:
            for message in (progress, {"type": "inputs", "run": run, "inputs": inputs}):
                await self._redis.xadd(f"{stem}:progress", {"data": json.dumps(message)}, maxlen=100)
            await asyncio.sleep(1)
        mark = {"metadata": {"annotations": {TOLD_MARK: "yes"}}}
        await self._api.ask("PATCH", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", mark, patch=True)


def path(key: tuple[str, str, str], *, collection: bool = False) -> str:
    """The URL path of a job, or of all jobs beside it."""
    kind, namespace, name = key
    there = f"{GROUP}/namespaces/{namespace}/{PLURALS[kind]}"
    return there if collection else f"{there}/{name}"
