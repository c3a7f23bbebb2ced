"""Many jobs that stand by: half of them finished, half waiting in a queue that lets one run at a time."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from mintworks_api import JobQueueSpec, JobQueueStatus, Reservation
from mintworks_operator.core import Decision, JobView, QueueView, RunState, RunView, Snapshot, WriteStatus, decide
from support.specs import RESULTS

from .person import SUCCEEDED, Person, together
from .sides import MINT_JOBS, Running, mint_job, operator
from .world import BURST, QUEUE, World, fresh

Json = dict[str, Any]

RUN_SECONDS = 0.1
_PODS = "/api/v1/namespaces/{}/pods"
_QUEUES = f"/apis/mintworks.dev/v1alpha1/namespaces/{BURST}/jobqueues"
_JOB = re.compile(rb'"mintworks.dev/job":"([^"]+)"')
_PARALLEL = 32
_SETTLE = 10.0


def measure(each: int, starts: int, idle: float) -> Mapping[str, float]:
    """With `each` jobs finished and as many waiting: `cold_start_s`, from the operator's start to its first run;
    `next_start_ms`, the median of `starts` times from a run's end to the next run's creation; then, with the queue
    paused, `idle_cpu_percent` of a core over `idle` seconds; and `rss_mb_20k`, the most memory that the operator's
    process held (MB of 2^20 bytes).
    """
    with fresh(seconds=RUN_SECONDS) as world:
        return asyncio.run(_measured(world, each, starts, idle))


async def _measured(world: World, each: int, starts: int, idle: float) -> Mapping[str, float]:
    async with world.person() as person:
        await _queue(person, concurrency=1)
        await _fill(person, each)
        pods = _PODS.format(BURST)
        changes = person.changes(pods, await person.version(pods))
        began = time.perf_counter()
        # What runs beside must not wait for this process, nor this process for it.
        with operator(world) as running:
            waits, cold = await _starts(changes, began, starts)
            await _queue(person, paused=True)
            await asyncio.sleep(_SETTLE)
            percent = await _idle(running, idle)
            return {
                "cold_start_s": cold,
                "next_start_ms": statistics.median(waits) * 1000,
                "idle_cpu_percent": percent,
                "rss_mb_20k": running.memory_mb("VmHWM"),
            }


async def _queue(person: Person, **spec: Any) -> None:
    await person.merge(f"{_QUEUES}/{QUEUE}", {"spec": spec})


async def _fill(person: Person, each: int) -> None:
    """Creates the jobs, each with the status that the operator would have written."""
    path = MINT_JOBS.format(BURST)
    waiting, finished = statuses()

    async def one(name: str, status: Json) -> None:
        await person.ask("POST", path, mint_job(name, BURST))
        await person.merge(f"{path}/{name}/status", {"status": status})

    made = [(f"o-w{number:05}", waiting) for number in range(each)]
    made += [(f"o-f{number:05}", finished) for number in range(each)]
    await together((partial(one, *each_one) for each_one in made), _PARALLEL)


async def _starts(changes: AsyncIterator[bytes], began: float, count: int) -> tuple[list[float], float]:
    """Seconds from a run's end to the creation of the next one, so often; and from `began` to the first creation.

    Of its pod each time: both are told by one watch, so that how late it is cancels out.
    """
    waits: list[float] = []
    first: float | None = None
    ended: float | None = None
    seen: set[bytes] = set()
    async for line in changes:
        now = time.perf_counter()
        found = _JOB.search(line)
        if found is None:
            continue
        if line.startswith(b'{"type":"ADDED"'):
            first = now - began if first is None else first
            if ended is not None:
                waits.append(now - ended)
            if len(waits) >= count:
                return waits, first
            ended = None
        elif SUCCEEDED in line and found[1] not in seen:
            seen.add(found[1])
            ended = now
    raise RuntimeError("the watch ended")


async def _idle(running: Running, seconds: float) -> float:
    """Percent of a core."""
    began, used = time.perf_counter(), running.cpu_seconds()
    await asyncio.sleep(seconds)
    return 100 * (running.cpu_seconds() - used) / (time.perf_counter() - began)


def statuses() -> tuple[Json, Json]:
    """What the operator writes of a job that waits in line, and of one that succeeded."""
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    spec = mint_job("o-00000", BURST)["spec"]
    job = JobView("MintJob", BURST, "o-00000", "uid", 1, created, spec)
    queue = QueueView(BURST, QUEUE, 1, JobQueueSpec(concurrency=1))
    waiting = _written(decide(Snapshot(job=job, queue=queue), created + timedelta(minutes=1)))
    reserved = QueueView(BURST, QUEUE, 1, queue.spec, JobQueueStatus(reservations=[Reservation(uid="uid", run=1)]))
    started = created + timedelta(minutes=2)
    taken = _written(decide(Snapshot(job=job, queue=reserved), started))
    running = JobView("MintJob", BURST, "o-00000", "uid", 1, created, spec, status=taken.status, inputs=taken.inputs)
    run = RunView(
        run=1,
        state=RunState.COMPLETE,
        started=started,
        finished=started + timedelta(minutes=1),
        termination={"result": RESULTS["MintJob"]},
    )
    ended = _written(decide(Snapshot(job=running, queue=reserved, runs=(run,)), started + timedelta(minutes=1)))
    return waiting.wire(), ended.wire()


def _written(decision: Decision) -> WriteStatus:
    return next(action for action in decision.actions if isinstance(action, WriteStatus))
