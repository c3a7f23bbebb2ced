"""A person who may create jobs tries to gain by it, against all that the chart installs and a running operator.

No pod runs here: what a runner's pod would be is read from the pods that the Job controller made, in a namespace that
enforces the restricted profile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client
from mintworks_api import API_VERSION
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from mintworks_operator.names import labels, run_name
from support.kubelet import GROUP, Kubelet
from support.people import JOBS, Person, may, refusal, role
from support.polling import eventually
from support.specs import CID, METADATA, MINT, RESULT

from .conftest import Render, account_kubeconfig, environment
from .test_admission_policy import POLICIES
from .test_rights import RBAC

IMAGE, LISTED = "mintworks/runner:0.1.0", "example.org/own:2"
TAINT = {"key": "pool", "operator": "Equal", "value": "mint", "effect": "NoSchedule"}
OWN_ROWS = {"configMap": {"name": "mine", "key": "rows.csv"}}
CONTENT: dict[str, Any] = {**METADATA, "rows": OWN_ROWS}
KEYS: dict[str, Any] = {
    **MINT,
    "wallet": {"secret": {"name": "mine", "key": "id.json"}},
    "metadataFrom": {"cid": CID, "manifest": OWN_ROWS},
}


@dataclass(frozen=True)
class Scene:
    """A tenant's namespace with a running operator, seen by an administrator (`space`) and by others.

    `mallory` may do everything with jobs and queues, may get the Secret and ConfigMap `mine`, and nothing else;
    `builder` may create Kubernetes Jobs, and no jobs of ours.
    """

    space: Kubelet
    mallory: Person
    builder: Person

    def attack(self, kind: str, spec: dict[str, Any], **more: Any) -> tuple[str, str | None]:
        """A job of mallory's: its name, and what the API server says against it."""
        name = f"m-{uuid.uuid4().hex[:8]}"
        if kind == "MintJob":
            # Each has a tree of its own: two jobs at one tree would wait for each other.
            spec = {**spec, "tree": {"create": {"capacity": 100, "salt": name}}}
        metadata = {"name": name, **more.pop("metadata", {})}
        plural = f"{kind.lower()}s"
        return name, self.mallory.create(plural, kind, name, spec, metadata=metadata, **more)

    def pod(self, kind: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The pod of the first run of a job of mallory's, as it stands in YAML."""
        name, said = self.attack(kind, spec, **more)
        assert said is None, said
        wire: Any = client.ApiClient()
        found: dict[str, Any] = wire.sanitize_for_serialization(self.space.pod(name, 1))
        return found

    def held_back(self, kind: str, spec: dict[str, Any]) -> str:
        """The message by which the operator keeps a job of mallory's from starting."""
        name, said = self.attack(kind, spec)
        assert said is None, said

        def told() -> dict[str, Any] | None:
            found = self.space.condition(kind, name, "Admitted")
            return found if found.get("status") == "False" else None

        found = eventually(f"{name} is told why it does not start", told)
        assert found["reason"] == "RunnerNotAllowed", found
        assert not self.space.jobs(name)
        return str(found["message"])


@pytest.fixture(scope="module")
def scene(control_plane: ControlPlane, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    end, folder = uuid.uuid4().hex[:8], tmp_path_factory.mktemp("attacks")
    system, tenant, full = f"system-{end}", f"tenant-{end}", f"mw-{end}"
    control_plane.kubectl("create", "namespace", system)
    made = render(
        f"tenants[0].namespace={tenant}",
        "tenants[0].createNamespace=true",
        f"fullnameOverride={full}",
        f"runner.allowed.images={{{LISTED}}}",
        "runner.allowed.nodeSelector.pool={mint}",
        *(f"runner.allowed.tolerations[0].{name}={value}" for name, value in TAINT.items()),
        namespace=system,
    )
    own = [may("get", "secrets", "mine"), may("get", "configmaps", "mine")]
    objects = [m for m in made if m["kind"] in RBAC | POLICIES]
    objects += role(tenant, f"mallory-{end}", [JOBS, *own])
    objects += role(tenant, f"builder-{end}", [may("create", "jobs", group="batch")])
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(objects))
    space = Kubelet(control_plane.kubeconfig, tenant)
    people = (Person(control_plane.kubeconfig, tenant, f"{name}-{end}") for name in ("mallory", "builder"))
    found = Scene(space, *people)
    eventually("the policies are in force", lambda: "you may not" in str(found.attack("MintJob", MINT)[1]))
    space.apply("JobQueue", "default", {"concurrency": 100})
    variables = {
        **os.environ,
        **environment(made, system),
        "MINTWORKS_REDIS_FILE": "/nonexistent",
        "KUBECONFIG": str(account_kubeconfig(control_plane, system, full, folder)),
    }
    with running(variables, folder / "operator.log"):
        yield found
    names = [m["metadata"]["name"] for m in made if m["kind"] in POLICIES]
    control_plane.kubectl("delete", ",".join(kind.lower() for kind in POLICIES), *sorted(set(names)))
    control_plane.kubectl("delete", "clusterrole", f"{full}-view", f"{full}-edit")


class running:  # noqa: N801 (read as a statement)
    """An operator with these variables, for the length of a block; it must not have hit a bug of its own."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._variables, self._log = variables, log

    def __enter__(self) -> None:
        metrics, health = free_ports(2)
        command = [sys.executable, "-m", "mintworks_operator", f"--metrics-port={metrics}", f"--health-port={health}"]
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(command, env=self._variables, stdout=out, stderr=out)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0, self._log.read_text()[-4000:]
        assert "Traceback" not in self._log.read_text(), self._log.read_text()[-4000:]


def expect_harmless(pod: dict[str, Any], *, image: str = IMAGE) -> None:
    """A runner's pod with everything that could give it more than it needs named, so that what is new is seen."""
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert (container["image"], spec["serviceAccountName"]) == (image, "mintworks-runner")
    assert spec["automountServiceAccountToken"] is False
    assert not container.keys() & {"command", "args", "env", "envFrom", "ports", "lifecycle", "volumeDevices"}
    assert not spec.keys() & {"initContainers", "ephemeralContainers", "hostNetwork", "hostPID", "hostIPC", "nodeName"}
    assert not spec.keys() & {"hostAliases", "runtimeClassName", "priorityClassName", "hostUsers"}
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    forms = {form for volume in spec["volumes"] for form in volume.keys() - {"name"}}
    assert forms <= {"downwardAPI", "emptyDir", "secret", "configMap", "persistentVolumeClaim"}
    assert pod["metadata"]["annotations"].keys() == {"mintworks.dev/spec"}
    assert pod["metadata"]["labels"].keys() <= {
        *("app.kubernetes.io/managed-by", "sidecar.istio.io/inject"),
        *(f"mintworks.dev/{name}" for name in ("kind", "job", "uid", "run")),
        *("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"),
    }
    assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    for mount in container["volumeMounts"]:
        assert mount["mountPath"] == "/tmp" or mount["mountPath"].startswith("/mintworks/")
        assert not mount.keys() & {"subPath", "subPathExpr", "mountPropagation"}
        assert ".." not in mount["mountPath"]


def secrets_of(pod: dict[str, Any]) -> set[str]:
    return {v["secret"]["secretName"] for v in pod["spec"]["volumes"] if "secret" in v}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("wallet.secret.name", {"wallet": {"secret": {"name": "minter", "key": "id.json"}}}),
        ("wallet.secret.name", {"wallet": {"secret": {"name": "mintworks-redis", "key": "url"}}}),
        ("solana.rpcSecret.name", {"solana": {"rpcSecret": {"name": "mintworks-redis", "key": "url"}}}),
        (
            "metadataFrom.manifest.configMap.name",
            {"metadataFrom": {"cid": CID, "manifest": {"configMap": {"name": "kube-root-ca.crt", "key": "ca.crt"}}}},
        ),
        ("ledger.volume.claim", {"ledger": {"volume": {"claim": "ledgers", "path": "ledger.csv"}}}),
    ],
)
def test_no_secret_entry_or_claim_of_others_is_read_or_written(
    scene: Scene, field: str, change: dict[str, Any]
) -> None:
    _, said = scene.attack("MintJob", {**KEYS, **change})
    assert f"spec.{field}: you may not get" in str(said)


