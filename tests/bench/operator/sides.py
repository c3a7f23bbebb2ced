"""What is compared: MintJobs under the operator, bare Kubernetes Jobs, JobSets. Their pods are the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mintworks_api import JOB_KINDS, ResolvedPolicy
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_operator.config import load
from mintworks_operator.core import CreateRun, JobView
from mintworks_operator.jobs import build
from support.redis_server import RedisServer
from support.specs import CID, MINT

from .person import PARALLEL, SUCCEEDED
from .world import BURST, QUEUE, WARM_UP, World

Json = dict[str, Any]

IMAGES = '{"runner": "mintworks/runner:bench"}'
MINT_JOBS = "/apis/mintworks.dev/v1alpha1/namespaces/{}/mintjobs"
JOBS = "/apis/batch/v1/namespaces/{}/jobs"
_START_SECONDS = 600


@dataclass(frozen=True)
class Side:
    """A kind of object: the path of its collection in a namespace, how one is made of a name and its namespace, and
    what its last version holds.
    """

    path: str
    make: Callable[[str, str], Json]
    mark: bytes

    async def burst(self, world: World, count: int, warm_up: int) -> float:
        """Seconds that so many objects take to their end, after others did in a namespace of their own."""
        async with world.person() as person:
            for namespace, number in ((WARM_UP, warm_up), (BURST, count)):
                objects = [self.make(name, namespace) for name in names(number)]
                seconds = await person.burst(self.path.format(namespace), objects, self.mark)
            return seconds


def names(count: int) -> list[str]:
    """Names of jobs whose runs end well on our nodes, all as long."""
    return [f"o-{number:05}" for number in range(count)]


def mint_job(name: str, namespace: str) -> Json:
    """A MintJob that waits for no other one."""
    manifest = {"configMap": {"name": "rows", "key": "rows.csv"}}
    # Each has a tree of its own: jobs of one tree never run at once.
    tree = {"create": {"capacity": 100, "salt": name}}
    spec = {**MINT, "queue": QUEUE, "tree": tree, "metadataFrom": {"cid": CID, "manifest": manifest}}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "mintworks.dev/v1alpha1", "kind": "MintJob", "metadata": meta, "spec": spec}


def bare_job(name: str, namespace: str) -> Json:
    """The Job that the operator would create, without an owner."""
    kind, spec = JOB_KINDS["MintJob"], mint_job(name, namespace)["spec"]
    uid = "00000000-0000-4000-8000-000000000000"
    view = JobView("MintJob", namespace, name, uid, 1, datetime.now(UTC), spec)
    told = {"kind": "MintJob", "namespace": namespace, "name": name, "uid": uid, "run": 1, "spec": spec}
    create = CreateRun(
        run=1,
        document={"job": told, "inputs": {"cid": CID}, "dependencies": {}},
        policy=ResolvedPolicy(),
        mounts=tuple(kind.parse(spec).mounts()),
        shared_mounts={},
        image=kind.image,
        grace_seconds=kind.grace_seconds,
    )
    made = build(view, create, load([], {"MINTWORKS_IMAGES": IMAGES}))
    made["metadata"]["name"] = name
    del made["metadata"]["ownerReferences"]
    return made


OURS = Side(MINT_JOBS, mint_job, SUCCEEDED)
BARE = Side(JOBS, bare_job, b'"type":"Complete"')


@dataclass
class Running:
    """A process beside the control plane. It is ready once its log holds `ready`."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    ready: str

    def cpu_seconds(self) -> float:
        """What it used of the processor so far."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, name: str) -> float:
        """VmRSS, what it holds, or VmHWM, the most that it ever held, in MB of 2^20 bytes."""
        lines = Path(f"/proc/{self.popen.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024

    def until_ready(self) -> None:
        """Raises RuntimeError where it ends before, or never is."""
        deadline = time.monotonic() + _START_SECONDS
        while self.ready not in self.log.read_text():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)


@contextmanager
def process(world: World, name: str, command: list[str], environment: dict[str, str], ready: str) -> Iterator[Running]:
    """A process until the block ends. Raises RuntimeError where it ended by itself."""
    log = world.folder / f"{name}.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        yield Running(name, popen, log, ready)
        if popen.poll() is not None:
            raise RuntimeError(f"{name} ended by itself:\n{log.read_text()[-4000:]}")
    finally:
        popen.terminate()
        try:
            popen.wait(60)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


@contextmanager
def operator(world: World) -> Iterator[Running]:
    """Our operator with a Redis, from its very start."""
    redis = RedisServer(world.folder / "redis").start()
    url = world.folder / "redis-url"
    url.write_text(redis.url)
    metrics, health = free_ports(2)
    environment = {
        "KUBECONFIG": str(world.kubeconfig),
        "MINTWORKS_NAMESPACES": f"{BURST},{WARM_UP}",
        "MINTWORKS_IMAGES": IMAGES,
        "MINTWORKS_REDIS_FILE": str(url),
        "MINTWORKS_WORKERS": str(PARALLEL),
        "MINTWORKS_METRICS_PORT": str(metrics),
        "MINTWORKS_HEALTH_PORT": str(health),
    }
    try:
        command = [sys.executable, "-m", "mintworks_operator"]
        with process(world, "operator", command, environment, "the cache is complete") as running:
            yield running
    finally:
        redis.stop()
