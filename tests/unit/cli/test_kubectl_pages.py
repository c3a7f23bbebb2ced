"""What `kubectl mintworks` makes of objects: descriptions, numbers of queues, answers to commands, whose they are."""

from datetime import UTC, datetime
from typing import Any

import pytest
from mintworks_cli.kubectl import asking, state
from mintworks_cli.kubectl.asking import CANCELLED, FAILED_RETRIED, RETRIED
from mintworks_cli.kubectl.describe import describe, label
from mintworks_cli.kubectl.find import Object
from mintworks_cli.kubectl.gitops import owner
from mintworks_cli.kubectl.kinds import JOBS, QUEUES
from mintworks_cli.kubectl.logs import Wanted
from mintworks_cli.kubectl.stats import columns, stats

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MADE = "2026-11-23T11:00:00Z"
META = {"name": "a", "namespace": "demo", "creationTimestamp": MADE, "uid": "u"}
RUN = {"run": 1, "outcome": "Failed", "reason": "RpcAway", "message": "No\nRPC.", "started": MADE}
MINT = {
    "apiVersion": "mintworks.dev/v1alpha1",
    "kind": "MintJob",
    "metadata": {**META, "labels": {"b": "2", "a": "1"}, "annotations": {"note": "x\ny"}},
    "spec": {"solana": {"rpcUrls": ["http://chain"]}, "dryRun": False, "recipients": {"overrides": {"3": "x"}}},
    "status": {
        "phase": "Backoff",
        "startTime": "2026-11-23T11:30:00Z",
        "nextAttemptTime": "2026-11-23T12:01:00Z",
        "progress": {
            "percent": 60,
            "summary": "60/100",
            "step": "mint",
            "message": "slot 7",
            "items": {"total": 100, "done": 60, "already": 5},
        },
        "attempts": {"made": 1, "stalls": 2, "summary": "1/5", "last": [{**RUN, "finished": "2026-11-23T11:31:00Z"}]},
        "conditions": [
            {
                "type": "Progressing",
                "status": "False",
                "reason": "Backoff",
                "message": "Goes on.",
                "lastTransitionTime": "2026-11-23T11:59:00Z",
            }
        ],
        "errors": [{"reason": "RowInvalid", "message": "33 bytes", "field": "rows", "row": 3, "column": "name"}],
        "inputs": {"cid": "bafy"},
        "policy": {"maxAttempts": 5},
    },
}
EVENT = {
    "type": "Warning",
    "reason": "RpcAway",
    "message": "No RPC.",
    "reportingComponent": "mintworks.dev/operator",
    "eventTime": "2026-11-23T11:50:00.000000Z",
    "metadata": {"uid": "e1"},
}
PAGE = """\
Name:          a
Namespace:     demo
Labels:        a=1
               b=2
Annotations:   note: x...
API Version:   mintworks.dev/v1alpha1
Kind:          MintJob
Created:       Mon, 23 Nov 2026 11:00:00 +0000
Phase:         Backoff
Start Time:    Mon, 23 Nov 2026 11:30:00 +0000
Duration:      30m
Next Attempt:  Mon, 23 Nov 2026 12:01:00 +0000
Progress:      60/100 (60%)  5 already  mint: slot 7
Attempts:      1/5 (2 stalled)
Conditions:
  Type         Status  Age  Reason   Message
  ----         ------  ---  ------   -------
  Progressing  False   60s  Backoff  Goes on.
Runs:
  Run  Outcome  Started                          Took  Reason   Message
  ---  -------  -------                          ----  ------   -------
  1    Failed   Mon, 23 Nov 2026 11:00:00 +0000  31m   RpcAway  No...
Errors:
  Reason      Where                      Message
  ------      -----                      -------
  RowInvalid  rows, row 3, column name   33 bytes
"""


def test_a_job_is_described() -> None:
    again = {**EVENT, "series": {"count": 3, "lastObservedTime": "2026-11-23T11:58:00.000000Z"}}
    page = describe(MINT, [EVENT, again], NOW)
    head, _, rest = page.partition("Inputs:\n")
    assert [line.split() for line in head.splitlines()] == [line.split() for line in PAGE.splitlines()]
    assert head.splitlines()[0] == "Name:          a"
    assert rest.splitlines() == [
        "  CID:  bafy",
        "Spec:",
        "  Dry Run:  false",
        "  Recipients:",
        "    Overrides:",
        "      3:  x",
        "  Solana:",
        "    RPC Urls:",
        "      http://chain",
        "Status:",
        "  Policy:",
        "    Max Attempts:  5",
        "Events:",
        "  Type     Reason   Age               From                    Message",
        "  ----     ------   ----              ----                    -------",
        "  Warning  RpcAway  10m               mintworks.dev/operator  No RPC.",
        "  Warning  RpcAway  2m (x3 over 10m)  mintworks.dev/operator  No RPC.",
    ]


