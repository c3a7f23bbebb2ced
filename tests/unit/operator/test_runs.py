"""Whose a Kubernetes Job or pod is, and what lives: labels alone are anyone's, and a pod can outlive its Job."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from mintworks_operator.admitter import Admitter
from mintworks_operator.api import JOBS, PODS, Api, ApiError
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.core import CreateRun, News, RunState, Snapshot, WriteStatus, admit, decide
from mintworks_operator.events import Events
from mintworks_operator.gather import Gatherer
from mintworks_operator.keys import JobKey, Key, QueuesKey
from mintworks_operator.names import KINDS, QUEUES, labels
from mintworks_operator.slots import Slots
from mintworks_operator.views import queue_view
from support.connection import connected
from support.specs import METADATA
from support.web import Answer, serve

Json = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = "2026-01-01T00:00:00Z"
KEY = JobKey("MetadataJob", "ns", "a")
PODS_OF_RUN = "/api/v1/namespaces/ns/pods?limit=250&labelSelector=mintworks.dev/uid%3Du,mintworks.dev/run%3D1"


@pytest.fixture
async def nowhere() -> AsyncIterator[Api]:
    """A connection to an API server that is not there: whatever asks it, fails."""
    async with connected() as api:
        yield api


@pytest.fixture
async def jobless() -> AsyncIterator[Api]:
    """A connection to an API server where no run's Kubernetes Job is."""
    told = {"kind": "Status", "reason": "NotFound", "details": {"name": "a-u-1"}}
    with serve() as web:
        web.answers["/apis/batch/v1/namespaces/ns/jobs/a-u-1"] = [Answer(404, json.dumps(told).encode())]
        web.answers[PODS_OF_RUN] = [Answer(200, json.dumps({"metadata": {}, "items": []}).encode())]
        async with connected(web.url) as api:
            yield api


@pytest.fixture
async def podded() -> AsyncIterator[Api]:
    """A connection to an API server where a run's pod is."""
    with serve() as web:
        found = json.dumps({"metadata": {}, "items": [pod()]}).encode()
        web.answers[PODS_OF_RUN] = [Answer(200, found)]
        async with connected(web.url) as api:
            yield api


def job(uid: str = "u", **status: Any) -> Json:
    meta: Json = {"namespace": "ns", "name": "a", "uid": uid, "resourceVersion": "1", "creationTimestamp": STAMP}
    return {"metadata": meta, "spec": METADATA, "status": status}


def made(uid: str, version: int, run: object, owner: tuple[str, str] | None, **more: Any) -> Json:
    marks = {**labels("MetadataJob", "a", "u", 0), "mintworks.dev/run": str(run)}
    meta: Json = {"namespace": "ns", "name": uid, "uid": uid, "resourceVersion": str(version), "labels": marks}
    if owner is not None:
        meta["ownerReferences"] = [{"kind": owner[0], "name": "a", "uid": owner[1], "controller": True}]
    return {"metadata": {**meta, "creationTimestamp": STAMP}, **more}


def kube_job(uid: str = "j", run: object = 1, owner: tuple[str, str] | None = ("MetadataJob", "u")) -> Json:
    found = made(uid, 2, run, owner)
    found["metadata"]["name"] = f"a-u-{run}"
    return found


def with_result(pod: Json) -> Json:
    """The pod, once its runner ended well."""
    ended = {"exitCode": 0, "finishedAt": STAMP, "message": '{"result": {"cid": "b"}}'}
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": ended}
    return pod


def kube_job_with(conditions: list[Json]) -> Json:
    found = kube_job()
    found["metadata"]["resourceVersion"] = "5"
    return {**found, "status": {"conditions": conditions}}


def named(obj: Json, name: str) -> Json:
    obj["metadata"]["name"] = name
    return obj


def pod(
    uid: str = "p",
    run: object = 1,
    owner: tuple[str, str] | None = ("Job", "j"),
    *,
    version: int = 3,
    phase: str = "Running",
) -> Json:
    runner = {"name": "runner", "state": {"running": {"startedAt": STAMP}}}
    return made(uid, version, run, owner, status={"phase": phase, "containerStatuses": [runner]})


