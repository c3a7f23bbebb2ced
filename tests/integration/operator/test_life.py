"""A job's life on a real API server and Job controller, for every way in which a run can end."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from support.kubelet import Kubelet
from support.polling import eventually
from support.redis_server import RedisServer
from support.specs import ADDRESS, CID, METADATA, MINT, RESULT

QUICK: dict[str, Any] = {"backoff": {"type": "fixed", "delay": "1s", "jitter": 0}}
JOB = "MetadataJob"


def ends(status: dict[str, Any]) -> dict[str, str]:
    return {c["type"]: c["status"] for c in status["conditions"]}


def test_a_success(space: Kubelet) -> None:
    space.apply(JOB, "a", METADATA)
    pod = space.start("a", 1)
    told = space.document(pod)["job"]
    assert (told["kind"], told["namespace"], told["run"]) == (JOB, space.namespace, 1)
    space.end("a", 1, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert status["result"] == RESULT
    assert ends(status) == {"Admitted": "True", "Progressing": "False", "Succeeded": "True", "Failed": "False"}
    assert all(c["observedGeneration"] == 1 for c in status["conditions"])
    assert status["attempts"]["summary"] == "1/3"
    assert status["progress"]["percent"] == 100
    eventually("the Event", lambda: [e for e in space.events("a") if e["reason"] == "Succeeded"])
    queue = eventually("the slot is free", lambda: _idle(space))
    assert queue["summary"] == "0/5"


def _idle(space: Kubelet) -> dict[str, Any] | None:
    status = space.status("JobQueue", "default")
    return status if status.get("running") == 0 else None


def test_a_failure_is_tried_again_until_the_limit(space: Kubelet) -> None:
    slow = {"type": "fixed", "delay": "6s", "jitter": 0}
    space.apply(JOB, "a", {**METADATA, "backoff": slow, "maxAttempts": 2})
    space.end("a", 1, 1, {"reason": "KuboAway", "message": "Kubo does not answer."})
    status = space.phase(JOB, "a", "Backoff")
    assert status["nextAttemptTime"]
    assert space.condition(JOB, "a", "Progressing")["reason"] == "KuboAway"
    space.end("a", 2, 1, {"reason": "KuboAway", "message": "Kubo does not answer."})
    status = space.phase(JOB, "a", "Failed")
    assert ends(status)["Failed"] == "True"
    assert ends(status)["Succeeded"] == "False"
    failed = space.condition(JOB, "a", "Failed")
    assert failed["reason"] == "AttemptsExhausted"
    assert "Kubo does not answer." in failed["message"]
    assert [r["outcome"] for r in status["attempts"]["last"]] == ["Failed", "Failed"]
    eventually("the Event", lambda: [e for e in space.events("a") if e["type"] == "Warning"])


def test_bad_input_is_final_and_names_the_place(space: Kubelet) -> None:
    error = {"reason": "MissingValue", "message": "The name is empty.", "row": 7, "column": "name"}
    space.apply(JOB, "a", METADATA)
    space.end("a", 1, 64, {"reason": "BadRows", "message": "1 row is bad.", "errors": [error]})
    status = space.phase(JOB, "a", "Failed")
    assert status["errors"] == [error]
    assert space.condition(JOB, "a", "Failed")["reason"] == "BadRows"
    assert len(space.jobs("a")) == 1


@pytest.mark.parametrize(
    ("code", "told", "pod", "verdict"),
    [
        (75, {"reason": "RedisAway", "message": "No Redis."}, {}, ("Stopped", "RedisAway")),
        (137, None, {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}, ("Stalled", "Disrupted")),
        (75, None, {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}, ("Stalled", "Disrupted")),
        (75, {"reason": "Stopped", "message": "."}, {"reason": "DeadlineExceeded"}, ("Failed", "DeadlineExceeded")),
        (137, None, {}, ("Failed", "RunFailed")),
        (0, None, {}, ("Stalled", "NoResult")),
        (0, {"result": {"cid": CID}}, {}, ("Stalled", "BadResult")),
    ],
)
def test_how_a_run_ends_is_classified_by_the_cluster(
    space: Kubelet, code: int, told: Any, pod: dict[str, Any], verdict: tuple[str, str]
) -> None:
    outcome, reason = verdict
    space.apply(JOB, "a", {**METADATA, "backoff": {"delay": "30s"}})
    space.end("a", 1, code, told, **pod)
    status = space.phase(JOB, "a", "Backoff")
    record = status["attempts"]["last"][0]
    assert (record["outcome"], record["reason"]) == (outcome, reason)
    assert status["attempts"]["made"] == (1 if outcome == "Failed" else 0)
    assert status["attempts"]["stalls"] == (1 if outcome == "Stalled" else 0)


def test_a_pause_costs_nothing_and_a_job_goes_on_after_it(space: Kubelet) -> None:
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    space.change(JOB, "a", {"suspend": True})
    status = space.phase(JOB, "a", "Suspended")
    assert status["attempts"]["made"] == 0
    assert not space.jobs("a")
    space.change(JOB, "a", {"suspend": False})
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert status["attempts"]["summary"] == "1/3"
    assert status["observedGeneration"] == 3


def test_a_job_waits_for_the_one_it_builds_on(space: Kubelet) -> None:
    space.apply("MintJob", "m", {**MINT, "metadataFrom": {"job": "rows"}})
    space.phase("MintJob", "m", "Pending")
    assert space.condition("MintJob", "m", "Progressing")["reason"] == "DependencyMissing"
    space.apply(JOB, "rows", METADATA)
    eventually("it is seen", lambda: space.condition("MintJob", "m", "Progressing")["reason"] != "DependencyMissing")
    space.end("rows", 1, 0, {"result": RESULT})
    pod = space.pod("m", 1)
    document = space.document(pod)
    assert document["inputs"] == {"cid": CID, "items": 3, "rowsSha256": "0" * 64}
    assert document["dependencies"]["rows"]["result"] == RESULT
    paths = [m.mount_path for m in pod.spec.containers[0].volume_mounts]
    assert "/mintworks/mounts/wallet.secret" in paths
    assert "/mintworks/mounts/dependencies/rows/rows" in paths
    assert space.status("MintJob", "m")["inputs"] == document["inputs"]


def test_a_queue_starts_the_most_urgent_first(space: Kubelet) -> None:
    space.apply("JobQueue", "one", {"concurrency": 1})
    space.apply(JOB, "first", {**METADATA, "queue": "one"})
    space.pod("first", 1)
    for name, priority in (("late", 9), ("normal", 5), ("urgent", 0)):
        space.apply(JOB, name, {**METADATA, "queue": "one", "priority": priority})
        space.phase(JOB, name, "Queued")
    for name in ("first", "urgent", "normal", "late"):
        space.end(name, 1, 0, {"result": RESULT})
        space.phase(JOB, name, "Succeeded")
        assert len(space.jobs()) <= ("first", "urgent", "normal", "late").index(name) + 2


def test_two_jobs_never_hold_one_tree(space: Kubelet) -> None:
    space.apply("JobQueue", "other", {"concurrency": 5})
    manifest = {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}
    spec = {**MINT, "tree": {"address": ADDRESS}, "metadataFrom": manifest}
    space.apply("MintJob", "a", spec)
    space.start("a", 1)
    space.apply("MintJob", "b", {**spec, "queue": "other"})
    space.phase("MintJob", "b", "Queued")
    space.end("a", 1, 64, {"reason": "Bad", "message": "bad"})
    assert space.pod("b", 1)


def test_queues(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, "queue": "missing"})
    space.phase(JOB, "a", "Pending")
    assert space.condition(JOB, "a", "Admitted")["reason"] == "QueueNotFound"
    space.apply("JobQueue", "missing", {"jobDefaults": {"maxAttempts": 7}})
    status = space.phase(JOB, "a", "Running")
    assert status["policy"]["maxAttempts"] == 7


def test_a_delay(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, "delay": "3s"})
    space.phase(JOB, "a", "Delayed")
    assert not space.jobs("a")
    space.phase(JOB, "a", "Running")


def test_progress_and_inputs_come_through_redis(space: Kubelet, redis_server: RedisServer) -> None:
    uid = space.apply(JOB, "a", METADATA)["metadata"]["uid"]
    space.start("a", 1)
    stream = f"mw:{space.namespace}:{uid}:progress"
    inputs = {"rowsSha256": "1" * 64, "items": 100}

    def tell(message: dict[str, Any]) -> None:
        redis_server.client.xadd(stream, {"data": json.dumps({**message, "run": 1})})

    tell({"type": "inputs", "inputs": inputs})
    echo = eventually("the echo", lambda: redis_server.client.get(f"mw:{space.namespace}:{uid}:inputs"))
    assert json.loads(str(echo)) == inputs
    assert space.status(JOB, "a")["inputs"] == inputs
    tell({"type": "progress", "percent": 60, "step": "import", "items": {"total": 100, "done": 60}})
    eventually("60/100", lambda: space.status(JOB, "a").get("progress", {}).get("summary") == "60/100")
    tell({"type": "inputs", "inputs": {**inputs, "items": 101}})
    eventually("it differs", lambda: space.condition(JOB, "a", "Progressing")["reason"] == "InputChanged")
    assert space.status(JOB, "a")["inputs"] == inputs
    tell({"type": "progress", "percent": 99, "items": {"total": 100, "done": 99}})
    space.end("a", 1, 0, {"result": RESULT})
    assert space.phase(JOB, "a", "Succeeded")["progress"]["summary"] == "100/100"


def test_a_job_that_is_gone_leaves_no_key_in_redis(space: Kubelet, redis_server: RedisServer) -> None:
    uid = space.apply(JOB, "a", METADATA)["metadata"]["uid"]
    space.start("a", 1)
    prefix = f"mw:{space.namespace}:{uid}:"
    told = {"type": "inputs", "run": 1, "inputs": {"rowsSha256": "1" * 64, "items": 100}}
    redis_server.client.xadd(f"{prefix}progress", {"data": json.dumps(told)})
    eventually("the echo", lambda: redis_server.client.exists(f"{prefix}inputs"))
    space.delete(JOB, "a")
    # The garbage collector does the same, but learns of new kinds only every 30 s.
    space.batch.delete_collection_namespaced_job(space.namespace, propagation_policy="Foreground")
    eventually("its keys are gone", lambda: not redis_server.client.exists(f"{prefix}inputs", f"{prefix}progress"))


def test_a_quota_shows_in_the_clusters_own_words(space: Kubelet) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    space.core.create_namespaced_resource_quota(space.namespace, quota)
    eventually("quota", lambda: space.core.read_namespaced_resource_quota("none", space.namespace).status.hard)
    space.apply(JOB, "a", METADATA)
    eventually("told", lambda: space.condition(JOB, "a", "Progressing").get("reason") == "QuotaExceeded")
    assert "exceeded quota: none" in space.condition(JOB, "a", "Progressing")["message"]
    eventually("the Event", lambda: [e for e in space.events("a") if e["reason"] == "QuotaExceeded"])
    space.core.delete_namespaced_resource_quota("none", space.namespace)
    space.end("a", 1, 0, {"result": RESULT})
    space.phase(JOB, "a", "Succeeded")


def test_a_refused_job_is_told_in_an_event(space: Kubelet) -> None:
    """The create fails in the very pass that first knows why: people must hear of it all the same."""
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    space.core.create_namespaced_resource_quota(space.namespace, quota)
    eventually("quota", lambda: space.core.read_namespaced_resource_quota("none", space.namespace).status.hard)
    space.apply(JOB, "a", METADATA)
    eventually("told", lambda: space.condition(JOB, "a", "Progressing").get("reason") == "QuotaExceeded")
    eventually("the Event", lambda: [e for e in space.events("a") if e["reason"] == "QuotaExceeded"])


def test_a_run_that_does_not_start_gives_its_slot_back(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, **QUICK, "startTimeout": "2s"})
    pod = space.pod("a", 1)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    space._write(pod, "Pending", waiting)
    eventually("told", lambda: space.condition(JOB, "a", "Progressing").get("reason") == "ImagePull")
    status = eventually("a stall", lambda: _stalled(space))
    assert status["attempts"]["last"][0]["reason"] == "StartTimeout"
    assert status["attempts"]["made"] == 0


def _stalled(space: Kubelet) -> dict[str, Any] | None:
    status = space.status(JOB, "a")
    return status if status.get("attempts", {}).get("stalls") == 1 else None


def test_a_deleted_run_is_a_stall(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, **QUICK})
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    name = space.jobs("a")[0].metadata.name
    space.batch.delete_namespaced_job(name, space.namespace, propagation_policy="Background")
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert [r["outcome"] for r in status["attempts"]["last"]] == ["Stalled", "Succeeded"]


def test_the_next_run_waits_for_the_pod_of_one_that_was_deleted(space: Kubelet) -> None:
    """Its Job is gone at once; the pod has its grace yet, which no kubelet cuts short here."""
    space.apply(JOB, "a", {**METADATA, **QUICK})
    pod = space.pod("a", 1)
    # One that is on no node would be called failed by the pod collector, which comes by every 20 seconds.
    space.bind(pod)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    name = space.jobs("a")[0].metadata.name
    space.batch.delete_namespaced_job(name, space.namespace, propagation_policy="Background")
    eventually("the pod is to end", lambda: space.pod("a", 1).metadata.deletion_timestamp)
    time.sleep(3)
    assert not space.jobs("a"), "longer than the backoff, and no second run"
    space.core.delete_namespaced_pod(pod.metadata.name, space.namespace, grace_period_seconds=0)
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert [r["outcome"] for r in status["attempts"]["last"]] == ["Stalled", "Succeeded"]


def test_a_deleted_job_leaves_nothing(space: Kubelet) -> None:
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    space.delete(JOB, "a")
    eventually("nothing is left", lambda: not space.jobs() and _idle(space))
    assert not space.core.list_namespaced_pod(space.namespace).items


def test_ttl_deletes_the_resource(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, "ttl": "1s"})
    space.end("a", 1, 0, {"result": RESULT})
    eventually("gone", lambda: _gone(space))


def _gone(space: Kubelet) -> bool:
    try:
        space.get(JOB, "a")
    except ApiException as error:
        return bool(error.status == 404)
    return False
