"""The operator, as its service account with exactly the chart's rights, takes a job through its whole life.

Nothing runs pods here: the test writes the pod's end as a kubelet would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_dev.cluster.waiting import until

from .conftest import Manifest, Render
from .test_rights import RBAC

SPEC = {
    "rows": {"configMap": {"name": "rows", "key": "rows.csv"}},
    "images": {"cid": "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq"},
    "collection": {"name": "Lighthouses"},
    "storage": {"kubo": {"url": "http://ipfs:5001"}},
    "ttl": "1s",
}
RESULT = {
    "cid": "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq",
    "items": 3,
    "bytes": 900,
    "rowsSha256": "0" * 64,
}


@dataclass(frozen=True)
class Operator:
    """A running operator and the tenant that it serves."""

    plane: ControlPlane
    tenant: str
    log: Path

    def get(self, *what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.plane.kubectl("get", *what, "--namespace", self.tenant, "-o", "json"))
        return found

    def only(self, plural: str) -> dict[str, Any] | None:
        """The one object of that kind that the operator's run made, if it is there."""
        items = self.get(plural, "-l", "mintworks.dev/job=three")["items"]
        return items[0] if items else None

    def until(self, what: str, condition: Any) -> None:
        until(condition, what, 60, broken=self.forbidden, interval=0.3)

    def forbidden(self) -> str:
        """What the API server refused, from the operator's log."""
        lines = self.log.read_text().splitlines()
        return "\n".join(line for line in lines if "403" in line or "forbidden" in line.lower() or "Traceback" in line)


@pytest.fixture
def operator(control_plane: ControlPlane, render: Render, tmp_path: Path) -> Iterator[Operator]:
    end = uuid.uuid4().hex[:8]
    system, tenant = f"system-{end}", f"tenant-{end}"
    control_plane.kubectl("create", "namespace", system)
    settings = (f"tenants[0].namespace={tenant}", "tenants[0].createNamespace=true", f"fullnameOverride=mw-{end}")
    made = render(*settings, namespace=system)
    rights = [manifest for manifest in made if manifest["kind"] in RBAC]
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(rights))
    log = tmp_path / "operator.log"
    variables = {
        **os.environ,
        **environment(made, system),
        "KUBECONFIG": str(account_kubeconfig(control_plane, system, f"mw-{end}", tmp_path)),
    }
    metrics, health = free_ports(2)
    command = [sys.executable, "-m", "mintworks_operator", f"--metrics-port={metrics}", f"--health-port={health}"]
    with log.open("wb") as output, subprocess.Popen(command, env=variables, stdout=output, stderr=output) as process:
        try:
            yield Operator(control_plane, tenant, log)
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()
    control_plane.kubectl("delete", "clusterrole", f"mw-{end}-view", f"mw-{end}-edit")


def environment(made: list[Manifest], system: str) -> dict[str, str]:
    """The operator's variables as its pod would have them, without Redis, which is no part of this."""
    (deployment,) = [m for m in made if m["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {"metadata.name": "operator-0", "metadata.namespace": system}
    found = {e["name"]: e.get("value") or given[e["valueFrom"]["fieldRef"]["fieldPath"]] for e in container["env"]}
    return {**found, "MINTWORKS_REDIS_FILE": "/nonexistent"}


def account_kubeconfig(plane: ControlPlane, namespace: str, account: str, folder: Path) -> Path:
    """A kubeconfig with a token of the service account and nothing else."""
    config = json.loads(plane.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = plane.kubectl("create", "token", account, "--namespace", namespace)
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def finish_pod(operator: Operator, pod: dict[str, Any]) -> None:
    """What the kubelet writes when the runner's container has ended well."""
    terminated = {
        "exitCode": 0,
        "reason": "Completed",
        "message": json.dumps({"result": RESULT}),
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:05Z",
    }
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": terminated},
        }
        for container in pod["spec"]["containers"]
    ]
    status = {"phase": "Succeeded", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": containers}
    patch = ("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p")
    operator.plane.kubectl(*patch, json.dumps({"status": status}), "--namespace", operator.tenant)


def test_a_jobs_whole_life_with_exactly_the_charts_rights(operator: Operator) -> None:
    """It makes the default queue, runs the job, reads the pod's end, tells of it, and deletes the job by its ttl."""
    metadata = {"name": "three", "namespace": operator.tenant}
    job = {"apiVersion": "mintworks.dev/v1alpha1", "kind": "MetadataJob", "metadata": metadata, "spec": SPEC}
    operator.plane.kubectl("create", "-f", "-", stdin=json.dumps(job))
    operator.until("the run's pod", lambda: operator.only("pods"))
    assert operator.get("jobqueue", "default")["status"]["reservations"]
    pod = operator.only("pods")
    assert pod is not None
    assert pod["spec"]["serviceAccountName"] == "mintworks-runner"
    finish_pod(operator, pod)
    operator.until("the Event", lambda: "Succeeded" in {e["reason"] for e in operator.get("events")["items"]})
    operator.until("the end by ttl", lambda: not operator.get("metadatajobs")["items"])
    assert operator.forbidden() == ""
