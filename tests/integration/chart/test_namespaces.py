"""Namespaces of tenants that come and go under an operator with exactly the chart's rights, which go with them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from support.gate import Gate, Request
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA

from .conftest import Manifest, Render, account_kubeconfig, environment
from .test_rights import RBAC

JOB = "MetadataJob"
#: Most requests about a namespace in a minute, once it is gone: LISTs that ask whether it may be read again, and
#: watches that the API server closes. A hot loop makes thousands.
CALM = 60


@dataclass(frozen=True)
class World:
    """An operator that serves two tenants; `goes` is deleted, `late` is not there at the start."""

    plane: ControlPlane
    goes: str
    late: str
    rights: list[Manifest]
    gate: Gate
    log: Path

    def give_rights(self, namespace: str) -> None:
        """What `helm upgrade` does for a tenant."""
        its = [m for m in self.rights if m["metadata"].get("namespace") == namespace]
        assert its
        self.plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(its))

    def make(self, namespace: str) -> Kubelet:
        """The namespace, with what the chart puts into it."""
        self.plane.kubectl("create", "namespace", namespace)
        self.give_rights(namespace)
        return Kubelet(self.plane.kubeconfig, namespace)

    def about(self, namespace: str) -> int:
        """Requests about a namespace so far."""

        def chosen(request: Request) -> bool:
            return f"/namespaces/{namespace}/" in request.path

        return self.gate.count(chosen)


@pytest.fixture
def world(control_plane: ControlPlane, render: Render, tmp_path: Path) -> Iterator[World]:
    end = uuid.uuid4().hex[:8]
    system, goes, late = f"system-{end}", f"goes-{end}", f"late-{end}"
    control_plane.kubectl("create", "namespace", system)
    tenants = (f"tenants[0].namespace={goes}", f"tenants[1].namespace={late}")
    made = render(*tenants, f"fullnameOverride=mw-{end}", namespace=system)
    rights = [m for m in made if m["kind"] in RBAC]
    here = [m for m in rights if m["metadata"].get("namespace") not in {goes, late}]
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(here))
    account = account_kubeconfig(control_plane, system, f"mw-{end}", tmp_path)
    log = tmp_path / "operator.log"
    with Gate(account, tmp_path) as gate:
        found = World(control_plane, goes, late, rights, gate, log)
        found.make(goes)
        own = {"KUBECONFIG": str(gate.kubeconfig), "MINTWORKS_REDIS_FILE": "/nonexistent"}
        variables = {**os.environ, **environment(made, system), **own}
        metrics, health = free_ports(2)
        command = [sys.executable, "-m", "mintworks_operator", f"--metrics-port={metrics}", f"--health-port={health}"]
        with log.open("wb") as out, subprocess.Popen(command, env=variables, stdout=out, stderr=out) as process:
            try:
                yield found
            finally:
                process.terminate()
        assert process.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()
    control_plane.kubectl("delete", "clusterrole", f"mw-{end}-view", f"mw-{end}-edit")


def _create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/jobs")


def _gone(space: Kubelet) -> bool:
    try:
        space.core.read_namespace(space.namespace)
    except ApiException as error:
        if error.status != 404:
            raise
        return True
    return False


def test_a_tenants_namespace_is_deleted_under_its_jobs_and_made_again(world: World) -> None:
    """One that is missing at the start is served as soon as it is there, and one that goes takes nothing else along."""
    space = Kubelet(world.plane.kubeconfig, world.goes)
    space.apply("JobQueue", "default", {"concurrency": 2})
    for name in ("runs", "starts"):
        space.apply(JOB, name, METADATA)
    space.start("runs", 1)
    space.phase(JOB, "runs", "Running")
    for name in ("waits", "waits-too"):
        space.apply(JOB, name, METADATA)
    space.phase(JOB, "waits-too", "Queued")
    assert f"namespace {world.late} is not served" in world.log.read_text()
    late = world.make(world.late)

    # A create is under way when the namespace goes; the runs of the others are ended before they themselves are.
    under_way = world.gate.hold(_create)
    space.change("JobQueue", "default", {"concurrency": 3})
    under_way.wait()
    before = world.about(world.goes)
    space.core.delete_namespace(space.namespace)
    assert under_way.release() == 403
    eventually("it is gone, with all that was in it", lambda: _gone(space), 90)
    late.apply(JOB, "first", METADATA)
    eventually("a run in the namespace that came late", lambda: late.jobs("first"), 60)
    quiet, began = world.about(world.goes), time.monotonic()
    assert quiet - before <= 150, "requests while it went"
    time.sleep(10)
    assert (world.about(world.goes) - quiet) * 60 / (time.monotonic() - began) <= CALM

    again = world.make(world.goes)
    again.apply(JOB, "runs", METADATA)
    eventually("a run in the namespace that came again", lambda: again.jobs("runs"), 60)
    assert again.phase(JOB, "runs", "Running")["attempts"]["runs"] == 1
    print(f"{quiet - before} requests while the namespace went")
