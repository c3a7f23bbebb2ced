"""The Kubernetes Job of a run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import Mount
from mintworks_api.policy import ResolvedPolicy
from mintworks_operator.config import RESOURCES, Config, load
from mintworks_operator.core import CreateRun
from mintworks_operator.jobs import build
from mintworks_operator.names import run_name
from support.snapshots import finished, job, look, mint, only, queue
from support.specs import RESULT

CONFIG: Config = load(["--images", '{"runner": "example.org/runner:1"}'], {})


def create(**spec: Any) -> CreateRun:
    rows = {"volume": {"claim": "data", "path": "in/rows.csv"}}
    done = job({"rows": rows}, finished(), name="rows", uid="uid-rows", result=RESULT)
    view = mint({"ledger": {"volume": {"claim": "data", "path": "out/ledger"}}, **spec})
    found: CreateRun = only(look(view, dependencies={"rows": done}, queue=queue(("uid-m", 1))), CreateRun)
    return found


def pod_of(made: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = made["spec"]["template"]["spec"]
    return pod


def test_owner_and_labels() -> None:
    meta = build(mint(), create(), CONFIG)["metadata"]
    owner = meta["ownerReferences"][0]
    assert (owner["kind"], owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
        "MintJob",
        "uid-m",
        True,
        False,
    )
    assert meta["labels"] == {
        "app.kubernetes.io/managed-by": "mintworks",
        "mintworks.dev/kind": "MintJob",
        "mintworks.dev/job": "m",
        "mintworks.dev/uid": "uid-m",
        "mintworks.dev/run": "1",
    }


def test_one_pod_and_rules_that_classify() -> None:
    spec = build(mint(), create(), CONFIG)["spec"]
    assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (0, "Failed")
    assert "ttlSecondsAfterFinished" not in spec
    assert "activeDeadlineSeconds" not in spec
    rules = spec["podFailurePolicy"]["rules"]
    assert {r["action"] for r in rules} == {"FailJob"}
    assert rules[0]["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert [r["onExitCodes"]["values"] for r in rules[1:]] == [[64], [75]]
    assert {r["onExitCodes"]["containerName"] for r in rules[1:]} == {"runner"}


def test_the_document_is_an_annotation_in_a_file() -> None:
    made = build(mint(), create(), CONFIG)
    document = json.loads(made["spec"]["template"]["metadata"]["annotations"]["mintworks.dev/spec"])
    assert document["job"]["name"] == "m"
    volume = next(v for v in pod_of(made)["volumes"] if v["name"] == "spec")
    assert volume["downwardAPI"]["items"][0]["path"] == "spec.json"


def test_the_restricted_profile() -> None:
    pod = pod_of(build(mint(), create(), CONFIG))
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_mounts() -> None:
    pod = pod_of(build(mint(), create(), CONFIG))
    mounts = {m["mountPath"]: m for m in pod["containers"][0]["volumeMounts"]}
    volumes = {v["name"]: v for v in pod["volumes"]}
    wallet = mounts["/mintworks/mounts/wallet.secret"]
    assert volumes[wallet["name"]]["secret"]["items"] == [{"key": "id.json", "path": "id.json"}]
    assert wallet["readOnly"]
    rows, ledger = mounts["/mintworks/mounts/dependencies/rows/rows"], mounts["/mintworks/mounts/ledger.volume"]
    assert rows["name"] == ledger["name"], "one claim is one volume"
    assert (rows["readOnly"], ledger["readOnly"]) == (True, False)
    assert volumes[rows["name"]]["persistentVolumeClaim"] == {"claimName": "data", "readOnly": False}
    assert volumes["redis"]["secret"]["optional"] is True


def test_a_claim_that_is_only_read_is_mounted_so() -> None:
    mounts = (Mount(field="rows", claim="data"), Mount(field="images.map", claim="data"))
    made = replace(create(), mounts=mounts, shared_mounts={})
    volumes = [v for v in pod_of(build(mint(), made, CONFIG))["volumes"] if "persistentVolumeClaim" in v]
    assert [v["persistentVolumeClaim"] for v in volumes] == [{"claimName": "data", "readOnly": True}]


def test_timeout_counts_from_the_pods_start() -> None:
    made = replace(create(), policy=ResolvedPolicy(timeout="1500ms"))
    assert pod_of(build(mint(), made, CONFIG))["activeDeadlineSeconds"] == 2
    assert "activeDeadlineSeconds" not in pod_of(build(mint(), create(), CONFIG))


def test_a_timeout_of_a_century_is_one_that_the_api_server_takes() -> None:
    made = replace(create(), policy=ResolvedPolicy(timeout="9999d99999h9999999m999999999s"))
    assert pod_of(build(mint(), made, CONFIG))["activeDeadlineSeconds"] == 2**31 - 1


def test_resources_of_the_job_over_those_of_the_chart() -> None:
    made = build(mint(), create(runner={"resources": {"limits": {"memory": "2Gi", "cpu": 1}}}), CONFIG)
    resources = pod_of(made)["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "2Gi", "cpu": 1}}


@pytest.mark.parametrize(
    ("asked", "requests", "limits"),
    [
        ({"requests": {"memory": "2Gi"}}, {"cpu": "100m", "memory": "2Gi"}, {"memory": "2Gi"}),
        ({"requests": {"memory": "256Mi"}}, {"cpu": "100m", "memory": "256Mi"}, {"memory": "512Mi"}),
        (
            {"limits": {"memory": "64Mi", "cpu": "50m"}},
            {"cpu": "50m", "memory": "64Mi"},
            {"memory": "64Mi", "cpu": "50m"},
        ),
        (
            {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}},
            {"cpu": "100m", "memory": "2Gi"},
            {"memory": "1Gi"},
        ),
        ({"requests": {"memory": 2**30}}, {"cpu": "100m", "memory": 2**30}, {"memory": 2**30}),
    ],
)
def test_the_charts_resources_give_way_to_the_jobs(asked: Any, requests: Any, limits: Any) -> None:
    made = build(mint(), create(runner={"resources": asked}), CONFIG)
    assert pod_of(made)["containers"][0]["resources"] == {"requests": requests, "limits": limits}
    assert CONFIG.resources == RESOURCES, "the chart's are merged into a copy"


def test_the_pod_is_placed_and_made_of_the_image_as_the_policy_says() -> None:
    asked: dict[str, Any] = {
        "image": "example.org/own:2",
        "nodeSelector": {"pool": "mint"},
        "tolerations": [{"key": "pool", "value": "mint", "effect": "NoSchedule"}],
    }
    pod = pod_of(build(mint(), create(runner=asked), CONFIG))
    assert pod["containers"][0]["image"] == asked["image"]
    assert (pod["nodeSelector"], pod["tolerations"]) == (asked["nodeSelector"], asked["tolerations"])
    plain = pod_of(build(mint(), create(), CONFIG))
    assert plain["containers"][0]["image"] == "example.org/runner:1"
    assert not {"nodeSelector", "tolerations"} & plain.keys()


@given(
    name=st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True),
    uid=st.uuids(),
    run=st.integers(1, 10**6),
)
def test_names_are_dns_labels(name: str, uid: object, run: int) -> None:
    made = run_name(name, str(uid), run)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", made)
    assert len(made) <= 63
