"""Who holds which exclusive key, when passes fail and queues are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from mintworks_operator.admitter import Admitter
from mintworks_operator.api import Api, ApiError
from mintworks_operator.apply import Applier
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.core import Holding, Standing, Waiting, admit, texts
from mintworks_operator.core.ratelimit import LATE
from mintworks_operator.events import Events
from mintworks_operator.gather import Gatherer
from mintworks_operator.health import Health
from mintworks_operator.keys import JobKey, Key, QueuesKey
from mintworks_operator.names import KINDS, QUEUES
from mintworks_operator.progress import Progress
from mintworks_operator.reconcile import Reconciler
from mintworks_operator.scheduler import Scheduler
from mintworks_operator.slots import Slots
from mintworks_operator.views import queue_view
from mintworks_operator.webhooks.notifier import Notifier
from mintworks_operator.webhooks.sender import Sender
from mintworks_operator.writes import StaleError
from support.connection import connected
from support.specs import ADDRESS, CID, MINT

Json = dict[str, Any]

STAMP = "2026-01-01T00:00:00Z"
NOW = datetime.fromisoformat(STAMP)
TREE: Json = {**MINT, "tree": {"address": ADDRESS}}
ACTIVE: Json = {"phase": "Running", "active": {"run": 1, "reserved": STAMP}, "attempts": {"runs": 1}}


def obj(name: str, spec: Json, status: Json) -> Json:
    meta = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1", "creationTimestamp": STAMP}
    return {"metadata": meta, "spec": spec, "status": status}


class Unreachable:
    """An operator whose API server has gone away: every request of its passes fails."""

    def __init__(self, api: Api, total: int | None = None) -> None:
        self.woken: list[Key] = []

        def wake(key: Key, delay: float = 0.0) -> None:
            if not delay:
                self.woken.append(key)

        config = load(["--namespaces", "ns"], {"MINTWORKS_IMAGES": '{"runner": "r"}'})
        self.api, self.cache, self.slots = api, Cache(wake), Slots()
        progress = Progress(config.redis_file, wake, lambda: 0.0, lambda: None)
        sender = Sender(config.webhooks, lambda: NOW)
        notifier = Notifier(sender.send, wake, asyncio.Event().wait)
        gatherer = Gatherer(self.cache, api, config, progress.news, notifier.deliveries)
        events = Events(api, "operator-1", lambda: 0.0)
        self.admitter = Admitter(api, self.cache, self.slots, wake, lambda: True, events=events, total=total)
        self.reconciler = Reconciler(
            cache=self.cache,
            gatherer=gatherer,
            applier=Applier(api, self.cache, config, gatherer, notify=notifier.notify, clock=lambda: 0.0),
            admitter=self.admitter,
            scheduler=Scheduler(api, self.cache, config.identity, lambda: 0.0),
            slots=self.slots,
            progress=progress,
            notifier=notifier,
            health=Health(lambda: 0.0),
            listed=lambda _: True,
            wake=wake,
            spare=lambda _: None,
            clock=lambda: 0.0,
            now=lambda: NOW,
        )


@pytest.fixture
async def operator() -> AsyncIterator[Unreachable]:
    """With a cache that a test fills."""
    async with connected() as api:
        yield Unreachable(api)


async def test_a_running_job_holds_its_slot_though_its_first_pass_fails(operator: Unreachable) -> None:
    operator.cache.put(KINDS["MintJob"], obj("a", TREE, ACTIVE))
    operator.reconciler.begin()
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))
    assert operator.slots.get("a") == Holding("a", 1, (f"tree:{ADDRESS}",))


def queue(*reserved: str) -> Json:
    """The default queue, with slots reserved for the first runs of these jobs."""
    ready = {"type": "Ready", "status": "True", "reason": "Ready", "message": texts.QUEUE_READY}
    status = {
        "observedGeneration": 1,
        "conditions": [{**ready, "observedGeneration": 1, "lastTransitionTime": STAMP}],
        "running": len(reserved),
        "waiting": 0,
        "summary": f"{len(reserved)}/1",
        "reservations": [{"uid": uid, "run": 1, "keys": [f"tree:{ADDRESS}"]} for uid in reserved],
    }
    return obj("default", {"concurrency": 1}, status)


def settled(operator: Unreachable, spec: Json, waiting: Waiting, taken: frozenset[str] = frozenset()) -> Json:
    """The default queue, in whose status nothing is to be written while that one waits."""
    found = obj("default", spec, {})
    standing = Standing(operator.cache.tally.phases(("ns", "default")), oldest=waiting.created, redis=True)
    for _ in range(2):
        told = admit(queue_view(found), [waiting], [], NOW, standing=standing, still_held=lambda _: True, taken=taken)
        found = {**found, "status": told.status.wire()}
    return found


OWN: Json = {**TREE, "metadataFrom": {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}}


async def test_a_job_that_takes_its_slot_holds_it_though_the_answer_is_lost(operator: Unreachable) -> None:
    """The operator was started anew; the job's status may well be written. Another would get the slot as well."""
    operator.cache.put(KINDS["MintJob"], obj("a", OWN, {}))
    operator.cache.put(QUEUES, queue("a"))
    operator.reconciler.begin()
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))
    assert operator.slots.get("a") == Holding("a", 1, (f"tree:{ADDRESS}",))


async def test_a_slot_that_is_being_given_up_is_not_taken(operator: Unreachable) -> None:
    """`a` was suspended and is no more. Whether its slot went to another meanwhile is not known: no answer came."""
    operator.cache.put(KINDS["MintJob"], obj("a", {**OWN, "suspend": True}, {}))
    operator.cache.put(QUEUES, queue("a"))
    operator.reconciler.begin()
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(QueuesKey("ns"))
    resumed = obj("a", OWN, {})
    resumed["metadata"]["resourceVersion"] = "2"
    operator.cache.put(KINDS["MintJob"], resumed)
    with pytest.raises(StaleError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))


