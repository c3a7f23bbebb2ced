"""What a JobQueue does beyond concurrency, on a real API server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial

from support.kubelet import GROUP, PLURALS, Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Team

JOB = "MetadataJob"
#: Seconds in which two may start: longer than another operator takes to lead.
PER = 14


def test_a_paused_queue_starts_nothing_until_it_goes_on(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"paused": True})
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "queue": "slow"})
    space.phase(JOB, "a", "Queued")
    space.phase(JOB, "b", "Queued")
    eventually("it says so", lambda: space.condition("JobQueue", "slow", "Ready").get("reason") == "Paused")
    assert not space.jobs()
    space.change("JobQueue", "slow", {"paused": False})
    eventually("both run", lambda: len(space.jobs()) == 2)


def test_a_rate_limit_outlives_its_operator(team: Team) -> None:
    space, first = team.space, team.leader()
    space.apply("JobQueue", "slow", {"rateLimit": {"max": 2, "per": f"{PER}s"}})
    for number in range(5):
        space.apply(JOB, f"a{number}", {**METADATA, "queue": "slow"})
    eventually("two have started", lambda: len(space.jobs()) == 2)
    assert first.stop() == 0
    team.leader()
    eventually("all have started", lambda: len(space.jobs()) == 5, 90)
    assert_paced(space)
    assert space.status(JOB, "a4")["attempts"]["made"] == 0


def test_what_a_dead_leader_left_reserved_counts_when_it_starts(team: Team) -> None:
    space, long_ago = team.space, "2026-01-01T00:00:00Z"
    space.apply("JobQueue", "slow", {"rateLimit": {"max": 2, "per": f"{PER}s"}})
    uids = [space.apply(JOB, f"a{n}", {**METADATA, "queue": "slow"})["metadata"]["uid"] for n in range(4)]
    slots = [{"uid": uid, "run": 1, "at": long_ago} for uid in uids[:2]]
    status = {"reservations": slots, "starts": [{"at": long_ago, "count": 2}]}
    place = (*GROUP, space.namespace, PLURALS["JobQueue"], "slow")
    space.custom.patch_namespaced_custom_object_status(*place, {"status": status})
    team.leader()
    eventually("all have started", lambda: len(space.jobs()) == 4, 90)
    assert_paced(space)


def assert_paced(space: Kubelet) -> None:
    """Two have started within any time as long as the limit's."""
    made = sorted(job.metadata.creation_timestamp.timestamp() for job in space.jobs())
    # A run's Kubernetes Job is made some time after its start is counted, and told in whole seconds.
    gaps = [later - first for first, later in zip(made, made[2:], strict=False)]
    assert all(gap > PER - 4 for gap in gaps), gaps


def test_what_failed_is_retried_and_what_waits_is_drained_by_one_annotation_each(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"concurrency": 1, "jobDefaults": {"maxAttempts": 1}})
    space.apply(JOB, "a", {**METADATA, "queue": "slow"})
    space.end("a", 1, 1, {"reason": "KuboAway", "message": "No Kubo."})
    space.phase(JOB, "a", "Failed")
    space.mark("JobQueue", "slow", {"mintworks.dev/retry-failed": "1"})
    space.start("a", 2)
    assert space.phase(JOB, "a", "Running")["attempts"]["made"] == 0
    space.apply(JOB, "b", {**METADATA, "queue": "slow"})
    space.phase(JOB, "b", "Queued")
    # The command's time is a whole second, and so is a creation's.
    time.sleep(1.1)
    space.mark("JobQueue", "slow", {"mintworks.dev/drain": "1"})
    space.phase(JOB, "b", "Cancelled")
    assert space.status(JOB, "a")["phase"] == "Running"
    told = space.status("JobQueue", "slow")
    assert [command["name"] for command in told["commands"]] == ["retry-failed", "drain"]
    counts = eventually("the numbers", lambda: _counts(space, cancelled=1))
    assert {name: n for name, n in counts.items() if n} == {"running": 1, "cancelled": 1}


def test_a_command_that_finds_nothing_is_told_once_with_who_asked(team: Team) -> None:
    space, first = team.space, team.leader()
    space.apply("JobQueue", "slow", {})
    eventually("it is seen", lambda: space.condition("JobQueue", "slow", "Ready"))

    def told() -> list[tuple[str, int]]:
        return sorted((e["message"], e["count"]) for e in space.events("slow") if e["reason"] == "CommandAccepted")

    space.mark("JobQueue", "slow", {"mintworks.dev/clean": "1"})
    [(clean, _)] = eventually("it is told", told)
    by = space.status("JobQueue", "slow")["commands"][0]["by"]
    assert clean == f"clean: the pods and logs of each job that has ended by now are removed. Asked for by {by}."
    assert first.stop() == 0
    team.leader()
    space.mark("JobQueue", "slow", {"mintworks.dev/drain": "1"})
    eventually("the other is told", lambda: len(told()) == 2)
    assert [count for _, count in told()] == [1, 1]
    space.mark("JobQueue", "slow", {"mintworks.dev/clean": "2"})
    eventually("it is told again", lambda: told()[0] == (clean, 2))


def _counts(space: Kubelet, **wanted: int) -> dict[str, int] | None:
    counts: dict[str, int] = space.status("JobQueue", "slow").get("counts") or {}
    return counts if wanted.items() <= counts.items() else None


def test_runs_are_kept_of_the_newest_and_cleaned_on_request(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"retention": {"succeeded": {"count": 1}}})
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "queue": "slow"})
        space.end(name, 1, 0, {"result": RESULT})
        space.phase(JOB, name, "Succeeded")
        time.sleep(1.1)  # ends are told in whole seconds
    eventually("the older one's run is gone", lambda: not space.jobs("a"))
    assert len(space.jobs("b")) == 1
    space.mark("JobQueue", "slow", {"mintworks.dev/clean": "1"})
    eventually("all runs are gone", lambda: not space.jobs())
    assert space.status(JOB, "b")["phase"] == "Succeeded"


def test_runs_go_by_age_and_the_job_stays(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"retention": {"succeeded": {"age": "2s"}}})
    space.apply(JOB, "a", {**METADATA, "queue": "slow"})
    space.end("a", 1, 0, {"result": RESULT})
    ended = space.phase(JOB, "a", "Succeeded")["completionTime"]
    eventually("its run is gone", lambda: space.nothing_runs("a"))
    assert datetime.now(UTC) - datetime.fromisoformat(ended) >= timedelta(seconds=2)
    assert space.status(JOB, "a")["result"] == RESULT


def test_what_waits_is_counted_by_its_phase_at_last(space: Kubelet) -> None:
    """A job is Pending for a second before it is called Queued, and nothing else changes by that."""
    space.apply("JobQueue", "slow", {"paused": True})
    for made in range(1, 5):
        space.apply(JOB, f"a{made}", {**METADATA, "queue": "slow"})
        space.phase(JOB, f"a{made}", "Queued")
        # One job alone is often counted by luck.
        eventually("it is counted", partial(_counts, space, queued=made, pending=0), 15)
