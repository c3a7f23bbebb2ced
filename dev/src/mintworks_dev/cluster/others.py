"""Clusters that are not built here: kind, where Docker runs, and whatever the current context leads to."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from mintworks_dev import commands, paths
from mintworks_dev.cluster.client import Client, Tools
from mintworks_dev.images import buildah
from mintworks_dev.images.catalog import PREFIX


class KindCluster(Tools):
    """A cluster of kind, through pytest-kind. Never tried where it was written: that machine runs no Docker."""

    registry = PREFIX

    def __init__(self, name: str = "mintworks") -> None:
        folder = paths.build() / "cluster" / "kind"
        folder.mkdir(parents=True, exist_ok=True)
        self._name, self._folder = name, folder
        super().__init__(folder / "kubeconfig")

    @staticmethod
    def available() -> bool:
        """Whether a Docker engine answers."""
        if not shutil.which("docker"):
            return False
        return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0

    def check(self) -> None:
        """Raise RuntimeError where no Docker engine answers."""
        if not self.available():
            raise RuntimeError("kind needs a Docker engine, and `docker info` does not answer; use --cluster=local")

    def up(self) -> KindCluster:
        """Create the cluster unless there is one. Raises RuntimeError where no Docker engine answers."""
        self.check()
        self._kind().create()
        return self

    def down(self) -> None:
        """Delete the cluster."""
        self._kind().delete()

    def status(self) -> dict[str, str]:
        """What `kubectl cluster-info` can say: the API server."""
        return api_status(self)

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Load the image `reference` of an archive into the cluster's node, under the name `also` too."""
        commands.run("docker", "load", "--input", archive)
        kind = self._kind()
        kind.load_docker_image(reference)
        if also:
            commands.run("docker", "tag", reference, also)
            kind.load_docker_image(also)

    def leftovers(self) -> list[str]:
        """Containers of the cluster that are still there."""
        if not self.available():
            return []
        label = f"label=io.x-k8s.kind.cluster={self._name}"
        return commands.run("docker", "ps", "--all", "--quiet", "--filter", label).split()

    def _kind(self) -> Any:
        # Only whoever asks for kind needs the library.
        library = importlib.import_module("pytest_kind")
        return library.KindCluster(self._name, self.kubeconfig, kind_path=self._folder / "kind")


class CurrentCluster(Client):
    """The cluster of the current kube context, used as it is: nothing is started and nothing is stopped.

    Its nodes pull images from `registry`, such as registry.example.com/mintworks, to which they are pushed from here.
    """

    def __init__(self, registry: str = "") -> None:
        self.registry = registry.rstrip("/")
        # May name several files: they are kubectl's to join.
        super().__init__({"KUBECONFIG": os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")})

    def check(self) -> None:
        """Raise RuntimeError where no registry is named: the images could not get to the nodes."""
        if not self.registry:
            raise RuntimeError(
                "the nodes of the current context pull images from a registry, and none is named: give one that you "
                "may push to and they may read, as REGISTRY=registry.example.com/mintworks make …, or --registry"
            )

    def up(self) -> CurrentCluster:
        """Check that its API server answers. Raises CommandError with kubectl's words when it does not."""
        self.kubectl("get", "--raw", "/readyz")
        return self

    def down(self) -> None:
        """Do nothing: the cluster is somebody's."""

    def status(self) -> dict[str, str]:
        """Whether the API server answers."""
        return api_status(self)

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Push the image `reference`, as it was built here, to its registry as `also`."""
        buildah.push(reference, f"docker://{also}")

    def leftovers(self) -> list[str]:
        """Nothing: nothing was started."""
        return []


def api_status(tools: Client) -> dict[str, str]:
    """`{"apiserver": "running"}` where it answers, else `"away"`."""
    try:
        tools.kubectl("get", "--raw", "/readyz", timeout=10)
    except (commands.CommandError, subprocess.TimeoutExpired):
        return {"apiserver": "away"}
    return {"apiserver": "running"}
