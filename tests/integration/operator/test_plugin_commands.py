"""What `kubectl mintworks` asks for, done by the real operator."""

from __future__ import annotations

from typing import Any

import yaml
from support.kubelet import Kubelet
from support.plugin import Plugin
from support.polling import eventually
from support.specs import METADATA, RESULT, UPLOAD

from .conftest import Launcher

JOB = "MetadataJob"
A = "metadatajob.mintworks.dev/a"
NAMED_A = 'metadatajobs.mintworks.dev "a"'
BY = "kubectl-mintworks"


def failed(space: Kubelet, name: str, run: int = 1) -> None:
    if run == 1:
        space.apply(JOB, name, {**METADATA, "maxAttempts": 1})
    space.end(name, run, 64, {"reason": "RowsInvalid", "message": "row 3: nothing is right"})
    space.phase(JOB, name, "Failed")


def told(space: Kubelet, name: str, reason: str) -> list[dict[str, Any]]:
    return [event for event in space.events(name) if event["reason"] == reason]


def test_retried_and_cancelled(space: Kubelet, plugin: Plugin) -> None:
    failed(space, "a")
    assert plugin.done("retry", "metadatajob", "a").out == f"{A} retried\n"
    space.start("a", 2)
    space.phase(JOB, "a", "Running")
    assert told(space, "a", "Retried")[0]["message"].endswith(f"Asked for by {BY}.")

    again = plugin("retry", "a")
    why = "the job has neither failed nor been cancelled"
    assert (again.code, again.out, again.err) == (1, "", f"error: {NAMED_A} is not retried: {why}\n")
    # The same answer once more is the same Event, told again.
    assert plugin("retry", "mdj/a").err == again.err
    assert plugin("promote", "a").err == f"error: {NAMED_A} is not promoted: the job waits for no time\n"

    assert plugin.done("cancel", "mdj/a").out == f"{A} cancelling\n"
    space.phase(JOB, "a", "Cancelled")
    assert plugin("cancel", "a").err == f"error: {NAMED_A} is not cancelled: the job is finished\n"
    assert plugin.done("retry", "a", "--no-wait").out == f"{A} retry requested\n"
    space.end("a", 3, 0, {"result": RESULT})
    space.phase(JOB, "a", "Succeeded")


def test_several_at_once_and_only_expressly_all(space: Kubelet, plugin: Plugin) -> None:
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "delay": "9h"})
        space.phase(JOB, name, "Delayed")
    space.apply("UploadJob", "a", {**UPLOAD, "delay": "9h"})
    space.phase("UploadJob", "a", "Delayed")
    assert "say metadatajob/a or uploadjob/a" in plugin("promote", "a").err
    assert plugin("cancel", "metadatajobs").err == "error: resource(s) were provided, but no name was specified\n"
    assert plugin("cancel").err == "error: You must specify a name, -l or --all\n"

    assert plugin.done("promote", "metadatajob/b").out == "metadatajob.mintworks.dev/b promoted\n"
    space.start("b", 1)
    found = plugin("cancel", "metadatajob", "nobody", "a")
    missing = 'Error from server (NotFound): metadatajobs.mintworks.dev "nobody" not found\n'
    assert (found.code, found.out, found.err) == (1, f"{A} cancelled\n", missing)
    everything = plugin.done("cancel", "uploadjobs", "--all")
    assert everything.out == "uploadjob.mintworks.dev/a cancelled\n"


def test_without_an_operator_it_is_not_waited_for_ever(namespace: str, launcher: Launcher) -> None:
    space = Kubelet(launcher.plane.kubeconfig, namespace)
    space.apply(JOB, "a", METADATA)
    plugin = Plugin(launcher.plane.kubeconfig, namespace)
    found = plugin("cancel", "a", "--timeout", "1s")
    assert found.code == 1
    assert found.err.startswith(f"error: timed out waiting for the operator to cancel {NAMED_A}")
    meta = space.get(JOB, "a")["metadata"]
    assert len(meta["annotations"]["mintworks.dev/cancel"]) == 32
    # Within the second of its creation the operator would take it for what a backup brought along.
    (asked,) = [m["time"] for m in meta["managedFields"] if m["manager"] == BY]
    assert asked > meta["creationTimestamp"]
    assert plugin("logs", "a").err.startswith(f"error: {NAMED_A} has no run yet")


def test_what_was_made_just_now_can_be_cancelled(space: Kubelet, plugin: Plugin) -> None:
    for name in ("a", "b", "c"):
        space.apply(JOB, name, {**METADATA, "delay": "9h"})
        assert plugin.done("cancel", name).out == f"metadatajob.mintworks.dev/{name} cancelled\n"
        assert space.status(JOB, name)["phase"] == "Cancelled"


