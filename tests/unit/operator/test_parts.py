"""The small parts of the shell: work queue, store, cache, patches, news, health, configuration."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import JOB_KINDS, JobStatus
from mintworks_api.status import ActiveRun
from mintworks_operator.api import JOBS, PODS, Resource
from mintworks_operator.cache import Cache
from mintworks_operator.config import ConfigError, load
from mintworks_operator.core import News, fold
from mintworks_operator.core.news import LONGEST
from mintworks_operator.events import cut
from mintworks_operator.health import STALE, Health
from mintworks_operator.keys import JobKey, Key, QueuesKey
from mintworks_operator.names import KINDS, QUEUES
from mintworks_operator.patch import merge_patch, told
from mintworks_operator.store import Store
from mintworks_operator.work import WorkQueue
from support.specs import METADATA, MINT

Json = dict[str, Any]


METADATA_JOB = JOB_KINDS["MetadataJob"]


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


# --- work queue -------------------------------------------------------------------------------------------------------


async def taken(queue: WorkQueue[str]) -> str | None:
    try:
        async with asyncio.timeout(0.01):
            return await queue.get()
    except TimeoutError:
        return None


async def test_a_key_is_worked_on_once_and_by_one() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert [await taken(queue), await taken(queue), await taken(queue)] == ["a", "b", None]
    queue.add("a")
    assert await taken(queue) is None, "a is still worked on"
    queue.done("a")
    assert await taken(queue) == "a"


async def test_later_means_later_and_the_earlier_wish_stands() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add("a", 5)
    queue.add("a", 9)
    queue.add("a", 3)
    assert await taken(queue) is None
    clock.now = 3
    assert await taken(queue) == "a"
    queue.done("a")
    clock.now = 20
    assert await taken(queue) is None


async def test_failures_wait_longer_each_time() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    assert [queue.failed("a") for _ in range(3)] == [0.1, 0.2, 0.4]
    assert [queue.failed("a") for _ in range(20)][-1] == 60
    queue.succeeded("a")
    assert queue.failed("a") == 0.1


async def test_the_pulse_goes_before_a_long_queue() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    for key in ("a", "b", "c"):
        queue.add(key)
    queue.add("pulse", first=True)
    queue.add("b", first=True)
    assert [await taken(queue) for _ in range(5)] == ["b", "pulse", "a", "c", None]


async def test_a_spare_look_waits_for_all_others() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    for key in ("a", "b"):
        queue.add_spare(key)
    queue.add("c")
    queue.add("b")
    assert len(queue) == 3
    assert [await taken(queue) for _ in range(4)] == ["c", "b", "a", None]
    queue.add_spare("a")
    queue.done("a")
    assert await taken(queue) is None, "it was worked on just now"


async def test_workers_that_never_wait_leave_turns_to_others() -> None:
    """The Lease's renewal among them: passes over a thousand jobs may come and go without one request."""
    queue: WorkQueue[str] = WorkQueue(Clock())
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    for number in range(1000):
        queue.add(str(number))
    for _ in range(1000):
        queue.done(await queue.get())
    task.cancel()
    assert turns >= 900


async def test_a_waiting_worker_is_woken() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    worker = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    async with asyncio.timeout(5):
        assert await worker == "a"


# --- store and cache --------------------------------------------------------------------------------------------------


def obj(uid: str, version: int, name: str = "a", **more: Any) -> Json:
    meta = {"uid": uid, "resourceVersion": str(version), "namespace": "ns", "name": name, **more.pop("meta", {})}
    return {"metadata": meta, **more}


def test_old_news_and_the_dead_are_not_taken_in() -> None:
    store = Store(lambda o: o["metadata"]["name"])
    assert store.news(obj("u", 9))
    store.put(obj("u", 9))
    assert not store.news(obj("u", 9))
    assert not store.news(obj("u", 8))
    store.put(obj("v", 10))
    assert store.one("a") == obj("v", 10)
    assert store.drop("u") == obj("u", 9)
    assert store.drop("u") is None
    assert not store.news(obj("u", 11)), "an answer that arrives after the deletion"
    store.drop("v")
    assert store.group("a") == []


ACTIVE: Json = {"phase": "Running", "active": {"run": 1}}