def test_a_job_signs_with_its_authors_key_alone(scene: Scene) -> None:
    """A namespace beside the Secret's name is no field: the Secret is its own namespace's, whatever is written."""
    secret = {"name": "mine", "key": "id.json", "namespace": "another-tenant"}
    pod = scene.pod("MintJob", {**KEYS, "wallet": {"secret": secret}})
    expect_harmless(pod)
    assert secrets_of(pod) == {"mine", "mintworks-redis"}
    assert "another-tenant" not in json.dumps(pod)
    _, said = scene.attack("MintJob", {**KEYS, "wallet": {"secret": {**secret, "name": "another-tenant/mine"}}})
    assert "spec.wallet.secret.name" in str(said)


POD_FIELDS = {
    "hostNetwork": True,
    "hostPID": True,
    "privileged": True,
    "serviceAccountName": "default",
    "automountServiceAccountToken": True,
    "securityContext": {"runAsUser": 0},
    "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    "containers": [{"name": "runner", "image": "example.org/evil:1", "command": ["cat"]}],
    "template": {"spec": {"hostNetwork": True}},
    "env": [{"name": "A", "value": "b"}],
    "command": ["cat"],
}


def test_fields_of_pods_reach_no_pod(scene: Scene) -> None:
    """The API server drops fields that it does not know, unless it is asked (as kubectl does) to refuse them."""
    resources = {"limits": {"memory": "1Gi", "example.org/gpu": "1"}, "claims": [{"name": "x"}]}
    runner = {**POD_FIELDS, "resources": resources}
    rows = {"configMap": {"name": "mine", "key": "rows.csv", "defaultMode": 511, "subPath": "../.."}}
    pod = scene.pod("MetadataJob", {**CONTENT, **POD_FIELDS, "rows": rows, "runner": runner, "pod": POD_FIELDS})
    expect_harmless(pod)
    assert "evil" not in json.dumps(pod)
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}