async def snapshot(cache: Cache, api: Api) -> Snapshot:
    gatherer = Gatherer(cache, api, load(["--namespaces", "ns"], {}), lambda *_: News(), lambda _: ())
    obj = cache.job(KEY)
    assert obj is not None
    return await gatherer.snapshot(KEY, obj, NOW)


def cached(*objects: tuple[Any, Json]) -> Cache:
    cache = Cache(lambda _: None)
    for resource, obj in objects:
        cache.put(resource, obj)
    return cache


ACTIVE: Json = {"phase": "Running", "active": {"run": 1, "reserved": STAMP}, "attempts": {"runs": 1}}


async def test_a_run_lives_as_long_as_its_pod(nowhere: Api) -> None:
    """`kubectl delete job` removes the Job at once; its pod has its grace yet."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    cache.drop(JOBS, "j")
    found = await snapshot(cache, nowhere)
    assert [(r.run, r.state, r.stopping, r.alive) for r in found.runs] == [(1, RunState.RUNNING, True, True)]
    cache.put(PODS, pod(version=9, phase="Failed"))
    found = await snapshot(cache, nowhere)
    assert found.runs == ()
    assert found.lost == {1}


async def test_a_pod_that_no_watch_told_of_yet_keeps_its_run_going(podded: Api) -> None:
    """The watch of Jobs was quicker. The next run would begin beside it."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()))
    cache.drop(JOBS, "j")
    found = await snapshot(cache, podded)
    assert [(r.run, r.alive, r.stopping) for r in found.runs] == [(1, True, True)]


async def test_an_operator_that_starts_while_a_deleted_jobs_pod_ends_does_not_start_that_run_again(
    jobless: Api,
) -> None:
    """It never saw the Job. The pod tells of it, and when that is gone too, the number stays used."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (PODS, pod()))
    found = await snapshot(cache, jobless)
    assert [(r.run, r.alive, r.stopping) for r in found.runs] == [(1, True, True)]
    assert CreateRun not in [type(a) for a in decide(found, NOW).actions]
    cache.put(PODS, pod(version=9, phase="Failed"))
    assert (await snapshot(cache, jobless)).lost == {1}
    cache.drop(PODS, "p")
    found = await snapshot(cache, jobless)
    assert found.runs == ()
    assert found.lost == {1}
    write = decide(found, NOW).actions[0]
    assert isinstance(write, WriteStatus)
    assert write.status.attempts is not None
    assert [(r.outcome, r.reason) for r in write.status.attempts.last] == [("Stalled", "RunDeleted")]


async def test_the_last_words_of_a_pod_outlive_it(jobless: Api) -> None:
    """A drain removes the pod as soon as it ended; the Job's end comes later, and by itself says little."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    cache.drop(PODS, "p", with_result(pod(version=9, phase="Succeeded")))
    found = await snapshot(cache, jobless)
    assert [(r.state, r.termination) for r in found.runs] == [(RunState.COMPLETE, {"result": {"cid": "b"}})]
    cache.drop(JOBS, "j")
    assert (await snapshot(cache, jobless)).runs == ()
    assert not cache.runs.departed


async def test_a_pod_that_went_before_it_was_over_does_not_stand_for_the_next(nowhere: Api) -> None:
    """Somebody took its finalizer off and deleted it by force: the Job has yet to make another, if it may."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    last = pod(version=9)
    last["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1, "finishedAt": STAMP}}
    cache.drop(PODS, "p", last)
    assert [r.state for r in (await snapshot(cache, nowhere)).runs] == [RunState.PENDING]


async def test_the_result_of_a_pod_that_goes_at_once_is_kept(nowhere: Api) -> None:
    """With no grace at all it goes before its phase says that it ended."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    cache.drop(PODS, "p", with_result(pod(version=9)))
    failed = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "."}]
    cache.put(JOBS, kube_job_with(failed))
    found = await snapshot(cache, nowhere)
    assert [(r.state, r.termination) for r in found.runs] == [(RunState.COMPLETE, {"result": {"cid": "b"}})]


async def test_a_pod_that_goes_while_it_runs_says_nothing_about_its_run(nowhere: Api) -> None:
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    cache.drop(PODS, "p", pod(version=9))
    assert [r.state for r in (await snapshot(cache, nowhere)).runs] == [RunState.PENDING]


