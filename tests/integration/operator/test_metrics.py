"""/metrics of the real operator, after jobs of every end have run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.gate import choice
from support.kubelet import Kubelet
from support.metrics import text
from support.polling import eventually
from support.redis_server import RedisServer
from support.specs import METADATA, RESULT

from .conftest import Process, Team

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
JOB = "MetadataJob"
SOON = {"type": "fixed", "delay": "1s", "jitter": 0}
DISRUPTED: dict[str, Any] = {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(process: Process) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text(process.metrics)):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    return sum(value for (n, found), value in samples.items() if n == name and labels.items() <= dict(found).items())


def run_all(space: Kubelet, redis: RedisServer) -> None:
    """One job that succeeds after an interruption and a failure, one that fails, one that is cancelled; one waits."""
    space.apply("JobQueue", "q", {"concurrency": 1})
    uid = space.apply(JOB, "good", {**METADATA, "queue": "q", "backoff": SOON})["metadata"]["uid"]
    space.end("good", 1, 137, None, **DISRUPTED)
    space.end("good", 2, 1, {"reason": "KuboAway", "message": "."})
    space.start("good", 3)
    time.sleep(1.1)  # a container's times are whole seconds
    told = {"type": "progress", "run": 3, "percent": 90, "items": {"total": 30, "done": 27}}
    redis.client.xadd(f"mw:{space.namespace}:{uid}:progress", {"data": json.dumps(told)})
    eventually("it is shown", lambda: space.status(JOB, "good").get("progress", {}).get("percent") == 90)
    for name in ("bad", "unwanted", "waits"):
        space.apply(JOB, name, {**METADATA, "queue": "q", "priority": 9 if name == "waits" else 5})
    space.phase(JOB, "unwanted", "Queued")
    space.mark(JOB, "unwanted", {"mintworks.dev/cancel": "1"})
    space.phase(JOB, "unwanted", "Cancelled")
    _ends_as_it_began(space)
    space.phase(JOB, "good", "Succeeded")
    space.end("bad", 1, 64, {"reason": "BadRows", "message": "."})
    space.phase(JOB, "bad", "Failed")
    space.phase(JOB, "waits", "Running")


def _ends_as_it_began(space: Kubelet) -> None:
    """A kubelet tells the time of the start again; `end` alone would tell its own."""
    pod = space.pod("good", 3)
    began = pod.status.container_statuses[0].state.running.started_at
    space.end("good", 3, 0, {"result": RESULT}, began=began.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_what_became_of_jobs_is_counted(
    operator: Process, fresh: Callable[[], Kubelet], redis_server: RedisServer
) -> None:
    space = fresh()
    run_all(space, redis_server)
    queue = {"kind": JOB, "namespace": space.namespace, "queue": "q"}
    wanted = {
        ("mintworks_jobs_finished_total", "result", "succeeded"): 1,
        ("mintworks_jobs_finished_total", "result", "failed"): 1,
        ("mintworks_jobs_finished_total", "result", "cancelled"): 1,
        ("mintworks_jobs", "phase", "Running"): 1,
        ("mintworks_jobs", "phase", "Succeeded"): 1,
        ("mintworks_jobs", "phase", "Cancelled"): 1,
        ("mintworks_attempt_duration_seconds_count", "outcome", "succeeded"): 1,
        ("mintworks_attempt_duration_seconds_count", "outcome", "failed"): 2,
        ("mintworks_attempt_duration_seconds_count", "outcome", "stalled"): 1,
        ("mintworks_retries_total", "after", "stalled"): 1,
        ("mintworks_retries_total", "after", "failed"): 1,
        ("mintworks_stalls_total", "queue", "q"): 1,
        ("mintworks_queue_wait_seconds_count", "queue", "q"): 5,
        ("mintworks_items_per_second_count", "queue", "q"): 1,
    }

    def seen() -> bool:
        now = scrape(operator)
        return {key: total(now, key[0], **queue | {key[1]: key[2]}) for key in wanted} == wanted

    eventually(f"{wanted}", seen)
    samples = scrape(operator)
    assert total(samples, "mintworks_attempt_duration_seconds_sum", **queue, outcome="succeeded") >= 1
    # `waits` has waited for `good` and `bad`.
    assert total(samples, "mintworks_queue_wait_seconds_sum", **queue) > 0.5
    assert 0 < total(samples, "mintworks_items_per_second_sum", **queue) <= 30
    assert total(samples, "mintworks_runs_total", kind=JOB, namespace=space.namespace) == 5
    assert total(samples, "mintworks_progress_lag_seconds_count") == total(samples, "mintworks_progress_messages_total")
    assert 0 <= total(samples, "mintworks_progress_lag_seconds_sum") < 60
    assert total(samples, "mintworks_reconcile_seconds_count", subject="job", outcome="ok") > 5
    assert total(samples, "mintworks_reconcile_seconds_count", subject="queues", outcome="ok") > 3
    assert total(samples, "mintworks_api_requests_total", method="PATCH", resource="metadatajobs", code="200") > 5
    for name in ("mintworks_leader", "mintworks_redis_up"):
        assert total(samples, name) == 1
    assert total(samples, "mintworks_reconcile_retries_total", reason="bug") == 0


def test_what_a_schedule_makes_is_counted(operator: Process, space: Kubelet) -> None:
    template = {"kind": JOB, "spec": {**METADATA, "suspend": True}}
    space.apply("JobSchedule", "hourly", {"schedule": "0 * * * *", "template": template})
    made = {"name": "mintworks_scheduled_jobs_total", "kind": JOB, "namespace": space.namespace}
    space.misses("hourly")
    eventually("it is counted", lambda: total(scrape(operator), **made) == 1)


def test_what_waits_for_a_pass_is_counted(team: Team) -> None:
    space, gate = team.space, team.gate()
    process = team.leader(gate)
    create = gate.hold(choice("POST", "/jobs"))
    space.apply(JOB, "a", METADATA)
    create.wait()
    # Its pass is under way, and another one has to follow.
    space.change(JOB, "a", {"priority": 1})
    eventually("one waits", lambda: _depth(process) == 1)
    create.release()
    eventually("nothing waits", lambda: _depth(process) == 0)


def _depth(process: Process) -> float:
    return total(scrape(process), "mintworks_workqueue_depth")


def test_the_page_names_what_is_exposed_and_nothing_else(operator: Process, space: Kubelet) -> None:
    space.apply(JOB, "a", METADATA)
    space.phase(JOB, "a", "Running")
    lines = text(operator.metrics).splitlines()
    types = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE mintworks_"))
    # When a series began is told as a series of its own.
    exposed = {name: type_ for name, type_ in types.items() if not name.endswith("_created")}
    rows = re.findall(r"^\| `(mintworks_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == exposed
    names = {label for key in scrape(operator) if key[0].startswith("mintworks_") for label in dict(key[1]).values()}
    assert not names & {"a", space.jobs("a")[0].metadata.name}
