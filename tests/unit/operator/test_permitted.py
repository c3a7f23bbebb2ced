"""What a job or its queue asks of the runner's pod is held to the chart's lists."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_api import Phase
from mintworks_operator.core import Allowed, CreateRun
from support.snapshots import active, job, kinds, look, only, queue, reason_of, run, waiting, written

ALLOWED = Allowed.model_validate(
    {
        "images": ["example.org/own:2"],
        "nodeSelector": {"pool": ["mint", "spare"]},
        "tolerations": [{"key": "pool", "value": "mint", "effect": "NoSchedule"}],
        "cpu": "2",
        "memory": "4Gi",
    }
)
TAINT = {"key": "pool", "value": "mint", "effect": "NoSchedule"}
SLOT = queue(("uid-a", 1))


@pytest.mark.parametrize(
    "asked",
    [
        {"image": "example.org/own:2"},
        {"nodeSelector": {"pool": "spare"}},
        {"nodeSelector": {}},
        {"tolerations": [TAINT]},
        {"tolerations": [{**TAINT, "operator": "Equal"}]},
        {"resources": {"requests": {"cpu": "2000m", "memory": "4Gi"}, "limits": {"cpu": 2, "memory": 2**32}}},
    ],
    ids=str,
)
def test_what_is_listed_starts(asked: dict[str, Any]) -> None:
    made = only(look(job({"runner": asked}), queue=SLOT, allowed=ALLOWED), CreateRun)
    assert made.policy.runner.wire() == asked


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"image": "example.org/own:3"}, "spec.runner.image: example.org/own:3 is not allowed; "),
        ({"image": "example.org/own"}, "runner.allowed.images allows example.org/own:2"),
        ({"nodeSelector": {"pool": "gpu"}}, "spec.runner.nodeSelector: pool=gpu is not allowed; "),
        ({"nodeSelector": {"pool": "mint", "zone": "a"}}, "zone=a is not allowed"),
        ({"nodeSelector": {"pool": "gpu"}}, "runner.allowed.nodeSelector allows pool=mint, pool=spare"),
        ({"tolerations": [TAINT, {"operator": "Exists"}]}, "spec.runner.tolerations[1]: *:* is not allowed; "),
        ({"tolerations": [{**TAINT, "effect": "NoExecute"}]}, "pool=mint:NoExecute is not allowed; "),
        ({"tolerations": [{"key": "pool", "operator": "Exists"}]}, "tolerations allows pool=mint:NoSchedule"),
        ({"resources": {"requests": {"cpu": "2001m"}}}, "spec.runner.resources.requests.cpu: 2001m is too much; "),
        ({"resources": {"limits": {"memory": "1Ti"}}}, "runner.allowed.memory allows 4Gi"),
        ({"resources": {"requests": {"memory": 2**32 + 1}}}, "resources.requests.memory: 4294967297 is too much"),
    ],
    ids=str,
)
def test_what_is_not_listed_starts_nothing_and_names_field_value_and_list(asked: dict[str, Any], words: str) -> None:
    found = look(job({"runner": asked}), queue=SLOT, allowed=ALLOWED)
    assert kinds(found) == ["WriteStatus"]
    assert (reason_of(found, "Admitted"), reason_of(found)) == (("False", "RunnerNotAllowed"),) * 2
    assert written(found).status.phase is Phase.PENDING
    assert words in written(found).status.conditions[0].message


def test_a_chart_without_lists_allows_no_more_than_the_charts_own_pod() -> None:
    for asked in ({"image": "example.org/own:2"}, {"nodeSelector": {"pool": "mint"}}, {"tolerations": [TAINT]}):
        found = look(job({"runner": asked}), queue=SLOT, allowed=Allowed())
        assert "allows none" in written(found).status.conditions[0].message
    only(look(job(), queue=SLOT, allowed=Allowed()), CreateRun)


def test_a_queues_default_is_held_to_the_lists_too_and_named_as_its() -> None:
    defaults = {"runner": {"image": "example.org/evil:1", "resources": {"limits": {"memory": "1Gi"}}}}
    found = look(job(), queue=queue(("uid-a", 1), jobDefaults=defaults), allowed=ALLOWED)
    message = written(found).status.conditions[0].message
    assert message.startswith("JobQueue default: spec.jobDefaults.runner.image: example.org/evil:1 is not allowed")


def test_job_and_queue_are_merged_by_field_of_runner() -> None:
    defaults = {"runner": {"nodeSelector": {"pool": "mint"}, "image": "example.org/evil:1"}}
    asked = {"runner": {"image": "example.org/own:2"}}
    made = only(look(job(asked), queue=queue(("uid-a", 1), jobDefaults=defaults), allowed=ALLOWED), CreateRun)
    assert made.policy.runner.wire() == {"image": "example.org/own:2", "nodeSelector": {"pool": "mint"}}


def test_a_later_attempt_is_held_to_the_lists_of_its_time() -> None:
    view = job({"runner": {"image": "example.org/own:2"}})
    frozen = only(look(view, queue=SLOT, allowed=ALLOWED), CreateRun).policy
    status = waiting(Phase.BACKOFF).model_copy(update={"policy": frozen})
    found = look(job(dict(view.spec), status), queue=queue(("uid-a", 2)), allowed=Allowed())
    assert kinds(found) == ["WriteStatus"]
    assert reason_of(found, "Admitted") == ("False", "RunnerNotAllowed")


def test_a_run_whose_slot_was_taken_under_longer_lists_is_not_created() -> None:
    view = job({"runner": {"image": "example.org/own:2"}})
    frozen = only(look(view, queue=SLOT, allowed=ALLOWED), CreateRun).policy
    taken = job(dict(view.spec), active(policy=frozen))
    assert not [a for a in look(taken, queue=SLOT, allowed=Allowed()).actions if isinstance(a, CreateRun)]
    assert reason_of(look(taken, queue=SLOT, allowed=Allowed())) == ("False", "RunnerNotAllowed")
    assert [a for a in look(taken, queue=SLOT, allowed=ALLOWED).actions if isinstance(a, CreateRun)]


def test_a_run_that_is_there_goes_on_under_shorter_lists() -> None:
    view = job({"runner": {"image": "example.org/own:2"}})
    frozen = only(look(view, queue=SLOT, allowed=ALLOWED), CreateRun).policy
    found = look(job(dict(view.spec), active(policy=frozen)), run(), queue=SLOT, allowed=Allowed())
    assert not {"StopRun", "DeleteRun"} & set(kinds(found))
