"""Images, chart and world into a development cluster; each step does nothing where nothing changed."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from mintworks_dev import images, inputs, paths, private
from mintworks_dev.cluster import AnyCluster, Kubernetes
from mintworks_dev.progress import step, to_stderr

from .ownership import own_crds, own_namespaces, refuse_others
from .values import RELEASE, SYSTEM, WORLD, aliases, chart_values, namespace

_WORLD_MANIFEST = Path(__file__).with_name("world.yaml")


def install(cluster: AnyCluster, tenants: Sequence[str], slot_ms: int = 400) -> None:
    """The cluster with Mintworks serving `tenants`, and the world's chain and Kubo ready for them.

    Raises OwnershipError, with nothing changed, where any of it is in the cluster already and somebody else's.

    Args:
        cluster: where; brought up if it is not.
        tenants: namespaces to serve, in each of which `localnet` and `ipfs` lead to the world's.
        slot_ms: length of a slot of the chain, in milliseconds.
    """
    # All that can be refused is refused before the images, which take many minutes the first time.
    cluster.check()
    cluster.up()
    refuse_others(cluster, [SYSTEM, WORLD, *tenants])
    built = images.build()
    with step("giving the images to the cluster"):
        references = images.load(cluster, built.values())
    with step(f"helm upgrade --install {RELEASE} charts/mintworks"):
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace(SYSTEM)))
        _install_chart(cluster, tenants, references)
    with step("starting a development chain and Kubo"):
        start_world(cluster, references, slot_ms, tenants)


def _install_chart(cluster: Kubernetes, tenants: Sequence[str], references: Mapping[str, str]) -> None:
    chart = paths.repository() / "charts" / "mintworks"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as values:
        yaml.safe_dump(chart_values(tenants, references, _seed()), values)
        values.flush()
        where = ("--namespace", SYSTEM, "--values", values.name)
        cluster.helm("upgrade", "--install", RELEASE, chart, *where, "--wait", "--timeout=3m")


def _seed() -> str:
    """What Redis passwords derive from: made once and kept, since another one would mean other passwords."""
    kept = paths.build() / "redis-seed"
    with inputs.locked(kept.with_suffix(".lock")):
        if not kept.is_file():
            private.write(kept, secrets.token_hex(32).encode())
        return kept.read_text()


def start_world(cluster: Kubernetes, references: Mapping[str, str], slot_ms: int, tenants: Sequence[str]) -> None:
    """A chain with slots of so many milliseconds, and Kubo, found by their short names in the namespaces `tenants`.

    `references` are images by name.
    """
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace(WORLD)))
    manifest = _WORLD_MANIFEST.read_text()
    for name, reference in references.items():
        manifest = manifest.replace(f"{images.PREFIX}/{name}:dev", reference)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("set", "env", "-n", WORLD, "deployment/localnet", f"SLOT_MS={slot_ms}")
    for name in ("localnet", "ipfs"):
        cluster.kubectl("rollout", "status", "-n", WORLD, f"deployment/{name}", "--timeout=120s", timeout=150)
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(a for name in tenants for a in aliases(name)))


def uninstall(cluster: Kubernetes) -> None:
    """Take everything of ours away again, and nothing else: for a cluster that is not ours to stop."""
    with step("uninstalling Mintworks and the development world"):
        ours = own_namespaces(cluster)
        # The operator's comes last: until then it ends what runs in the others.
        if served := [f"namespace/{name}" for name in ours if name != SYSTEM]:
            cluster.kubectl("delete", "--ignore-not-found", *served, timeout=300)
        if SYSTEM in ours:
            cluster.helm("uninstall", RELEASE, "--namespace", SYSTEM, "--ignore-not-found", "--wait")
            cluster.kubectl("delete", "--ignore-not-found", f"namespace/{SYSTEM}", timeout=300)
        _delete_crds(cluster)


def _delete_crds(cluster: Kubernetes) -> None:
    """The chart keeps them on purpose, because deleting a CRD deletes people's jobs: they go where none are left."""
    if not (crds := own_crds(cluster)):
        return
    if left := cluster.kubectl("get", ",".join(crds), "--all-namespaces", "-o", "name").split():
        to_stderr(f"the CRDs stay: {len(left)} objects of them are not the demonstration's")
        return
    cluster.kubectl("delete", "--ignore-not-found", "customresourcedefinition", *crds, timeout=300)
