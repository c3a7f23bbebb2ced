"""What end-to-end tests do with a cluster: apply, read, and wait with a bound."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml
from mintworks_api import API_VERSION, JOB_KINDS
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.commands import CommandError
from mintworks_dev.stack.values import RESOURCES

from support.polling import NeverCameError, eventually


def processes(pod_uid: str, command: str = "") -> list[int]:
    """The ids of a pod's processes, or of those whose command line holds `command`, in the node's process table.

    Works where this machine is the node, as with a local cluster and with kind.
    """
    marks = (f"pod{pod_uid}", f"pod{pod_uid.replace('-', '_')}")
    return [
        int(entry.parent.name)
        for entry in Path("/proc").glob("[0-9]*/cgroup")
        if any(mark in _read(entry) for mark in marks) and command in _read(entry.with_name("cmdline"))
    ]


def kill_processes(pod_uid: str, command: str = "") -> None:
    """SIGKILL to everything in a pod, or to what `command` names: deleting a pod lets it end in good order."""
    _send(processes(pod_uid, command), signal.SIGKILL, pod_uid)


def freeze(pod_uid: str) -> None:
    """Stop the runner of a pod where it stands: SIGTERM does not reach it any more, as with a process that hangs."""
    _send(processes(pod_uid, "mintworks_runners"), signal.SIGSTOP, pod_uid)


def _send(pids: list[int], number: signal.Signals, pod_uid: str) -> None:
    assert pids, f"no process of pod {pod_uid} on this machine"
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has just ended
        return ""


#: Where the API server has the kinds that tests read.
_PATHS = {
    "jobs": "/apis/batch/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "pods": "/api/v1",
    **dict.fromkeys(RESOURCES.split(","), f"/apis/{API_VERSION}"),
}


class Space:
    """One namespace of a cluster. `api` is a URL of its API server that asks for no credentials (`kubectl proxy`)."""

    def __init__(self, tools: AnyCluster, api: str, namespace: str) -> None:
        self.tools = tools
        self.namespace = namespace
        self._api = httpx.Client(base_url=api, timeout=30)

    def beside(self, namespace: str) -> Space:
        """Another namespace of the same cluster."""
        return Space(self.tools, str(self._api.base_url), namespace)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """kubectl in this namespace: as people do, but slow to start; what is polled uses `get` and `list`."""
        return self.tools.kubectl("-n", self.namespace, *arguments, stdin=stdin, timeout=timeout)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def get(self, plural: str, name: str) -> dict[str, Any] | None:
        """An object, or None where it is not there."""
        answer = self._api.get(f"{self._path(plural)}/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def list(self, plural: str, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a kind."""
        answer = self._api.get(self._path(plural), params={"labelSelector": selector})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items

    def would_be(self, plural: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """What the API server would make of an object that is created: admission acts, nothing is stored."""
        answer = self._api.post(self._path(plural), params={"dryRun": "All"}, json=manifest)
        made: dict[str, Any] = answer.raise_for_status().json()
        return made

    def evict(self, pod: str) -> None:
        """Ask for a pod's eviction, as `kubectl drain` does."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        self._api.post(f"{self._path('pods')}/{pod}/eviction", json=body).raise_for_status()

    def _path(self, plural: str) -> str:
        return f"{_PATHS[plural]}/namespaces/{self.namespace}/{plural}"

    def status(self, plural: str, name: str) -> dict[str, Any]:
        """An object's status, empty where it has none."""
        found = self.get(plural, name)
        status: dict[str, Any] = (found or {}).get("status", {})
        return status

    def wait(self, what: str, probe: Callable[[], Any], timeout: float = 60) -> Any:
        """`eventually`, with the namespace's jobs, pods and last events in what a failure says."""
        try:
            return eventually(what, probe, timeout, 0.3)
        except NeverCameError as error:
            raise NeverCameError(f"{error}\n{self.describe()}") from None

    def finished(self, plural: str, name: str, timeout: float = 240) -> dict[str, Any]:
        """The status of a job once it is Succeeded or Failed."""

        def probe() -> dict[str, Any] | None:
            status = self.status(plural, name)
            return status if status.get("phase") in ("Succeeded", "Failed") else None

        status: dict[str, Any] = self.wait(f"{plural}/{name} finished", probe, timeout)
        return status

    def describe(self) -> str:
        """What a person would look at first."""
        parts = [
            self.kubectl("get", f"{RESOURCES},jobs,pods", "-o", "wide"),
            self.kubectl(
                "get",
                ",".join(kind.plural for kind in JOB_KINDS.values()),
                "-o",
                "jsonpath={range .items[*]}{.metadata.name}: {.status}\n{end}",
            ),
            self.kubectl("get", "events", "--sort-by=.lastTimestamp"),
        ]
        for pod in self.list("pods", "app.kubernetes.io/managed-by=mintworks"):
            name = pod["metadata"]["name"]
            try:
                parts.append(f"--- {name}\n" + self.kubectl("logs", name, "--tail=20"))
            except CommandError as error:
                parts.append(f"--- {name}: {error.output}")
        return "\n".join(parts)


def condition(status: dict[str, Any], type_: str) -> dict[str, Any]:
    """A condition by its type; empty where there is none."""
    return next((c for c in status.get("conditions", []) if c["type"] == type_), {})
