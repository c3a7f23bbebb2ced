"""CRDs that change under stored objects and a running operator: to a newer version, and back."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from mintworks_api import API_VERSION, JOB_KINDS
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.commands import CommandError
from support.crdgen import crds
from support.kubelet import GROUP, PLURALS, Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Launcher, Process

Json = dict[str, Any]

JOB = "MetadataJob"
#: The CRDs as they were first shipped, without their descriptions; kinds that came later have only their own. Whatever
#: the schemas are, all kinds must be there: the operator waits for a CRD that is missing, as Helm installs them first.
FIRST: dict[str, Json] = {
    **crds(),
    **json.loads((Path(__file__).parents[2] / "data" / "crds-0.1.0.json").read_text()),
}


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """One of this module's own, because its CRDs change."""
    with ControlPlane() as plane:
        install(plane, FIRST)
        yield plane


@pytest.fixture
def start(launcher: Launcher) -> Iterator[Callable[[], Process]]:
    """Starts operators. None may stumble, and none outlives its test."""
    started: list[Process] = []

    def one() -> Process:
        started.append(launcher.start())
        eventually("it leads", lambda: started[-1].leads, 120)
        return started[-1]

    yield one
    for process in started:
        if process.popen.poll() is None:
            assert process.stop() == 0
        assert "Traceback" not in process.log.read_text(), process.log.read_text()[-4000:]


def install(plane: ControlPlane, found: dict[str, Json]) -> None:
    """Applies the CRDs, and waits until the API server goes by them: it then publishes their descriptions."""
    mark, changed = uuid.uuid4().hex, copy.deepcopy(list(found.values()))
    for crd in changed:
        schema_of(crd)["description"] = mark
    verb = "replace" if "mintworks.dev" in plane.kubectl("get", "crd", "-o", "name") else "create"
    plane.kubectl(verb, "-f", "-", stdin=yaml.safe_dump_all(changed))
    published = f"/openapi/v3/apis/{API_VERSION}"
    eventually("published", lambda: _shown(plane, published).count(mark) >= len(changed))


def _shown(plane: ControlPlane, path: str) -> str:
    try:
        return plane.kubectl("get", "--raw", path)
    except CommandError:  # before the first CRD
        return ""


def schema_of(crd: Json) -> Json:
    schema: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def newer() -> dict[str, Json]:
    """CRDs of some version to come: fields more in spec and status, one less, a tighter bound, a phase more."""
    found = copy.deepcopy(crds())
    for kind in JOB_KINDS:
        spec, status = (schema_of(found[kind])["properties"][part]["properties"] for part in ("spec", "status"))
        spec["future"] = status["future"] = status["attempts"]["properties"]["future"] = {"type": "string"}
        status["phase"]["enum"] = [*status["phase"]["enum"], "Archived"]
        spec["maxAttempts"]["maximum"] = 5
        del spec["maxStalled"]
        rules = schema_of(found[kind])["properties"]["spec"]["x-kubernetes-validations"]
        rules[:] = [rule for rule in rules if "maxStalled" not in rule["rule"]]
    return found


def test_what_was_stored_under_the_first_crds_lives_on(
    launcher: Launcher, start: Callable[[], Process], fresh: Callable[[], Kubelet]
) -> None:
    install(launcher.plane, FIRST)
    start()
    space = fresh()
    odd = {"runner": {"resources": {"requests": {"cpu": "much"}}}, "rows": {"configMap": {"name": "r", "key": ".."}}}
    space.apply(JOB, "done", METADATA)
    space.end("done", 1, 0, {"result": RESULT})
    space.phase(JOB, "done", "Succeeded")
    space.apply(JOB, "waits", {**METADATA, "suspend": True})
    space.apply(JOB, "odd", {**METADATA, **odd, "suspend": True})
    space.apply(JOB, "runs", METADATA)
    space.start("runs", 1)
    space.phase(JOB, "runs", "Running")

    install(launcher.plane, crds())
    space.end("runs", 1, 0, {"result": RESULT})
    assert space.phase(JOB, "runs", "Succeeded")["result"] == RESULT
    space.change(JOB, "waits", {"suspend": False, "priority": 0})
    space.end("waits", 1, 0, {"result": RESULT})
    space.phase(JOB, "waits", "Succeeded")
    space.change(JOB, "odd", {"suspend": False, "ttl": "1h"})
    told = eventually("explained", lambda: _reason(space, "odd", "InvalidSpec"))
    assert "spec.rows.configMap.key" in told
    assert "spec.runner.resources.requests.cpu" in told
    space.change(JOB, "done", {"ttl": "1h"})
    assert len(space.jobs("done")) == 1
    space.delete(JOB, "odd")


