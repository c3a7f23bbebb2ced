"""Progress and inputs from runners, through Redis. Redis is a cache: without it jobs go on, and nothing is shown."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from . import metrics
from .core import News, fold
from .keys import JobKey

log = logging.getLogger(__name__)

#: Milliseconds that one read waits for news; also how long a job that just started waits to be read.
BLOCK = 500
#: Least time between two passes that progress alone asks for, in seconds.
INTERVAL = 1.0
#: Messages read from one stream at once; a stream holds about 100.
COUNT = 200
TTL = 7 * 24 * 3600
#: Seconds that a request may take before Redis counts as away.
TIMEOUT = 2.0
RETRY = 1.0


@dataclass
class _Listened:
    """A job whose stream is read."""

    key: JobKey
    run: int
    last: str = "0"
    news: News = field(default_factory=News)
    told_inputs: bool = False
    echoed: str | None = None
    woken: float = float("-inf")


class Progress:
    """Reads the streams of all active jobs with one blocking request, and echoes frozen inputs.

    `wake` asks for a pass over a job after so many seconds; `clock` is in seconds and only grows.
    """

    def __init__(self, file: Path, wake: Callable[[JobKey, float], None], clock: Callable[[], float]) -> None:
        self._file = file
        self._wake = wake
        self._clock = clock
        self._jobs: dict[str, _Listened] = {}
        self._redis: Redis | None = None

    def news(self, uid: str, run: int) -> News:
        """What that run told so far."""
        listened = self._jobs.get(uid)
        return listened.news if listened is not None and listened.run == run else News()

    def listen(self, uid: str, key: JobKey, run: int) -> None:
        """Read this job's stream, for that run."""
        listened = self._jobs.get(uid)
        if listened is None or listened.run != run:
            # From the start: what an operator read before it died is read again.
            self._jobs[uid] = _Listened(key, run)

    def forget(self, uid: str) -> None:
        """The job does not run."""
        self._jobs.pop(uid, None)

    async def clean(self, namespace: str, uid: str) -> None:
        """Removes what a job that is gone left behind. Redis away: its time to live removes it."""
        if self._redis is None:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.unlink(f"mw:{namespace}:{uid}:progress", f"mw:{namespace}:{uid}:inputs")
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("what Redis holds of %s/%s stays until its time is over: %s", namespace, uid, error)

    async def catch_up(self, uid: str) -> None:
        """Reads what a run told last, before its end is judged. Redis away: then not."""
        listened = self._jobs.get(uid)
        if listened is None or self._redis is None:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._read(self._redis, {uid: listened}, None)
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("the last progress of %s is not read: %s", listened.key, error)

    async def echo(self, uid: str, inputs: Mapping[str, Any]) -> None:
        """Tells the runner what is frozen in status.inputs now, if it asked by telling inputs."""
        listened = self._jobs.get(uid)
        if listened is None or self._redis is None or not listened.told_inputs or not inputs:
            return
        text = json.dumps(dict(inputs), separators=(",", ":"), sort_keys=True)
        if text == listened.echoed:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.set(f"mw:{listened.key.namespace}:{uid}:inputs", text, ex=TTL)
            listened.echoed = text
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("inputs of %s are not echoed, tried again: %s", listened.key, error)
            self._wake(listened.key, RETRY)

    async def run(self) -> None:
        """Reads for ever; connects again as often as it takes."""
        away = False
        while True:
            try:
                await self._connect()
                await self._follow()
            except (RedisError, OSError, ValueError, TimeoutError) as error:
                if not away:
                    log.warning("Redis is away, progress is not shown until it is back: %s", error)
                away = True
                metrics.REDIS.set(0)
                await self.close()
                await asyncio.sleep(RETRY)
            else:
                away = False

    async def close(self) -> None:
        """Give back the connection."""
        redis, self._redis = self._redis, None
        if redis is not None:
            try:
                await redis.aclose()
            except (RedisError, OSError) as error:
                log.debug("closing the connection to Redis: %s", error)

    async def _connect(self) -> None:
        url = (await asyncio.to_thread(self._file.read_text)).strip()
        redis = Redis.from_url(
            url, decode_responses=True, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT + BLOCK / 1000
        )
        await redis.ping()
        log.info("Redis answers")
        self._redis = redis
        metrics.REDIS.set(1)
        for listened in self._jobs.values():
            # A Redis that lost its memory holds neither the stream nor the echo any more.
            listened.last, listened.echoed = "0", None

    async def _follow(self) -> None:
        while self._redis is not None:
            if self._jobs:
                await self._read(self._redis, dict(self._jobs), BLOCK)
            else:
                await asyncio.sleep(BLOCK / 1000)

    async def _read(self, redis: Redis, jobs: Mapping[str, _Listened], block: int | None) -> None:
        streams = {f"mw:{j.key.namespace}:{uid}:progress": j for uid, j in jobs.items()}
        positions: dict[Any, Any] = {name: j.last for name, j in streams.items()}
        answer: Any = await redis.xread(positions, count=COUNT, block=block)
        for name, entries in answer or []:
            self._take(streams[name], entries)

    def _take(self, listened: _Listened, entries: list[tuple[str, dict[str, str]]]) -> None:
        metrics.PROGRESS.inc(len(entries))
        before = listened.news
        texts = [fields.get("data", "") for _, fields in entries]
        listened.last = entries[-1][0]
        listened.news = fold(before, listened.run, texts)
        asked = any('"inputs"' in text for text in texts) and bool(listened.news.inputs)
        if asked:
            # Told again means that the echo did not arrive.
            listened.told_inputs, listened.echoed = True, None
        if asked or listened.news != before:
            now = self._clock()
            delay = 0.0 if asked else max(0.0, listened.woken + INTERVAL - now)
            listened.woken = now + delay
            self._wake(listened.key, delay)
