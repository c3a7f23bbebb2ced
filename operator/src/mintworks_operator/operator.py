"""The operator as a process: what starts in which order, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from prometheus_client import start_http_server

from . import metrics
from .admitter import Admitter
from .api import Api, ApiError
from .apply import Applier
from .cache import Cache
from .config import Config
from .events import Events
from .gather import Gatherer
from .health import Health
from .keys import JobKey, Key, PulseKey, QueuesKey
from .lease import Lease
from .progress import Progress
from .reconcile import Reconciler
from .resync import Resync
from .scheduler import Scheduler
from .slots import Slots
from .watching import unclosed, watch
from .webhooks.notifier import Notifier
from .webhooks.sender import Sender
from .work import WorkQueue
from .writes import StaleError

log = logging.getLogger(__name__)

OLDEST = (1, 31)
PULSE = 5.0
#: Seconds that the first passes over unfinished jobs have before the watches begin.
UNWATCHED = 10.0
#: Seconds that all parts have to end; the next leader does not wait for one that takes longer.
ENDING = 5.0
#: Seconds between two looks whether the Lease is held again.
LEADING = 0.2
#: Seconds between two looks for keys in Redis whose job is gone, and until the next one where Redis is away.
SWEEP = 30.0
SWEEP_RETRY = 2.0


#: Objects made between two searches for cycles, and how many searches make a wider one. What comes and goes here are
#: trees of JSON, which need none: with Python's own 700 a third of the processor's time went into it.
CYCLES = (50_000, 20, 100)


def utc() -> datetime:
    """The time."""
    return datetime.now(UTC)


class UnsupportedError(Exception):
    """The cluster is older than what the operator needs."""


class Operator:
    """All parts, wired."""

    def __init__(self, api: Api, config: Config, health: Health, *, lease: Lease, now: Callable[[], datetime]) -> None:
        self._config = config
        self._lease = lease
        self._watching = asyncio.Event()
        self._queue: WorkQueue[Key] = WorkQueue(time.monotonic)
        self._health = health
        cache = Cache(self._seen)
        slots = Slots()
        self._cache = cache
        self._progress = Progress(config.redis_file, self._queue.add, time.monotonic, self._wake_queues)
        sender = Sender(config.webhooks, now)
        self._notifier = Notifier(sender.send, self._queue.add, self._leading)
        gatherer = Gatherer(cache, api, config, self._progress.news, self._notifier.deliveries)
        self._resync = Resync(api, cache, config, self._enter, self._queue.add_spare)
        self._reconciler = Reconciler(
            cache=cache,
            gatherer=gatherer,
            applier=Applier(api, cache, config, gatherer, notify=self._notifier.notify, clock=time.monotonic),
            admitter=Admitter(
                api,
                cache,
                slots,
                self._queue.add,
                lambda: self._progress.connected,
                events=Events(api, config.identity, time.monotonic),
                total=config.total_concurrency,
                listed=self._resync.listed,
            ),
            scheduler=Scheduler(api, cache, config.identity, time.monotonic),
            slots=slots,
            progress=self._progress,
            notifier=self._notifier,
            health=health,
            listed=self._resync.listed,
            wake=self._queue.add,
            spare=self._queue.add_spare,
            clock=time.monotonic,
            now=now,
        )
        metrics.JobsCollector(cache.tally.count).register()
        metrics.DEPTH.set_function(lambda: len(self._queue))

    def _seen(self, key: Key) -> None:
        """Something changed for that key. While the cache is filled all is new; who comes first is seen to after it."""
        if not self._health.filling or not isinstance(key, JobKey):
            self._queue.add(key)

    async def run(self, stop: asyncio.Event) -> None:
        """Leads until `stop` is set. Whatever ends by itself before that ends everything.

        Raises:
            LeaseLostError: another replica may lead.
        """
        # All of these start before kopf: at its end it cancels the tasks that started after it.
        tasks = [asyncio.create_task(part) for part in self._parts()]
        try:
            if not await self._fill(tasks, stop):
                return
            for _ in range(self._config.workers):
                tasks.append(asyncio.create_task(self._work()))
            tasks.append(asyncio.create_task(self._sweep()))
            watching = asyncio.create_task(self._watch(stop))
            tasks.append(watching)
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            await _ended(tasks)
        finally:
            await end(tasks, ENDING)
            await self._progress.close()

    async def _fill(self, parts: list[asyncio.Task[None]], stop: asyncio.Event) -> bool:
        """Fills the cache, unless a part or the process ends before: a Lease can be lost meanwhile. Answers whether."""
        self._health.filling = True
        filled, stopped = asyncio.create_task(self._resync.first()), asyncio.create_task(_until(stop))
        try:
            await asyncio.wait([filled, stopped, *parts], return_when=asyncio.FIRST_COMPLETED)
            await _ended([*parts, filled])
            if not filled.done():
                return False
        finally:
            filled.cancel()
            stopped.cancel()
            await asyncio.gather(filled, stopped, return_exceptions=True)
        self._health.filling = False
        gc.freeze()
        log.info("the cache is complete: %d jobs", len(self._cache.job_keys()))
        self._reconciler.begin()
        return True

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._lease.keep(),
            self._progress.run(),
            self._notifier.run(),
            self._resync.run(),
            self._resync.retry_refused(),
            self._confirm(),
            self._pulse(),
        ]

    def _enter(self, namespace: str) -> None:
        self._reconciler.enter(namespace)

    def _wake_queues(self) -> None:
        for namespace in {obj["metadata"]["namespace"] for obj in self._cache.queues.all()}:
            self._queue.add(QueuesKey(namespace))

    async def _sweep(self) -> None:
        """What a job leaves in Redis goes with it; this is for jobs that went while no operator ran."""
        while True:
            # Of a namespace that cannot be read nobody knows who lives there.
            listed = [name for name in self._config.namespaces if self._resync.listed(name)]
            swept = await self._progress.sweep(listed, self._living)
            await asyncio.sleep(SWEEP if swept else SWEEP_RETRY)

    def _living(self, uid: str) -> bool:
        """Whether what Redis holds of that uid is needed. One who may not lead any more does not know."""
        return not self._lease.holds() or self._cache.uid_living(uid)

    async def _confirm(self) -> None:
        """No watch tells of anything before it began."""
        await self._watching.wait()
        await self._resync.confirm()

    async def _watch(self, stop: asyncio.Event) -> None:
        # First things first: the watches begin by telling of every object, which the LIST has told of already.
        await _unless(stop, _until(self._reconciler.warm, UNWATCHED))
        self._watching.set()
        if self._config.namespaces:
            if not stop.is_set():
                await watch(self._cache, self._config, self._resync.told, lambda: heed(stop))
        else:
            log.warning("no namespace is served: MINTWORKS_NAMESPACES is empty")
            await stop.wait()

    async def _work(self) -> None:
        """One worker: a key at a time, and no error ends it."""
        while True:
            key = await self._queue.get()
            await self._leading()
            subject = type(key).__name__.removesuffix("Key").lower()
            started, outcome = time.monotonic(), "ok"
            try:
                await self._reconciler.reconcile(key)
                self._queue.succeeded(key)
            except StaleError as error:
                outcome = "stale"
                log.debug("%s: %s", key, error)
            except ApiError as error:
                outcome = "refused" if error.refused else "error"
                log.warning("%s: %s", key, error)
            except Exception:
                outcome = "bug"
                log.exception("%s: the pass failed", key)
            finally:
                metrics.PASSES.labels(subject, outcome).observe(time.monotonic() - started)
                self._queue.done(key)
            if outcome != "ok":
                metrics.RETRIES.labels(subject, outcome).inc()
                self._queue.failed(key)

    async def _leading(self) -> None:
        """Passes wait while the Lease is renewed late: each would fail at its first write."""
        while True:
            if self._lease.holds():
                return
            await asyncio.sleep(LEADING)

    async def _pulse(self) -> None:
        while True:
            # Before all others: a long queue is not a stuck one.
            self._queue.add(PulseKey(), first=True)
            await asyncio.sleep(PULSE)


async def run(config: Config, now: Callable[[], datetime] = utc) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Args:
        config: What the chart decides.
        now: The time.

    Raises:
        LeaseLostError: another replica leads.
        UnsupportedError: the cluster is too old.
        ApiError: it cannot be reached at the start.
    """
    gc.set_threshold(*CYCLES)
    stop = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(unclosed)
    heed(stop)
    health = Health(time.monotonic)
    await health.serve(config.health_port)
    start_http_server(config.metrics_port)
    api = await Api.connect()
    place = (config.lease_namespace, config.lease_name)
    lease = Lease(api, place, config.identity, time.monotonic, now)
    try:
        await _check_version(api)
        if await _unless(stop, lease.acquire()):
            metrics.LEADER.set(1)
            await Operator(api.fenced(lease.holds), config, health, lease=lease, now=now).run(stop)
    finally:
        await lease.release()
        await api.close()
        await health.close()


