"""A cluster of its own for releases that come and go, and Helm as a person uses it there."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from mintworks_dev import images, paths
from mintworks_dev.cluster import Cluster
from mintworks_dev.cluster.forward import forwarded, proxied
from mintworks_dev.stack.install import start_world
from mintworks_dev.stack.values import WORLD, chart_values, namespace
from support.kube import Space

CHART = paths.repository() / "charts" / "mintworks"
#: Milliseconds of a slot: to get on, and to have a job last.
QUICK, SLOW = 50, 700
TENANTS = ("stays", "goes", "later")


@pytest.fixture(scope="session")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A cluster with a chain, Kubo and no Mintworks."""
    if request.config.getoption("--cluster") != "local":
        pytest.skip("releases come and go here: that takes a cluster that nobody else uses")
    cluster = Cluster("rel", 2)
    cluster.up()
    try:
        references = images.load(cluster, images.build().values())
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(map(namespace, TENANTS)))
        start_world(cluster, references, QUICK, TENANTS)
        with proxied(cluster) as api:
            yield Ground(cluster, api, references, secrets.token_hex(16))
    finally:
        cluster.down()


@dataclass(frozen=True)
class Ground:
    """The cluster, its API server's URL for polling, its images, and the seed that a person keeps."""

    cluster: Cluster
    api: str
    images: Mapping[str, str]
    seed: str

    def space(self, name: str) -> Space:
        return Space(self.cluster, self.api, name)

    def slots(self, milliseconds: int) -> None:
        """How fast the chain goes from now on, and every mint job with it."""
        with forwarded(self.cluster, WORLD, "localnet", 8899) as chain:
            httpx.post(f"{chain}/faults", json={"network": {"slot_ms": milliseconds}}).raise_for_status()

    def crd(self, plural: str) -> dict[str, Any]:
        """A CRD as the API server has it."""
        found = self.cluster.kubectl("get", "crd", f"{plural}.mintworks.dev", "-o", "json")
        made: dict[str, Any] = json.loads(found)
        return made


@dataclass(frozen=True)
class Release:
    """A release in the namespace of its name."""

    ground: Ground
    name: str

    @property
    def system(self) -> Space:
        return self.ground.space(self.name)

    def upgrade(self, tenants: list[str], *options: str, chart: Path = CHART, **values: Any) -> str:
        """`helm upgrade --install --wait` with the demonstration's values and these; CommandError has Helm's words."""
        made = chart_values(tenants, self.ground.images, self.ground.seed)
        for tenant in made["tenants"]:
            tenant.pop("createNamespace")
        made["redis"]["persistence"] = {"enabled": True, "size": "64Mi"}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump({**made, **values}, file)
            file.flush()
            where = ("--namespace", self.name, "--create-namespace", "--values", file.name)
            return self.helm("upgrade", "--install", self.name, chart, *where, "--wait", *options)

    def helm(self, *arguments: str | Path) -> str:
        return self.ground.cluster.helm(*arguments)

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--namespace", self.name, "--ignore-not-found", "--wait")

    def pods(self, component: str) -> dict[str, str]:
        """Names and uids of the release's pods of a component, those that end left out."""
        found = self.system.list("pods", f"app.kubernetes.io/component={component}")
        return {p["metadata"]["name"]: p["metadata"]["uid"] for p in found if "deletionTimestamp" not in p["metadata"]}

    def leader(self) -> str:
        """The pod that the Lease names; empty where it names none."""
        found = self.system.get("leases", f"{self.name}-mintworks") or {}
        # What follows the pod's name tells its starts apart.
        return str(found.get("spec", {}).get("holderIdentity") or "").partition("_")[0]

    def untroubled(self) -> None:
        """No operator of it has hit a bug."""
        for name in self.pods("operator"):
            assert "Traceback" not in self.system.kubectl("logs", name, "--tail=-1")
