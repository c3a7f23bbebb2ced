"""Every Kubernetes Job that there ever was in a namespace, whether or not it is there still."""

from __future__ import annotations

import threading
from typing import Any, Self

from kubernetes import watch

from .kubelet import Kubelet


class Recorder:
    """Watches the Jobs of a namespace. Use it as a context manager."""

    def __init__(self, space: Kubelet) -> None:
        self._space = space
        untyped: Any = watch.Watch
        self._watch = untyped()
        self._over = threading.Event()
        self._seen: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def created(self) -> list[str]:
        """The names of all Jobs so far, a name as often as Jobs of that name were created."""
        return sorted(self._seen.copy().values())

    def _run(self) -> None:
        listed = self._space.batch.list_namespaced_job
        # In parts, each of which goes on where the one before it ended: a watch that is read cannot be stopped.
        while not self._over.is_set():
            for event in self._watch.stream(listed, self._space.namespace, timeout_seconds=1):
                meta = event["object"].metadata
                self._seen[meta.uid] = meta.name
