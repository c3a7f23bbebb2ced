"""What a kubelet would write, on a control plane without nodes: how pods start and end. The Job controller is real."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from kubernetes import client
from mintworks_api import ALL_KINDS

from support.connection import library
from support.polling import eventually

Json = dict[str, Any]

GROUP = ("mintworks.dev", "v1alpha1")
PLURALS = {name: kind.plural for name, kind in ALL_KINDS.items()}


class Kubelet:
    """One namespace, as a person and a kubelet see it."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        connection = library(kubeconfig)
        self.custom: Any = client.CustomObjectsApi(connection)
        self.batch: Any = client.BatchV1Api(connection)
        self.core: Any = client.CoreV1Api(connection)
        self.kubeconfig, self.namespace = kubeconfig, namespace

    # --- a person -----------------------------------------------------------------------------------------------------

    def apply(self, kind: str, name: str, spec: Json) -> Json:
        """Create a resource of ours."""
        body = {"apiVersion": "/".join(GROUP), "kind": kind, "metadata": {"name": name}, "spec": spec}
        made: Json = self.custom.create_namespaced_custom_object(*GROUP, self.namespace, PLURALS[kind], body)
        return made

    def change(self, kind: str, name: str, spec: Json) -> None:
        """Merge into its spec."""
        self.custom.patch_namespaced_custom_object(*GROUP, self.namespace, PLURALS[kind], name, {"spec": spec})

    def mark(self, kind: str, name: str, annotations: Json) -> None:
        """Merge into its annotations."""
        body = {"metadata": {"annotations": annotations}}
        self.custom.patch_namespaced_custom_object(*GROUP, self.namespace, PLURALS[kind], name, body)

    def delete(self, kind: str, name: str) -> None:
        """Delete it."""
        self.custom.delete_namespaced_custom_object(*GROUP, self.namespace, PLURALS[kind], name)

    def get(self, kind: str, name: str) -> Json:
        """The resource."""
        found: Json = self.custom.get_namespaced_custom_object(*GROUP, self.namespace, PLURALS[kind], name)
        return found

    def status(self, kind: str, name: str) -> Json:
        """Its status; empty before the first write."""
        status: Json = self.get(kind, name).get("status") or {}
        return status

    def phase(self, kind: str, name: str, *phases: str) -> Json:
        """Its status, once its phase is one of these."""
        return eventually(f"{kind} {name} is {phases}", lambda: self._in(self.status(kind, name), phases))

    def condition(self, kind: str, name: str, type_: str) -> Json:
        """A condition; empty where it is not set."""
        conditions = self.status(kind, name).get("conditions") or []
        return next((c for c in conditions if c["type"] == type_), {})

    def misses(self, schedule: str) -> None:
        """Its times since long ago count as not looked at yet, once the operator has seen the JobSchedule."""
        eventually("it is seen", lambda: "countedUntil" in self.status("JobSchedule", schedule))
        long_ago = {"status": {"countedUntil": "2026-01-01T00:00:00Z"}}
        place = (*GROUP, self.namespace, PLURALS["JobSchedule"], schedule)
        self.custom.patch_namespaced_custom_object_status(*place, long_ago)

    def events(self, name: str) -> list[Json]:
        """Events about a resource of ours."""
        found: list[Any] = self.core.list_namespaced_event(
            self.namespace, field_selector=f"involvedObject.name={name}"
        ).items
        return [
            {"reason": e.reason, "type": e.type, "message": e.message, "count": e.series.count if e.series else 1}
            for e in found
        ]

    @staticmethod
    def _in(status: Json, phases: tuple[str, ...]) -> Json | None:
        return status if status.get("phase") in phases else None

    # --- a kubelet ----------------------------------------------------------------------------------------------------

    def jobs(self, name: str | None = None) -> list[Any]:
        """Kubernetes Jobs of a job, oldest first."""
        chosen = "app.kubernetes.io/managed-by=mintworks" + (f",mintworks.dev/job={name}" if name else "")
        found: list[Any] = self.batch.list_namespaced_job(self.namespace, label_selector=chosen).items
        return sorted(found, key=lambda j: int(j.metadata.labels["mintworks.dev/run"]))

    def pod(self, name: str, run: int) -> Any:
        """The pod of a run, once the Job controller made it."""
        chosen = f"mintworks.dev/job={name},mintworks.dev/run={run}"

        def found() -> Any:
            pods = self.core.list_namespaced_pod(self.namespace, label_selector=chosen).items
            return pods[0] if pods else None

        return eventually(f"the pod of run {run} of {name}", found)

    def nothing_runs(self, name: str) -> bool:
        """Whether neither Kubernetes Jobs nor pods of a job are there."""
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=f"mintworks.dev/job={name}").items
        return not (self.jobs(name) or pods)

    def document(self, pod: Any) -> Json:
        """What the runner of that pod is told."""
        document: Json = json.loads(pod.metadata.annotations["mintworks.dev/spec"])
        return document

    def start(self, name: str, run: int, **status: Any) -> Any:
        """The run's container starts; `status` goes into the pod's."""
        pod = self.pod(name, run)
        self._write(pod, "Running", {"running": {"startedAt": _now()}}, **status)
        return pod

    def bind(self, pod: Any) -> None:
        """The pod is put on a node. There is none of that name; for 40 seconds the pod collector does not mind."""
        body = {"metadata": {"name": pod.metadata.name}, "target": {"kind": "Node", "name": f"node-{self.namespace}"}}
        # The library cannot read the answer: https://github.com/kubernetes-client/python/issues/825
        self.core.create_namespaced_binding(self.namespace, body, _preload_content=False)

    def wait(self, name: str, run: int, reason: str, message: str) -> None:
        """The run's container does not start, for this reason."""
        self._write(self.pod(name, run), "Pending", {"waiting": {"reason": reason, "message": message}})

    def end(
        self, name: str, run: int, code: int, told: Json | None = None, began: str | None = None, **status: Any
    ) -> None:
        """The run's container ends with this exit code and termination message; `status` goes into the pod's. `began`
        is when it had started, where it did not do so just now.
        """
        ended = {
            "exitCode": code,
            "startedAt": began or _now(),
            "finishedAt": _now(),
            "reason": "Error" if code else "Completed",
        }
        if told is not None:
            ended["message"] = json.dumps(told)
        self._write(self.pod(name, run), "Failed" if code else "Succeeded", {"terminated": ended}, **status)

    def _write(self, pod: Any, phase: str, state: Json, **status: Any) -> None:
        container = {
            "name": "runner",
            "image": "runner",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": state,
        }
        body = {"status": {"phase": phase, "containerStatuses": [container], **status}}
        self.core.patch_namespaced_pod_status(pod.metadata.name, self.namespace, body)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
