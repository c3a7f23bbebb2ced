"""Which cluster to use: `--cluster=local`, `kind` or `current`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mintworks_dev.cluster.local import Cluster
from mintworks_dev.cluster.others import CurrentCluster, KindCluster

CHOICES = ("local", "kind", "current")


REGISTRY_HELP = (
    "for --cluster=current: where to push the images, such as registry.example.com/mintworks "
    "(by default MINTWORKS_REGISTRY)"
)


class Kubernetes(Protocol):
    """Any cluster whose API can be used."""

    @property
    def environment(self) -> Mapping[str, str]:
        """KUBECONFIG, and what else leads kubectl and helm to it."""

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl and return what it prints."""

    def helm(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 600) -> str:
        """Run helm and return what it prints."""


class AnyCluster(Kubernetes, Protocol):
    """What every kind of cluster can do; `local` (Cluster) says it in detail."""

    registry: str

    def check(self) -> None:
        """Raise RuntimeError where Mintworks cannot be installed here for a reason that is seen at once."""

    def up(self) -> AnyCluster:
        """Start it unless it runs."""

    def down(self) -> None:
        """Stop it."""

    def status(self) -> dict[str, str]:
        """Its parts, and whether they run."""

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Give its nodes the image `reference` of an archive, under the name `also` (below `registry`) too."""

    def leftovers(self) -> list[str]:
        """What is still there of it."""


def choose(kind: str = "local", name: str = "dev", slot: int = 0, registry: str | None = None) -> AnyCluster:
    """The cluster of a choice; `name` and `slot` tell local ones apart, `registry` is for `current` alone.

    Raises ValueError for no choice, and for a registry where images need none.
    """
    if kind == "current":
        return CurrentCluster(os.environ.get("MINTWORKS_REGISTRY", "") if registry is None else registry)
    if registry:
        raise ValueError(f"--registry={registry}: --cluster={kind} takes its images from this machine")
    if kind == "local":
        return Cluster(name, slot)
    if kind == "kind":
        return KindCluster()
    raise ValueError(f"--cluster={kind}: choose one of {', '.join(CHOICES)}")
