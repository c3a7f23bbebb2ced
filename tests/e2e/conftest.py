"""The chart in a real cluster, served to one namespace a test; what a test needs of the example."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev import inputs
from mintworks_dev.cluster import AnyCluster, choose
from mintworks_dev.cluster.forward import proxied
from mintworks_dev.stack.install import install
from mintworks_dev.stack.values import RESOURCES, SYSTEM
from support.kube import Space

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "genesis"
#: One namespace a test; the chart serves exactly these.
SPACES = (
    "refused",
    "missing",
    "patient",
    "account",
    "happy",
    "runner",
    "retried",
    "operator",
    "redis",
    "badrow",
    "suspend",
    "delete",
    "again",
    "cut",
    "beside",
    "pods",
    "secrets",
    "plugin",
)
#: The protocol waits in blocks, so a faster chain makes the same tests shorter.
SLOT_MS = 100


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> AnyCluster:
    """The cluster with Mintworks installed, once for all workers: installing again would roll what others use."""
    found = choose(request.config.getoption("--cluster"))
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    with inputs.locked(shared / "install.lock"):
        if not (shared / "installed").exists():
            install(found, [f"e2e-{name}" for name in SPACES], SLOT_MS)
            (shared / "installed").touch()
    return found


@dataclass(frozen=True)
class Example:
    """The example's manifests by kind, with a salt of their own, so that no run finds another's mints."""

    manifests: dict[str, dict[str, Any]]

    def slow(self) -> None:
        """One item a transaction and one transaction at a time: long enough to be interrupted."""
        self.manifests["MintJob"]["spec"] |= {"inFlight": 1, "batchSize": 1}

    def chained(self) -> None:
        """The pictures come from an UploadJob, and an audit follows the MintJob; what comes last stands first."""
        jobs = {"Pictures": "pictures/images-configmap.yaml", "UploadJob": "pictures/uploadjob.yaml"}
        jobs["CleanupJob"] = "cleanup/audit.yaml"
        found = {name: yaml.safe_load((EXAMPLES / path).read_text()) for name, path in jobs.items()}
        self.manifests["MetadataJob"]["spec"]["images"] = {"job": found["UploadJob"]["metadata"]["name"]}
        others = dict(self.manifests)
        self.manifests.clear()
        self.manifests.update(reversed([*others.items(), *found.items()]))

    def apply(self, space: Space) -> None:
        """All of them in one go, as a person would."""
        space.apply(*self.manifests.values())


@pytest.fixture
def example() -> Example:
    """examples/genesis as it is, but for the salt."""
    manifests = {m["kind"]: m for path in sorted(EXAMPLE.glob("*.yaml")) for m in yaml.safe_load_all(path.read_text())}
    manifests["MintJob"]["spec"]["tree"]["create"]["salt"] = secrets.token_hex(8)
    return Example(manifests)


@pytest.fixture(scope="session")
def api(cluster: AnyCluster) -> Iterator[str]:
    """The cluster's API server, for polling."""
    with proxied(cluster) as url:
        yield url


@pytest.fixture
def space(cluster: AnyCluster, api: str) -> Iterator[Callable[[str], Space]]:
    """An empty namespace of those that are served; afterwards the operator's log has no traceback."""
    system = Space(cluster, api, SYSTEM)

    def emptied(name: str) -> Space:
        found = system.beside(f"e2e-{name}")
        found.kubectl("delete", RESOURCES, "--all", "--wait")
        # What an earlier run of the tests put beside the jobs.
        found.kubectl("delete", "pods", "--all", "--wait=false")
        found.wait("no pods", lambda: not found.list("pods"))
        return found

    yield emptied
    for pod in system.list("pods", "app.kubernetes.io/component=operator"):
        if pod["status"]["phase"] == "Running":  # another test may have killed it just now
            assert "Traceback" not in system.kubectl("logs", pod["metadata"]["name"], "--tail=-1")
