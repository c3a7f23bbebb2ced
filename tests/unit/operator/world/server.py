"""An API server in memory, as far as the operator uses one: versions, guards, names, watches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mintworks_operator.api import JOBS, ApiError, Resource
from mintworks_operator.names import label
from mintworks_operator.watching import RESOURCES

Json = dict[str, Any]

NAMESPACE = "ns"


@dataclass(frozen=True)
class Request:
    """What an operator sends."""

    verb: str
    resource: Resource
    name: str = ""
    body: Json = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What a watch tells."""

    type: str
    obj: Json


def merged(old: Any, patch: Mapping[str, Any]) -> Json:
    """A JSON merge patch. No object is ever changed: the operator's cache holds the same ones."""
    made = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value) if isinstance(value, dict) else value
    return made


class Server:
    """Objects of one namespace by uid. `heard` is called with each change: the resource, the old and the new object."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._version = 0
        self._uids = 0
        self._objects: dict[Resource, dict[str, Json]] = {resource: {} for resource in RESOURCES}
        self.told: dict[Resource, list[Told]] = {resource: [] for resource in RESOURCES}
        self.heard: Callable[[Resource, Json | None, Json | None], None] = lambda *_: None

    # --- what is there ------------------------------------------------------------------------------------------------

    def all(self, resource: Resource) -> list[Json]:
        """Every object, the oldest first."""
        return list(self._objects[resource].values())

    def get(self, resource: Resource, uid: str) -> Json | None:
        """The object of that uid."""
        return self._objects[resource].get(uid)

    def find(self, resource: Resource, name: str) -> Json | None:
        """The object of that name."""
        return next((o for o in self._objects[resource].values() if o["metadata"]["name"] == name), None)

    def make(self, resource: Resource, body: Json) -> Json:
        """A new object. Names of runs begin with eight characters of a uid."""
        self._uids += 1
        meta = {"uid": f"{self._uids:08x}-0", "generation": 1, "creationTimestamp": self.time(), "namespace": NAMESPACE}
        return self._put(resource, None, {**body, "metadata": {**body["metadata"], **meta}}, "ADDED")

    def change(self, resource: Resource, uid: str, patch: Json) -> Json:
        """A merge patch, by whomever."""
        old = self._objects[resource][uid]
        new = merged(old, patch)
        if new == old:
            return old
        if new.get("spec") != old.get("spec"):
            new = merged(new, {"metadata": {"generation": old["metadata"]["generation"] + 1}})
        return self._put(resource, old, new, "MODIFIED")

    def remove(self, resource: Resource, uid: str) -> None:
        """It is gone."""
        old = self._objects[resource].pop(uid)
        self._tell(resource, "DELETED", old)
        self.heard(resource, old, None)

    def time(self) -> str:
        """The time, as Kubernetes writes it."""
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _put(self, resource: Resource, old: Json | None, new: Json, type_: str) -> Json:
        new = self._tell(resource, type_, new)
        self._objects[resource][new["metadata"]["uid"]] = new
        self.heard(resource, old, new)
        return new

    def _tell(self, resource: Resource, type_: str, obj: Json) -> Json:
        self._version += 1
        obj = merged(obj, {"metadata": {"resourceVersion": str(self._version)}})
        self.told[resource].append(Told(type_, obj))
        return obj

    # --- what the operator asks for -----------------------------------------------------------------------------------

    def answer(self, request: Request) -> Any:
        """Carries a request out.

        Raises:
            ApiError: it is refused.
        """
        # As over the wire: what is no JSON fails here, and nobody shares what somebody else may change.
        body: Json = json.loads(json.dumps(request.body))
        if request.verb == "list":
            return list(self._listed(request))
        if request.verb == "create":
            if self.find(request.resource, body["metadata"]["name"]) is not None:
                raise ApiError(409, "AlreadyExists", "the name is taken")
            return self.make(request.resource, body)
        found = self.find(request.resource, request.name)
        if found is None:
            raise ApiError(404, "NotFound", "it is not there", {"name": request.name})
        if request.verb == "patch":
            _check(found, body.pop("metadata"))
            return self.change(request.resource, found["metadata"]["uid"], body)
        if request.verb == "delete":
            _check(found, body.get("preconditions", {}))
            self._delete(request.resource, found, body["propagationPolicy"])
        return found

    def _listed(self, request: Request) -> Iterator[Json]:
        wanted = dict(part.split("=") for part in request.query.get("labelSelector", "").split(",") if part)
        if "fieldSelector" in request.query:
            return
        for obj in self.all(request.resource):
            if all(label(obj, name) == value for name, value in wanted.items()):
                yield obj

    def _delete(self, resource: Resource, obj: Json, propagation: str) -> None:
        if resource == JOBS and propagation == "Foreground":
            if "deletionTimestamp" not in obj["metadata"]:
                self.change(resource, obj["metadata"]["uid"], {"metadata": {"deletionTimestamp": self.time()}})
        else:
            self.remove(resource, obj["metadata"]["uid"])


def _check(found: Json, wanted: Mapping[str, str]) -> None:
    if any(found["metadata"][name] != value for name, value in wanted.items()):
        raise ApiError(409, "Conflict", "it is another version, or another object of that name")