def run_labels(kind: str, uid: str, run: int) -> Json:
    return {
        "labels": {
            "mintworks.dev/kind": kind,
            "mintworks.dev/job": "a",
            "mintworks.dev/uid": uid,
            "mintworks.dev/run": str(run),
        },
        "ownerReferences": [{"kind": kind, "name": "a", "uid": uid, "controller": True}],
    }


def test_a_change_wakes_whom_it_concerns() -> None:
    woken: list[Key] = []
    cache = Cache(woken.append)
    rows, mint = JobKey("MetadataJob", "ns", "a"), JobKey("MintJob", "ns", "m")

    def wakes(*keys: Key) -> None:
        assert sorted(map(str, woken)) == sorted(map(str, keys))
        woken.clear()

    cache.put(KINDS["MetadataJob"], obj("u", 1, spec=METADATA))
    wakes(rows)
    cache.put(KINDS["MintJob"], obj("m", 2, "m", spec={**MINT, "metadataFrom": {"job": "a"}}))
    wakes(mint)
    cache.followers.follow(mint, [rows])
    cache.put(KINDS["MetadataJob"], obj("u", 3, spec=METADATA, status={"phase": "Running"}))
    wakes(rows, mint)
    cache.put(KINDS["MetadataJob"], obj("u", 4, spec=METADATA, status={"phase": "Running", "progress": {}}))
    wakes(rows)
    cache.put(QUEUES, obj("q", 5, "default", meta={"generation": 1}))
    wakes(QueuesKey("ns"), rows, mint)
    cache.put(QUEUES, obj("q", 6, "default", meta={"generation": 1}, status={}))
    wakes(QueuesKey("ns"))
    cache.put(KINDS["MetadataJob"], obj("u", 7, spec=METADATA, status=ACTIVE))
    wakes(rows)
    cache.put(JOBS, obj("j", 7, "a-u-1", meta=run_labels("MetadataJob", "u", 1)))
    cache.put(PODS, obj("p", 8, meta=run_labels("MetadataJob", "u", 1)))
    wakes(rows)
    cache.put(PODS, obj("p", 9, meta=run_labels("MetadataJob", "u", 1), status={"phase": "Failed"}))
    cache.drop(JOBS, "j")
    wakes(rows)
    assert cache.runs.lost("u") == {1}
    cache.drop(KINDS["MetadataJob"], "u")
    wakes(rows, mint)
    assert cache.runs.lost("u") == frozenset()
    assert cache.tally.count() == {("MintJob", "ns", "default", "New"): 1}


