"""The operator as a process of its own against a real API server."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from support.kubelet import Kubelet
from support.redis_server import RedisServer

SPACES = 28


@dataclass
class Process:
    """A running operator."""

    popen: subprocess.Popen[bytes]
    log: Path
    metrics: int
    health: int

    def kill(self) -> None:
        """End it without a warning."""
        self.popen.kill()
        self.popen.wait(20)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.popen.terminate()
        return self.popen.wait(30)


@dataclass
class Launcher:
    """Starts operators that serve these namespaces."""

    plane: ControlPlane
    folder: Path
    lease: str
    namespaces: list[str]
    redis: str

    def start(self) -> Process:
        """One more operator, on the same Lease."""
        name = uuid.uuid4().hex[:6]
        metrics, health = free_ports(2)
        url = self.folder / "redis-url"
        url.write_text(self.redis)
        variables = {
            "KUBECONFIG": str(self.plane.kubeconfig),
            "MINTWORKS_NAMESPACES": ",".join(self.namespaces),
            "MINTWORKS_IMAGES": '{"runner": "mintworks/runner:test"}',
            "MINTWORKS_REDIS_FILE": str(url),
            "MINTWORKS_LEASE_NAME": self.lease,
            "MINTWORKS_IDENTITY": f"operator-{name}",
            "MINTWORKS_METRICS_PORT": str(metrics),
            "MINTWORKS_HEALTH_PORT": str(health),
        }
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-m", "mintworks_operator"], env={**os.environ, **variables}, stdout=out, stderr=out
            )
        return Process(popen, log, metrics, health)


def _spaces(plane: ControlPlane, count: int) -> list[str]:
    names = [f"op-{uuid.uuid4().hex[:8]}" for _ in range(count)]
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    objects = []
    for name in names:
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        objects.append({**account, "metadata": {"name": "mintworks-runner", "namespace": name}})
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(objects))
    return names


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the module's operator and its runners."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def launcher(
    control_plane: ControlPlane, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Launcher:
    """Operators of one module share a Lease and namespaces."""
    folder = tmp_path_factory.mktemp("operator")
    lease = f"mintworks-{uuid.uuid4().hex[:6]}"
    return Launcher(control_plane, folder, lease, _spaces(control_plane, SPACES), redis_server.url)


@pytest.fixture(scope="module")
def operator(launcher: Launcher) -> Iterator[Process]:
    """One operator for a module. Whatever the tests did to it, it must not have hit a bug of its own."""
    process = launcher.start()
    yield process
    assert process.stop() == 0, process.log.read_text()[-4000:]
    assert "Traceback" not in process.log.read_text(), process.log.read_text()[-4000:]


@pytest.fixture(scope="module")
def fresh(launcher: Launcher) -> Callable[[], Kubelet]:
    """A served namespace that no test used yet."""
    unused = iter(launcher.namespaces)
    return lambda: Kubelet(launcher.plane.kubeconfig, next(unused))


@pytest.fixture
def space(operator: Process, fresh: Callable[[], Kubelet]) -> Kubelet:
    """A namespace of its own for a test, served by the module's operator."""
    del operator
    return fresh()
