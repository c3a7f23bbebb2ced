"""BullMQ's terms on a real API server. The rows of docs/bullmq.md name a test each; those that had none are here."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import ADDRESS, CID, METADATA, MINT, RESULT

from .conftest import Launcher, Team

ROOT = Path(__file__).parents[3]
JOB = "MetadataJob"
SOON = {"type": "fixed", "delay": "1s", "jitter": 0}
DISRUPTED: dict[str, Any] = {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}

#: Every term of BullMQ that the page has to say something about.
TERMS = [
    *("new Queue(name)", "queue.add", "addBulk", "jobId", "deduplication", "defaultJobOptions", "data"),
    *("priority", "no priority", "changePriority", "lifo", "FIFO after delay or backoff", "delay", "job.promote"),
    *("promoteJobs", "flows", "failParentOnFailure", "upsertJobScheduler", "pattern", "missed times"),
    *("the record and its next job", "removeJobScheduler", "concurrency", "limiter", "worker.rateLimit", "queue.pause"),
    *("worker.close", "worker.cancelJob", "a pause of one job", "attempts", "backoff fixed", "custom backoffStrategy"),
    *("UnrecoverableError", "failedReason", "a stalled job", "maxStalledCount"),
    *("a worker that lost its lock and ends late", "job.retry", "retryJobs", "removeOnComplete", "the same by age"),
    *("queue.drain", "queue.clean", "job.remove", "obliterate", "getJobCounts", "getState", "updateProgress"),
    *("return value", "QueueEvents", "a callback on completed", "job.waitUntilFinished", "getMetrics"),
]


def rows() -> dict[str, list[str]]:
    """Of each row of the page its first term, and the tests that it names."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "docs" / "bullmq.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "BullMQ":
            found[cells[0].replace("`", "").split(",")[0]] = re.findall(r"`([^`]+)`", cells[-1])
    return found


def test_every_term_has_a_row_and_every_row_a_test() -> None:
    told = rows()
    assert list(told) == TERMS
    named = [(term, *test.partition("::")) for term, tests in told.items() for test in tests]
    assert {term for term, *_ in named} == set(TERMS)
    for term, file, _, function in named:
        assert file.startswith(("tests/integration/operator/", "tests/e2e/")), term
        assert re.search(rf"^(async )?def {function}\(", (ROOT / file).read_text(), re.MULTILINE), (term, function)
    own = set(re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(), re.MULTILINE))
    assert own - {"test_every_term_has_a_row_and_every_row_a_test"} <= {function for *_, function in named}


def manifest(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "mintworks.dev/v1alpha1",
        "kind": JOB,
        "metadata": {"name": name},
        "spec": {**METADATA, **spec},
    }


def test_a_name_is_one_job(space: Kubelet, launcher: Launcher) -> None:
    text = json.dumps(manifest("a"))
    for _ in range(2):
        launcher.plane.kubectl("apply", "-n", space.namespace, "-f", "-", stdin=text)
    space.end("a", 1, 0, {"result": RESULT})
    space.phase(JOB, "a", "Succeeded")
    launcher.plane.kubectl("apply", "-n", space.namespace, "-f", "-", stdin=text)
    with pytest.raises(ApiException) as refused:
        space.apply(JOB, "a", METADATA)
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    time.sleep(2)
    assert (space.status(JOB, "a")["phase"], len(space.jobs())) == ("Succeeded", 1)


def test_a_file_of_jobs_is_not_all_or_nothing(space: Kubelet, launcher: Launcher) -> None:
    text = yaml.safe_dump_all([manifest("a"), manifest("b", priority=-1), manifest("c")])
    with pytest.raises(Exception, match=r"spec\.priority"):
        launcher.plane.kubectl("apply", "-n", space.namespace, "-f", "-", stdin=text)
    space.phase(JOB, "a", "Running")
    space.phase(JOB, "c", "Running")
    with pytest.raises(ApiException, match="Not Found"):
        space.get(JOB, "b")


