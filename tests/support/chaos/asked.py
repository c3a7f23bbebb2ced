"""What a request to the API server is about. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_PATH = re.compile(
    r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)
_RUN = re.compile(r"-[0-9a-f]{8}-(\d+)$")


class Write(StrEnum):
    """The kinds of writes that the operator does; it is killed at each."""

    ADMISSION = "status: admission"
    PROGRESS = "status: progress"
    STOPPING = "status: stopping"
    CONCLUSION = "status: conclusion"
    OTHER_STATUS = "status: other"
    RESERVATION = "queue: status"
    QUEUE = "queue: create"
    RUN = "run: create"
    RUN_DELETE = "run: delete"
    RESOURCE_DELETE = "resource: delete"
    EVENT = "event"
    LEASE = "lease"
    ECHO = "redis: echo"
    CLEAN = "redis: clean"


@dataclass(frozen=True)
class Asked:
    """`subject` is the same in every run with the same seed: a run's name without the part that is its job's uid."""

    verb: str
    subject: str
    write: Write | None = None
    further_page: bool = False

    @property
    def watch(self) -> bool:
        """Whether it is answered event by event."""
        return self.verb == "watch"


def parse(method: str, path: str, query: Mapping[str, str], body: bytes) -> Asked:
    """What a request asks for."""
    match = _PATH.fullmatch(path)
    if match is None:
        return Asked(method.lower(), f"{method} {path}")
    parts = match.groupdict()
    sent = _json(body)
    name = parts["name"] or (sent.get("metadata") or {}).get("name") or ""
    verb = _verb(method, parts["name"], query)
    where = [parts["namespace"], parts["plural"], _RUN.sub(r"-\1", name), parts["subresource"]]
    subject = " ".join([verb, *(p for p in where if p)])
    write = None if method == "GET" else _write(verb, parts["plural"], parts["subresource"], sent)
    return Asked(verb, subject, write, further_page="continue" in query)


def _json(body: bytes) -> dict[str, Any]:
    sent = json.loads(body) if body else {}
    return sent if isinstance(sent, dict) else {}


def _verb(method: str, name: str | None, query: Mapping[str, str]) -> str:
    if method == "GET" and name is None:
        return "watch" if query.get("watch") in {"true", "1"} else "list"
    return {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "patch", "DELETE": "delete"}[method]


def _write(verb: str, plural: str, subresource: str | None, sent: Mapping[str, Any]) -> Write | None:
    if plural == "leases":
        return Write.LEASE
    if plural == "events":
        return Write.EVENT
    if plural == "jobs":
        return {"create": Write.RUN, "delete": Write.RUN_DELETE}.get(verb)
    if plural == "jobqueues":
        return Write.RESERVATION if subresource == "status" else Write.QUEUE
    if verb == "delete":
        return Write.RESOURCE_DELETE
    return _status_write(sent.get("status") or {})


def _status_write(status: Mapping[str, Any]) -> Write:
    if "active" in status:
        active = status["active"]
        if active is None:
            return Write.CONCLUSION
        return Write.ADMISSION if "run" in active else Write.STOPPING
    return Write.PROGRESS if "progress" in status else Write.OTHER_STATUS
