"""The demonstration in a cluster that others use too: it takes nothing of theirs, and leaves nothing of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from mintworks_api import API_VERSION, JOB_QUEUE
from mintworks_dev import paths
from mintworks_dev.cluster import ControlPlane, choose
from mintworks_dev.commands import CommandError
from mintworks_dev.stack import install as stack
from mintworks_dev.stack.values import RELEASE, SYSTEM, WORLD, chart_values, namespace

CHART = paths.repository() / "charts" / "mintworks"
IMAGES = {name: f"registry.test/mintworks/{name}:1" for name in ("operator", "runner", "redis")}


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    """A cluster without Mintworks."""
    with ControlPlane() as found:
        yield found


def queue(plane: ControlPlane, where: str) -> None:
    """Somebody's JobQueue."""
    manifest = {"apiVersion": API_VERSION, "kind": JOB_QUEUE.kind, "metadata": {"name": "drops"}, "spec": {}}
    plane.kubectl("create", "-n", where, "-f", "-", stdin=json.dumps(manifest))


def theirs(plane: ControlPlane, tmp_path: Path) -> None:
    """Another release, by the name in the README, in a namespace named as ours, with a tenant and a queue."""
    values = tmp_path / "theirs.yaml"
    tenants = [{"namespace": "genesis", "createNamespace": True}]
    values.write_text(yaml.safe_dump({"redis": {"seed": "their-own-secret-seed"}, "tenants": tenants}))
    where = ("--namespace", SYSTEM, "--create-namespace", "--values", values)
    plane.helm("upgrade", "--install", "mintworks", CHART, *where)
    queue(plane, "genesis")


def ours(plane: ControlPlane, tmp_path: Path) -> None:
    """What `make demo` makes, but for the pods, which nothing runs here."""
    values = tmp_path / "ours.yaml"
    values.write_text(yaml.safe_dump(chart_values(["demo"], IMAGES, "a-seed-of-sixteen-characters")))
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([namespace(SYSTEM), namespace(WORLD)]))
    plane.helm("upgrade", "--install", RELEASE, CHART, "--namespace", SYSTEM, "--values", values)
    queue(plane, "demo")


def everything(plane: ControlPlane) -> list[str]:
    """What matters to people: their namespaces and CRDs."""
    return plane.kubectl("get", "namespaces,crds", "-o", "name").split()


def test_taking_down_leaves_what_others_installed(plane: ControlPlane, tmp_path: Path) -> None:
    theirs(plane, tmp_path)
    before = everything(plane)
    stack.uninstall(plane)
    assert everything(plane) == before
    assert plane.kubectl("get", "-n", "genesis", JOB_QUEUE.plural, "-o", "name").strip()
    assert "mintworks" in plane.helm("list", "--namespace", SYSTEM, "--short").split()


def test_taking_down_takes_all_that_was_made(plane: ControlPlane, tmp_path: Path) -> None:
    before = everything(plane)
    ours(plane, tmp_path)
    assert everything(plane) != before
    stack.uninstall(plane)
    assert everything(plane) == before
    roles = plane.kubectl("get", "clusterroles,clusterrolebindings", "-o", "name")
    assert RELEASE not in roles


def test_taking_down_keeps_the_kinds_that_others_use(plane: ControlPlane, tmp_path: Path) -> None:
    ours(plane, tmp_path)
    plane.kubectl("create", "namespace", "genesis")
    queue(plane, "genesis")
    stack.uninstall(plane)
    assert plane.kubectl("get", "-n", "genesis", JOB_QUEUE.plural, "-o", "name").strip()
    with pytest.raises(CommandError, match="not found"):
        plane.kubectl("get", "namespace", "demo")


def test_nothing_is_installed_beside_another_release(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs(plane, tmp_path)
    plane.kubectl("create", "namespace", "demo")
    before = everything(plane)
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    with pytest.raises(RuntimeError, match="release mintworks in mintworks-system") as refused:
        stack.install(choose("current", registry="registry.test/mintworks"), ["demo"])
    assert "namespace demo" in str(refused.value)
    assert everything(plane) == before


def test_nothing_is_installed_over_kinds_that_nobody_claims(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.kubectl("apply", "--server-side", "-f", str(paths.repository() / "crds"))
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    with pytest.raises(RuntimeError, match="not made by Helm"):
        stack.install(choose("current", registry="registry.test/mintworks"), ["demo"])
