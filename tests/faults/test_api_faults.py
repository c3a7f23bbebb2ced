"""What the operator's requests do when the API server, or the way to it, fails: a real one behind the fault proxy."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mintworks_api import ResolvedPolicy
from mintworks_dev.cluster import ControlPlane
from mintworks_operator.admitter import Admitter
from mintworks_operator.api import JOBS, LEASES, PODS, Api, ApiError, Resource
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.core import CreateRun, News, Waiting
from mintworks_operator.events import Events
from mintworks_operator.gather import Gatherer
from mintworks_operator.jobs import build
from mintworks_operator.keys import JobKey, QueuesKey
from mintworks_operator.lease import Lease
from mintworks_operator.names import KINDS, QUEUES
from mintworks_operator.salvage import of_runner
from mintworks_operator.slots import Slots
from mintworks_operator.views import job_view
from mintworks_operator.watching import watch
from mintworks_operator.writes import StaleError
from support.chaos.kills import Kills
from support.chaos.plan import Fate, Fault, Plan, Script
from support.chaos.proxy import PAGE, Proxy
from support.chaos.storm import credentials, kubeconfig_of
from support.connection import connected
from support.specs import METADATA

Json = dict[str, Any]
Behind = Callable[[Script], AbstractAsyncContextManager[tuple[Api, Proxy]]]

MAPS = Resource("", "v1", "configmaps")
METADATA_JOBS = KINDS["MetadataJob"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(crds=True) as plane:
        yield plane


@pytest.fixture
def behind(plane: ControlPlane) -> Behind:
    """The operator's connection behind a proxy with these faults."""

    @contextlib.asynccontextmanager
    async def through(script: Script) -> AsyncIterator[tuple[Api, Proxy]]:
        async with (
            Proxy(*credentials(plane), script, Kills(Plan(0), ()), lambda: None) as proxy,
            connected(proxy.url) as api,
        ):
            yield api, proxy

    return through


@pytest.fixture
def space(plane: ControlPlane) -> str:
    name = f"faults-{uuid.uuid4().hex[:8]}"
    plane.kubectl("create", "namespace", name)
    return name


def config_map(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def metadata_job(name: str) -> Json:
    return {
        "apiVersion": "mintworks.dev/v1alpha1",
        "kind": "MetadataJob",
        "metadata": {"name": name},
        "spec": METADATA,
    }


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.THROTTLED])
async def test_a_read_is_tried_again(behind: Behind, space: str, fault: Fault) -> None:
    subject = f"get {space} configmaps kube-root-ca.crt"
    async with behind(Script({subject: (Fate(fault), Fate(fault))})) as (api, proxy):
        await asyncio.sleep(0)
        assert (await api.get(MAPS, space, "kube-root-ca.crt"))["metadata"]["name"] == "kube-root-ca.crt"
        assert proxy.requests[subject] == 3


async def test_reads_are_not_tried_for_ever(behind: Behind, space: str) -> None:
    subject = f"get {space} configmaps kube-root-ca.crt"
    async with behind(Script({subject: (Fate(Fault.ERROR),) * 50})) as (api, proxy):
        with pytest.raises(ApiError) as error:
            await api.get(MAPS, space, "kube-root-ca.crt")
        assert error.value.status == 500
        assert proxy.requests[subject] == 5


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.UNAVAILABLE, Fault.CUT_BEFORE, Fault.CUT_AFTER])
async def test_a_write_that_may_have_been_carried_out_is_not_repeated(behind: Behind, space: str, fault: Fault) -> None:
    subject = f"create {space} configmaps one"
    async with behind(Script({subject: (Fate(fault),)})) as (api, proxy):
        with pytest.raises(ApiError):
            await api.create(MAPS, space, config_map("one"))
        assert proxy.requests[subject] == 1


async def test_a_write_that_was_turned_away_is_repeated_when_the_server_wants_it(behind: Behind, space: str) -> None:
    subject, began = f"create {space} configmaps one", time.monotonic()
    async with behind(Script({subject: (Fate(Fault.THROTTLED, 1), Fate(Fault.THROTTLED, 1))})) as (api, proxy):
        await api.create(MAPS, space, config_map("one"))
        assert proxy.requests[subject] == 3
    assert time.monotonic() - began >= 2


async def test_a_list_whose_pages_expire_is_complete(behind: Behind, plane: ControlPlane, space: str) -> None:
    names = {f"map-{number:03}" for number in range(PAGE + 20)}
    subject = f"list {space} configmaps"
    async with behind(Script({subject: (None, Fate(Fault.EXPIRED_PAGE))})) as (api, proxy):
        await asyncio.gather(*(api.create(MAPS, space, config_map(name)) for name in names))
        listed = [obj["metadata"]["name"] for obj in await api.list(MAPS, space)]
        assert sorted(listed) == sorted({*names, "kube-root-ca.crt"})
        assert proxy.injected[Fault.EXPIRED_PAGE] == 1


