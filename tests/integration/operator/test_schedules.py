"""JobSchedules on a real API server. Operators' clocks are set so that a time has just come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from support.gate import choice
from support.kubelet import GROUP, Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Team

JOB, SCHEDULE = "MetadataJob", "JobSchedule"
TEMPLATE: dict[str, Any] = {"kind": JOB, "spec": METADATA}
#: Of an hour: a test must not meet a second time of the schedule.
HOURLY: dict[str, Any] = {"schedule": "0 * * * *", "template": TEMPLATE}


def ahead_of(due: datetime, **more: float) -> float:
    """How far ahead a clock must be that it is so long after that time now."""
    return (due + timedelta(**more) - datetime.now(UTC)).total_seconds()


def next_hour() -> datetime:
    """The next full hour of this machine's clock."""
    now = datetime.now(UTC)
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def children(space: Kubelet) -> list[dict[str, Any]]:
    """The jobs there are, oldest first."""
    items: list[dict[str, Any]] = space.custom.list_namespaced_custom_object(*GROUP, space.namespace, "metadatajobs")[
        "items"
    ]
    return sorted(items, key=lambda o: str(o["metadata"]["name"]))


def seen(space: Kubelet, name: str) -> bool:
    return "countedUntil" in space.status(SCHEDULE, name)


def warnings(space: Kubelet, name: str) -> list[dict[str, Any]]:
    return [e for e in space.events(name) if e["type"] == "Warning"]


def test_a_job_is_made_when_its_time_comes_and_goes_with_its_schedule(team: Team) -> None:
    space, due = team.space, next_hour()
    meta = {"labels": {"team": "drops"}, "annotations": {"mintworks.dev/cancel": "1"}}
    space.apply(SCHEDULE, "nightly", {**HOURLY, "timeZone": "Europe/Rome", "template": {**TEMPLATE, "metadata": meta}})
    team.leader(ahead=ahead_of(due, minutes=5))
    (job,) = eventually("the job", lambda: children(space))
    assert job["metadata"]["name"] == f"nightly-{int(due.timestamp()) // 60}"
    assert job["metadata"]["labels"] == {"team": "drops", "mintworks.dev/schedule": "nightly"}
    assert datetime.fromisoformat(job["metadata"]["annotations"]["mintworks.dev/scheduled-at"]) == due
    assert job["spec"] == METADATA
    name = job["metadata"]["name"]
    eventually("it counts as active", lambda: space.status(SCHEDULE, "nightly").get("active") == 1)
    space.end(name, 1, 0, {"result": RESULT})
    space.phase(JOB, name, "Succeeded")

    def done() -> dict[str, Any] | None:
        found = space.status(SCHEDULE, "nightly")
        return found if found.get("active") == 0 and "lastSuccessfulTime" in found else None

    status = eventually("it is over", done)
    assert datetime.fromisoformat(status["lastScheduleTime"]) == due
    assert datetime.fromisoformat(status["nextScheduleTime"]) == due + timedelta(hours=1)
    assert "pending" not in status
    assert [e["message"] for e in space.events("nightly") if e["reason"] == "Scheduled"] == [f"Made the job {name}."]
    space.delete(SCHEDULE, "nightly")
    eventually("its job goes with it", lambda: not children(space))


def test_a_leader_that_dies_before_the_job_is_made_loses_none_and_its_late_request_makes_no_other(team: Team) -> None:
    space, gate, due = team.space, team.gate(), next_hour()
    space.apply(SCHEDULE, "nightly", HOURLY)
    held = gate.hold(choice("POST", "/metadatajobs"))
    first = team.leader(gate, ahead=ahead_of(due, minutes=5))
    held.wait()
    assert datetime.fromisoformat(space.status(SCHEDULE, "nightly")["pending"]) == due
    assert not children(space), "the status was written before"
    first.kill()
    team.leader(ahead=ahead_of(due, minutes=7))
    (job,) = eventually("the next leader makes it", lambda: children(space))
    assert datetime.fromisoformat(job["metadata"]["annotations"]["mintworks.dev/scheduled-at"]) == due
    assert held.release() == 409
    eventually("it is seen", lambda: "pending" not in space.status(SCHEDULE, "nightly"))
    assert children(space)[0]["metadata"]["uid"] == job["metadata"]["uid"]
    assert len(children(space)) == 1


