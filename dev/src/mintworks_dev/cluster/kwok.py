"""Nodes without a kubelet, for thousands of pods that cost nothing: kwok plays what pods do, by `stages`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from mintworks_dev import golang
from mintworks_dev.cluster import stages
from mintworks_dev.cluster.client import Tools
from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import until
from mintworks_dev.lifetime import UpAndDown

TIMEOUT = 60.0

_CONFIG = {
    "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
    "kind": "KwokConfiguration",
    "options": {
        "manageAllNodes": True,
        "nodeLeaseDurationSeconds": 40,
        "nodeLeaseParallelism": 2,
        "nodePlayStageParallelism": 2,
        "podPlayStageParallelism": 16,
        "podsOnNodeSyncParallelism": 2,
    },
}


class Kwok(UpAndDown):
    """kwok beside a ControlPlane that has a scheduler. Stop it before the control plane.

    `results` is what a run of each kind tells when it succeeds, `seconds` how long a run takes (up to twice that).
    """

    def __init__(
        self, tools: Tools, results: Mapping[str, dict[str, Any]], *, seconds: float = 0.5, nodes: int = 4
    ) -> None:
        self._tools = tools
        self._stages = stages.stages(results, seconds)
        self._nodes = [f"kwok-{number}" for number in range(nodes)]
        self._folder = Path(tempfile.mkdtemp(prefix="mintworks-kwok-"))
        self._parts = Parts(self._folder / "parts", self._folder)

    def up(self) -> Self:
        """Start it, and return when its nodes are ready.

        Raises NotReadyError with its log where they are not.
        """
        config = self._folder / "kwok.yaml"
        config.write_text(yaml.safe_dump_all([_CONFIG, *self._stages]))
        flags = (f"--kubeconfig={self._tools.kubeconfig}", f"--config={config}")
        self._parts.start("kwok", [str(golang.ensure(golang.KWOK)), *flags], {"HOME": str(self._folder)})
        nodes = yaml.safe_dump_all([stages.node(name) for name in self._nodes])
        self._tools.kubectl("apply", "--server-side", "-f", "-", stdin=nodes)
        until(self._ready, "kwok's nodes", TIMEOUT, broken=self._parts.obituary)
        return self

    def _ready(self) -> bool:
        ready = '{.status.conditions[?(@.type=="Ready")].status}'
        path = f'{{range .items[*]}}{{.metadata.name}}={ready} {{.spec.taints}}{{"\\n"}}{{end}}'
        found = self._tools.kubectl("get", "nodes", "-o", f"jsonpath={path}").splitlines()
        return {f"{name}=True " for name in self._nodes} <= set(found)

    def down(self) -> None:
        """Stop it. Its nodes stay, and turn NotReady."""
        self._parts.stop("kwok")
        shutil.rmtree(self._folder)
