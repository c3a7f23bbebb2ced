"""What kubelets would write about many pods at once: each ends as a seeded die says, until all are told to end well."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Collection
from typing import Any

from kubernetes.client.exceptions import ApiException

from support.kubelet import Kubelet

Json = dict[str, Any]

#: Exit codes of a run that does not end well, and none for one that does not end yet.
_FATES = (None, None, 0, 0, 1, 64, 75, 137)
_MESSAGES: tuple[Json | None, ...] = (
    None,
    {"reason": "Odd", "message": "🜛\u202e"},
    {"result": {}},
    {"errors": [{"reason": 3}]},
)


class Crowd:
    """Plays the kubelet for namespaces, in a thread of its own. `result` is what a job of a kind tells at its end."""

    def __init__(self, spaces: Collection[Kubelet], result: Callable[[str], Json], seed: int) -> None:
        self._spaces = spaces
        self._result = result
        self._seed = seed
        self._well = threading.Event()
        self._stop = threading.Event()
        self._ended: set[str] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def end_well(self) -> None:
        """From now on every run ends with a result."""
        self._well.set()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for space in self._spaces:
                self._look(space)

    def _look(self, space: Kubelet) -> None:
        chosen = "app.kubernetes.io/managed-by=mintworks"
        for pod in space.core.list_namespaced_pod(space.namespace, label_selector=chosen).items:
            if pod.metadata.uid in self._ended or pod.metadata.deletion_timestamp is not None:
                continue
            dice = random.Random(f"{self._seed}/{pod.metadata.name.rsplit('-', 1)[0]}")
            code = 0 if self._well.is_set() else dice.choice(_FATES)
            if code is None:
                continue
            good = {"result": self._result(pod.metadata.labels["mintworks.dev/kind"])}
            told = good if self._well.is_set() else dice.choice((good, good, *_MESSAGES))
            self._end(space, pod, code, told)

    def _end(self, space: Kubelet, pod: Any, code: int, told: Json | None) -> None:
        ended: Json = {"exitCode": code, "reason": "Error" if code else "Completed"}
        if told is not None:
            ended["message"] = json.dumps(told)
        container = {
            "name": "runner",
            "image": "runner",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": ended},
        }
        status = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [container]}
        try:
            space.core.patch_namespaced_pod_status(pod.metadata.name, space.namespace, {"status": status})
        except ApiException as error:
            if error.status != 404:
                raise
        self._ended.add(pod.metadata.uid)
