"""The operator, as its service account with exactly the chart's rights, takes jobs through their whole lives.

By the API server's audit log, all that it asks for is allowed, and all that it is allowed is asked for.

OwnerReferencesPermissionEnforcement is on. Nothing runs pods here: the test writes the pod's end as a kubelet would.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_dev.cluster.waiting import NotReadyError, until
from support.kubelet import GROUP, PLURALS, Kubelet
from support.specs import CID, GOOD, METADATA, MINT, RESULT

from .conftest import Manifest, Render, account_kubeconfig, environment
from .test_rights import RBAC

SPEC = METADATA | {"ttl": "1s"}
MANIFEST = {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}
#: A spec of each kind that waits for no other job.
ALONE: dict[str, dict[str, Any]] = {**GOOD, "MintJob": MINT | {"metadataFrom": MANIFEST}}


Right = tuple[str, str, str]
"""API group, resource with its subresource, verb."""


@dataclass(frozen=True)
class Operator:
    """A running operator and the tenant that it serves."""

    plane: ControlPlane
    space: Kubelet
    account: str
    granted: set[Right]
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """What it asked the API server for so far, of resources."""
        return [event for event in self.plane.audit(self.account) if "objectRef" in event]

    def used(self) -> set[Right]:
        return {right(event) for event in self.requests()}

    def unused(self) -> set[Right]:
        return self.granted - self.used()

    def refused(self) -> str:
        """What the API server forbade, by its own audit log, and tracebacks in the operator's."""
        forbidden = [
            str(right(event)) for event in self.requests() if event.get("responseStatus", {}).get("code") == 403
        ]
        return "\n".join(forbidden + [line for line in self.log.read_text().splitlines() if "Traceback" in line])

    def gone(self, kind: str, name: str) -> bool:
        try:
            self.space.get(kind, name)
        except ApiException as error:
            if error.status != 404:
                raise
            return True
        return False

    def until(self, what: str, condition: Callable[[], bool], why: Callable[[], str] = str) -> None:
        try:
            until(condition, what, 60, broken=self.refused, interval=0.3)
        except NotReadyError as error:
            raise AssertionError(f"{error} {why()}\n{self.log.read_text()[-3000:]}") from error


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
        # No Redis: it is no part of this.
        "MINTWORKS_REDIS_FILE": "/nonexistent",
        "KUBECONFIG": str(account_kubeconfig(control_plane, system, f"mw-{end}", tmp_path)),
    }
    metrics, health = free_ports(2)
    command = [sys.executable, "-m", "mintworks_operator", f"--metrics-port={metrics}", f"--health-port={health}"]
    with log.open("wb") as output, subprocess.Popen(command, env=variables, stdout=output, stderr=output) as process:
        try:
            account = f"system:serviceaccount:{system}:mw-{end}"
            space = Kubelet(control_plane.kubeconfig, tenant)
            yield Operator(control_plane, space, account, granted(made, f"mw-{end}"), log)
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()
    control_plane.kubectl("delete", "clusterrole", f"mw-{end}-view", f"mw-{end}-edit")


def granted(made: list[Manifest], account: str) -> set[Right]:
    """What the rendered Roles let that account do."""
    bound = {
        (b["metadata"].get("namespace"), b["roleRef"]["name"])
        for b in made
        if b["kind"] in {"RoleBinding", "ClusterRoleBinding"} and account in {s["name"] for s in b["subjects"]}
    }
    rules = [
        rule
        for role in made
        if role["kind"] in {"Role", "ClusterRole"}
        and (role["metadata"].get("namespace"), role["metadata"]["name"]) in bound
        for rule in role["rules"]
    ]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def right(event: dict[str, Any]) -> Right:
    """The right that a request needs."""
    ref = event["objectRef"]
    resource = "/".join(part for part in (ref["resource"], ref.get("subresource")) if part)
    return ref.get("apiGroup", ""), resource, event["verb"]


def test_a_jobs_whole_life_with_exactly_the_charts_rights(operator: Operator) -> None:
    """It makes the default queue, runs the job, reads the pod's end, tells of it, and deletes the job by its ttl."""
    space = operator.space
    space.apply("MetadataJob", "three", SPEC)
    pod = space.start("three", 1)
    assert space.status("JobQueue", "default")["reservations"]
    assert pod.spec.service_account_name == "mintworks-runner"
    space.end("three", 1, 0, {"result": RESULT})
    operator.until("the Event", lambda: "Succeeded" in {e["reason"] for e in space.events("three")})
    operator.until("the end by ttl", partial(operator.gone, "MetadataJob", "three"))
    assert operator.refused() == ""