def heed(stop: asyncio.Event) -> None:
    """Sets `stop` when the process is asked to end, whoever took the signals before. Call it in the main thread."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # It takes the place of kopf's.
        loop.add_signal_handler(number, stop.set)
        # The loop hears of a signal by a byte in its own pipe, and the byte is lost where the pipe is full: each of
        # kopf's watches fills it a little when it begins.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


async def end(tasks: list[asyncio.Task[None]], within: float) -> None:
    """Cancels the tasks and waits until they have ended, but no longer than so many seconds."""
    for task in tasks:
        task.cancel()
    done, left = await asyncio.wait(tasks, timeout=within) if tasks else (set(), set())
    for task in done:
        if not task.cancelled():
            task.exception()
    if left:
        log.warning("not ended within %g s: %s", within, ", ".join(sorted(repr(task.get_coro()) for task in left)))


async def _check_version(api: Api) -> None:
    found = await api.version()
    if found < OLDEST:
        raise UnsupportedError(f"Kubernetes {found[0]}.{found[1]} is too old: {OLDEST[0]}.{OLDEST[1]} is needed")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Waits for the work, but no longer than until `stop` is set. Answers whether it was done."""
    stopped, task = asyncio.create_task(stop.wait()), asyncio.create_task(work)
    await asyncio.wait({stopped, task}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return False


async def _until(event: asyncio.Event, most: float | None = None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most):
            await event.wait()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    """Raises what ended the first of the tasks, if it was an error."""
    for task in tasks:
        if task.done():
            task.result()
