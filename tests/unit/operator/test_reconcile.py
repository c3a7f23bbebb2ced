"""In which order passes begin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mintworks_operator.cache import Cache
from mintworks_operator.keys import JobKey, Key, QueuesKey
from mintworks_operator.names import KINDS, QUEUES
from mintworks_operator.reconcile import Reconciler
from support.specs import METADATA

Json = dict[str, Any]


def obj(name: str, **more: Any) -> Json:
    meta = {"uid": name, "resourceVersion": "1", "namespace": "ns", "name": name, "generation": 1}
    return {"metadata": meta, "spec": METADATA, **more}


def reconciler_of(cache: Cache, woken: list[Key], spare: list[Key], *, listed: bool) -> Reconciler:
    """With no parts, for what needs none."""
    nothing: Any = None
    return Reconciler(
        cache=cache,
        gatherer=nothing,
        applier=nothing,
        admitter=nothing,
        scheduler=nothing,
        slots=nothing,
        progress=nothing,
        notifier=nothing,
        health=nothing,
        listed=lambda _: listed,
        wake=lambda key, _: woken.append(key),
        spare=spare.append,
        clock=lambda: 0.0,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_a_job_that_is_gone_builds_on_nothing() -> None:
    """Though a pass was looking at what it builds on while it went."""
    cache = Cache(lambda _: None)
    gone, leader = JobKey("MintJob", "ns", "gone"), JobKey("MetadataJob", "ns", "rows")
    cache.followers.follow(gone, [leader])
    await reconciler_of(cache, [], [], listed=True).reconcile(gone)
    assert list(cache.followers.of(leader)) == []


async def test_admission_begins_after_the_unfinished_and_before_all_others() -> None:
    woken: list[Key] = []
    spare: list[Key] = []
    cache = Cache(lambda _: None)
    cache.put(KINDS["MetadataJob"], obj("done", status={"phase": "Succeeded"}))
    cache.put(KINDS["MetadataJob"], obj("waits", status={"phase": "Queued"}))
    cache.put(QUEUES, obj("default"))
    reconciler = reconciler_of(cache, woken, spare, listed=False)
    done, waits = JobKey("MetadataJob", "ns", "done"), JobKey("MetadataJob", "ns", "waits")
    reconciler.begin()
    assert woken == [waits]
    assert not reconciler.warm.is_set()
    await reconciler.reconcile(waits)
    assert (woken, spare) == ([waits, QueuesKey("ns")], [done])
    assert reconciler.warm.is_set()