@pytest.mark.parametrize("busy", [True, False])
async def test_a_reserved_slot_is_taken_once_it_is_counted_in_the_limit_for_all(
    operator: Unreachable, *, busy: bool
) -> None:
    """Another leader may have reserved it, when this one had given what was free to others."""
    limited, key = Unreachable(operator.api, total=1), JobKey("MintJob", "ns", "a")
    limited.cache.put(KINDS["MintJob"], obj("a", {**OWN, "priority": 3}, {}))
    limited.cache.put(QUEUES, queue("a"))
    if busy:
        limited.slots.set(("other", "q"), "b", Holding("b", 1))
    limited.reconciler.begin()
    await limited.reconciler.reconcile(key)
    # It keeps what was reserved for it: only a change of the job itself may take that away.
    keys = (f"tree:{ADDRESS}",)
    assert limited.slots.get("a") == Waiting("a", 1, "MintJob", 3, NOW, "a", keys)
    limited.woken.clear()
    with pytest.raises(ApiError):
        await limited.reconciler.reconcile(QueuesKey("ns"))
    assert (key in limited.woken) is not busy
    if not busy:
        # Its start is written, or would be.
        with pytest.raises(ApiError):
            await limited.reconciler.reconcile(key)


async def test_a_reserved_slot_is_taken_once_its_start_is_counted_in_the_rate_limit(operator: Unreachable) -> None:
    """Another leader may have reserved it long ago."""
    key = JobKey("MintJob", "ns", "a")
    operator.cache.put(KINDS["MintJob"], obj("a", OWN, {}))
    paced = {**queue("a"), "spec": {"rateLimit": {"max": 1, "per": "1m"}}}
    operator.cache.put(QUEUES, paced)
    operator.reconciler.begin()
    await operator.reconciler.reconcile(key)
    assert isinstance(operator.slots.get("a"), Waiting)
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(QueuesKey("ns"))
    assert operator.admitter.counted("a", queue_view(paced), NOW) == frozenset()
    assert operator.admitter.counted("a", queue_view(queue("a")), NOW) is None


async def test_a_start_is_counted_for_some_seconds(operator: Unreachable) -> None:
    """Then it is again: a leader that slept goes on with the passes that it had put off, in any order."""
    operator.reconciler.begin()
    waiting = Waiting("a", 1, "MintJob", 5, NOW, "a")
    operator.cache.put(KINDS["MintJob"], obj("a", OWN, {}))
    operator.slots.set(("ns", "default"), "a", waiting)
    paced = settled(operator, {"rateLimit": {"max": 1, "per": "1m"}}, waiting)
    operator.cache.put(QUEUES, paced)
    await operator.reconciler.reconcile(QueuesKey("ns"))
    view = queue_view(paced)
    assert operator.admitter.counted("a", view, NOW) == frozenset({1})
    assert operator.admitter.counted("a", view, NOW + LATE) == frozenset()


async def test_a_job_that_is_gone_holds_nothing_though_no_pass_succeeded(operator: Unreachable) -> None:
    key = JobKey("MintJob", "ns", "a")
    operator.cache.put(KINDS["MintJob"], obj("a", TREE, ACTIVE))
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(key)
    operator.cache.drop(KINDS["MintJob"], "a")
    await operator.reconciler.reconcile(key)
    assert operator.slots.get("a") is None


async def test_a_job_that_went_while_its_namespace_was_not_read_is_looked_at_with_the_others(
    operator: Unreachable,
) -> None:
    """Nothing of it is left in the cache that could wake anybody, and a pass over it was skipped."""
    operator.cache.put(KINDS["MintJob"], obj("a", TREE, ACTIVE))
    operator.reconciler.begin()
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))
    operator.cache.drop(KINDS["MintJob"], "a")
    operator.woken.clear()
    operator.reconciler.enter("ns")
    assert JobKey("MintJob", "ns", "a") in operator.woken


async def test_a_key_is_held_though_the_queue_that_gave_it_is_deleted(operator: Unreachable) -> None:
    """`b` waits for the same tree in a queue that exists; giving it the slot would be written, and would fail."""
    manifest = {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}
    spec = {**TREE, "metadataFrom": manifest}
    operator.cache.put(KINDS["MintJob"], obj("a", {**spec, "queue": "gone"}, ACTIVE))
    operator.cache.put(KINDS["MintJob"], obj("b", spec, {}))
    operator.reconciler.begin()
    for name in ("a", "b"):
        with pytest.raises(ApiError):
            await operator.reconciler.reconcile(JobKey("MintJob", "ns", name))
    waiting = Waiting("b", 1, "MintJob", 5, datetime.fromisoformat(STAMP), "b", (f"tree:{ADDRESS}",))
    operator.slots.set(("ns", "default"), "b", waiting)
    operator.cache.put(QUEUES, settled(operator, {}, waiting, frozenset(waiting.keys)))
    await operator.reconciler.reconcile(QueuesKey("ns"))


async def test_nobody_is_admitted_in_a_namespace_before_its_jobs_had_a_look(operator: Unreachable) -> None:
    """It could not be read at the start. `a` holds its tree by its status alone, until a pass found that out."""
    operator.reconciler.begin()
    operator.cache.put(KINDS["MintJob"], obj("a", TREE, ACTIVE))
    operator.cache.put(QUEUES, obj("default", {}, {}))
    operator.reconciler.enter("ns")
    await operator.reconciler.reconcile(QueuesKey("ns"))
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(JobKey("MintJob", "ns", "a"))
    with pytest.raises(ApiError):
        await operator.reconciler.reconcile(QueuesKey("ns"))
