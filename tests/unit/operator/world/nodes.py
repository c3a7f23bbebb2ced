"""What Kubernetes does with a run: its Job controller, kubelets, its garbage collector. One small move at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mintworks_operator.api import JOBS, PODS, Resource
from mintworks_operator.names import KINDS, controller
from support.specs import RESULTS

from .server import Server

Json = dict[str, Any]

#: How a runner ends. With a plus: another container of its pod never does.
ENDS = ("good", "empty", "bad", "stopped", "disrupted", "deadline", "failed", "good+", "bad+", "failed+")
_CODES = {"good": 0, "empty": 0, "bad": 64, "stopped": 75, "disrupted": 75, "deadline": 75, "failed": 1}


@dataclass(frozen=True, order=True)
class Move:
    """What may happen next, to the object of that uid."""

    what: str
    uid: str


def ended(pod: Json) -> bool:
    """Whether the runner's container has ended."""
    return any("terminated" in s["state"] for s in pod.get("status", {}).get("containerStatuses", [])[:1])


def over(pod: Json) -> bool:
    """Whether all of its containers have."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


class Nodes:
    """The rest of the cluster."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def alive(self) -> list[Json]:
        """Kubernetes Jobs of runs whose runner works, or may still start; of one that is gone, its pod."""
        jobs = {job["metadata"]["uid"]: job for job in self._server.all(JOBS)}
        pods = [pod for pod in self._server.all(PODS) if not over(pod) and not ended(pod)]
        parents = {controller(pod): jobs.get(controller(pod), pod) for pod in pods}
        with_pod = {controller(pod) for pod in self._server.all(PODS)}
        coming = {uid: job for uid, job in jobs.items() if uid not in with_pod and not _done(job) and not _leaving(job)}
        return list((parents | coming).values())

    def pods(self, job: Json) -> list[Json]:
        """The pods of a Kubernetes Job."""
        return [pod for pod in self._server.all(PODS) if controller(pod) == job["metadata"]["uid"]]

    def moves(self) -> list[Move]:
        """What may happen now."""
        found = [Move(what, job["metadata"]["uid"]) for job in self._server.all(JOBS) for what in self._of_job(job)]
        found += [Move(what, pod["metadata"]["uid"]) for pod in self._server.all(PODS) for what in self._of_pod(pod)]
        return sorted(found)

    def _of_job(self, job: Json) -> Iterator[str]:
        pods = self.pods(job)
        if not any(self._server.get(resource, controller(job)) for resource in KINDS.values()):
            yield "collect"
        elif _leaving(job):
            if not pods:
                yield "remove"
        elif not _done(job) and not pods:
            yield "place"
        elif not _done(job) and over(pods[0]):
            yield "judge"

    def _of_pod(self, pod: Json) -> Iterator[str]:
        job = self._server.get(JOBS, controller(pod))
        if _leaving(pod):
            yield "drop" if over(pod) or "status" not in pod else "end"
        elif job is None or _leaving(job):
            yield "tell"
        elif "status" not in pod:
            yield "start"
        elif not ended(pod):
            yield "end"

    def move(self, move: Move, end: str = "good") -> None:
        """Lets it happen; a runner that ends does so like that, one that was told to leave in good order."""
        server, uid = self._server, move.uid
        if move.what in {"collect", "remove"}:
            server.remove(JOBS, uid)
        elif move.what == "drop":
            server.remove(PODS, uid)
        elif move.what == "tell":
            server.change(PODS, uid, {"metadata": {"deletionTimestamp": server.time()}})
        elif move.what == "place":
            self._place(self._found(JOBS, uid))
        elif move.what == "start":
            state = {"running": {"startedAt": server.time()}}
            server.change(PODS, uid, {"status": {"phase": "Running", "containerStatuses": [_container(state)]}})
        elif move.what == "judge":
            self._judge(self._found(JOBS, uid))
        else:
            self._end(self._found(PODS, uid), end)

    def _found(self, resource: Resource, uid: str) -> Json:
        found = self._server.get(resource, uid)
        assert found is not None
        return found

    def _place(self, job: Json) -> None:
        meta = job["metadata"]
        owner = {"kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        named = {"name": f"{meta['name']}-x", "labels": meta["labels"], "ownerReferences": [owner]}
        self._server.make(PODS, {"metadata": named})

    def _end(self, pod: Json, end: str) -> None:
        meta, beside = pod["metadata"], end.endswith("+") and not _leaving(pod)
        end = end.removesuffix("+")
        if ended(pod) or (_leaving(pod) and end not in {"good", "bad"}):
            end = "stopped"
        code, now = _CODES[end], self._server.time()
        state: Json = {"exitCode": code, "finishedAt": now, "reason": "Error" if code else "Completed"}
        if end == "good":
            state["message"] = json.dumps({"result": RESULTS[meta["labels"]["mintworks.dev/kind"]]})
        runner = _container({"terminated": state})
        status: Json = {"phase": "Failed" if code else "Succeeded", "containerStatuses": [runner]}
        if ended(pod):
            status["containerStatuses"] = pod["status"]["containerStatuses"][:1]
        if beside:
            other = {**_container({"running": {"startedAt": now}}), "name": "proxy"}
            status = {"phase": "Running", "containerStatuses": [*status["containerStatuses"], other]}
        if end == "disrupted":
            status["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
        if end == "deadline":
            status["reason"] = "DeadlineExceeded"
        self._server.change(PODS, meta["uid"], {"status": status})

    def _judge(self, job: Json) -> None:
        pod = self.pods(job)[0]
        said: Json = {"type": "Complete", "status": "True", "lastTransitionTime": self._server.time()}
        if pod["status"]["phase"] == "Failed":
            said |= {"type": "Failed", "reason": "BackoffLimitExceeded"} | _rule(pod)
        self._server.change(JOBS, job["metadata"]["uid"], {"status": {"conditions": [said]}})


def _rule(pod: Json) -> Json:
    """What the pod failure policy says."""
    code = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
    disrupted = bool(pod["status"].get("conditions"))
    rule = 0 if disrupted else {64: 1, 75: 2}.get(code)
    return {} if rule is None else {"reason": "PodFailurePolicy", "message": f"matching FailJob rule at index {rule}"}


def _container(state: Json) -> Json:
    return {"name": "runner", "state": state}


def _done(job: Json) -> bool:
    return bool(job.get("status", {}).get("conditions"))


def _leaving(obj: Json) -> bool:
    return "deletionTimestamp" in obj["metadata"]