def _reason(space: Kubelet, name: str, reason: str) -> str | None:
    """The message of condition Progressing, once it has that reason."""
    found = space.condition(JOB, name, "Progressing")
    return str(found["message"]) if found.get("reason") == reason else None


def test_newer_crds_and_back(launcher: Launcher, start: Callable[[], Process], fresh: Callable[[], Kubelet]) -> None:
    install(launcher.plane, crds())
    first, space = start(), fresh()
    wide = {**METADATA, "maxAttempts": 50, "maxStalled": 7}
    space.apply(JOB, "runs", wide)
    space.start("runs", 1)
    space.phase(JOB, "runs", "Running")
    space.apply(JOB, "waits", {**wide, "suspend": True})
    space.phase(JOB, "waits", "Suspended")

    install(launcher.plane, newer())
    _status(space, "runs", {"future": "kept", "attempts": {"future": "kept too"}})
    space.end("runs", 1, 0, {"result": RESULT})
    status = space.phase(JOB, "runs", "Succeeded")
    assert (status["future"], status["attempts"]["future"]) == ("kept", "kept too")
    space.change(JOB, "waits", {"suspend": False})
    space.end("waits", 1, 0, {"result": RESULT})
    assert space.phase(JOB, "waits", "Succeeded")["policy"]["maxStalled"] in {3, 7}
    with pytest.raises(ApiException) as refused:
        space.apply(JOB, "wide", wide)
    assert "spec.maxAttempts" in str(refused.value.body)
    eventually("its watches go by the newer CRDs", lambda: _seen(space))
    space.apply(JOB, "new", {**METADATA, "future": "x"})
    assert "spec.future" in eventually("explained", lambda: _reason(space, "new", "InvalidSpec"))
    space.apply(JOB, "archived", {**METADATA, "suspend": True})
    space.phase(JOB, "archived", "Suspended")
    _status(space, "archived", {"phase": "Archived", "future": "kept"})
    assert "status.phase" in eventually("told", lambda: _reason(space, "archived", "StatusUnreadable"))

    install(launcher.plane, crds())
    assert first.stop() == 0
    start()
    space.end("new", 1, 0, {"result": RESULT})
    space.phase(JOB, "new", "Succeeded")
    assert space.status(JOB, "archived")["phase"] == "Archived", "not begun anew"
    assert not space.jobs("archived")
    assert space.status(JOB, "runs")["result"] == RESULT


def _seen(space: Kubelet) -> bool:
    """Whether the operator sees a field that only the newer CRDs have. A watch that began under the older ones goes on
    by them for a moment, and what they do not know is not in what it tells: such a job is started.
    """
    name = f"probe-{uuid.uuid4().hex[:6]}"
    space.apply(JOB, name, {**METADATA, "future": "x"})
    status = space.phase(JOB, name, "Pending", "Running")
    space.delete(JOB, name)
    return bool(status["phase"] == "Pending")


def _status(space: Kubelet, name: str, status: Json) -> None:
    space.custom.patch_namespaced_custom_object_status(*GROUP, space.namespace, PLURALS[JOB], name, {"status": status})
