"""Resources that were backed up, deleted and applied again, without their status and with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from mintworks_dev.stack.values import RESOURCES
from support.kubelet import GROUP, PLURALS, Kubelet
from support.polling import eventually
from support.specs import CID, METADATA, MINT, RESULT

from .conftest import Launcher, Process

Json = dict[str, Any]

JOB = "MetadataJob"
#: What is the API server's own, and what names an owner by it. The new object does not take it over.
OWN = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences")


@pytest.fixture
def start(launcher: Launcher) -> Iterator[Callable[[], Process]]:
    """Starts operators. None may stumble."""
    started: list[Process] = []

    def one() -> Process:
        started.append(launcher.start())
        return started[-1]

    yield one
    for process in started:
        if process.popen.poll() is None:
            process.stop()
        assert "Traceback" not in process.log.read_text(), process.log.read_text()[-4000:]


def backup(launcher: Launcher, space: Kubelet) -> list[Json]:
    """`kubectl get -o yaml` of all that is ours."""
    text = launcher.plane.kubectl("-n", space.namespace, "get", RESOURCES, "-o", "yaml")
    items: list[Json] = yaml.safe_load(text)["items"]
    return items


def delete(launcher: Launcher, space: Kubelet) -> None:
    """All that is ours, and what came of it."""
    launcher.plane.kubectl("-n", space.namespace, "delete", RESOURCES, "--all")
    launcher.plane.kubectl("-n", space.namespace, "delete", "jobs,pods", "--all", "--force", "--grace-period=0")
    eventually("gone", lambda: not space.jobs())


def restore(launcher: Launcher, space: Kubelet, items: list[Json], *, status: bool) -> None:
    """As kubectl does it: first the objects, and then, where it is asked for, their statuses."""
    bare = copy.deepcopy(items)
    for item in bare:
        for name in OWN:
            item["metadata"].pop(name, None)
    text = yaml.safe_dump_all(bare)
    launcher.plane.kubectl("-n", space.namespace, "create", "-f", "-", stdin=text)
    if status:
        launcher.plane.kubectl("-n", space.namespace, "replace", "--subresource=status", "-f", "-", stdin=text)


def annotate(space: Kubelet, name: str) -> None:
    body = {"metadata": {"annotations": {"mintworks.dev/cancel": "1", "mintworks.dev/retry": "1"}}}
    space.custom.patch_namespaced_custom_object(*GROUP, space.namespace, PLURALS[JOB], name, body)


def test_without_status_everything_is_done_again(
    launcher: Launcher, start: Callable[[], Process], fresh: Callable[[], Kubelet]
) -> None:
    operator, space = start(), fresh()
    uid = space.apply(JOB, "rows", METADATA)["metadata"]["uid"]
    annotate(space, "rows")
    space.apply("MintJob", "m", {**MINT, "metadataFrom": {"job": "rows"}})
    space.end("rows", 1, 0, {"result": RESULT})
    space.start("m", 1)
    space.phase("MintJob", "m", "Running")
    kept = backup(launcher, space)
    delete(launcher, space)
    restore(launcher, space, kept, status=False)
    pod = space.pod("rows", 1)
    assert space.document(pod)["job"]["uid"] != uid
    assert not [name for name in pod.metadata.annotations if "cancel" in name or "retry" in name]
    assert space.status("MintJob", "m").get("inputs") is None
    space.end("rows", 1, 0, {"result": RESULT})
    assert space.phase(JOB, "rows", "Succeeded")["attempts"]["summary"] == "1/3"
    assert space.document(space.pod("m", 1))["inputs"]["cid"] == CID
    assert operator.stop() == 0


def test_with_status_what_is_finished_stays_finished(
    launcher: Launcher, start: Callable[[], Process], fresh: Callable[[], Kubelet]
) -> None:
    operator, space = start(), fresh()
    for name in ("done", "runs"):
        space.apply(JOB, name, METADATA)
        annotate(space, name)
    space.end("done", 1, 0, {"result": RESULT})
    done = space.phase(JOB, "done", "Succeeded")
    space.start("runs", 1)
    before = space.phase(JOB, "runs", "Running")
    kept, old = backup(launcher, space), space.jobs("runs")[0]
    assert operator.stop() == 0
    delete(launcher, space)
    restore(launcher, space, kept, status=True)
    _leave_behind(space, old)

    operator = start()
    pod = space.pod("runs", 2)
    document = space.document(pod)["job"]
    assert (document["run"], document["uid"]) == (2, space.get(JOB, "runs")["metadata"]["uid"])
    status = space.phase(JOB, "runs", "Running")
    assert (status["attempts"]["made"], status["attempts"]["stalls"]) == (0, 0)
    assert [(r["run"], r["reason"]) for r in status["attempts"]["last"]] == [(1, "Restored")]
    assert status["startTime"] == before["startTime"]
    space.end("runs", 2, 0, {"result": RESULT})
    assert space.phase(JOB, "runs", "Succeeded")["attempts"]["runs"] == 2
    assert space.status(JOB, "done") == done
    assert not space.jobs("done")
    left = [job for job in space.jobs("runs") if job.metadata.labels["mintworks.dev/run"] == "1"]
    assert [job.metadata.name for job in left] == ["left-behind"], "neither adopted nor deleted: it is not ours"
    eventually("slots are free", lambda: space.status("JobQueue", "default").get("running") == 0)
    assert operator.stop() == 0


def test_a_schedules_job_outlives_the_restore(
    launcher: Launcher, start: Callable[[], Process], fresh: Callable[[], Kubelet]
) -> None:
    """It comes back without its owner, of another uid now: with it, the garbage collector would delete the job."""
    operator, space = start(), fresh()
    template = {"kind": JOB, "spec": METADATA}
    space.apply("JobSchedule", "hourly", {"schedule": "0 * * * *", "template": template})
    space.misses("hourly")
    (name,) = eventually(
        "its job", lambda: [o["metadata"]["name"] for o in backup(launcher, space) if o["kind"] == JOB]
    )
    space.end(name, 1, 0, {"result": RESULT})
    done = space.phase(JOB, name, "Succeeded")
    assert operator.stop() == 0
    kept = backup(launcher, space)
    (owners,) = [item["metadata"]["ownerReferences"] for item in kept if item["kind"] == JOB]
    delete(launcher, space)
    restore(launcher, space, kept, status=True)
    _collected(space, owners)
    assert space.status(JOB, name) == done


def _jobs(space: Kubelet) -> list[Json]:
    found: list[Json] = space.custom.list_namespaced_custom_object(*GROUP, space.namespace, PLURALS[JOB])["items"]
    return found


def _collected(space: Kubelet, owners: list[Json]) -> None:
    """Return once what those own is gone, though it came after all else: the garbage collector has been here."""
    space.core.create_namespaced_config_map(space.namespace, {"metadata": {"name": "owned", "ownerReferences": owners}})
    field = "metadata.name=owned"
    eventually(
        "it goes", lambda: not space.core.list_namespaced_config_map(space.namespace, field_selector=field).items
    )


def _leave_behind(space: Kubelet, job: Any) -> None:
    """The Kubernetes Job of the old resource, as a backup of everything brings it: with its labels, without owner."""
    labels = job.metadata.labels
    spec = {"suspend": True, "template": {"metadata": {"labels": labels}, "spec": _pod()}}
    body = {"metadata": {"name": "left-behind", "labels": labels}, "spec": spec}
    space.batch.create_namespaced_job(space.namespace, body)


def _pod() -> Json:
    return {"restartPolicy": "Never", "containers": [{"name": "runner", "image": "x"}]}