def test_after_days_without_an_operator_one_job_is_made_for_the_last_time(team: Team) -> None:
    space, due = team.space, next_hour()
    space.apply(SCHEDULE, "nightly", HOURLY)
    space.apply(SCHEDULE, "strict", {**HOURLY, "startingDeadline": "10m"})
    first = team.leader()
    for name in ("nightly", "strict"):
        eventually("it is seen", partial(seen, space, name))
    assert first.stop() == 0
    team.leader(ahead=ahead_of(due, days=2, minutes=30))
    (job,) = eventually("a job", lambda: children(space))
    assert job["metadata"]["name"].startswith("nightly-")
    warned = {name: eventually("its Event", partial(warnings, space, name)) for name in ("nightly", "strict")}
    assert {e["reason"] for events in warned.values() for e in events} == {"MissedSchedule"}
    assert "48 or more times before" in warned["nightly"][0]["message"]
    assert "spec.startingDeadline has passed" in warned["strict"][0]["message"]
    assert len(children(space)) == 1


def test_forbid_history_and_suspend(team: Team) -> None:
    space = team.space
    every_minute = {**HOURLY, "schedule": "* * * * *", "concurrencyPolicy": "Forbid", "history": {"succeeded": 0}}
    space.apply(SCHEDULE, "often", every_minute)
    team.leader(ahead=90)
    (job,) = eventually("the first", lambda: children(space))
    eventually("the next one waits", lambda: space.condition(SCHEDULE, "often", "Ready")["reason"] == "JobActive", 70)
    assert len(children(space)) == 1
    space.change(SCHEDULE, "often", {"suspend": True})
    name = job["metadata"]["name"]
    space.end(name, 1, 0, {"result": RESULT})
    # By the operator's clock it is more than a minute old.
    eventually("the history forgets it", lambda: not children(space))
    assert space.condition(SCHEDULE, "often", "Ready")["reason"] == "Suspended"
    space.change(SCHEDULE, "often", {"suspend": False})
    (other,) = eventually("it goes on", lambda: children(space))
    assert other["metadata"]["name"] != name


def test_what_cannot_be_made_is_told_and_made_when_it_can(team: Team) -> None:
    space, due = team.space, next_hour()
    quota = {"spec": {"hard": {"count/metadatajobs.mintworks.dev": "0"}}, "metadata": {"name": "none"}}
    space.core.create_namespaced_resource_quota(space.namespace, quota)
    read = partial(space.core.read_namespaced_resource_quota, "none", space.namespace)
    eventually("the quota counts", lambda: read().status.hard)
    space.apply(SCHEDULE, "nightly", HOURLY)
    bad = {**TEMPLATE, "spec": {"rows": METADATA["rows"]}}
    space.apply(SCHEDULE, "bad", {**HOURLY, "template": bad})
    space.apply(SCHEDULE, "never", {**HOURLY, "schedule": "61 * * * *"})
    team.leader(ahead=ahead_of(due, minutes=5))

    def told(name: str, reason: str) -> str:
        def found() -> str | None:
            ready = space.condition(SCHEDULE, name, "Ready")
            return str(ready["message"]) if ready.get("reason") == reason and ready["status"] == "False" else None

        return eventually(f"{name} is told {reason}", found)

    assert "exceeded quota" in told("nightly", "CreateRefused")
    assert "spec.template.spec.collection: Field required" in told("bad", "InvalidSpec")
    assert "spec.schedule: '61 * * * *' is not a cron expression" in told("never", "InvalidSpec")
    space.core.delete_namespaced_resource_quota("none", space.namespace)
    eventually("it is made", lambda: children(space), 90)
    eventually("it is well", lambda: space.condition(SCHEDULE, "nightly", "Ready")["status"] == "True")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": "* * * *"}, "spec.schedule"),
        ({"concurrencyPolicy": "Replace"}, "spec.concurrencyPolicy"),
        ({"template": {"kind": "JobQueue", "spec": {}}}, "spec.template.kind: Unsupported value: .*CleanupJob"),
        ({"template": {**TEMPLATE, "metadata": {"name": "x"}}}, "spec.template.metadata.name"),
    ],
    ids=str,
)
def test_the_api_server_refuses_what_it_can_see(team: Team, change: dict[str, Any], words: str) -> None:
    space = team.space
    with pytest.raises(Exception, match="(?s)" + words):
        space.custom.create_namespaced_custom_object(
            *GROUP,
            space.namespace,
            "jobschedules",
            {"apiVersion": "/".join(GROUP), "kind": SCHEDULE, "metadata": {"name": "s"}, "spec": {**HOURLY, **change}},
            field_validation="Strict",
        )