def test_every_right_of_the_chart_is_used(operator: Operator) -> None:
    """Jobs that see everything that can befall one: what the operator never asked for then, it need not be allowed."""
    lives = (image_cannot_be_pulled, suspended_and_in_the_way, ends_and_expires, scheduled, changed_under_the_operator)
    for live in lives:
        live(operator)
    operator.until("every right is used", lambda: not operator.unused(), why=lambda: f"unused: {operator.unused()}")
    assert operator.refused() == ""


def image_cannot_be_pulled(operator: Operator) -> None:
    """Its Events are listed while the pod does not start; the same trouble told again is the same Event."""
    space = operator.space
    space.apply("MintJob", "pull", MINT | {"metadataFrom": MANIFEST})
    operator.until("Events are listed", lambda: ("events.k8s.io", "events", "list") in operator.used())
    for reason in ("ErrImagePull", "CreateContainerConfigError", "ErrImagePull"):
        space.wait("pull", 1, reason, f"{reason} of a test")
        operator.until(reason, partial(told, space, reason))
    space.delete("MintJob", "pull")


def told(space: Kubelet, reason: str) -> bool:
    return reason in str(space.condition("MintJob", "pull", "Progressing").get("message"))


def suspended_and_in_the_way(operator: Operator) -> None:
    """Its Job is deleted; another's Job has the name that its next one would have."""
    space = operator.space
    space.apply("MetadataJob", "held", METADATA)
    space.start("held", 1)
    (job,) = space.jobs("held")
    # No kubelet has the pod: it goes at once.
    space.change("MetadataJob", "held", {"suspend": True})
    space.phase("MetadataJob", "held", "Suspended")
    name = job.metadata.name.removesuffix("1") + "2"
    container = {"name": "c", "image": "i"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template}}
    space.batch.create_namespaced_job(space.namespace, body)
    space.change("MetadataJob", "held", {"suspend": False})
    operator.until("the Job is looked at", lambda: ("batch", "jobs", "get") in operator.used())
    space.delete("MetadataJob", "held")


def ends_and_expires(operator: Operator) -> None:
    """One of each kind, to the end of its ttl."""
    space = operator.space
    for kind, spec in ALONE.items():
        space.apply(kind, kind.lower(), spec | {"ttl": "1s"})
    for kind in ALONE:
        space.start(kind.lower(), 1)
        space.end(kind.lower(), 1, 64, {"reason": "InvalidSecret", "message": "of a test"})
    for kind in ALONE:
        operator.until(f"{kind} is gone", partial(operator.gone, kind, kind.lower()))


def makes(operator: Operator, kind: str) -> bool:
    return (GROUP[0], PLURALS[kind], "create") in operator.used()


def scheduled(operator: Operator) -> None:
    """One of each kind, at a time that a JobSchedule is said to have missed."""
    space = operator.space
    for kind, spec in ALONE.items():
        body = {"schedule": "@hourly", "template": {"kind": kind, "spec": spec | {"suspend": True}}}
        space.apply("JobSchedule", kind.lower(), body)
    for kind in ALONE:
        space.misses(kind.lower())
        operator.until("its job is made", partial(makes, operator, kind))
        space.delete("JobSchedule", kind.lower())


def changed_under_the_operator(operator: Operator) -> None:
    """Whoever writes an object at the same moment as the operator makes it read the object again."""
    space = operator.space
    for kind, spec in ALONE.items():
        space.apply(kind, "busy", spec | {"suspend": True})
    template = {"kind": "MetadataJob", "spec": METADATA}
    space.apply("JobSchedule", "busy", {"schedule": "@yearly", "suspend": True, "template": template})
    everything = {(GROUP[0], PLURALS[kind], "get") for kind in (*ALONE, "JobQueue", "JobSchedule")}

    def contended() -> bool:
        for number in range(10):
            for kind in (*ALONE, "JobSchedule"):
                space.change(kind, "busy", {"suspend": number % 2 == 1})
                # At once: a pass takes milliseconds.
                space.mark(kind, "busy", {"example.com/turn": str(number)})
            space.mark("JobQueue", "default", {"example.com/turn": str(number)})
        return everything <= operator.used()

    operator.until("objects are read again", contended, why=lambda: f"not read: {everything - operator.used()}")