def test_labels_annotations_and_owners_of_a_job_reach_no_pod(scene: Scene) -> None:
    metadata = {
        "labels": {"sidecar.istio.io/inject": "true", "mintworks.dev/uid": "x", "mintworks.dev/run": "7", "team": "m"},
        "annotations": {
            "mintworks.dev/spec": "{}",
            "container.apparmor.security.beta.kubernetes.io/runner": "unconfined",
            "sidecar.istio.io/inject": "true",
        },
        "ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "minter", "uid": str(uuid.uuid4())}],
    }
    # Without the owner: the garbage collector deletes what has an owner that is not there.
    pod = scene.pod("MetadataJob", CONTENT, metadata={k: metadata[k] for k in ("labels", "annotations")})
    expect_harmless(pod)
    assert pod["metadata"]["labels"]["mintworks.dev/run"] == "1"
    (owner,) = pod["metadata"]["ownerReferences"]
    assert owner["kind"] == "Job"
    name, said = scene.attack("MetadataJob", {**CONTENT, "suspend": True}, metadata=metadata)
    assert said is None
    eventually("it goes with its owner, which is not there", lambda: _is_gone(scene, name))


def _is_gone(scene: Scene, name: str) -> bool:
    found = scene.space.custom.list_namespaced_custom_object(*GROUP, scene.space.namespace, "metadatajobs")
    return name not in {job["metadata"]["name"] for job in found["items"]}


def test_nothing_that_a_job_says_is_expanded_or_run(scene: Scene) -> None:
    odd = "$(HOSTNAME) $$(A) `id`;\u202e'\"\n{{ .Values.redis.seed }} ${HOME}"
    collection = {"name": odd, "externalUrl": "https://x.example/$(A)"}
    pod = scene.pod("MetadataJob", {**CONTENT, "collection": collection})
    expect_harmless(pod)
    document = json.loads(pod["metadata"]["annotations"]["mintworks.dev/spec"])
    assert document["job"]["spec"]["collection"] == collection
    assert "HOSTNAME" not in json.dumps(pod["spec"])


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        ({"image": "example.org/evil:1"}, f"spec.runner.image: example.org/evil:1 is not allowed; {{}} {LISTED}"),
        ({"image": f"{LISTED}@sha256:{'0' * 64}"}, "spec.runner.image"),
        ({"image": IMAGE}, "spec.runner.image"),
        ({"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}, "spec.runner.nodeSelector"),
        ({"nodeSelector": {"kubernetes.io/hostname": "victim"}}, "runner.allowed.nodeSelector allows pool=mint"),
        ({"tolerations": [{"operator": "Exists"}]}, "spec.runner.tolerations[0]"),
        ({"resources": {"requests": {"cpu": "1000"}}}, "spec.runner.resources.requests.cpu: 1000 is too much"),
        ({"resources": {"limits": {"memory": "100Ti"}}}, "spec.runner.resources.limits.memory"),
        ({"resources": {"limits": {"memory": 2**62}}}, "runner.allowed.memory allows 4Gi"),
    ],
    ids=str,
)
def test_another_image_node_or_size_than_the_chart_lists_starts_nothing(
    scene: Scene, runner: dict[str, Any], words: str
) -> None:
    assert words.format("the chart's runner.allowed.images allows") in scene.held_back(
        "MetadataJob", {**CONTENT, "runner": runner}
    )