async def test_a_watch_begins_though_the_pages_of_its_list_expire(
    behind: Behind, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = f"list {space} metadatajobs"
    async with behind(Script({subject: (None, Fate(Fault.EXPIRED_PAGE))})) as (api, proxy):
        names = {f"job-{number:03}" for number in range(PAGE + 20)}
        made = (api.create(METADATA_JOBS, space, metadata_job(name)) for name in names)
        uids = {one["metadata"]["uid"] for one in await asyncio.gather(*made)}
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(kubeconfig_of(proxy.url))
        # The library reads KUBECONFIG when it is imported.
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        seen: set[str] = set()
        config = load([], {"MINTWORKS_NAMESPACES": space, "MINTWORKS_IMAGES": '{"runner": "r"}'})
        watching = asyncio.create_task(watch(Cache(lambda _: None), config, lambda _, uid: seen.add(uid)))
        try:
            async with asyncio.timeout(30):
                while not uids <= seen:
                    assert not watching.done()
                    await asyncio.sleep(0.05)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        assert proxy.injected[Fault.EXPIRED_PAGE] == 1


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CONFLICT, Fault.ERROR])
async def test_a_lease_is_given_back_through_faults(behind: Behind, space: str, fault: Fault) -> None:
    subject = f"replace {space} leases lead"
    async with behind(Script({subject: (Fate(fault),)})) as (api, _):
        lease = Lease(api, (space, "lead"), "one", time.monotonic, lambda: datetime.now(UTC))
        await lease.acquire()
        await lease.release()
        assert (await api.get(LEASES, space, "lead"))["spec"]["holderIdentity"] == ""


def waiting(name: str, key: str) -> Waiting:
    return Waiting(name, 1, "MintJob", 5, datetime(2026, 1, 1, tzinfo=UTC), name, (key,))


async def test_a_key_is_given_once_though_the_answer_that_gave_it_is_lost(behind: Behind, space: str) -> None:
    """Two queues of a namespace; the second one's reservation is carried out, and nobody hears of it."""
    lost = Script({f"patch {space} jobqueues second status": (Fate(Fault.CUT_AFTER),)})
    async with behind(lost) as (api, _):
        cache, slots = Cache(lambda _: None), Slots()
        admitter = Admitter(
            api, cache, slots, lambda *_: None, lambda: None, events=Events(api, "operator-1", lambda: 0.0)
        )
        for name in ("first", "second"):
            body = {"apiVersion": "mintworks.dev/v1alpha1", "kind": "JobQueue", "metadata": {"name": name}, "spec": {}}
            cache.put(QUEUES, await api.create(QUEUES, space, body))
        slots.set((space, "second"), "x", waiting("x", "tree:T"))
        with pytest.raises(ApiError):
            await admitter.admit(QueuesKey(space), datetime.now(UTC), 0.0)
        slots.set((space, "first"), "y", waiting("y", "tree:T"))
        for clock in (10.0, 20.0):
            with contextlib.suppress(StaleError):
                await admitter.admit(QueuesKey(space), datetime.now(UTC), clock)
        queues = {q["metadata"]["name"]: q["status"] for q in await api.list(QUEUES, space)}
        reserved = {name: [r["uid"] for r in status["reservations"]] for name, status in queues.items()}
        assert reserved == {"first": [], "second": ["x"]}


async def test_a_run_whose_pod_is_seen_before_its_job_is_not_lost(behind: Behind, space: str) -> None:
    """The answer to its creation was lost, and the watch of Jobs is behind the one of pods, which has ended."""
    async with behind(Script()) as (api, _):
        config = load(["--namespaces", space], {"MINTWORKS_IMAGES": '{"runner": "r"}'})
        cache = Cache(lambda _: None)
        gatherer = Gatherer(cache, api, config, lambda *_: News(), lambda _: ())
        made = await api.create(METADATA_JOBS, space, metadata_job("a"))
        status = {"phase": "Running", "active": {"run": 1, "reserved": "2026-01-01T00:00:00Z"}, "attempts": {"runs": 1}}
        made = await api.patch(METADATA_JOBS, space, "a", {"status": status}, "status")
        view = job_view("MetadataJob", made)
        create = CreateRun(1, {}, ResolvedPolicy(), (), {}, "runner", 5)
        job = await api.create(JOBS, space, build(view, create, config))
        owner = {"kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"], "controller": True}
        meta = {"name": "p", "namespace": space, "uid": "p", "resourceVersion": "1", "ownerReferences": [owner]}
        cache.put(METADATA_JOBS, made)
        cache.put(PODS, {"metadata": {**meta, "labels": job["metadata"]["labels"]}, "status": {"phase": "Succeeded"}})
        snapshot = await gatherer.snapshot(JobKey("MetadataJob", space, "a"), made, datetime.now(UTC))
        assert [(run.run, run.alive) for run in snapshot.runs] == [(1, True)]


async def test_what_a_runner_told_is_named_in_a_refusal(behind: Behind, space: str) -> None:
    async with behind(Script()) as (api, _):
        made = await api.create(METADATA_JOBS, space, metadata_job("a"))
        for status, told in (
            ({"result": {"items": 2**70}}, True),
            ({"inputs": {"items": "x"}}, True),
            ({"progress": {"percent": 101}}, True),
            ({"errors": [{"reason": "x" * 200, "message": ""}]}, True),
            ({"phase": "Nonsense"}, False),
        ):
            with pytest.raises(ApiError) as refused:
                await api.patch(METADATA_JOBS, space, made["metadata"]["name"], {"status": status}, "status")
            assert (refused.value.status, of_runner(refused.value.details)) == (422, told), refused.value.details


def test_a_refusal_that_names_nothing_is_nobodys_fault() -> None:
    nameless: tuple[Json, ...] = ({}, {"causes": None}, {"causes": ["x"]}, {"causes": [{}]})
    assert not any(of_runner(details) for details in nameless)
