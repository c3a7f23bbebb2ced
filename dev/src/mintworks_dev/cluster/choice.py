"""Which cluster to use: `--cluster=local`, `kind` or `current`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mintworks_dev.cluster.local import Cluster
from mintworks_dev.cluster.others import CurrentCluster, KindCluster

CHOICES = ("local", "kind", "current")


class AnyCluster(Protocol):
    """What every kind of cluster can do; `local` (Cluster) says it in detail."""

    kubeconfig: Path

    def up(self) -> AnyCluster:
        """Start it unless it runs."""

    def down(self) -> None:
        """Stop it."""

    def status(self) -> dict[str, str]:
        """Its parts, and whether they run."""

    def kubectl(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl and return what it prints."""

    def helm(self, *arguments: str | Path, stdin: str | None = None, timeout: float = 600) -> str:
        """Run helm and return what it prints."""

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Give its node the image `reference` of an archive, under the name `also` too."""

    def leftovers(self) -> list[str]:
        """What is still there of it."""


def choose(kind: str = "local", name: str = "dev", slot: int = 0) -> AnyCluster:
    """The cluster of a choice; `name` and `slot` tell local ones apart. Raises ValueError for no choice."""
    if kind == "local":
        return Cluster(name, slot)
    if kind == "kind":
        return KindCluster()
    if kind == "current":
        return CurrentCluster()
    raise ValueError(f"--cluster={kind}: choose one of {', '.join(CHOICES)}")
