"""Images, chart and world into a development cluster; each step does nothing where nothing changed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from mintworks_dev import images, paths
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.progress import step

from .values import RELEASE, SYSTEM, WORLD, aliases, chart_values

_OURS = f"app.kubernetes.io/instance={RELEASE}"
_WORLD_MANIFEST = Path(__file__).with_name("world.yaml")


def install(cluster: AnyCluster, tenants: Sequence[str], slot_ms: int = 400) -> None:
    """The cluster with Mintworks serving `tenants`, and the world's chain and Kubo ready for them.

    Args:
        cluster: where; brought up if it is not.
        tenants: namespaces to serve, in each of which `localnet` and `ipfs` lead to the world's.
        slot_ms: length of a slot of the chain, in milliseconds.
    """
    built = images.build()
    cluster.up()
    with step("loading images into the cluster"):
        images.load(cluster, built.values())
    tags = {name: image.tag for name, image in built.items()}
    with step(f"helm upgrade --install {RELEASE} charts/mintworks"):
        _install_chart(cluster, tenants, tags)
    with step("starting a development chain and Kubo"):
        _start_world(cluster, tags, slot_ms)
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(a for name in tenants for a in aliases(name)))


def _install_chart(cluster: AnyCluster, tenants: Sequence[str], tags: Mapping[str, str]) -> None:
    chart = paths.repository() / "charts" / "mintworks"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as values:
        yaml.safe_dump(chart_values(tenants, tags), values)
        values.flush()
        where = ("--namespace", SYSTEM, "--create-namespace", "--values", values.name)
        cluster.helm("upgrade", "--install", RELEASE, chart, *where, "--wait", "--timeout=3m")


def _start_world(cluster: AnyCluster, tags: Mapping[str, str], slot_ms: int) -> None:
    manifest = _WORLD_MANIFEST.read_text()
    for name, tag in tags.items():
        manifest = manifest.replace(f"localhost/mintworks/{name}:dev", f"localhost/mintworks/{name}:{tag}")
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("set", "env", "-n", WORLD, "deployment/localnet", f"SLOT_MS={slot_ms}")
    for name in ("localnet", "ipfs"):
        cluster.kubectl("rollout", "status", "-n", WORLD, f"deployment/{name}", "--timeout=120s", timeout=150)


def uninstall(cluster: AnyCluster) -> None:
    """Take everything of ours away again: for a cluster that is not ours to stop."""
    with step("uninstalling Mintworks and the development world"):
        served = cluster.kubectl("get", "namespaces", "-l", _OURS, "-o", "name").split()
        cluster.kubectl("delete", "--ignore-not-found", f"namespace/{WORLD}", *served, timeout=300)
        cluster.helm("uninstall", RELEASE, "--namespace", SYSTEM, "--ignore-not-found", "--wait")
        cluster.kubectl("delete", "--ignore-not-found", f"namespace/{SYSTEM}", timeout=300)
        # The chart keeps them on purpose: deleting a CRD deletes people's jobs.
        cluster.kubectl("delete", "--ignore-not-found", "-f", str(paths.repository() / "crds"), timeout=300)