def test_a_queues_defaults_are_no_way_around_the_lists(scene: Scene) -> None:
    name = f"q-{uuid.uuid4().hex[:8]}"
    defaults = {"jobDefaults": {"runner": {"image": "example.org/evil:1", "tolerations": [{"operator": "Exists"}]}}}
    assert scene.mallory.create("jobqueues", "JobQueue", name, defaults) is None
    said = scene.held_back("MetadataJob", {**CONTENT, "queue": name})
    assert f"JobQueue {name}: spec.jobDefaults.runner.image: example.org/evil:1 is not allowed" in said
    assert "spec.jobDefaults.runner.tolerations[0]: *:* is not allowed" in said


def test_what_the_chart_lists_reaches_the_pod(scene: Scene) -> None:
    resources = {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}}
    runner = {"image": LISTED, "nodeSelector": {"pool": "mint"}, "tolerations": [TAINT], "resources": resources}
    pod = scene.pod("MetadataJob", {**CONTENT, "runner": runner})
    expect_harmless(pod, image=LISTED)
    assert pod["spec"]["nodeSelector"] == {"pool": "mint"}
    assert TAINT in pod["spec"]["tolerations"]
    assert pod["spec"]["containers"][0]["resources"] == resources


def test_no_status_is_written_but_by_the_operator(scene: Scene) -> None:
    """Neither with a job that is created, nor by an update of it, nor of its status, nor of its queue's."""
    result = {"cid": CID, "items": 1, "bytes": 1, "rowsSha256": "0" * 64}
    status = {"phase": "Succeeded", "result": result, "policy": {"runner": {"image": "example.org/evil:1"}}}
    name, said = scene.attack("MetadataJob", {**CONTENT, "suspend": True}, status=status)
    assert said is None
    assert scene.space.phase("MetadataJob", name, "Suspended").get("result") is None
    assert scene.mallory.patch("metadatajobs", name, {"status": status}) is None
    assert "cannot patch resource" in str(scene.mallory.patch("metadatajobs", name, {"status": status}, part="status"))
    freed: dict[str, Any] = {"status": {"reservations": []}}
    assert "cannot patch resource" in str(scene.mallory.patch("jobqueues", "default", freed, part="status"))
    found = scene.space.status("MetadataJob", name)
    assert (found["phase"], found.get("result"), found.get("policy")) == ("Suspended", None, None)


def test_jobs_with_like_names_have_runs_of_their_own(scene: Scene) -> None:
    """Names that are alike as far as a run's name shows them, one that is another's run's, and one of another kind."""
    head = f"{'x' * 40}-{uuid.uuid4().hex[:6]}"
    names = [f"{head}-a", f"{head}-b"]
    for name in names:
        assert scene.mallory.create("metadatajobs", "MetadataJob", name, CONTENT) is None
    victim = scene.space.pod(names[0], 1).metadata.labels["job-name"]
    names.append(victim[:63].rstrip("-"))
    assert scene.mallory.create("metadatajobs", "MetadataJob", names[2], CONTENT) is None
    assert scene.mallory.create("mintjobs", "MintJob", names[0], {**KEYS, "batchSize": 1}) is None
    eventually("each has its run", lambda: len(scene.space.jobs(names[0])) == 2)
    owners = [scene.space.pod(name, 1).metadata.labels["mintworks.dev/uid"] for name in names[1:]]
    owners += [job.metadata.labels["mintworks.dev/uid"] for job in scene.space.jobs(names[0])]
    assert len(set(owners)) == 4
    for name in names:
        for job in scene.space.jobs(name):
            assert job.metadata.owner_references[0].uid == job.metadata.labels["mintworks.dev/uid"]


