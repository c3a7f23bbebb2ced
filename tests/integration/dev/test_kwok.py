"""Pods on nodes without a kubelet end as their job's name says, and the real scheduler and Job controller see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from mintworks_dev.cluster import ControlPlane, Kwok
from mintworks_dev.cluster.stages import TOLD_MARK
from support.polling import eventually

Json = dict[str, Any]
RESULT = {"cid": "bafy", "items": 3}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(scheduler=True) as plane, Kwok(plane, {"MetadataJob": RESULT}, seconds=0.1, nodes=2):
        yield plane


def job(name: str, run: int) -> Json:
    labels = {"mintworks.dev/job": name, "mintworks.dev/run": str(run), "mintworks.dev/kind": "MetadataJob"}
    pod = {"restartPolicy": "Never", "containers": [{"name": "runner", "image": "runner"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"backoffLimit": 0, "podReplacementPolicy": "Failed", "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"{name}-{run}"}, "spec": spec}


def started(plane: ControlPlane, name: str, run: int = 1) -> str:
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(job(name, run)))
    return f"{name}-{run}"


def pod(plane: ControlPlane, job: str) -> Json | None:
    found: list[Json] = json.loads(plane.kubectl("get", "pods", "-l", f"job-name={job}", "-o", "json"))["items"]
    return found[0] if found else None


def in_phase(plane: ControlPlane, job: str, phase: str) -> Json:
    def found() -> Json | None:
        one = pod(plane, job)
        return one if one is not None and one["status"].get("phase") == phase else None

    return eventually(f"{job} is {phase}", found)


@pytest.mark.parametrize(
    ("name", "run", "code", "told"),
    [
        ("o-a", 1, 0, {"result": RESULT}),
        ("f-a", 1, 1, {"reason": "KuboAway", "message": "Kubo does not answer."}),
        ("b-a", 1, 64, {"reason": "BadRows", "message": "1 row is bad."}),
        ("s-a", 1, 75, {"reason": "Stopped", "message": "Stopped before the work was finished."}),
        ("e-a", 1, 137, None),
        ("ffo-a", 2, 1, {"reason": "KuboAway", "message": "Kubo does not answer."}),
        ("ffo-a", 3, 0, {"result": RESULT}),
        ("ffo-a", 7, 0, {"result": RESULT}),
    ],
)
def test_a_run_ends_as_its_name_says(plane: ControlPlane, name: str, run: int, code: int, told: Json | None) -> None:
    ended = in_phase(plane, started(plane, name, run), "Failed" if code else "Succeeded")
    state = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert state["exitCode"] == code
    assert (json.loads(state["message"]) if state.get("message") else None) == told
    evicted = [c["status"] for c in ended["status"]["conditions"] if c["type"] == "DisruptionTarget"]
    assert evicted == (["True"] if name == "e-a" else [])
    verdict = "Complete" if code == 0 else "Failed"
    plane.kubectl("wait", f"--for=condition={verdict}", f"job/{name}-{run}", "--timeout=20s")


def test_a_run_that_hangs_ends_when_it_is_deleted(plane: ControlPlane) -> None:
    name = started(plane, "h-a")
    in_phase(plane, name, "Running")
    plane.kubectl("delete", "job", name, "--cascade=foreground", "--timeout=20s")
    assert pod(plane, name) is None


def test_a_run_that_waits_to_be_told_goes_on_then(plane: ControlPlane) -> None:
    name = started(plane, "t-a")
    running = in_phase(plane, name, "Running")
    plane.kubectl("annotate", "pod", running["metadata"]["name"], f"{TOLD_MARK}=yes")
    in_phase(plane, name, "Succeeded")
