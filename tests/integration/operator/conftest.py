"""The operator as a process of its own against a real API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_operator.election import DURATION, RENEW
from support.gate import Gate
from support.hooks import Receiver, receiving
from support.kubelet import Kubelet
from support.plugin import Plugin
from support.polling import eventually
from support.redis_server import RedisServer

SPACES = 28
TESTS = Path(__file__).parents[2]
#: The bound that docs/architecture.md states, and what a busy machine adds to it.
TAKEN_OVER = DURATION + 2 * RENEW
BUSY = 15


@dataclass
class Process:
    """A running operator."""

    popen: subprocess.Popen[bytes]
    log: Path
    metrics: int
    health: int

    def said(self, words: str) -> bool:
        """Whether its log has these words."""
        return words in self.log.read_text()

    @property
    def leads(self) -> bool:
        """Whether it leads, or did, and knows the cluster."""
        return self.said("the cache is complete")

    def kill(self) -> None:
        """End it without a warning, paused or not."""
        self.popen.kill()
        self.popen.wait(20)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.popen.terminate()
        try:
            return self.popen.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.log.read_text()[-5000:]}") from None


@dataclass
class Launcher:
    """Starts operators that serve these namespaces, with these settings besides."""

    plane: ControlPlane
    folder: Path
    lease: str
    namespaces: list[str]
    redis: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def apart(self, *namespaces: str) -> Launcher:
        """For operators with a Lease of their own, that serve these namespaces alone."""
        return replace(self, lease=f"mintworks-{uuid.uuid4().hex[:6]}", namespaces=list(namespaces))

    def start(self, kubeconfig: Path | None = None, name: str | None = None, ahead: float = 0.0) -> Process:
        """One more operator, on the same Lease.

        Args:
            kubeconfig: Its way to the API server, where it is not the administrator's.
            name: Who it is in the Lease.
            ahead: Seconds that its clock is ahead of this machine's.
        """
        name = name or uuid.uuid4().hex[:6]
        metrics, health = free_ports(2)
        url = self.folder / "redis-url"
        url.write_text(self.redis)
        variables = {
            "KUBECONFIG": str(kubeconfig or self.plane.kubeconfig),
            "PYTHONPATH": str(TESTS),
            "MINTWORKS_NAMESPACES": ",".join(self.namespaces),
            "MINTWORKS_IMAGES": '{"runner": "mintworks/runner:test"}',
            "MINTWORKS_REDIS_FILE": str(url),
            "MINTWORKS_LEASE_NAME": self.lease,
            "MINTWORKS_IDENTITY": f"operator-{name}",
            "MINTWORKS_METRICS_PORT": str(metrics),
            "MINTWORKS_HEALTH_PORT": str(health),
            **self.settings,
        }
        log = self.folder / f"{uuid.uuid4().hex[:6]}.log"
        command = ["mintworks_operator"] if not ahead else ["support.shifted", str(ahead)]
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-m", *command], env={**os.environ, **variables}, stdout=out, stderr=out
            )
        return Process(popen, log, metrics, health)


@dataclass
class Team:
    """Operators on a Lease of their own, which serve one namespace."""

    launcher: Launcher
    space: Kubelet
    folder: Path
    stack: ExitStack
    started: list[Process] = field(default_factory=list)

    def start(self, gate: Gate | None = None, name: str | None = None, ahead: float = 0.0) -> Process:
        """One more operator: behind a gate, of that name, with a clock so many seconds ahead."""
        self.started.append(self.launcher.start(gate.kubeconfig if gate is not None else None, name, ahead))
        return self.started[-1]

    def leader(self, gate: Gate | None = None, name: str | None = None, ahead: float = 0.0) -> Process:
        """One more operator, once it leads."""
        process = self.start(gate, name, ahead)
        eventually("it leads", lambda: process.leads, 60)
        return process

    def follower(self, ahead: float = 0.0) -> Process:
        """One more operator, once it waits."""
        process = self.start(ahead=ahead)
        eventually("it waits", lambda: process.said("waiting for Lease"))
        return process

    def gate(self) -> Gate:
        """A gate to the API server."""
        folder = self.folder / f"gate-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return self.stack.enter_context(Gate(self.launcher.plane.kubeconfig, folder))

    def lease(self, *arguments: str) -> str:
        """kubectl on the Lease."""
        verb, *rest = arguments
        return self.launcher.plane.kubectl(verb, "lease", self.launcher.lease, *rest)

    def holder(self) -> str:
        """Who holds the Lease."""
        return self.lease("get", "-o", "jsonpath={.spec.holderIdentity}")


def seconds_until(what: str, done: Callable[[], bool], limit: float) -> float:
    """How long it took from now on."""
    began = time.monotonic()
    eventually(what, done, limit)
    return time.monotonic() - began


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
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on 127.0.0.1."""
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Secret that the chart mounts for webhooks."""
    folder = tmp_path_factory.mktemp("webhooks")
    (folder / "seed").write_text("a-seed-of-webhooks")
    return folder


@pytest.fixture(scope="module")
def hook_settings(seed: Path) -> dict[str, str]:
    """Settings of an operator that may call 127.0.0.1 and nothing else of this machine."""
    values = {"allowHttp": True, "allowedNetworks": ["127.0.0.1/32"]}
    return {"MINTWORKS_WEBHOOKS_FOLDER": str(seed), "MINTWORKS_WEBHOOKS": json.dumps(values)}


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


@pytest.fixture
def plugin(space: Kubelet, launcher: Launcher) -> Plugin:
    """`kubectl mintworks` in the test's namespace."""
    return Plugin(launcher.plane.kubeconfig, space.namespace)


@pytest.fixture
def team(launcher: Launcher, tmp_path: Path) -> Iterator[Team]:
    """Operators for a test of its own. Afterwards none of them has hit a bug of its own."""
    # Not one of the launcher's: the module's operator serves all of those, by a clock and a Lease of its own.
    [name] = _spaces(launcher.plane, 1)
    space = Kubelet(launcher.plane.kubeconfig, name)
    with ExitStack() as stack:
        made = Team(launcher.apart(space.namespace), space, tmp_path, stack)
        yield made
        for process in made.started:
            if process.popen.poll() is None:
                process.kill()
            assert "Traceback" not in process.log.read_text(), process.log.read_text()[-4000:]