def test_held_and_suspended(space: Kubelet, plugin: Plugin, launcher: Launcher) -> None:
    made = {"apiVersion": "mintworks.dev/v1alpha1", "kind": JOB, "metadata": {"name": "a"}}
    manifest = yaml.safe_dump({**made, "spec": {**METADATA, "suspend": False}})
    owner = ("--server-side", "--field-manager=argocd-controller", "-n", space.namespace)
    launcher.plane.kubectl("apply", *owner, "-f", "-", stdin=manifest)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")

    held = plugin.done("hold", "a")
    assert (held.out, held.err) == (f"{A} held\n", "")
    assert plugin.done("hold", "a").out == f"{A} already held\n"
    space.phase(JOB, "a", "Suspended")
    assert plugin.done("release", "a").out == f"{A} released\n"
    assert plugin.done("release", "a").out == f"{A} already released\n"
    space.start("a", 2)
    space.phase(JOB, "a", "Running")

    suspended = plugin.done("suspend", "a")
    assert suspended.out == f"{A} suspended\n"
    assert suspended.err == (
        f"Warning: {A} belongs to Argo CD, which may put spec.suspend back at its next sync; "
        "`kubectl mintworks hold` lasts\n"
    )
    space.phase(JOB, "a", "Suspended")
    assert plugin.done("suspend", "a").out == f"{A} already suspended\n"
    assert plugin.done("resume", "a").out == f"{A} resumed\n"
    space.start("a", 3)
    space.phase(JOB, "a", "Running")
    template = {"kind": JOB, "spec": METADATA}
    space.apply("JobSchedule", "nightly", {"schedule": "@yearly", "template": template})
    assert plugin.done("suspend", "nightly").out == "jobschedule.mintworks.dev/nightly suspended\n"
    assert space.get("JobSchedule", "nightly")["spec"]["suspend"] is True
    assert plugin.done("resume", "jsched/nightly").out == "jobschedule.mintworks.dev/nightly resumed\n"
    not_jobs = plugin("suspend", "jobqueue/default")
    assert (not_jobs.code, not_jobs.err.endswith("not about jobqueues.mintworks.dev\n")) == (1, True)


def test_queues(space: Kubelet, plugin: Plugin) -> None:
    queue = "jobqueue.mintworks.dev/q"
    assert plugin.done("queue", "stats").err == f"No resources found in {space.namespace} namespace.\n"
    space.apply("JobQueue", "q", {"concurrency": 1})
    space.apply(JOB, "bad", {**METADATA, "maxAttempts": 1, "queue": "q"})
    space.end("bad", 1, 64, {"reason": "RowsInvalid", "message": "row 3"})
    space.phase(JOB, "bad", "Failed")

    paused = plugin.done("queue", "pause", "q")
    assert (paused.out, space.get("JobQueue", "q")["spec"]["paused"]) == (f"{queue} paused\n", True)
    assert plugin.done("queue", "pause", "jq/q").out == f"{queue} already paused\n"
    space.apply(JOB, "late", {**METADATA, "queue": "q"})
    space.phase(JOB, "late", "Queued")
    counted = {"queued": 1, "failed": 1}

    def agreeing() -> dict[str, Any] | None:
        (item,) = plugin.done("queue", "stats", "q", "-o", "json").json["items"]
        return item if {n: c for n, c in item["counts"].items() if c} == counted else None

    item = eventually("the queue has counted", agreeing)
    assert (item["name"], item["namespace"], item["paused"], item["waiting"]) == ("q", space.namespace, True, 1)
    head, line = plugin.done("queue", "stats").lines
    assert head.split()[:3] == ["NAME", "SLOTS", "PENDING"]
    assert line.split()[:2] == ["q", "0/1"]
    assert line.endswith(",Paused")
    wide = plugin.done("queue", "stats", "-o", "wide").lines
    assert (wide[0].startswith(head), wide[0].split()[-1]) == (True, "WHY")
    everywhere = plugin.done("queue", "stats", "-A").lines
    assert everywhere[0].split()[:2] == ["NAMESPACE", "NAME"]

    assert plugin.done("queue", "drain", "q").out == f"{queue} drained\n"
    space.phase(JOB, "late", "Cancelled")
    assert plugin.done("queue", "resume", "q").out == f"{queue} resumed\n"
    assert plugin.done("queue", "retry-failed", "--all").out == f"{queue} failed jobs retried\n"
    space.end("bad", 2, 0, {"result": RESULT})
    space.phase(JOB, "bad", "Succeeded")
    assert plugin.done("queue", "clean", "q").out == f"{queue} cleaned\n"
    eventually("the runs are gone", lambda: not space.jobs())
    assert {c["name"]: c["by"] for c in space.status("JobQueue", "q")["commands"]} == dict.fromkeys(
        ("drain", "retry-failed", "clean"), BY
    )
