"""The operator's own use of kopf, with nothing behind it but the script's jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from mintworks_operator.api import PODS, Resource
from mintworks_operator.config import load
from mintworks_operator.names import JOB, KINDS, QUEUES, label
from mintworks_operator.watching import watch

Json = dict[str, Any]


class Playing(Protocol):
    """A namespace whose jobs are played."""

    def begin(self, name: str, uid: str, version: str) -> None:
        """A job is there."""

    def complete(self, name: str) -> None:
        """The pod of its run has succeeded."""


class Seen:
    """In the cache's place. `ready` is called once there was a queue of each namespace."""

    def __init__(self, spaces: Mapping[str, Playing], ready: Callable[[], None]) -> None:
        self._spaces = spaces
        self._ready = ready
        self._missing = set(spaces)

    def put(self, resource: Resource, obj: Json) -> None:
        """A version of an object was seen."""
        meta = obj["metadata"]
        space = self._spaces[meta["namespace"]]
        if resource == KINDS["MintJob"]:
            space.begin(meta["name"], meta["uid"], meta["resourceVersion"])
        elif resource == PODS:
            if obj["status"].get("phase") == "Succeeded":
                space.complete(label(obj, JOB))
        elif resource == QUEUES and meta["namespace"] in self._missing:
            self._missing.discard(meta["namespace"])
            if not self._missing:
                self._ready()

    def drop(self, resource: Resource, uid: str, last: Json | None = None) -> None:
        """Of what is gone nothing is played."""


async def on_kopf(spaces: Mapping[str, Playing], ready: Callable[[], None]) -> None:
    """Watches until the process is told to end."""
    config = load(["--namespaces", ",".join(spaces)], {})
    await watch(Seen(spaces, ready), config, lambda _resource, _uid: None)
