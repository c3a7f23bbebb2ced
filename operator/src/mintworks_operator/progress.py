"""Progress and inputs from runners, through Redis. Redis is a cache: without it jobs go on, and nothing is shown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mintworks_api import JOB_KINDS
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from . import metrics
from .core import News, fold
from .keys import JobKey

log = logging.getLogger(__name__)

#: Milliseconds that one read waits for news; also how long a job that just started waits to be read.
BLOCK = 500
#: Least time between two versions of a job's progress, in seconds: each is a write, and a write makes a pass.
INTERVAL = 1.0
#: Messages read from one stream at once; a stream holds about 100.
COUNT = 200
TTL = 7 * 24 * 3600
#: Seconds that a request may take before Redis counts as away.
TIMEOUT = 2.0
#: The same for a look at all keys.
SWEEP_TIMEOUT = 30.0
RETRY = 1.0
#: How often a stream may cost the connection while it alone is asked for, until it is read no more. Once may be chance.
CUTS = 3


@dataclass
class _Listened:
    """A job whose stream is read. `news` is what was read, `shown` what passes see of it since `since`; `bad` says that
    what stands in the stream's place cannot be read, `cuts` how often in a row the connection was lost over it.
    """

    key: JobKey
    run: int
    last: str = "0"
    news: News = field(default_factory=News)
    shown: News = field(default_factory=News)
    since: float = float("-inf")
    told_inputs: bool = False
    echoed: str | None = None
    bad: bool = False
    cuts: int = 0

    @property
    def readable(self) -> bool:
        """Whether it is worth asking for."""
        return not self.bad and self.cuts < CUTS

    def show(self, now: float) -> None:
        """Let passes see all that was read."""
        self.shown, self.since = self.news, now


class Progress:
    """Reads the streams of all active jobs with one blocking request, and echoes frozen inputs.

    `wake` asks for a pass over a job after so many seconds; `clock` is in seconds and only grows; `turned` hears that
    Redis came or went; `wall` is the time in seconds of the epoch.
    """

    def __init__(
        self,
        file: Path,
        wake: Callable[[JobKey, float], None],
        clock: Callable[[], float],
        turned: Callable[[], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._wake = wake
        self._clock = clock
        self._turned = turned
        self._wall = wall
        #: Whether Redis answers; None before that is known.
        self.connected: bool | None = None
        self._jobs: dict[str, _Listened] = {}
        self._redis: Redis | None = None
        #: Whether the connection was lost while many streams were asked for: one of them may hold more than Redis lets
        #: wait for one client, and would cost every connection.
        self._careful = False

    def news(self, uid: str, run: int) -> News:
        """What that run told so far; of its progress a new version at most every INTERVAL."""
        listened = self._jobs.get(uid)
        if listened is None or listened.run != run:
            return News()
        if listened.news != listened.shown:
            now = self._clock()
            if now >= listened.since + INTERVAL:
                listened.show(now)
            else:
                self._wake(listened.key, listened.since + INTERVAL - now)
        return listened.shown

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
            with _cancelled_for_certain():
                async with asyncio.timeout(TIMEOUT):
                    await self._redis.unlink(f"mw:{namespace}:{uid}:progress", f"mw:{namespace}:{uid}:inputs")
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("what Redis holds of %s/%s stays until its time is over: %s", namespace, uid, error)

    async def sweep(self, namespaces: Collection[str], living: Callable[[str], bool]) -> bool:
        """Removes what jobs left behind that went while nobody looked; False where Redis is away.

        Args:
            namespaces: Those served, the others' keys are somebody else's.
            living: Whether a job of that uid, or a pod of one, exists.
        """
        if self._redis is None:
            return False
        try:
            with _cancelled_for_certain():
                async with asyncio.timeout(SWEEP_TIMEOUT):
                    names = [str(name).split(":") async for name in self._redis.scan_iter("mw:*", count=COUNT)]
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("Redis is not swept: %s", error)
            return False
        for _, namespace, uid in {tuple(n[:3]) for n in names if len(n) == 4 and n[3] in ("progress", "inputs")}:
            if namespace in namespaces and not living(uid):
                await self.clean(namespace, uid)
        return True

    async def catch_up(self, uid: str) -> None:
        """Reads what a run told last, before its end is judged. Redis away: then not."""
        listened = self._jobs.get(uid)
        if listened is None:
            return
        if self._redis is not None and listened.readable:
            try:
                with _cancelled_for_certain():
                    async with asyncio.timeout(TIMEOUT):
                        await self._read(self._redis, {uid: listened}, None)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("the last progress of %s is not read: %s", listened.key, error)
        listened.show(self._clock())

    async def echo(self, uid: str, inputs: Mapping[str, Any]) -> None:
        """Tells the runner what is frozen in status.inputs now, if it asked by telling inputs."""
        listened = self._jobs.get(uid)
        if listened is None or self._redis is None or not listened.told_inputs or not inputs:
            return
        text = json.dumps(dict(inputs), separators=(",", ":"), sort_keys=True)
        if text == listened.echoed:
            return
        try:
            with _cancelled_for_certain():
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
                with _cancelled_for_certain():
                    await self._connect()
                await self._follow()
            except (RedisError, OSError, ValueError, TimeoutError) as error:
                if not away:
                    # A ValueError is about the URL, and quotes parts of it: the password may be among them.
                    why = "its URL cannot be used" if isinstance(error, ValueError) else error
                    log.warning("Redis is away, progress is not shown until it is back: %s", why)
                away = True
                self._turn(connected=False)
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
            url,
            decode_responses=True,
            # Tenants write what they like; a byte that is not UTF-8 must not fail the read of everyone's streams.
            encoding_errors="replace",
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT + BLOCK / 1000,
        )
        await redis.ping()
        log.info("Redis answers")
        self._redis = redis
        self._turn(connected=True)
        for listened in self._jobs.values():
            # A Redis that lost its memory holds neither the stream nor the echo any more.
            listened.last, listened.echoed, listened.bad = "0", None, False

    def _turn(self, *, connected: bool) -> None:
        metrics.REDIS.set(connected)
        if self.connected is not connected:
            self.connected = connected
            self._turned()

    async def _follow(self) -> None:
        while self._redis is not None:
            jobs = {uid: listened for uid, listened in self._jobs.items() if listened.readable}
            if not jobs:
                await asyncio.sleep(BLOCK / 1000)
                with _cancelled_for_certain():
                    await self._redis.ping()
                continue
            with _cancelled_for_certain():
                careful, self._careful = self._careful, True
                if careful:
                    await self._read_carefully(self._redis, jobs)
                else:
                    await self._read(self._redis, jobs, BLOCK)
                self._careful = False

    async def _read_carefully(self, redis: Redis, jobs: Mapping[str, _Listened]) -> None:
        """Each stream alone, so that it shows which one costs the connection; those that never did come first."""
        for uid, listened in sorted(jobs.items(), key=lambda job: job[1].cuts):
            try:
                await self._read_alone(redis, uid, listened)
            except (RedisError, OSError, TimeoutError):
                listened.cuts += 1
                if not listened.readable:
                    log.warning("what run %d of %s tells is too much to be read", listened.run, listened.key)
                raise
            listened.cuts = 0

    async def _read(self, redis: Redis, jobs: Mapping[str, _Listened], block: int | None) -> None:
        try:
            await self._read_together(redis, jobs, block)
        except ResponseError:
            # Redis says neither which stream is bad nor anything of the others.
            for uid, listened in jobs.items():
                await self._read_alone(redis, uid, listened)

    async def _read_alone(self, redis: Redis, uid: str, listened: _Listened) -> None:
        try:
            await self._read_together(redis, {uid: listened}, None)
        except ResponseError as error:
            if type(error) is not ResponseError:
                # A refusal of its own kind (no permission, read-only, …) is about this connection, not about a stream.
                raise
            self._put_aside(listened, error)

    async def _read_together(self, redis: Redis, jobs: Mapping[str, _Listened], block: int | None) -> None:
        streams = {f"mw:{j.key.namespace}:{uid}:progress": j for uid, j in jobs.items()}
        positions: dict[Any, Any] = {name: j.last for name, j in streams.items()}
        answer: Any = await redis.xread(positions, count=COUNT, block=block)
        for name, entries in answer or []:
            try:
                self._take(streams[name], entries)
            except Exception as error:  # whatever one tenant wrote, the others' streams are read on
                log.exception("a message cannot be taken in")
                self._put_aside(streams[name], error)

    def _put_aside(self, listened: _Listened, error: Exception) -> None:
        """Read this stream no more, until the job's next run or another connection."""
        listened.bad = True
        log.warning("what run %d of %s tells cannot be read: %s", listened.run, listened.key, error)

    def _take(self, listened: _Listened, entries: list[tuple[str, dict[str, str]]]) -> None:
        metrics.PROGRESS.inc(len(entries))
        for told, _ in entries:
            # The first half of an entry's id is when Redis got it, in milliseconds.
            metrics.LAG.observe(max(0.0, self._wall() - int(told.partition("-")[0]) / 1000))
        before = listened.news
        texts = [fields.get("data", "") for _, fields in entries]
        listened.last = entries[-1][0]
        listened.news = fold(JOB_KINDS[listened.key.kind], before, listened.run, texts)
        now = self._clock()
        if any('"inputs"' in text for text in texts) and listened.news.inputs:
            # Told again means that the echo did not arrive.
            listened.told_inputs, listened.echoed = True, None
            listened.show(now)
            self._wake(listened.key, 0.0)
        elif listened.news != before:
            self._wake(listened.key, max(0.0, listened.since + INTERVAL - now))


@contextlib.contextmanager
def _cancelled_for_certain() -> Iterator[None]:
    """Around requests. redis-py turns a cancellation that meets it in the middle of a command into an error of the
    connection, or tries again: the task would go on as if nobody had wanted it to end.
    """
    try:
        yield
    finally:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