def test_a_job_that_says_too_much_waits_and_says_so(space: Kubelet) -> None:
    overrides = {str(number): ADDRESS for number in range(1000)}
    manifest_of = {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}
    space.apply("MintJob", "m", {**MINT, "metadataFrom": manifest_of, "recipients": {"overrides": overrides}})
    space.phase("MintJob", "m", "Pending")
    admitted = space.condition("MintJob", "m", "Admitted")
    assert (admitted["status"], admitted["reason"]) == ("False", "SpecTooLarge")
    assert not space.jobs()


def test_a_job_without_a_priority(space: Kubelet) -> None:
    space.apply("JobQueue", "as-in-bullmq", {"jobDefaults": {"priority": 0}})
    space.apply(JOB, "a", METADATA)
    space.apply(JOB, "b", {**METADATA, "queue": "as-in-bullmq"})
    assert space.phase(JOB, "a", "Running")["policy"]["priority"] == 5
    assert space.phase(JOB, "b", "Running")["policy"]["priority"] == 0


def test_all_are_promoted_by_one_line(space: Kubelet, launcher: Launcher) -> None:
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "delay": "9h"})
        space.phase(JOB, name, "Delayed")
    launcher.plane.kubectl("annotate", "metadatajobs", "--all", "-n", space.namespace, "mintworks.dev/promote=1")
    for name in ("a", "b"):
        space.phase(JOB, name, "Running")


def test_concurrency_may_change(space: Kubelet) -> None:
    space.apply("JobQueue", "q", {"concurrency": 2})
    for name in "abcdef":
        space.apply(JOB, name, {**METADATA, "queue": "q"})
    eventually("two run", lambda: _queue(space).get("summary") == "2/2" and _queue(space).get("waiting") == 4)
    space.change("JobQueue", "q", {"concurrency": 3})
    eventually("three run", lambda: _queue(space).get("summary") == "3/3" and len(space.jobs()) == 3)
    space.change("JobQueue", "q", {"concurrency": 1})
    eventually("nothing is stopped", lambda: _queue(space).get("summary") == "3/1")
    for name in "ab":
        space.end(name, 1, 0, {"result": RESULT})
        space.phase(JOB, name, "Succeeded")
    eventually("nothing is started", lambda: _queue(space).get("summary") == "1/1" and len(space.jobs()) == 3)
    space.end("c", 1, 0, {"result": RESULT})
    space.phase(JOB, "d", "Running")


def _queue(space: Kubelet) -> dict[str, Any]:
    return space.status("JobQueue", "q")


def test_another_backoff_is_refused(space: Kubelet) -> None:
    with pytest.raises(ApiException) as refused:
        space.apply(JOB, "a", {**METADATA, "backoff": {"type": "custom"}})
    assert refused.value.status == 422
    assert "spec.backoff.type" in str(refused.value.body)


def test_a_job_that_stalled_too_often_is_retried_with_fresh_interruptions(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, "maxStalled": 1, "backoff": SOON})
    for run in (1, 2):
        space.end("a", run, 137, None, **DISRUPTED)
    status = space.phase(JOB, "a", "Failed")
    assert space.condition(JOB, "a", "Failed")["reason"] == "TooManyStalls"
    assert (status["attempts"]["made"], status["attempts"]["stalls"]) == (0, 2)
    space.mark(JOB, "a", {"mintworks.dev/retry": "1"})
    space.end("a", 3, 137, None, **DISRUPTED)
    space.end("a", 4, 0, {"result": RESULT})
    attempts = space.phase(JOB, "a", "Succeeded")["attempts"]
    assert (attempts["made"], attempts["stalls"], attempts["runs"]) == (1, 1, 4)


def test_a_deleted_queue_takes_no_job_with_it(space: Kubelet) -> None:
    space.apply("JobQueue", "q", {"concurrency": 1})
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "queue": "q"})
    space.start("a", 1)
    space.phase(JOB, "b", "Queued")
    space.delete("JobQueue", "q")
    eventually("b says so", lambda: space.condition(JOB, "b", "Admitted").get("reason") == "QueueNotFound")
    space.apply("JobQueue", "q", {"concurrency": 1})
    space.phase(JOB, "b", "Queued")
    assert len(space.jobs()) == 1, "the new queue knows that a runs"
    space.end("a", 1, 0, {"result": RESULT})
    space.phase(JOB, "a", "Succeeded")
    space.phase(JOB, "b", "Running")


