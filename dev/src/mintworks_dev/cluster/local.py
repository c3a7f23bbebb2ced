"""The local cluster: Kubernetes built from its Go modules, with a node of its own, on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from mintworks_dev import inputs, paths
from mintworks_dev.cluster import isolation, leftovers
from mintworks_dev.cluster.client import Tools
from mintworks_dev.cluster.layout import Layout
from mintworks_dev.cluster.node import Node
from mintworks_dev.cluster.processes import Process
from mintworks_dev.images.catalog import PREFIX


class Cluster(Tools):
    """A single-node Kubernetes in namespaces of its own. Several users may share it: `up` is idempotent.

    `name` has at most 6 letters; another name needs another `slot`, which sets its addresses. Where a second checkout
    of the repository runs clusters beside this one, its MINTWORKS_SLOT (a multiple of 4, below 64) moves all of them.
    `patience` shortens how many seconds the node may be silent before it is unreachable.
    """

    registry = PREFIX

    def __init__(self, name: str = "dev", slot: int = 0, patience: int | None = None) -> None:
        first = int(os.environ.get("MINTWORKS_SLOT") or 0)
        self.layout = Layout(f"{name}{first or ''}", paths.build() / "cluster" / name, first + slot)
        self._node = Node(self.layout, patience)
        self._lock = paths.build() / "cluster" / f"{name}.lock"
        super().__init__(self.layout.kubeconfig)

    @property
    def host_ip(self) -> str:
        """The address under which pods reach what this machine serves."""
        return self.layout.host_ip

    def check(self) -> None:
        """Raise RightsError where this process may not make what the cluster consists of."""
        isolation.check_rights()

    def up(self) -> Cluster:
        """Start the cluster unless it runs; returns when pods can be run.

        Raises RightsError where this process may not, NotReadyError with a log where a part fails;
        then nothing is left running.
        """
        self.check()
        with inputs.locked(self._lock):
            if not self._node.running():
                self._node.up()
        return self

    def down(self) -> None:
        """Stop it and remove every trace but its images and logs in build/. Raises RightsError."""
        self.check()
        with inputs.locked(self._lock):
            self._node.down()

    def status(self) -> dict[str, str]:
        """For each part that was started: `running`, or `ended`. Empty when the cluster is down."""
        parts = self._node.parts
        return {name: "running" if (part := parts.get(name)) and part.alive else "ended" for name in parts.names()}

    def part(self, name: str) -> Process:
        """The running part `name`, such as `containerd`. Raises RuntimeError when there is none."""
        process = self._node.parts.get(name)
        if process is None or not process.alive:
            raise RuntimeError(f"no part {name} is running")
        return process

    def stop_kubelet(self) -> None:
        """End the kubelet, as when a node hangs or is cut off: its containers go on."""
        self._node.parts.stop("kubelet")

    def start_kubelet(self) -> None:
        """Start it again; returns before the node is ready."""
        self._node.start_kubelet()

    def load_image(self, archive: Path, *, reference: str, also: str = "") -> None:
        """Give the node the image `reference` of an archive (OCI or Docker), under the name `also` too.

        Does nothing where the node has it from this very file.
        """
        self._node.load_image(archive, reference, also)

    def leftovers(self) -> list[str]:
        """What is on this machine because of the cluster, one line each; empty after `down`."""
        return leftovers.leftovers(self.layout)