def forged(scene: Scene, job: str, number: int, name: str = "", *, owned: bool = True) -> dict[str, Any]:
    """A Kubernetes Job that passes itself off as a run of that MetadataJob; with the run's name, or another."""
    uid = scene.space.get("MetadataJob", job)["metadata"]["uid"]
    marks = labels("MetadataJob", job, uid, number)
    owner = {"apiVersion": API_VERSION, "kind": "MetadataJob", "name": job, "uid": uid, "controller": True}
    container = {"name": "runner", "image": "example.org/evil:1"}
    template = {"metadata": {"labels": marks}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name or run_name(job, uid, number),
            "labels": marks,
            "ownerReferences": [owner] if owned else [],
        },
        "spec": {"template": template},
    }


def test_a_forged_run_is_ended_or_passed_over_and_its_word_not_taken(scene: Scene) -> None:
    """By somebody who may create Kubernetes Jobs, and so read the namespace's Secrets anyway."""
    name, said = scene.attack("MetadataJob", {**CONTENT, "suspend": True})
    assert said is None
    scene.space.phase("MetadataJob", name, "Suspended")
    strangers = {f"{name}-forged", f"{name}-bare"}
    forgeries = [forged(scene, name, 7), forged(scene, name, 8, f"{name}-forged")]
    forgeries.append(forged(scene, name, 9, f"{name}-bare", owned=False))
    for body in forgeries:
        assert refusal(scene.builder.batch.create_namespaced_job, scene.space.namespace, body) is None
    eventually("what could be taken for a run is ended", lambda: _names(scene, name) == strangers)
    scene.space.change("MetadataJob", name, {"suspend": False})
    eventually("a run of its own", lambda: len(_names(scene, name)) == 3)
    status = scene.space.phase("MetadataJob", name, "Running")
    assert "result" not in status
    (own,) = (job for job in scene.space.jobs(name) if job.metadata.name not in strangers)
    assert own.spec.template.spec.containers[0].image == IMAGE
    assert own.metadata.name.endswith(f"-{status['active']['run']}")


def _names(scene: Scene, job: str) -> set[str]:
    return {found.metadata.name for found in scene.space.jobs(job)}


def test_who_may_only_create_jobs_may_do_nothing_else_in_the_namespace(scene: Scene) -> None:
    """No pods, no Kubernetes Jobs, no reading of the Redis Secret, no token, no exec."""
    person, namespace = scene.mallory, scene.space.namespace
    body = forged(scene, scene.attack("MetadataJob", {**CONTENT, "suspend": True})[0], 1, owned=True)
    pod = {"metadata": {"name": "evil"}, "spec": body["spec"]["template"]["spec"]}
    for call, arguments in (
        (person.batch.create_namespaced_job, (namespace, body)),
        (person.core.create_namespaced_pod, (namespace, pod)),
        (person.core.read_namespaced_secret, ("mintworks-redis", namespace)),
        (person.core.list_namespaced_secret, (namespace,)),
        (person.core.create_namespaced_service_account_token, ("mintworks-runner", namespace, {"spec": {}})),
    ):
        assert "forbidden" in str(refusal(call, *arguments)), call


def test_a_metadatajobs_rows_reach_who_builds_on_it_and_are_shown_to_nobody(scene: Scene) -> None:
    """What a MetadataJob reads its namespace's MintJobs read, too: see docs/security.md."""
    name = f"others-{uuid.uuid4().hex[:6]}"
    scene.space.apply("MetadataJob", name, {**METADATA, "rows": {"configMap": {"name": "theirs", "key": "rows.csv"}}})
    scene.space.end(name, 1, 0, {"result": RESULT})
    pod = scene.pod("MintJob", {**KEYS, "metadataFrom": {"job": name}})
    expect_harmless(pod)
    (volume,) = (v for v in pod["spec"]["volumes"] if "configMap" in v)
    (mount,) = (m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == volume["name"])
    assert (volume["configMap"]["name"], mount["readOnly"]) == ("theirs", True)
    assert secrets_of(pod) == {"mine", "mintworks-redis"}