def test_a_schedule_that_is_applied_over_and_over_makes_one_job(team: Team) -> None:
    space, due = team.space, datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    template = {"kind": JOB, "spec": METADATA}
    spec = {"schedule": "0 * * * *", "template": template}
    space.apply("JobSchedule", "nightly", spec)
    # Its clock says that the hour has just passed.
    team.leader(ahead=(due + timedelta(minutes=1) - datetime.now(UTC)).total_seconds())
    for number in range(20):
        priority = {"priority": number}
        changed = {"template": {**template, "spec": {**METADATA, **priority}}, "history": {"failed": number}}
        space.change("JobSchedule", "nightly", changed)
    eventually("a job is made", lambda: space.status("JobSchedule", "nightly").get("active") == 1)
    space.change("JobSchedule", "nightly", {"history": {"failed": 3}})
    generation = space.get("JobSchedule", "nightly")["metadata"]["generation"]

    def seen() -> bool:
        return bool(space.status("JobSchedule", "nightly").get("observedGeneration") == generation)

    eventually("the last change is seen", seen)
    # The schedule counts a job as active before that has a run.
    eventually("its run is made", space.jobs)
    assert [job.metadata.labels["mintworks.dev/run"] for job in space.jobs()] == ["1"]
    assert space.status("JobSchedule", "nightly")["active"] == 1


def test_counts_are_those_of_the_jobs(space: Kubelet) -> None:
    space.apply("JobQueue", "q", {"concurrency": 1, "jobDefaults": {"maxAttempts": 1}})
    for name, code in (("done", 0), ("broken", 1)):
        space.apply(JOB, name, {**METADATA, "queue": "q"})
        space.end(name, 1, code, {"result": RESULT} if code == 0 else {"reason": "KuboAway", "message": "."})
        space.phase(JOB, name, "Succeeded", "Failed")
    further: dict[str, dict[str, Any]] = {
        "later": {"delay": "9h"},
        "held": {"suspend": True},
        "running": {"priority": 0},
    }
    for name, spec in further.items():
        space.apply(JOB, name, {**METADATA, "queue": "q", **spec})
    space.start("running", 1)
    space.apply(JOB, "waits", {**METADATA, "queue": "q"})
    space.apply(JOB, "builds", {**METADATA, "queue": "q", "images": {"job": "nothing"}})
    space.apply(JOB, "unwanted", {**METADATA, "queue": "q", "delay": "9h"})
    space.phase(JOB, "unwanted", "Delayed")
    space.mark(JOB, "unwanted", {"mintworks.dev/cancel": "1"})
    wanted = Counter(
        delayed=1, suspended=1, running=1, queued=1, pending=1, succeeded=1, failed=1, cancelled=1, backoff=0
    )
    eventually("the counts", lambda: Counter(_queue(space).get("counts")) == wanted)
    names = ("later", "held", "running", "waits", "builds", "unwanted", "done", "broken")
    assert Counter(space.status(JOB, name)["phase"].lower() for name in names) == wanted
    rates = {"succeeded": 1, "failed": 1}
    eventually("the rates", lambda: rates.items() <= _queue(space)["lastHour"].items())


def test_kubectl_waits_for_the_end(space: Kubelet, launcher: Launcher) -> None:
    for name in ("good", "bad"):
        space.apply(JOB, name, METADATA)
    space.end("good", 1, 0, {"result": RESULT})
    space.mark(JOB, "bad", {"mintworks.dev/cancel": "1"})
    for name, condition in (("good", "Succeeded"), ("bad", "Failed")):
        place = ("-n", space.namespace, f"metadatajob/{name}", f"--for=condition={condition}", "--timeout=60s")
        assert "condition met" in launcher.plane.kubectl("wait", *place)
