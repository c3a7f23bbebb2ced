"""The chart's values for development. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mintworks_api import ALL_KINDS

WORLD = "mintworks-world"
SYSTEM = "mintworks-system"
RELEASE = "mintworks-dev"
"""Not the README's name: what people installed by that must not be taken for the demonstration's."""

OWN = {"mintworks.dev/made-by": "demo"}
"""The label of everything that the demonstration makes, by which it finds what it may delete."""

#: Everything of ours that people apply, for kubectl.
RESOURCES = ",".join(kind.plural for kind in ALL_KINDS.values())


def chart_values(tenants: Sequence[str], images: Mapping[str, str], seed: str) -> dict[str, Any]:
    """Values by which the chart serves `tenants` with the images built here.

    Args:
        tenants: namespaces, made by the chart.
        images: name → reference. Its tag is the content's hash: a new build rolls the pods.
        seed: what Redis passwords derive from, at least 16 characters.
    """
    egress_to_world = [{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": WORLD}}}]}]
    return {
        "extraLabels": OWN,
        "images": {
            name: dict(zip(("repository", "tag"), images[name].rsplit(":", 1), strict=True))
            for name in ("operator", "runner", "redis")
        },
        "tenants": [{"namespace": name, "createNamespace": True} for name in tenants],
        "networkPolicy": {"egress": [{"to": [{"podSelector": {}}]}, *egress_to_world]},
        "redis": {"seed": seed, "persistence": {"enabled": False}},
    }


def namespace(name: str) -> dict[str, Any]:
    """A namespace of the demonstration's own."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(OWN)}}


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
