"""What keeps a job from starting: one row for each reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_api.status import Attempts
from mintworks_operator.core import CreateRun, EnsureQueue, JobView, RequeueAt, Waiting
from support.snapshots import (
    CREATED,
    NOW,
    finished,
    job,
    kinds,
    look,
    mint,
    only,
    queue,
    reason_of,
    record,
    run,
    waiting,
    written,
)
from support.specs import METADATA, RESULT

ROWS = job(name="rows", uid="uid-rows")
DONE = replace(ROWS, status=finished(), result=RESULT)
BROKEN = replace(ROWS, status=finished(Phase.FAILED))
BIG = replace(DONE, spec={**METADATA, "pad": "x" * 48 * 1024})
LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("view", "facts", "phase", "reason"),
    [
        (job({"suspend": True}), {}, Phase.SUSPENDED, "Suspended"),
        (job({"startAfter": LATER.isoformat()}), {}, Phase.DELAYED, "Delayed"),
        (job({"delay": "2h"}), {}, Phase.DELAYED, "Delayed"),
        (job(status=waiting(next_attempt_time=LATER)), {}, Phase.BACKOFF, "Backoff"),
        (job({"queue": "gold"}), {"queue": None}, Phase.PENDING, "QueueNotFound"),
        (job(), {"queue": replace(queue(), spec=None)}, Phase.PENDING, "QueueInvalid"),
        (job(), {"served": False}, Phase.PENDING, "NamespaceNotEnabled"),
        (job({"rows": {}}), {}, Phase.PENDING, "InvalidSpec"),
        (mint(), {}, Phase.PENDING, "DependencyMissing"),
        (mint(), {"dependencies": {"rows": ROWS}}, Phase.PENDING, "DependencyNotFinished"),
        (mint(), {"dependencies": {"rows": BROKEN}}, Phase.PENDING, "DependencyFailed"),
        (mint(), {"dependencies": {"rows": replace(DONE, result=None)}}, Phase.PENDING, "DependencyFailed"),
        (mint(), {"dependencies": {"rows": replace(DONE, result={"cid": "x"})}}, Phase.PENDING, "DependencyFailed"),
        (mint(inputs={"items": 4}), {"dependencies": {"rows": DONE}}, Phase.PENDING, "InputChanged"),
        (job(), {"dependencies": {"big": BIG}}, Phase.PENDING, "SpecTooLarge"),
        (job(), {}, Phase.QUEUED, "Queued"),
    ],
)
def test_a_job_waits_and_says_why(view: JobView, facts: dict[str, Any], phase: Phase, reason: str) -> None:
    decision = look(view, **facts)
    status = written(decision).status
    assert status.phase is phase
    assert reason_of(decision) == ("False", reason)
    assert reason_of(decision, "Admitted") == ("False", reason)
    assert status.observed_generation == 1
    assert "CreateRun" not in kinds(decision)
    assert status.attempts is not None
    assert status.attempts.summary == "0/3"


def test_an_invalid_spec_names_the_field() -> None:
    write = written(look(job({"rows": {"configMap": {"name": "r"}}, "images": {}})))
    message = write.status.conditions[0].message
    assert "spec.rows.configMap.key: Field required" in message
    assert "spec.images: exactly one of job or cid or map must be set" in message


def test_a_job_once_admitted_stays_admitted_while_it_waits() -> None:
    before = written(look(job(), queue=queue(("uid-a", 1)))).status
    decision = look(job({"suspend": True}, before.model_copy(update={"active": None})))
    assert reason_of(decision, "Admitted") == ("True", "Admitted")


def test_a_wait_wakes_at_its_end() -> None:
    assert only(look(job({"startAfter": LATER.isoformat()})), RequeueAt).time == LATER
    assert only(look(job({"delay": "2h"})), RequeueAt).time == CREATED + timedelta(hours=2)
    assert only(look(job(status=waiting(next_attempt_time=LATER))), RequeueAt).time == LATER


@pytest.mark.parametrize(
    ("after", "told"),
    [("2026-01-02T10:00:00+02:00", "2026-01-02T08:00:00Z"), ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-12:00")],
)
def test_times_are_told_in_utc(after: str, told: str) -> None:
    """The second stands in a status that somebody wrote: of a spec it is refused."""
    until = waiting(next_attempt_time=datetime.fromisoformat(after))
    assert told in written(look(job(status=until))).status.conditions[0].message


def test_a_delay_is_for_the_first_run_alone() -> None:
    assert isinstance(look(job({"delay": "2h"}, waiting())).slot, Waiting)


def test_backoff_tells_what_went_wrong() -> None:
    status = waiting(next_attempt_time=LATER, attempts=Attempts(runs=1, last=[record(1, "KuboAway", "No answer.")]))
    decision = look(job(status=status))
    assert reason_of(decision) == ("False", "KuboAway")
    assert "No answer." in written(decision).status.conditions[0].message


def test_the_default_queue_is_made_and_no_other() -> None:
    assert only(look(job(), queue=None), EnsureQueue).name == "default"
    assert "EnsureQueue" not in kinds(look(job({"queue": "gold"}), queue=None))


def test_queued_is_written_only_after_a_second() -> None:
    soon = look(job(), now=CREATED + timedelta(milliseconds=300))
    assert kinds(soon) == ["RequeueAt"]
    assert isinstance(soon.slot, Waiting)
    assert written(look(job(), now=CREATED + timedelta(seconds=1))).status.phase is Phase.QUEUED


def test_who_was_first_seen_to_wait_just_now_is_not_told_queued_however_old_it_is() -> None:
    old = CREATED + timedelta(hours=1)
    soon = look(job(), now=old, waiting=old - timedelta(milliseconds=300))
    assert kinds(soon) == ["RequeueAt"]
    late = look(job(), now=old, waiting=old - timedelta(seconds=1))
    assert written(late).status.phase is Phase.QUEUED


def test_a_job_waits_for_a_slot_with_its_priority_and_keys() -> None:
    slot = look(mint({"priority": 0}), dependencies={"rows": DONE}).slot
    assert slot == Waiting("uid-m", 1, "MintJob", 0, CREATED, "m", (f"tree:minter/id.json/{RESULT['cid']}/",))


@pytest.mark.parametrize(("numbers", "known"), [([], 0), ([3], 0), ([1, 2], 2), ([1], 4)])
def test_a_new_run_is_above_every_number_that_was_ever_seen(numbers: list[int], known: int) -> None:
    """Runs above those that the status knows of exist where a backup was restored."""
    runs = [run(n, run().state.COMPLETE) for n in numbers]
    slot = look(job(status=waiting(Phase.QUEUED, known)), *runs).slot
    assert slot is not None
    assert slot.run == max([*numbers, known]) + 1


def test_nothing_starts_while_a_stray_lives() -> None:
    decision = look(job(status=waiting(Phase.QUEUED, 2)), run(2), queue=queue(("uid-a", 3)))
    assert kinds(decision) == ["WriteStatus", "StopRun"]
    assert not written(decision).changed, "the stop is guarded: the snapshot may be old"
    assert decision.slot is None


def test_a_taken_slot_starts_the_run() -> None:
    view = mint({"maxAttempts": 4}, status=JobStatus())
    decision = look(view, dependencies={"rows": DONE}, queue=queue(("uid-m", 1), jobDefaults={"timeout": "1h"}))
    assert kinds(decision) == ["WriteStatus", "CreateRun"]
    status, create = written(decision).status, only(decision, CreateRun)
    assert (status.phase, status.active and status.active.run) == (Phase.RUNNING, 1)
    assert status.attempts is not None
    assert (status.attempts.runs, status.attempts.summary) == (1, "1/4")
    assert status.policy == create.policy
    assert (create.policy.max_attempts, create.policy.timeout) == (4, "1h")
    inputs = {name: RESULT[name] for name in ("cid", "items", "rowsSha256")}
    assert written(decision).inputs == inputs == create.document["inputs"]
    assert create.document["job"]["run"] == 1
    assert create.document["dependencies"]["rows"]["result"] == RESULT
    assert [m.field for m in create.shared_mounts["rows"]] == ["rows"]
    assert [m.field for m in create.mounts] == ["wallet.secret"]


def test_a_frozen_input_outlives_its_source() -> None:
    view = mint(status=waiting(), inputs={"cid": RESULT["cid"], "genesis": "g"})
    decision = look(view, dependencies={"rows": DONE}, queue=queue(("uid-m", 2)))
    assert written(decision).inputs["genesis"] == "g"


@pytest.mark.parametrize("priority", [0, 9])
def test_priority_and_attempts_change_after_admission(priority: int) -> None:
    slot = look(job({"priority": priority, "maxAttempts": 9}, waiting(Phase.QUEUED))).slot
    assert isinstance(slot, Waiting)
    assert slot.priority == priority


def test_a_changed_spec_is_told_to_have_been_seen() -> None:
    status = written(look(job())).status
    assert kinds(look(job(status=status))) == []
    assert written(look(job(status=status, generation=2))).status.observed_generation == 2