def test_what_nobody_has_seen_yet_is_described() -> None:
    page = describe({"apiVersion": "x", "kind": "JobQueue", "metadata": META, "spec": {}}, [], NOW)
    assert "Labels:       <none>\n" in page
    assert "Conditions:   <none>\n" in page
    assert page.endswith("Events:       <none>\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rpcUrls", "RPC Urls"),
        ("rowsSha256", "Rows Sha256"),
        ("maxAttempts", "Max Attempts"),
        ("cid", "CID"),
        ("3", "3"),
    ],
)
def test_fields_have_names_for_people(name: str, text: str) -> None:
    assert label(name) == text


# --- queues ---

QUEUE = {
    "metadata": META,
    "spec": {"paused": True, "concurrency": 2, "rateLimit": {"max": 10, "per": "1m"}},
    "status": {
        "summary": "1/2",
        "running": 1,
        "waiting": 3,
        "counts": {"queued": 3, "running": 1},
        "lastHour": {"succeeded": 30, "succeededPerMinute": "0.5"},
        "oldestWaiting": "2026-11-23T11:55:00Z",
        "conditions": [
            {"type": "Healthy", "status": "False", "reason": "Degraded", "message": "Some fail."},
            {"type": "RedisConnected", "status": "True"},
        ],
    },
}


def test_the_numbers_of_a_queue() -> None:
    told = stats(QUEUE)
    assert told["counts"] == dict.fromkeys(told["counts"], 0) | {"queued": 3, "running": 1}
    assert (told["paused"], told["waiting"], told["oldestWaiting"]) == (True, 3, "2026-11-23T11:55:00Z")
    assert told["health"] == {"status": "False", "reason": "Degraded", "message": "Some fail."}
    head, line = columns([QUEUE], NOW, wide=False, namespaces=True).splitlines()
    found = dict(zip(head.split(), line.split(), strict=True))
    assert {name: found[name] for name in ("NAMESPACE", "SLOTS", "QUEUED", "OK/MIN", "OLDEST", "HEALTH")} == {
        "NAMESPACE": "demo",
        "SLOTS": "1/2",
        "QUEUED": "3",
        "OK/MIN": "0.5",
        "OLDEST": "5m",
        "HEALTH": "Degraded,Paused",
    }
    unseen = columns([{"metadata": META, "spec": {}}], NOW, wide=False, namespaces=False, headers=False)
    assert unseen.split()[:2] == ["a", "0/?"]
    assert unseen.split()[-1] == "Unknown"


def test_more_numbers_where_there_is_room() -> None:
    narrow = columns([QUEUE], NOW, wide=False, namespaces=False).splitlines()
    head, line = columns([QUEUE], NOW, wide=True, namespaces=False).splitlines()
    assert head.split()[:-5] == narrow[0].split()
    assert head.split()[-5:] == ["RATE-LIMIT", "OK/HOUR", "FAILED/HOUR", "REDIS", "WHY"]
    assert line.split()[:-6] == narrow[1].split()
    assert line.split()[-6:] == ["10/1m", "30", "0", "True", "Some", "fail."]
    unseen = columns([{"metadata": META, "spec": {}}], NOW, wide=True, namespaces=False, headers=False)
    assert unseen.split()[-5:] == ["Unknown", "-", "0", "0", "Unknown"]


# --- commands ---


def told(reason: str, message: str, uid: str = "e", count: int | None = None) -> dict[str, Any]:
    series = {} if count is None else {"series": {"count": count}}
    return {"metadata": {"uid": uid}, "reason": reason, "message": message, **series}


