"""What in a cluster is the demonstration's own. Everything else is somebody's: never changed, never deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mintworks_api import GROUP

from mintworks_dev.cluster import Kubernetes

from .values import OWN, RELEASE, RESOURCES, SYSTEM

CRDS = tuple(f"customresourcedefinition/{plural}.{GROUP}" for plural in RESOURCES.split(","))


class OwnershipError(RuntimeError):
    """What would be installed is there already, and somebody else's; the text says what and whose."""


def claim(thing: Mapping[str, Any]) -> str:
    """Whose a namespace or CRD is, in words; empty where it is the demonstration's. Pure."""
    metadata = thing["metadata"]
    if thing["kind"] == "Namespace":
        return "" if OWN.items() <= metadata.get("labels", {}).items() else "not made by the demonstration"
    # The chart's CRDs have no labels of a release; Helm says in annotations whose they are.
    annotations = metadata.get("annotations", {})
    release, namespace = (annotations.get(f"meta.helm.sh/release-{part}") for part in ("name", "namespace"))
    if (release, namespace) == (RELEASE, SYSTEM):
        return ""
    return f"release {release} in {namespace}" if release else "not made by Helm"


def refuse_others(cluster: Kubernetes, namespaces: Iterable[str]) -> None:
    """Raise OwnershipError where the CRDs or one of `namespaces` are there and not the demonstration's."""
    wanted = [*CRDS, *(f"namespace/{name}" for name in namespaces)]
    others = [
        f"  {thing['kind'].lower()} {thing['metadata']['name']}: {whose}"
        for thing in _found(cluster, *wanted)
        if (whose := claim(thing))
    ]
    if others:
        raise OwnershipError(
            "this cluster has already, and not from `make demo`:\n"
            + "\n".join(others)
            + "\nNothing was changed. One release serves the CRDs of a cluster: take that away first, or use another."
        )


def own_namespaces(cluster: Kubernetes) -> list[str]:
    """The names of the namespaces that the demonstration made, tenants' included."""
    selector = ",".join(f"{key}={value}" for key, value in OWN.items())
    return [
        name.partition("/")[2] for name in cluster.kubectl("get", "namespaces", "-l", selector, "-o", "name").split()
    ]


def own_crds(cluster: Kubernetes) -> list[str]:
    """The names of the CRDs that the demonstration's release made."""
    return [crd["metadata"]["name"] for crd in _found(cluster, *CRDS) if not claim(crd)]


def _found(cluster: Kubernetes, *names: str) -> list[dict[str, Any]]:
    said = cluster.kubectl("get", "--ignore-not-found", "-o", "json", *names)
    items: list[dict[str, Any]] = json.loads(said)["items"] if said.strip() else []
    return items
