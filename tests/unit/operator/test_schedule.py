"""JobSchedules: which times get a job, whatever the clocks, the crashes and the zones do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_api import JobScheduleSpec, JobScheduleStatus
from mintworks_operator.core import Scheduled, ScheduleView, timetable
from mintworks_operator.core.schedule import LINGER, Timetable, job_name, manifest
from mintworks_operator.keys import JobKey, ScheduleKey
from mintworks_operator.offspring import Offspring
from pydantic import ValidationError
from support.specs import METADATA

START = datetime(2026, 3, 1, tzinfo=UTC)
TEMPLATE = {"kind": "MetadataJob", "spec": METADATA}


def spec(schedule: str = "*/10 * * * *", **rest: Any) -> JobScheduleSpec:
    return JobScheduleSpec.parse({"schedule": schedule, "template": TEMPLATE, **rest})


def view(found: JobScheduleSpec, **rest: Any) -> ScheduleView:
    return ScheduleView("ns", "nightly", "uid", 1, START, found, **rest)


@dataclass
class World:
    """A cluster with one JobSchedule. A pass can end after its write, and what it asked for can be done late."""

    view: ScheduleView
    now: datetime = START
    jobs: dict[str, Scheduled] = field(default_factory=dict)
    made: list[datetime] = field(default_factory=list)
    seen: set[datetime] = field(default_factory=set)

    def plan(self) -> Timetable:
        jobs = list(self.jobs.values())
        self.seen.update(job.time for job in jobs if job.time is not None)
        return timetable(self.view, jobs, self.now, seen=self.seen)

    def step(self, *, dies: bool = False) -> Timetable:
        """A pass; one that dies ends after its write."""
        plan = self.plan()
        self.view = replace(self.view, status=plan.status)
        if dies:
            self.seen.clear()
            return plan
        if plan.make is not None:
            self.create(plan.make)
        for job in plan.expired:
            del self.jobs[job.name]
        return plan

    def create(self, time: datetime) -> None:
        name = job_name(self.view.name, time)
        if name not in self.jobs:
            self.made.append(time)
            self.jobs[name] = Scheduled("MetadataJob", name, name, time, self.now, "Running", None)

    def settle(self) -> Timetable:
        for _ in range(5):
            plan = self.step()
            if not plan.changed and plan.make is None and not plan.expired:
                return plan
        raise AssertionError("it does not settle")

    def end(self, name: str, phase: str = "Succeeded") -> None:
        self.jobs[name] = replace(self.jobs[name], phase=phase, ended=self.now)

    def change(self, **rest: Any) -> None:
        found = self.view.spec
        assert found is not None
        wire = {**found.wire(), **rest}
        self.view = replace(self.view, spec=JobScheduleSpec.parse({k: v for k, v in wire.items() if v is not None}))


def minutes(*numbers: int) -> list[datetime]:
    return [START + timedelta(minutes=n) for n in numbers]


def test_each_time_gets_its_job() -> None:
    world = World(view(spec()))
    for minute in range(61):
        world.now = START + timedelta(minutes=minute, seconds=1)
        world.settle()
    assert world.made == minutes(10, 20, 30, 40, 50, 60)
    status = world.view.status
    assert status.last_schedule_time == START + timedelta(minutes=60)
    assert status.next_schedule_time == START + timedelta(minutes=70)
    assert (status.active, status.pending) == (6, None)


def test_it_is_looked_at_when_its_time_has_come_and_once_a_minute() -> None:
    world = World(view(spec("0 2 * * *")), now=START + timedelta(minutes=30))
    assert world.settle().again == START + timedelta(minutes=31)
    world.now = START + timedelta(minutes=119, seconds=30)
    assert world.settle().again == START + timedelta(hours=2)


def test_of_times_that_were_missed_the_last_is_made_up_for() -> None:
    world = World(view(spec()), now=START + timedelta(minutes=35))
    plan = world.step()
    assert world.made == minutes(30)
    (emit,) = plan.news
    assert (emit.type, emit.reason) == ("Warning", "MissedSchedule")
    assert emit.message.startswith("2 or more times before 2026-03-01T00:30:00Z")


def test_a_deadline_that_has_passed_makes_nothing_and_says_so() -> None:
    world = World(view(spec(startingDeadline="3m")), now=START + timedelta(minutes=35))
    plan = world.step()
    assert not world.made
    assert [e.message for e in plan.news] == [
        "No job was made for 2026-03-01T00:30:00Z: spec.startingDeadline has passed."
    ]
    assert not world.step().news
    world.now = START + timedelta(minutes=43)
    world.settle()
    assert world.made == minutes(40)


def test_forbid_waits_for_the_job_before() -> None:
    world = World(view(spec(concurrencyPolicy="Forbid")), now=START + timedelta(minutes=10))
    world.settle()
    world.now = START + timedelta(minutes=21)
    plan = world.step()
    assert [e.reason for e in plan.news] == ["JobActive"]
    assert not world.step().news, "once"
    assert world.made == minutes(10)
    assert world.view.status.conditions[0].reason == "JobActive"
    world.now = START + timedelta(minutes=32)
    world.settle()
    world.end(job_name("nightly", minutes(10)[0]))
    world.settle()
    assert world.made == minutes(10, 30), "the last one that was missed"


def test_suspended_nothing_is_made_and_afterwards_the_last_that_was_missed() -> None:
    world = World(view(spec(suspend=True)), now=START + timedelta(minutes=35))
    world.settle()
    assert not world.made
    assert world.view.status.next_schedule_time is None
    assert world.view.status.conditions[0].reason == "Suspended"
    world.change(suspend=False)
    world.settle()
    assert world.made == minutes(30)


def test_another_schedule_counts_from_when_it_was_seen() -> None:
    world = World(view(spec("0 2 * * *")), now=START + timedelta(minutes=35))
    world.settle()
    world.change(schedule="*/10 * * * *")
    world.settle()
    assert not world.made
    world.now = START + timedelta(minutes=40)
    world.settle()
    assert world.made == minutes(40)


@pytest.mark.parametrize("jump", [timedelta(minutes=-25), timedelta(minutes=55), timedelta(days=400)])
def test_a_clock_that_is_set_makes_nothing_twice_and_goes_on(jump: timedelta) -> None:
    world = World(view(spec()), now=START + timedelta(minutes=30))
    world.settle()
    for minute in range(3):
        world.now = START + jump + timedelta(minutes=30 + minute)
        world.settle()
    for minute in range(90):
        world.now = START + timedelta(minutes=30 + minute)
        world.settle()
    assert len(world.made) == len(set(world.made))
    assert set(minutes(40, 50, 60, 70, 90, 100, 110)) <= set(world.made)


def test_history_keeps_the_newest_and_none_goes_young() -> None:
    world = World(view(spec("* * * * *", history={"succeeded": 2, "failed": 0})))
    for minute in range(1, 6):
        world.now = START + timedelta(minutes=minute)
        world.settle()
        world.end(job_name("nightly", world.now), "Failed" if minute == 5 else "Succeeded")
    plan = world.settle()
    assert sorted(world.jobs) == [job_name("nightly", t) for t in minutes(3, 4, 5)]
    assert plan.again == world.now + LINGER, "a job that failed just now"
    world.now += LINGER
    world.view = replace(world.view, spec=replace_suspend(world.view.spec))
    world.settle()
    assert sorted(world.jobs) == [job_name("nightly", t) for t in minutes(3, 4)]
    assert world.view.status.last_successful_time == START + timedelta(minutes=4)


def test_history_leaves_a_job_whose_webhook_waits() -> None:
    world = World(view(spec("* * * * *", history={"succeeded": 0, "failed": 0})))
    world.now = START + timedelta(minutes=1)
    world.settle()
    name = job_name("nightly", world.now)
    world.end(name)
    world.jobs[name] = replace(world.jobs[name], unsent=True)
    world.view = replace(world.view, spec=replace_suspend(world.view.spec))
    world.now += 2 * LINGER
    world.settle()
    assert sorted(world.jobs) == [name]
    world.jobs[name] = replace(world.jobs[name], unsent=False)
    world.settle()
    assert world.jobs == {}


def test_a_schedule_looks_again_once_a_webhook_of_its_job_is_delivered() -> None:
    def made(**notification: str) -> dict[str, Any]:
        owner = {"kind": "JobSchedule", "name": "nightly", "uid": "u", "controller": True}
        meta = {"name": "a", "namespace": "ns", "uid": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}
        status = {"phase": "Succeeded", "notifications": [notification]}
        return {"metadata": {**meta, "ownerReferences": [owner]}, "status": status}

    offspring, key = Offspring(), JobKey("MetadataJob", "ns", "a")
    waits, told = made(nextAttemptTime="2026-01-01T00:00:00Z"), made(deliveredTime="2026-01-01T00:00:00Z")
    assert offspring.change(key, None, waits) == ScheduleKey("ns", "nightly")
    assert [job.unsent for job in offspring.of("u")] == [True]
    assert offspring.change(key, waits, waits) is None
    assert offspring.change(key, waits, told) == ScheduleKey("ns", "nightly")
    assert [job.unsent for job in offspring.of("u")] == [False]


def replace_suspend(found: JobScheduleSpec | None) -> JobScheduleSpec:
    assert found is not None
    return found.model_copy(update={"suspend": True})


def test_what_the_api_server_refuses_is_told_and_tried_again() -> None:
    world = World(view(spec()), now=START + timedelta(minutes=10))
    world.step(dies=True)
    plan = timetable(world.view, [], world.now, refused="exceeded quota")
    assert plan.make == world.now
    (ready,) = plan.status.conditions
    assert (ready.status, ready.reason, ready.message) == ("False", "CreateRefused", "exceeded quota")


def test_the_longest_schedule_fits_the_status() -> None:
    longest = ",".join(["11"] * 40) + " 11 * * *"
    assert len(longest) == 128
    found = spec(longest, timeZone="America/Argentina/ComodRivadavia")
    wire = timetable(view(found), [], START).status.wire()
    assert JobScheduleStatus.model_validate(wire).wire() == wire


def test_a_job_that_was_seen_and_is_gone_already_is_not_made_again() -> None:
    """Its ttl can be over before the status says that it was made."""
    world = World(view(spec()), now=START + timedelta(minutes=10))
    world.step()
    assert world.view.status.pending == world.now
    world.plan()
    world.jobs.clear()
    world.settle()
    assert world.made == minutes(10)
    assert world.view.status.pending is None


def test_a_template_that_does_not_fit_its_kind_is_told_with_the_place() -> None:
    bad = JobScheduleSpec.parse({"schedule": "@hourly", "template": {"kind": "MetadataJob", "spec": {"rows": {}}}})
    plan = timetable(view(bad), [], START + timedelta(hours=3))
    (ready,) = plan.status.conditions
    assert (ready.status, ready.reason) == ("False", "InvalidSpec")
    assert "spec.template.spec.collection: Field required" in ready.message
    assert plan.make is None


def test_many_problems_are_told_in_as_many_words_as_a_condition_holds() -> None:
    odd = {f"{'x' * 250}{number}": 1 for number in range(5)}
    bad = JobScheduleSpec.parse({"schedule": "@hourly", "template": {"kind": "MetadataJob", "spec": METADATA | odd}})
    (ready,) = timetable(view(bad), [], START).status.conditions
    assert ready.message.endswith("…")
    assert len(ready.message) == 1024


def test_the_job_is_the_template_with_a_name_an_owner_and_its_time() -> None:
    meta = {"labels": {"team": "drops"}, "annotations": {"why": "nightly"}}
    found = spec("0 2 * * *", timeZone="Europe/Rome", template={**TEMPLATE, "metadata": meta})
    time = datetime(2026, 7, 1, tzinfo=UTC)
    made = manifest(view(found), found, time)
    assert made["metadata"] == {
        "name": "nightly-29714400",
        "namespace": "ns",
        "labels": {"team": "drops", "mintworks.dev/schedule": "nightly"},
        "annotations": {"why": "nightly", "mintworks.dev/scheduled-at": "2026-07-01T02:00:00+02:00"},
        "ownerReferences": [
            {
                "apiVersion": "mintworks.dev/v1alpha1",
                "kind": "JobSchedule",
                "name": "nightly",
                "uid": "uid",
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
    }
    assert (made["kind"], made["spec"]) == ("MetadataJob", METADATA)


DST = [
    # Clocks go from 2:00 to 3:00: a job of that hour runs once, right after.
    ("30 2 * * *", "Europe/Rome", "2026-03-28T12:00", "2026-03-30T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
    # From 3:00 back to 2:00: it runs the first time only.
    ("30 2 * * *", "Europe/Rome", "2026-10-24T12:00", "2026-10-26T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
    # One of every hour runs each hour that there is.
    ("0 * * * *", "Europe/Rome", "2026-03-29T00:00", "2026-03-29T02:30", ["2026-03-29T01:00", "2026-03-29T02:00"]),
    (
        "15 * * * *",
        "America/New_York",
        "2026-11-01T04:30",
        "2026-11-01T07:30",
        ["2026-11-01T05:15", "2026-11-01T06:15", "2026-11-01T07:15"],
    ),
    ("0 12 * * *", "Asia/Kathmandu", "2026-01-01T00:00", "2026-01-02T00:00", ["2026-01-01T06:15"]),
]


@pytest.mark.parametrize(("schedule", "zone", "start", "end", "times"), DST)
def test_where_clocks_are_put_forward_and_back(
    schedule: str, zone: str, start: str, end: str, times: list[str]
) -> None:
    begin, stop = (datetime.fromisoformat(f"{text}:00+00:00") for text in (start, end))
    world = World(replace(view(spec(schedule, timeZone=zone)), created=begin), now=begin)
    while world.now < stop:
        world.now += timedelta(minutes=1)
        world.settle()
    # Every hour of the night on which they go back has a name of its own, for names are of UTC.
    wanted = [datetime.fromisoformat(f"{text}:00+00:00") for text in times]
    assert [t for t in world.made if t > begin] == [t for t in wanted if begin < t <= stop]


SCHEDULES = ["* * * * *", "*/7 * * * *", "30 2 * * *", "0 */3 * * MON-FRI", "15 14 1 * *", "@hourly", "59 23 L * *"]
ZONES = ["UTC", "Europe/Rome", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]
STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(0, 90)),
    st.tuples(st.just("dies"), st.integers(0, 90)),
    st.tuples(st.just("down"), st.integers(90, 60 * 24 * 3)),
    st.tuples(st.just("late"), st.integers(0, 3)),
    st.tuples(st.just("end"), st.integers(0, 3)),
    st.tuples(st.just("back"), st.integers(1, 40)),
)


@settings(max_examples=150)
@given(
    schedule=st.sampled_from(SCHEDULES),
    zone=st.sampled_from(ZONES),
    policy=st.sampled_from(["Allow", "Forbid"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    steps=st.lists(STEPS, min_size=20, max_size=60),
)
def test_no_time_gets_two_jobs_and_the_last_one_gets_its_own(
    schedule: str, zone: str, policy: str, start: datetime, steps: list[tuple[str, int]]
) -> None:
    """Crashes after the write, requests of a leader that was, days without an operator, clocks that are put back."""
    begin = start.replace(tzinfo=UTC, second=0, microsecond=0)
    found = spec(schedule, timeZone=zone, concurrencyPolicy=policy, history={"succeeded": 0, "failed": 0})
    world = World(replace(view(found), created=begin), now=begin)
    late: list[datetime] = []
    furthest = begin
    for deed, number in steps:
        if deed == "back":
            world.now -= timedelta(seconds=number)
        elif deed == "late" and late and world.now < late[-1] + LINGER:
            world.create(late[-1])
        elif deed == "end":
            for name in list(world.jobs)[:number]:
                if not world.jobs[name].finished:
                    world.end(name)
        else:
            world.now += timedelta(minutes=number)
        furthest = max(furthest, world.now)
        if deed in {"pass", "dies", "down"}:
            running = any(not job.finished for job in world.jobs.values())
            before = len(world.made)
            plan = world.step(dies=deed == "dies")
            late += [plan.make] if plan.make is not None else []
            assert not (policy == "Forbid" and running and len(world.made) > before and plan.status.pending is None)
    assert len(world.made) == len(set(world.made)), "no time twice"
    world.now = furthest
    for _ in range(3):
        for name, job in list(world.jobs.items()):
            if not job.finished:
                world.end(name)
        world.settle()
    moment = (furthest + timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    latest = next(CronSim("0 * * * *" if schedule == "@hourly" else schedule, moment, reverse=True)).astimezone(UTC)
    assert latest in world.made or latest <= begin, "the last time has its job"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("schedule", "61 * * * *", "is not a cron expression of five fields: Bad minute"),
        ("schedule", "0 0 30 2 *", "is not a cron expression of five fields: Bad day-of-month"),
        ("schedule", "* * * *", "String should match pattern"),
        ("schedule", "*/5/2 * * * *", "is not a cron expression of five fields: Bad"),
        ("schedule", "0 0 1 ? *", "String should match pattern"),
        ("timeZone", "Europe/Roma", "'Europe/Roma' is not a time zone of the IANA database, such as Europe/Rome"),
        ("startingDeadline", "soon", "String should match pattern"),
        ("concurrencyPolicy", "Replace", "Input should be 'Allow' or 'Forbid'"),
        ("template", {"kind": "JobQueue", "spec": {}}, "a kind of job is needed: CleanupJob, MetadataJob"),
        ("template", {"kind": "MintJob", "metadata": {"name": "x"}, "spec": {}}, "Extra inputs are not permitted"),
    ],
)
def test_bad_fields_are_refused_readably(field: str, value: Any, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        JobScheduleSpec.parse({"schedule": "@daily", "template": TEMPLATE, field: value})
    assert words in str(caught.value)


@given(text=st.from_regex(r"^[0-9A-Z*/,#-]+( [0-9A-Z*/,#-]+){4}$", fullmatch=True))
def test_any_expression_is_taken_or_refused(text: str) -> None:
    try:
        found = spec(text)
    except ValidationError:
        return
    timetable(view(found, status=JobScheduleStatus()), [], START + timedelta(days=1))
