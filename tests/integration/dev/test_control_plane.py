"""The control plane alone: real, quick, private, and gone afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_api import API_VERSION, JOB_QUEUE
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.commands import CommandError
from support.polling import eventually

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: one, namespace: default}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: runner, image: "localhost/none:dev"}]
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(crds=True) as running:
        yield running


def test_it_is_the_kubernetes_that_was_asked_for(plane: ControlPlane) -> None:
    version = json.loads(plane.kubectl("version", "--output=json"))
    assert version["serverVersion"]["gitVersion"] == version["clientVersion"]["gitVersion"] == "v1.37.2"


def test_its_controllers_act(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", stdin=JOB)
    plane.kubectl("wait", "--for=create", "pod", "-l", "job-name=one", "--timeout=30s")
    plane.kubectl("delete", "job", "one", "--wait=false")


def test_what_a_resource_of_ours_owns_goes_with_it(plane: ControlPlane) -> None:
    """At once: a control plane that hears of our kinds late would take longer than this test waits."""
    queue = {"apiVersion": API_VERSION, "kind": JOB_QUEUE.kind, "metadata": {"name": "owner"}, "spec": {}}
    uid = json.loads(plane.kubectl("create", "--output=json", "-f", "-", stdin=json.dumps(queue)))["metadata"]["uid"]
    owner = {"apiVersion": API_VERSION, "kind": JOB_QUEUE.kind, "name": "owner", "uid": uid}
    meta = {"name": "theirs", "ownerReferences": [owner]}
    plane.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}))
    plane.kubectl("delete", JOB_QUEUE.plural, "owner")
    eventually("it went", lambda: not plane.kubectl("get", "configmap", "theirs", "--ignore-not-found"), 15)


def test_owner_references_need_rights_over_the_owner(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", "owners")
    plane.kubectl("-n", "owners", "create", "configmap", "owner")
    uid = plane.kubectl("-n", "owners", "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    plane.kubectl("-n", "owners", "create", "role", "maker", "--verb=create,patch,get", "--resource=configmaps")
    plane.kubectl("-n", "owners", "create", "rolebinding", "maker", "--role=maker", "--user=maker")
    owned = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "owned",
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid, "blockOwnerDeletion": True}
            ],
        },
    }
    with pytest.raises(CommandError, match="blockOwnerDeletion"):
        plane.kubectl("-n", "owners", "--as=maker", "create", "-f", "-", stdin=json.dumps(owned))


def test_a_failing_command_says_why(plane: ControlPlane) -> None:
    with pytest.raises(CommandError, match="not found"):
        plane.kubectl("get", "configmap", "nobody")


def test_nothing_of_it_is_left() -> None:
    with ControlPlane() as plane:
        folder = plane.kubeconfig.parent
    assert not folder.exists()
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(str(folder).encode() in words for words in commands)
