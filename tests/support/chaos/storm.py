"""A whole run: jobs, faults and kills, until everything has ended as ordered; then all of it deleted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from redis.asyncio import Redis

from ..redis_server import RedisServer
from .asked import Write
from .fleet import CONCURRENCY, NAMESPACES, QUEUES, Order
from .history import ApiServer, History
from .invariants import violations
from .kills import Kills, Moment
from .people import PLURALS, People, path
from .plan import Plan
from .proxy import Proxy
from .redis_link import RedisLink
from .supervised import Supervised

Json = dict[str, Any]
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/mintworks-storm"
#: Seconds between two of the operator's own LISTs, which find what watches lost.
RESYNC = 15


@dataclass
class Report:
    """What came of it. `seconds` from the last job's creation to the end of the last job, of the slowest fleet;
    `exits` are codes with which the operator ended by itself.
    """

    jobs: int
    all_seconds: float
    seconds: float
    deleting: float
    injected: Counter[str]
    requests: Counter[str]
    killed: list[tuple[Write, Moment]]
    lives: int
    exits: list[int]
    exit_code: int
    unsettled: list[str]
    violations: list[str]
    left: list[str]
    log: str = field(repr=False)

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.injected.items()))
        kills = ", ".join(f"{moment} {write}" for write, moment in sorted(self.killed))
        return (
            f"{self.jobs} jobs ended {self.seconds:.0f} s after the last was created, gone in {self.deleting:.0f} s; "
            f"{self.injected.total()} faults ({kinds}); {len(self.killed)} kills ({kills}); "
            f"{self.lives} lives, {self.requests.total()} requests"
        )


class Storm:
    """One run on a control plane with nodes."""

    def __init__(self, plane: ControlPlane, redis: RedisServer, folder: Path, plan: Plan) -> None:
        self._plane = plane
        self._redis = redis
        self._folder = folder
        self._plan = plan
        self._orders: list[Order] = []

    async def run(self, fleets: Iterable[list[Order]], bound: float, kinds: tuple[Write, ...]) -> Report:
        """The first fleet, and others after it as long as the operator was not killed at each kind of write: of some
        there are few, and when they come is chance.

        `bound`: seconds that a fleet's jobs have to end after the last was created, and that all have to be gone once
        they are deleted. `kinds`: the writes at which the operator is killed.
        """
        server, context = credentials(self._plane)
        self._plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(_things()))
        api, kills = ApiServer(server, context), Kills(self._plan, kinds)
        history = History(api)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(api.close)
            await stack.enter_async_context(_beside(history.follow()))
            operator = Supervised(self._folder, kills.born)
            stack.callback(operator.end)
            proxy = Proxy(server, context, self._plan, kills, operator.kill)
            await stack.enter_async_context(proxy)
            link = RedisLink(self._redis.port, kills, operator.kill)
            await stack.enter_async_context(link)
            redis = Redis(port=self._redis.port, decode_responses=True)
            stack.push_async_callback(redis.aclose)
            people = People(api, history, redis, self._plan.seed)
            stack.push_async_callback(people.close)
            began = time.monotonic()
            async with _beside(operator.keep(self._environment(proxy.url, link.url))):
                seconds, unsettled = 0.0, list[str]()
                for orders in fleets:
                    self._orders += orders
                    await people.create(orders)
                    created = time.monotonic()
                    unsettled = await _until(lambda: self._unsettled(history), bound)
                    seconds = max(seconds, time.monotonic() - created)
                    if unsettled or not kills.open:
                        break
                ended = time.monotonic()
                await self._delete(api, history)
                left = await _until(lambda: _left(history), bound)
                left += await _redis_keys(redis, bound)
                deleted = time.monotonic()
            code = await asyncio.to_thread(operator.stop)
            left += await _held(api)
            unsettled += [repr(trouble) for trouble in people.troubles]
            return Report(
                jobs=len(self._orders),
                all_seconds=deleted - began,
                seconds=seconds,
                deleting=deleted - ended,
                injected=proxy.injected,
                requests=proxy.requests,
                killed=kills.done,
                lives=operator.lives,
                exits=operator.exits,
                exit_code=code,
                unsettled=unsettled,
                violations=violations(history.changes, CONCURRENCY),
                left=left,
                log=operator.logs(),
            )

    def _environment(self, server: str, redis: str) -> dict[str, str]:
        kubeconfig, url = self._folder / "kubeconfig", self._folder / "redis-url"
        kubeconfig.write_text(kubeconfig_of(server))
        url.write_text(redis)
        metrics, health = free_ports(2)
        return {
            "KUBECONFIG": str(kubeconfig),
            "MINTWORKS_NAMESPACES": ",".join(NAMESPACES),
            "MINTWORKS_IMAGES": '{"runner": "mintworks/runner:test"}',
            "MINTWORKS_REDIS_FILE": str(url),
            "MINTWORKS_LEASE_NAME": LEASE.rsplit("/", 1)[1],
            # A container that is started again keeps its pod's name, and with it the Lease.
            "MINTWORKS_IDENTITY": "operator-0",
            "MINTWORKS_RESYNC_SECONDS": str(RESYNC),
            "MINTWORKS_METRICS_PORT": str(metrics),
            "MINTWORKS_HEALTH_PORT": str(health),
        }

    def _unsettled(self, history: History) -> list[str]:
        """Jobs that are not, or not yet, as they must be."""
        found = ((order, history.now.get(order.key)) for order in self._orders)
        return [text for order, obj in found if (text := difference(order, obj))]

    async def _delete(self, api: ApiServer, history: History) -> None:
        for key in [key for key in history.now if key[0] in PLURALS]:
            await api.ask("DELETE", path(key))


def difference(order: Order, obj: Json | None) -> str:
    """How a job is not as it must be; empty where it is."""
    if order.phase is None:
        return "" if obj is None else f"{order.name} ({order.act}) is not gone: {obj.get('status')}"
    if obj is None:
        return f"{order.name} is gone"
    status = obj.get("status") or {}
    attempts = status.get("attempts") or {}
    found = (status.get("phase"), *(attempts.get(name, 0) for name in ("runs", "made", "stalls")))
    wanted = (order.phase, order.runs, order.made, order.stalls)
    return "" if found == wanted else f"{order.name} ({order.act}) is {found}, not {wanted}: {status}"


def credentials(plane: ControlPlane) -> tuple[str, ssl.SSLContext]:
    """The API server's address, and what it takes to speak to it as its administrator."""
    keys = plane.kubeconfig.parent / "pki"
    config = yaml.safe_load(plane.kubeconfig.read_text())
    context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    return config["clusters"][0]["cluster"]["server"], context


