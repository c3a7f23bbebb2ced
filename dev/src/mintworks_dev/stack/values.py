"""The chart's values for development. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mintworks_api import JOB_KINDS, JOB_QUEUE

WORLD = "mintworks-world"
SYSTEM = "mintworks-system"
RELEASE = "mintworks"

#: Everything of ours that people apply, for kubectl.
RESOURCES = ",".join([JOB_QUEUE.plural, *(kind.plural for kind in JOB_KINDS.values())])

#: Redis passwords derive from it; a development cluster has no secrets to keep.
_SEED = "development-only-not-a-secret"


def chart_values(tenants: Sequence[str], images: Mapping[str, str]) -> dict[str, Any]:
    """Values by which the chart serves `tenants` with the images built here.

    Args:
        tenants: namespaces, made by the chart.
        images: repository (without tag) → tag, which is the content's hash: a new build rolls the pods.
    """
    egress_to_world = [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": WORLD}}}]}]
    return {
        "images": {
            name: {"repository": f"localhost/mintworks/{name}", "tag": images[name], "pullPolicy": "Never"}
            for name in ("operator", "runner", "redis")
        },
        "tenants": [{"namespace": name, "createNamespace": True} for name in tenants],
        "networkPolicy": {"egress": [{"to": [{"podSelector": {}}]}, *egress_to_world]},
        "redis": {"seed": _SEED, "persistence": {"enabled": False}},
    }


def aliases(namespace: str) -> list[dict[str, Any]]:
    """Services by which the examples' short names `localnet` and `ipfs` lead to the world's, in `namespace`."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": "ExternalName", "externalName": f"{name}.{WORLD}.svc.cluster.local"},
        }
        for name in ("localnet", "ipfs")
    ]