def test_a_command_is_echoed_by_jobs_and_by_queues() -> None:
    assert asking.echoed(RETRIED, "t", {"commands": {"retry": "t"}})
    assert not asking.echoed(RETRIED, "t", {"commands": {"cancel": "t", "retry": "s"}})
    assert not asking.echoed(RETRIED, "t", {})
    assert asking.echoed(FAILED_RETRIED, "t", {"commands": [{"name": "retry-failed", "token": "t"}]})
    assert not asking.echoed(FAILED_RETRIED, "t", {"commands": [{"name": "drain", "token": "t"}]})
    assert asking.patch(FAILED_RETRIED, "t") == {"metadata": {"annotations": {"mintworks.dev/retry-failed": "t"}}}


def test_the_answer_is_an_event_that_is_new_or_told_again() -> None:
    ignored = told("CommandIgnored", "retry: the job is fine. Asked for by me.")
    retried = told("Retried", "The job begins again. Asked for by me.", "f")
    assert asking.answer(RETRIED, [], []) is None
    assert asking.answer(RETRIED, [ignored, retried], [ignored, retried]) is None
    assert asking.answer(RETRIED, [ignored], [ignored, retried]) == ("Retried", retried["message"])
    again = told("CommandIgnored", ignored["message"], count=2)
    said = asking.answer(RETRIED, [ignored, retried], [again, retried])
    assert said is not None
    assert asking.ignored(RETRIED, said) == "the job is fine"
    # Another command's answer is not this one's.
    assert asking.answer(CANCELLED, [], [again, retried]) is None
    assert asking.ignored(RETRIED, ("Retried", "x")) is None
    assert asking.done(CANCELLED, ("Stopping", "x")) == "cancelling"
    assert asking.done(CANCELLED, ("Cancelled", "x")) == asking.done(CANCELLED, None) == "cancelled"


@pytest.mark.parametrize(
    ("time", "status", "made_with"),
    [
        (MADE, {}, True),
        ("2026-11-23T11:00:01Z", {}, False),
        # The operator's first look is over: whatever comes now is a command.
        (MADE, {"phase": "Running"}, False),
        (MADE, {"observedGeneration": 1}, False),
    ],
)
def test_a_command_within_the_second_of_the_creation(time: str, status: dict[str, Any], made_with: bool) -> None:
    def entry(name: str, moment: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:mintworks.dev/{name}": {}}}}
        return {"manager": "kubectl-mintworks", "time": moment, "fieldsV1": fields}

    managed = [{"manager": "kubectl", "time": "2026-11-23T11:00:05Z"}, entry("cancel", "2026-11-23T11:00:05Z")]
    content = {"metadata": {**META, "managedFields": [*managed, entry("retry", time)]}, "status": status}
    assert asking.counts_as_made_with(RETRIED, content) == made_with


@pytest.mark.parametrize(
    ("metadata", "tool"),
    [
        ({}, None),
        ({"labels": {"app": "x"}, "managedFields": [{"manager": "kubectl"}]}, None),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"managedFields": [{"manager": "helm-controller"}]}, "Flux"),
    ],
)
def test_objects_of_gitops_tools_are_known(metadata: dict[str, Any], tool: str | None) -> None:
    assert owner(metadata) == tool
    content = {"metadata": {**META, **metadata}}
    words = state.caution(state.SUSPENDED, Object(JOBS[0], content))
    assert (words is not None) == (tool is not None)
    # An annotation is not of what these tools own.
    assert state.caution(state.HELD, Object(JOBS[0], content)) is None
    paused = state.caution(state.PAUSED, Object(QUEUES[0], content))
    assert paused is None or paused.endswith("put spec.paused back at its next sync; change it in Git")


@pytest.mark.parametrize(
    ("content", "held", "suspended"),
    [
        ({"metadata": {}}, False, False),
        ({"metadata": {"annotations": {"mintworks.dev/hold": "false"}}, "spec": {"suspend": False}}, False, False),
        ({"metadata": {"annotations": {"mintworks.dev/hold": ""}}, "spec": {"suspend": True}}, True, True),
    ],
)
def test_states_that_are_there_already(content: dict[str, Any], held: bool, suspended: bool) -> None:
    assert (state.HELD.there(content), state.RELEASED.there(content)) == (held, not held)
    assert (state.SUSPENDED.there(content), state.RESUMED.there(content)) == (suspended, not suspended)


def test_which_part_of_a_log() -> None:
    assert Wanted().query == {"container": "runner"}
    flags = {"follow": "true", "timestamps": "true"}
    asked = Wanted(follow=True, timestamps=True, tail=0, since=5).query
    assert asked == {"container": "runner", **flags, "tailLines": "0", "sinceSeconds": "5"}
