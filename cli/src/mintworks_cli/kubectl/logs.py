"""`logs`: what the runner of a job's run printed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mintworks_operator.names import CONTAINER, UID, run_name, run_number

from .errors import CommandError, error
from .find import Object

if TYPE_CHECKING:
    from .connection import Connection

Json = dict[str, Any]

#: Seconds between two looks at a pod that does not run yet.
PAUSE: Final = 0.5


@dataclass(frozen=True)
class Wanted:
    """Which log, and how much of it."""

    run: int | None = None
    previous: bool = False
    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: int | None = None

    @property
    def query(self) -> dict[str, str]:
        """As the API server takes it."""
        given = {"tailLines": self.tail, "sinceSeconds": self.since}
        flags = {"follow": self.follow, "timestamps": self.timestamps}
        return {
            "container": CONTAINER,
            **{name: str(value) for name, value in given.items() if value is not None},
            **{name: "true" for name, value in flags.items() if value},
        }


def log(connection: Connection, job: Object, wanted: Wanted, patience: float) -> Iterator[bytes]:
    """The log, line by line. One that is followed is waited for, so many seconds.

    Raises:
        CommandError: there is no such run, or nothing is left of it, or its container does not run.
    """
    until = time.monotonic() + patience
    while True:
        try:
            pod = _pod(connection, job, wanted)
        except CommandError:
            if not wanted.follow or time.monotonic() > until:
                raise
        else:
            if not wanted.follow or _started(pod) or time.monotonic() > until:
                path = f"/api/v1/namespaces/{job.namespace}/pods/{pod['metadata']['name']}/log"
                return connection.lines(path, wanted.query)
        time.sleep(PAUSE)


def _pod(connection: Connection, job: Object, wanted: Wanted) -> Json:
    listed = connection.list(f"/api/v1/namespaces/{job.namespace}/pods", {"labelSelector": f"{UID}={job.uid}"})
    pods: dict[int, Json] = {
        number: pod for pod in listed.get("items") or [] if (number := _run_of(pod, job)) is not None
    }
    last = int((job.status.get("attempts") or {}).get("runs") or 0)
    number = wanted.run if wanted.run is not None else max([last, *pods])
    if wanted.previous:
        number -= 1
    if number < 1:
        why = "earlier run" if wanted.previous and last else f"run yet{_why(job.status)}"
        raise error(f"{job.quoted} has no {why}")
    if (pod := pods.get(number)) is not None:
        return pod
    if number > last:
        raise error(f"{job.quoted} has no run {number}: the last one is {last}")
    raise error(f"the pod of run {number} of {job.quoted} is not there, and with it its log")


def _run_of(pod: Json, job: Object) -> int | None:
    """The number of the job's run that the pod is of; labels are anyone's, so what counts is who controls the pod."""
    number = run_number(pod)
    owners = pod["metadata"].get("ownerReferences") or []
    named = {owner["name"] for owner in owners if owner.get("controller") and owner.get("kind") == "Job"}
    return number if number is not None and run_name(job.name, job.uid, number) in named else None


def _started(pod: Json) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    state = next((each.get("state") or {} for each in statuses if each.get("name") == CONTAINER), {})
    return "running" in state or "terminated" in state


def _why(status: Mapping[str, Any]) -> str:
    phase = status.get("phase")
    waits: Json = next((c for c in status.get("conditions") or [] if c.get("type") == "Progressing"), {})
    return f" ({phase}: {waits.get('message')})" if phase and waits.get("message") else ""