def kubeconfig_of(server: str) -> str:
    """A kubeconfig of nobody at that address."""
    named = {"name": "storm"}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": {"server": server}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "storm", "user": "storm"}}],
            "current-context": "storm",
        }
    )


def _things() -> list[Json]:
    """Namespaces, with the service account of runners and their queues."""
    made: list[Json] = []
    for name in NAMESPACES:
        made.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        account = {"name": "mintworks-runner", "namespace": name}
        made.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        for queue, concurrency in QUEUES.items():
            meta = {"name": queue, "namespace": name}
            spec = {"concurrency": concurrency}
            made.append({"apiVersion": "mintworks.dev/v1alpha1", "kind": "JobQueue", "metadata": meta, "spec": spec})
    return made


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """The work goes on meanwhile; where it fails, the block ends and so does everything."""
    block, task = asyncio.current_task(), asyncio.create_task(work)
    assert block is not None
    task.add_done_callback(lambda done: None if done.cancelled() else block.cancel())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(problems: Callable[[], list[str]], bound: float) -> list[str]:
    """No problem any more, or what is left of them after so many seconds."""
    deadline = time.monotonic() + bound
    while found := problems():
        if time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)
    return []


def _left(history: History) -> list[str]:
    left = [" ".join(key) for key in history.now if key[0] != "JobQueue"]
    for queue in history.of("JobQueue"):
        status = queue.get("status") or {}
        if status.get("reservations") or status.get("running") or status.get("waiting"):
            left.append(f"{queue['metadata']['namespace']}/{queue['metadata']['name']}: {status}")
    return left


async def _redis_keys(redis: Redis, bound: float) -> list[str]:
    deadline = time.monotonic() + bound
    while keys := [str(key) async for key in redis.scan_iter("mw:*")]:
        if time.monotonic() > deadline:
            return keys
        await asyncio.sleep(0.5)
    return []


async def _held(api: ApiServer) -> list[str]:
    lease = await api.ask("GET", LEASE)
    holder = ((lease or {}).get("spec") or {}).get("holderIdentity")
    return [f"the Lease is still {holder}'s"] if holder else []
