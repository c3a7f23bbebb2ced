"""Which ends of a job a webhook tells of, when it is tried, and what is written of it: decisions alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import JobStatus, Notification, Phase, ResolvedNotify, ResolvedPolicy
from mintworks_api.status import MAX_NOTIFICATIONS, Attempts
from mintworks_operator.core import (
    Asked,
    Decision,
    DeleteJob,
    Delivery,
    Emit,
    JobView,
    Notify,
    RequeueAt,
    WriteStatus,
    given_up,
    unsent,
)
from mintworks_operator.core.webhooks import DELAYS, announced
from support.snapshots import NOW, active, complete, finished, job, look, only, queue, written
from support.specs import RESULT

URL = "https://hooks.example/a"
SECOND = timedelta(seconds=1)
HOOK = {"notify": {"url": URL}}
POLICY = ResolvedPolicy(notify=ResolvedNotify(url=URL))


def pending(**changes: Any) -> Notification:
    made = Notification(id="msg_1", url=URL, outcome="Failed", reason="Bad", time=NOW, next_attempt_time=NOW)
    return made.model_copy(update=changes)


def told(view: JobView, *deliveries: Delivery, now: datetime = NOW, **fields: Any) -> Decision:
    return look(view, now=now, notifies=True, deliveries=deliveries, **fields)


def ended(*notifications: Notification, phase: Phase = Phase.FAILED, **spec: Any) -> JobView:
    status = finished(phase).model_copy(update={"notifications": list(notifications)})
    return job({**HOOK, **spec}, status)


def went(decision: Decision) -> Notification:
    (only_one,) = written(decision).status.notifications
    return only_one


def sent(decision: Decision) -> list[Notify]:
    return [action for action in decision.actions if isinstance(action, Notify)]


def test_an_end_is_announced_by_the_write_that_says_so() -> None:
    status = written(look(job(HOOK, active(policy=POLICY)), complete(), notifies=True)).status
    (found,) = status.notifications
    assert (found.url, found.outcome, found.reason, found.attempts) == (URL, "Succeeded", "Succeeded", 0)
    assert found.time == found.next_attempt_time == status.completion_time == NOW


@pytest.mark.parametrize("notify", [None, ResolvedNotify(url=URL, on=["Failed", "Cancelled"])])
def test_what_nobody_asked_for_is_not_announced(notify: ResolvedNotify | None) -> None:
    view = job(status=active(policy=ResolvedPolicy(notify=notify)))
    assert written(look(view, complete(), notifies=True)).status.notifications == []


def test_without_somebody_who_sends_nothing_is_announced() -> None:
    assert written(look(job(HOOK, active(policy=POLICY)), complete())).status.notifications == []


def test_a_job_that_is_cancelled_before_it_ran_is_announced() -> None:
    asked = {"cancel": Asked("1", "kubectl")}
    status = written(look(job(HOOK, asked=asked), notifies=True)).status
    assert [n.outcome for n in status.notifications] == ["Cancelled"]


def test_a_queue_says_it_for_jobs_that_do_not() -> None:
    asked = {"cancel": Asked("1", "kubectl")}
    ours = queue(jobDefaults={"notify": {"url": URL, "on": ["Failed"]}})
    assert written(look(job(asked=asked), notifies=True, queue=ours)).status.notifications == []
    own = written(look(job({"notify": {"url": f"{URL}/own"}}, asked=asked), notifies=True, queue=ours)).status
    assert [n.url for n in own.notifications] == [f"{URL}/own"]


def test_it_is_sent_in_the_next_pass_with_what_the_job_came_to() -> None:
    view = job(HOOK, active(policy=POLICY))
    write = written(look(view, complete(), notifies=True))
    view = replace(view, status=write.status, result=write.result)
    (notify,) = sent(told(view))
    assert (notify.id, notify.attempt, notify.url) == (write.status.notifications[0].id, 1, URL)
    assert notify.payload["type"] == "metadatajob.succeeded"
    assert notify.payload["timestamp"] == NOW.isoformat()
    data = notify.payload["data"]
    assert (data["name"], data["uid"], data["outcome"], data["result"]) == ("a", "uid-a", "Succeeded", RESULT)
    assert json.loads(json.dumps(notify.payload)) == notify.payload


def test_what_was_begun_anew_meanwhile_is_told_without_the_new_runs_details() -> None:
    view = job(HOOK, active(notifications=[pending()]))
    (notify,) = sent(told(view))
    assert set(notify.payload["data"]) == {"kind", "namespace", "name", "uid", "outcome", "reason", "message"}


def test_a_delivery_is_written_down_and_nothing_more_is_sent() -> None:
    decision = told(ended(pending()), Delivery("msg_1", 1, NOW, 204))
    found = went(decision)
    assert (found.delivered_time, found.next_attempt_time, found.code, found.attempts) == (NOW, None, 204, 1)
    assert (sent(decision), unsent(written(decision).status)) == ([], [])


def test_a_failure_is_written_down_with_the_time_of_the_next_try() -> None:
    decision = told(ended(pending()), Delivery("msg_1", 1, NOW, 500, "the receiver answers 500"))
    found = went(decision)
    assert (found.code, found.error, found.delivered_time) == (500, "the receiver answers 500", None)
    due = found.next_attempt_time
    assert due is not None
    assert 5 * SECOND <= due - NOW <= 7 * SECOND
    assert only(decision, RequeueAt).time == due
    assert sent(decision) == []
    assert sent(told(ended(found), now=due - SECOND)) == []
    (again,) = sent(told(ended(found), now=due))
    assert (again.id, again.attempt) == ("msg_1", 2)


@pytest.mark.parametrize("delivery", [Delivery("msg_1", 2, NOW, 200), Delivery("msg_2", 1, NOW, 200)])
def test_what_is_known_already_changes_nothing(delivery: Delivery) -> None:
    decision = told(ended(pending()), delivery)
    assert not any(isinstance(action, WriteStatus) for action in decision.actions)
    assert [n.attempt for n in sent(decision)] == [1]


def test_a_receiver_that_asks_for_patience_has_it_for_a_day_at_most() -> None:
    for asked, least in ((timedelta(minutes=2), timedelta(minutes=2)), (timedelta(days=9), timedelta(days=1))):
        found = went(told(ended(pending()), Delivery("msg_1", 1, NOW, 429, "busy", retry_after=asked)))
        assert found.next_attempt_time is not None
        assert least <= found.next_attempt_time - NOW <= least + SECOND


def test_a_receiver_that_wants_no_more_hears_no_more() -> None:
    decision = told(ended(pending()), Delivery("msg_1", 1, NOW, 410, "gone", final=True))
    assert unsent(written(decision).status) == []
    event = only(decision, Emit)
    assert (event.type, event.reason) == ("Warning", "NotNotified")


def test_the_tries_are_those_of_standard_webhooks() -> None:
    """Immediately, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; then it is given up, and people are told."""
    view, now, waits = ended(pending()), NOW, list[timedelta]()
    for attempt in range(1, len(DELAYS) + 1):
        (notify,) = sent(told(view, now=now))
        assert (notify.id, notify.attempt) == ("msg_1", attempt)
        decision = told(view, Delivery("msg_1", attempt, now, None, "it cannot be reached"), now=now)
        view = ended(went(decision))
        due = went(decision).next_attempt_time
        if due is not None:
            waits.append(due - now)
            now = due
    assert [e.reason for e in decision.actions if isinstance(e, Emit)] == ["NotNotified"]
    assert sent(told(view, now=now + timedelta(days=30))) == []
    wanted = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert [w * SECOND <= found <= (w * 1.1 + 2) * SECOND for w, found in zip(wanted, waits, strict=True)] == [True] * 9


def test_ttl_waits_until_the_webhook_is_delivered_or_given_up() -> None:
    late = NOW + timedelta(hours=1)
    assert not [a for a in told(ended(pending(), ttl="1m"), now=late).actions if isinstance(a, DeleteJob)]
    delivered = pending(next_attempt_time=None, delivered_time=NOW)
    assert only(told(ended(delivered, ttl="1m"), now=late), DeleteJob)


def test_each_end_has_an_id_of_its_own_and_no_more_are_kept_than_fit() -> None:
    notify = ResolvedNotify(url=URL)
    status = JobStatus(phase=Phase.FAILED, attempts=Attempts(runs=1))
    for number in range(MAX_NOTIFICATIONS + 5):
        at = NOW + number * SECOND
        kept = announced(status.model_copy(update={"completion_time": at}), "u", notify, "Bad", "")
        if number == 3:
            kept = [kept[0], kept[1].model_copy(update={"next_attempt_time": None}), *kept[2:]]
        status = status.model_copy(update={"notifications": kept})
    times = [n.time for n in status.notifications]
    assert len(times) == len({n.id for n in status.notifications}) == MAX_NOTIFICATIONS
    # What nobody waits for goes first, then the oldest.
    assert times == [NOW + n * SECOND for n in range(5, MAX_NOTIFICATIONS + 5)]


@given(
    st.integers(1, len(DELAYS) + 3),
    st.sampled_from([None, 200, 302, 410, 429, 500]),
    st.booleans(),
    st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_every_try_ends_in_one_of_three_ways(attempt: int, code: int | None, final: bool, after: timedelta) -> None:
    error = "" if code == 200 else "no"
    delivery = Delivery("msg_1", attempt, NOW, code, error, final=final, retry_after=after)
    found = went(told(ended(pending(attempts=attempt - 1)), delivery))
    ways = [found.delivered_time is not None, found.next_attempt_time is not None, given_up(delivery)]
    assert ways.count(True) == 1
    assert found.next_attempt_time is None or NOW < found.next_attempt_time <= NOW + timedelta(days=1.1, seconds=1)
    assert found.attempts == attempt
