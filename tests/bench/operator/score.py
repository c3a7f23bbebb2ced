"""What the operator asked the API server for, from the audit log: counted, and as a list to be asked again. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_NAME = re.compile(r"^o-\d{5}")
#: What of a job's own requests is asked for, by verb and resource.
_OWN = {
    ("create", "jobs"): "run",
    ("create", "events"): "event",
    ("get", "mintjobs"): "look",
    ("get", "jobs"): "run-look",
    ("patch", "mintjobs"): "status",
}
#: What goes by time, not by jobs: the Lease, and LISTs and watches, which begin before the first job.
_TIMED = ("leases", "list", "watch")


def writes_per_job(asked: Iterable[Json], namespace: str, jobs: int) -> float:
    """Accepted or not, every request of a namespace that writes, for each job. Of progress there is none here."""
    written = [e for e in asked if e["verb"] in WRITES and e["objectRef"].get("namespace") == namespace]
    return len(written) / jobs


def lists_per_job(asked: Iterable[Json], namespace: str, jobs: int) -> float:
    """The LISTs of a namespace for each job. They ought to go by time: where they go by jobs, this is near to 1."""
    listed = [e for e in asked if e["verb"] == "list" and e["objectRef"].get("namespace") == namespace]
    return len(listed) / jobs


def counted(asked: Iterable[Json], namespace: str) -> Counter[str]:
    """The requests of a namespace by verb and resource, but for LISTs and watches, which go by time."""
    return Counter(
        f"{e['verb']} {e['objectRef']['resource']}"
        for e in asked
        if e["objectRef"].get("namespace") == namespace and e["verb"] not in _TIMED
    )


def score(asked: Iterable[Json], namespace: str) -> Json:
    """The requests of a namespace as a list that `floor` plays.

    `jobs`: each job's own, by name, in their order: status writes as `queued`, `running`, `told` and `end`, by where
    they stand around the run's creation. `queues`: after how many of those each write of a queue came.
    """
    jobs: dict[str, list[str]] = {}
    queues: list[int] = []
    done = 0
    ordered = sorted(
        (e for e in asked if e["objectRef"].get("namespace") == namespace), key=lambda e: str(e["stageTimestamp"])
    )
    for event in ordered:
        verb, ref = event["verb"], event["objectRef"]
        named = _NAME.match(str(ref.get("name", "")))
        if ref["resource"] == "jobqueues" and verb in {"patch", "get"}:
            queues.append(done)
        elif named is not None:
            jobs.setdefault(named[0], []).append(_OWN[verb, ref["resource"]])
            done += 1
        elif ref["resource"] not in _TIMED and verb not in _TIMED:
            raise ValueError(f"nobody plays this request: {verb} {ref}")
    return {"jobs": {name: _told(steps) for name, steps in jobs.items()}, "queues": queues}


def _told(steps: list[str]) -> list[str]:
    """The steps of a job, with what each status write says."""
    run, last = steps.index("run"), max(n for n, step in enumerate(steps) if step == "status")
    before = [n for n, step in enumerate(steps[:run]) if step == "status"]
    names = {**dict.fromkeys(before, "queued"), before[-1]: "running", last: "end"}
    return [names.get(n, "told") if step == "status" else step for n, step in enumerate(steps)]


def templates(asked: Iterable[Json], namespace: str) -> Json:
    """A body for every step, of a job in that namespace, whose requests are in the log with their bodies; and which
    name and uid are in it. `queue` is the largest write of a queue.
    """
    asked = [e for e in asked if e["objectRef"].get("namespace") == namespace]
    found: Json = {}
    bodies: dict[str, list[Json]] = {}
    for event in sorted(asked, key=lambda e: str(e["stageTimestamp"])):
        named = _NAME.match(str(event["objectRef"].get("name", "")))
        body = event.get("requestObject")
        if named is not None and body is not None:
            bodies.setdefault(named[0], []).append(body)
        elif event["objectRef"]["resource"] == "jobqueues" and body is not None:
            found["queue"] = max(found.get("queue", {}), body, key=lambda b: len(json.dumps(b)))
    for name, steps in score(asked, namespace)["jobs"].items():
        written = [step for step in steps if "look" not in step]
        uid = next(body["metadata"]["uid"] for body in bodies[name] if "status" in body)
        for step, body in zip(written, bodies[name], strict=True):
            found[step] = {"name": name, "namespace": namespace, "uid": uid, "body": body}
    # Both change conditions and little else; which of them a slow machine shows in the warm-up is chance.
    for one, other in (("queued", "told"), ("told", "queued")):
        if other in found:
            found.setdefault(one, found[other])
    return found


def playable(played: Mapping[str, Json], bodies: Json) -> None:
    """Raises ValueError where a step has no body."""
    steps = {step for part in played.values() for own in part["jobs"].values() for step in own if "look" not in step}
    if missing := steps - bodies.keys():
        raise ValueError(f"the warm-up showed no body for {sorted(missing)}")