async def test_an_orphaned_pod_is_known_by_the_job_it_had(nowhere: Api) -> None:
    """`kubectl delete job --cascade=orphan` first takes the Job off its pod, which then runs on."""
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()))
    cache.put(PODS, pod(owner=None, version=8))
    assert [r.state for r in (await snapshot(cache, nowhere)).runs] == [RunState.RUNNING]
    cache.drop(JOBS, "j")
    found = await snapshot(cache, nowhere)
    assert [(r.run, r.alive) for r in found.runs] == [(1, True)]
    cache.put(PODS, pod(owner=None, version=9, phase="Succeeded"))
    found = await snapshot(cache, nowhere)
    assert found.runs == ()
    assert found.lost == {1}


async def test_what_only_carries_the_labels_is_not_a_run(nowhere: Api) -> None:
    cache = cached(
        (KINDS["MetadataJob"], job(**ACTIVE)),
        (JOBS, kube_job("j1", 7, None)),
        (JOBS, kube_job("j2", "", None)),
        (JOBS, kube_job("j3", 8, ("MetadataJob", "other"))),
        (JOBS, kube_job("j4", "9" * 60)),
        (JOBS, named(kube_job("j5", 1), "anything")),
        (JOBS, named(kube_job("j6", 2), "a-u-1")),
        (PODS, pod("p1", 9, None)),
        (PODS, pod("p2", 9, ("ReplicaSet", "r"))),
        (PODS, pod("p3", "", ("Job", "gone"))),
    )
    assert (await snapshot(cache, nowhere)).runs == ()
    for uid in ("j1", "j2", "j3", "j4", "j5", "j6"):
        cache.drop(JOBS, uid)
    assert (await snapshot(cache, nowhere)).lost == frozenset()


async def test_another_pod_with_a_runs_labels_does_not_speak_for_it(nowhere: Api) -> None:
    forged = pod("p9", 1, None)
    forged["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    forged["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0, "message": '{"result": {}}'}}
    cache = cached((KINDS["MetadataJob"], job(**ACTIVE)), (JOBS, kube_job()), (PODS, pod()), (PODS, forged))
    found = await snapshot(cache, nowhere)
    assert [(r.run, r.state, r.termination) for r in found.runs] == [(1, RunState.RUNNING, None)]


def queue(*reservations: Json) -> Json:
    """A queue whose status says all that it would say."""
    meta = {"namespace": "ns", "name": "default", "uid": "q", "resourceVersion": "1", "generation": 1}
    made = {"metadata": meta, "spec": {}, "status": {"reservations": list(reservations)}}
    status = admit(queue_view(made), [], [], NOW, still_held=lambda _: True).status
    return {**made, "status": status.wire()}


async def keeps(cache: Cache, api: Api) -> bool:
    """Whether the queue's reservations stay as they are; anything else would have to be written."""
    admitter = Admitter(
        api, cache, Slots(), lambda *_: None, lambda: None, events=Events(api, "operator-1", lambda: 0.0)
    )
    try:
        await admitter.admit(QueuesKey("ns"), NOW, 0.0)
    except ApiError:
        return False
    return True


async def test_the_slot_of_a_job_that_is_gone_is_free_once_its_last_pod_is(nowhere: Api) -> None:
    cache = cached((QUEUES, queue({"uid": "u", "run": 1, "keys": ["tree:t"]})), (JOBS, kube_job()), (PODS, pod()))
    assert await keeps(cache, nowhere)
    cache.drop(JOBS, "j")
    assert await keeps(cache, nowhere)
    cache.drop(PODS, "p")
    assert not await keeps(cache, nowhere)


async def test_no_stranger_holds_a_slot_or_stops_admission(nowhere: Api) -> None:
    strangers: list[tuple[Any, Json]] = [
        (JOBS, kube_job("j1", "", None)),
        (JOBS, kube_job("j2", 77, None)),
        (PODS, pod("p1", 1, None)),
    ]
    cache = cached((QUEUES, queue({"uid": "u", "run": 1})), *strangers)
    assert not await keeps(cache, nowhere)
    assert await keeps(cached((QUEUES, queue()), *strangers), nowhere)


def test_a_pod_that_outlived_its_job_wakes_the_queue() -> None:
    woken: list[Key] = []
    cache = Cache(woken.append)
    cache.put(PODS, pod())
    woken.clear()
    cache.put(PODS, pod(version=9, phase="Failed"))
    assert QueuesKey("ns") in woken
