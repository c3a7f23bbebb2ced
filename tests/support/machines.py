"""Nodes without machines: a test beats their hearts, and stops. What Kubernetes makes of the silence is its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support.connection import library

#: Seconds between heartbeats.
BEAT = 1.0
OUT_OF_SERVICE = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


class Machines:
    """The nodes of a control plane."""

    def __init__(self, kubeconfig: Path) -> None:
        self._core: Any = client.CoreV1Api(library(kubeconfig))
        self._beating: set[str] = set()
        self._lock = threading.Lock()

    def add(self, *names: str) -> None:
        """New nodes, alive."""
        for name in names:
            self._core.create_node({"metadata": {"name": name}})
            self.hear(name)
            self._beat(name)

    def hear(self, name: str) -> None:
        """Its heart beats."""
        with self._lock:
            self._beating.add(name)

    def silence(self, name: str) -> None:
        """Nothing is heard of it any more."""
        with self._lock:
            self._beating.discard(name)

    def delete(self, name: str) -> None:
        """`kubectl delete node`."""
        self.silence(name)
        self._core.delete_node(name)

    def out_of_service(self, name: str) -> None:
        """`kubectl taint nodes NAME node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`."""
        taints = self._core.read_node(name).spec.taints or []
        others = [{"key": t.key, "value": t.value, "effect": t.effect} for t in taints]
        self._core.patch_node(name, {"spec": {"taints": [*others, OUT_OF_SERVICE]}})

    def place(self, pod: Any, name: str) -> None:
        """Put a pod on a node, as the scheduler does."""
        meta = pod.metadata
        body = {"metadata": {"name": meta.name}, "target": {"kind": "Node", "name": name}}
        # The answer is a Status, which the library takes for a Binding that lacks its target.
        self._core.create_namespaced_pod_binding(meta.name, meta.namespace, body, _preload_content=False)

    def beat(self, stop: threading.Event) -> None:
        """Beat all hearts until the stop."""
        while not stop.wait(BEAT):
            with self._lock:
                names = set(self._beating)
            for name in names:
                self._beat(name)

    def _beat(self, name: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now}
        try:
            self._core.patch_node_status(name, {"status": {"conditions": [{**ready, "lastTransitionTime": now}]}})
        except ApiException as error:
            if error.status != 404:  # it was deleted just now
                raise


@contextmanager
def machines(kubeconfig: Path) -> Iterator[Machines]:
    """Nodes whose hearts beat while the block runs."""
    made, stop = Machines(kubeconfig), threading.Event()
    heart = threading.Thread(target=made.beat, args=(stop,))
    heart.start()
    try:
        yield made
    finally:
        stop.set()
        heart.join()
