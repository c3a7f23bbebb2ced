"""One request budget for all pods that ask the same endpoints, shared through Redis: see `rpc.shares`.

Nothing waits for Redis: the pool has its own bucket, and only the bucket's rate comes from here, twice a second. With
Redis away each pod goes on with an equal part.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field

from redis.exceptions import WatchError

from mintworks_runners.core.tasks import end

from .redislink import AWAY, RedisLink
from .rpc.endpoint import Endpoint
from .rpc.pool import Pool
from .rpc.shares import Entry, Hearing, alone, decode, demand, encode, share

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
TTL_SECONDS = 60
MAX_TRIES = 10
"""Times that others may come in between within one tick; the next tick is soon."""


@dataclass(slots=True)
class _Account:
    """What an endpoint is to all that ask it: its key in Redis, and the others that were found there last."""

    endpoints: list[Endpoint]
    hearing: Hearing = field(default_factory=Hearing)
    others: dict[str, Entry] = field(default_factory=dict)


class Sharing:
    """Keeps the rate of a pool's bucket at this process's share. Use as an async context manager around its use."""

    def __init__(self, pool: Pool, link: RedisLink, namespace: str) -> None:
        self._bucket = pool.bucket
        self._budget = pool.bucket.rate
        self._link = link
        self._me = secrets.token_hex(8)
        self._accounts: dict[str, _Account] = {}
        for endpoint in pool.endpoints:
            # Not the URL: its credentials are in it.
            key = f"mw:{namespace}:budget:{endpoint.digest}"
            self._accounts.setdefault(key, _Account([])).endpoints.append(endpoint)
        self._beat = 0
        self._wants = self._budget
        self._looked = (time.monotonic(), pool.bucket.taken)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sharing:
        """The first share is taken before the first request."""
        await self._tick()
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leaves its share to the others, where Redis can be told so."""
        if self._task is not None:
            await end(self._task)
        try:
            await self._swap(leave=True)
        except AWAY as error:
            log.info("the share of the request budget was not given back: %s", type(error).__name__)
        await self._link.lost()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._measure(time.monotonic())
            await self._tick()

    def _measure(self, now: float) -> None:
        """What the run could use, from what it used since the last look."""
        at, taken = self._looked
        self._looked = (now, self._bucket.taken)
        self._wants = demand((self._bucket.taken - taken) / (now - at), self._bucket.backlog(now), self._budget)

    async def _tick(self) -> None:
        try:
            await self._swap()
        except AWAY as error:
            await self._link.lost()
            log.info("the request budget is not shared now: %s", type(error).__name__)
            rate = min(alone(self._budget, account.others.values()) for account in self._accounts.values())
            self._bucket.change(rate, time.monotonic())

    async def _swap(self, *, leave: bool = False) -> None:
        """Reads the tables and writes our entries, as one step."""
        for _ in range(MAX_TRIES):
            async with (await self._link.client()).pipeline(transaction=True) as pipe:
                await pipe.watch(*self._accounts)
                for key, account in self._accounts.items():
                    self._look(account, await pipe.get(key))
                rate = min(share(self._wants, self._budget, a.others.values()) for a in self._accounts.values())
                # Less at once, more only when the others can read of it.
                self._bucket.change(min(rate, self._bucket.rate), time.monotonic())
                self._beat += 1
                pipe.multi()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                for key, account in self._accounts.items():
                    mine = {} if leave else {self._me: self._entry(account, rate)}
                    pipe.set(key, encode({**account.others, **mine}), ex=TTL_SECONDS)
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                self._bucket.change(rate, time.monotonic())
                return

    def _look(self, account: _Account, text: str | bytes | None) -> None:
        """Takes in a table: who else is there, and what the endpoint told them."""
        now = time.monotonic()
        table = decode(text)
        table.pop(self._me, None)
        account.others = account.hearing.living(table, now)
        for name, other in account.others.items():
            if other.paused and account.hearing.is_news(name, now):
                for endpoint in account.endpoints:
                    endpoint.pause(other.paused, now)

    def _entry(self, account: _Account, rate: float) -> Entry:
        """Ours. A pause only as the endpoint told it to us: one that was passed on again would never end."""
        now = time.monotonic()
        paused = max(endpoint.told_to_wait(now) for endpoint in account.endpoints)
        return Entry(self._beat, rate, self._wants, self._budget, paused)