def test_what_no_pass_looks_at_wakes_nobody() -> None:
    """Of a run's dozen changes some four are news."""
    woken: list[Key] = []
    cache, of_job = Cache(woken.append), run_labels("MetadataJob", "u", 1)
    of_pod = {**of_job, "ownerReferences": [{"kind": "Job", "name": "a-u-1", "uid": "jobs", "controller": True}]}
    rows, started = JobKey("MetadataJob", "ns", "a"), {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    seen: list[tuple[Resource, Json, list[Key]]] = [
        (JOBS, {}, [rows]),
        (JOBS, {"active": 1, "startTime": "2026-01-01T00:00:00Z"}, []),
        (PODS, {"phase": "Pending"}, []),
        (PODS, {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}, []),
        (JOBS, {"active": 1, "ready": 1}, []),
        (PODS, {"phase": "Running", "containerStatuses": [{"name": "runner", "state": started}]}, [rows]),
        (JOBS, {"conditions": [{"type": "FailureTarget", "status": "True"}]}, []),
        (JOBS, {"conditions": [{"type": "Failed", "status": "True"}]}, [rows]),
    ]
    cache.put(KINDS["MetadataJob"], obj("u", 1, spec=METADATA, status=ACTIVE))
    for version, (resource, status, wakes) in enumerate(seen, 2):
        woken.clear()
        meta = of_job if resource == JOBS else of_pod
        cache.put(resource, obj(resource.plural, version, "a-u-1", meta=meta, status=status))
        assert woken == wakes, status


def test_the_last_run_of_a_job_that_is_gone_frees_its_slot() -> None:
    woken: list[Key] = []
    cache = Cache(woken.append)
    cache.put(JOBS, obj("j", 7, "a-u-1", meta=run_labels("MetadataJob", "u", 1)))
    woken.clear()
    cache.drop(JOBS, "j")
    assert QueuesKey("ns") in woken


def test_what_outlives_the_run_of_a_job_frees_its_slot() -> None:
    """No pass over the job does: its slot went with its status."""
    woken: list[Key] = []
    cache = Cache(woken.append)
    meta = run_labels("MetadataJob", "u", 1)
    owner = [{"kind": "Job", "name": "a-u-1", "uid": "j", "controller": True}]
    cache.put(KINDS["MetadataJob"], obj("u", 1, spec=METADATA, status={"phase": "Succeeded"}))
    cache.put(PODS, obj("p", 2, meta={**meta, "ownerReferences": owner}, status={"phase": "Running"}))
    woken.clear()
    cache.drop(PODS, "p")
    assert QueuesKey("ns") in woken


def test_a_follower_that_was_replaced_unseen_still_follows() -> None:
    woken: list[Key] = []
    cache = Cache(woken.append)
    rows, mint = JobKey("MetadataJob", "ns", "a"), JobKey("MintJob", "ns", "m")
    spec = {**MINT, "metadataFrom": {"job": "a"}}
    cache.put(KINDS["MintJob"], obj("old", 1, "m", spec=spec))
    cache.followers.follow(mint, [rows])
    cache.put(KINDS["MintJob"], obj("new", 2, "m", spec=spec))
    cache.drop(KINDS["MintJob"], "old")
    woken.clear()
    cache.put(KINDS["MetadataJob"], obj("u", 3, spec=METADATA))
    assert sorted(map(str, woken)) == sorted(map(str, (rows, mint)))
    cache.put(KINDS["MetadataJob"], obj("u", 4, spec=METADATA, status={"phase": "Succeeded"}))
    assert cache.unfinished() == [mint]


def test_the_runs_of_a_job_that_is_gone_are_not_remembered() -> None:
    cache = Cache(lambda _: None)
    cache.put(KINDS["MetadataJob"], obj("u", 1, spec=METADATA))
    cache.put(JOBS, obj("j", 2, "a-u-1", meta=run_labels("MetadataJob", "u", 1)))
    cache.drop(KINDS["MetadataJob"], "u")
    cache.drop(JOBS, "j")
    assert cache.runs.lost("u") == frozenset()


# --- events -----------------------------------------------------------------------------------------------------------


def test_an_event_is_cut_by_bytes() -> None:
    assert cut("ä" * 1024, 1024) == "ä" * 512
    assert cut("xä", 2) == "x"
    assert cut("\ud800", 9) == "?"


# --- patches ----------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


def merged(old: Any, patch: Any) -> Any:
    """RFC 7386, as the API server does it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


@given(old=OBJECTS, new=OBJECTS)
def test_a_patch_turns_one_into_the_other(old: Json, new: Json) -> None:
    assert merged(old, merge_patch(old, new)) == new
    assert merge_patch(new, new) == {}


def test_a_patch_leaves_what_it_does_not_know() -> None:
    """What a newer operator wrote, wherever it stands; what this one knows is taken away."""
    condition = {
        "type": "Admitted",
        "status": "True",
        "reason": "Admitted",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    old = {
        "future": 1,
        "phase": "Running",
        "active": {"run": 1, "reserved": "2026-01-01T00:00:00Z", "stopping": "Suspended", "future": 2},
        "attempts": {"runs": 1, "future": {"a": 3}},
        "conditions": [{**condition, "future": 4}, {**condition, "type": "Progressing", "future": 5}],
    }
    status = JobStatus.model_validate(old)
    changed = status.conditions[1].model_copy(update={"reason": "Running"})
    active = ActiveRun(run=1, reserved=datetime(2026, 1, 1, tzinfo=UTC))
    new = status.model_copy(update={"phase": None, "active": active, "conditions": [status.conditions[0], changed]})
    after = merged(old, merge_patch(old, new.wire(), JobStatus))
    assert after["future"] == 1
    assert "phase" not in after
    assert after["active"] == {"run": 1, "reserved": "2026-01-01T00:00:00Z", "future": 2}
    assert (after["attempts"]["runs"], after["attempts"]["future"]) == (1, {"a": 3})
    assert after["conditions"] == [
        {**condition, "future": 4},
        {**condition, "type": "Progressing", "reason": "Running"},
    ]


def test_what_is_told_of_a_status_that_cannot_be_read_leaves_the_rest() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "X", "message": "m", "observedGeneration": 2}
    new = {**condition, "lastTransitionTime": "new"}
    old = [{"type": "Odd", "status": 3}, "nonsense", {**condition, "reason": "Y", "lastTransitionTime": "old"}]
    after = told(old, new)
    assert after == [*old[:2], {**condition, "lastTransitionTime": "old"}]
    assert told(after, new) is None
    assert told([], new) == [new]


# --- news -------------------------------------------------------------------------------------------------------------


def test_messages_of_the_run_are_folded_and_nonsense_is_passed_over() -> None:
    messages = [
        '{"type":"progress","run":2,"percent":10,"step":"read"}',
        '{"type":"inputs","run":2,"inputs":{"items":3}}',
        '{"type":"inputs","run":1,"inputs":{"items":9}}',
        '{"type":"progress","run":2,"percent":60,"step":"s","items":{"total":5,"done":3},"message":"%s"}'
        % ("x" * 5000),
        '{"type":"progress","run":2,"percent":600}',
        '{"type":"progress","run":1,"percent":99}',
        "nonsense",
        "[" * LONGEST,
        '{"type":"progress","run":2,"percent":70,"step":"%s"}' % ("x" * LONGEST),
        '{"type":"inputs","run":2,"inputs":{"strange":1}}',
        '{"type":"progress","run":2,"percent":70,"items":{"done":9223372036854775808}}',
        "[]",
        '{"type":"inputs","run":2,"inputs":[]}',
        '{"type":"inputs","run":2,"inputs":{"rowsSha256":"0"}}',
    ]
    news = fold(METADATA_JOB, News(), 2, messages)
    assert news.inputs == {"items": 3, "rowsSha256": "0"}
    assert news.progress is not None
    assert (news.progress.percent, news.progress.step) == (60, "s")
    assert len(news.progress.message or "") == 1024


@given(st.lists(st.text() | st.binary()))
def test_no_message_stops_the_operator(messages: list[str | bytes]) -> None:
    assert fold(METADATA_JOB, News(), 1, messages) == News()


# --- health and configuration -----------------------------------------------------------------------------------------


def test_health_fails_when_the_loop_is_stuck() -> None:
    clock = Clock()
    health = Health(clock)
    clock.now = 1000
    assert health.problem() is None, "a replica that does not lead is well"
    health.beat()
    clock.now += STALE
    assert health.problem() is None
    clock.now += 1
    assert "61 s" in str(health.problem())


def test_configuration() -> None:
    config = load(["--namespaces", "a, b"], {"MINTWORKS_NAMESPACES": "z", "MINTWORKS_IMAGES": '{"runner": "r"}'})
    assert config.namespaces == ("a", "b")
    assert config.images == {"runner": "r"}
    assert config.serves("a")
    assert not config.serves("z")
    assert config.total_concurrency is None
    assert load([], {"MINTWORKS_TOTAL_CONCURRENCY": "12"}).total_concurrency == 12


@pytest.mark.parametrize(
    "environment",
    [
        {"MINTWORKS_IMAGES": "runner"},
        {"MINTWORKS_IMAGES": '{"other": "image"}'},
        {"MINTWORKS_RUNNER_RESOURCES": "[]"},
        {"MINTWORKS_RUNNER_RESOURCES": '{"limits": {"memory": "lots"}}'},
        {"MINTWORKS_RUNNER_RESOURCES": '{"limit": {"memory": "1Gi"}}'},
        {"MINTWORKS_RUNNER_ALLOWED": "all"},
        {"MINTWORKS_RUNNER_ALLOWED": '{"image": ["x"]}'},
        {"MINTWORKS_RUNNER_ALLOWED": '{"memory": "lots"}'},
        {"MINTWORKS_TOTAL_CONCURRENCY": "0"},
        {"MINTWORKS_TOTAL_CONCURRENCY": "some"},
    ],
)
def test_a_bad_setting_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(environment))):
        load([], environment)
