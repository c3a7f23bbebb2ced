"""Why a job's pod does not start: every cause that a cluster knows, on real pods."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_dev.stack.values import RELEASE, SYSTEM
from mintworks_operator.core.texts import REASONS
from support.kube import Space, condition
from support.specs import CID
from support.starts import CONTENT, Case, config_map, cure, goes_through, until_refused, until_told, waiting
from support.webhook import MARK, Webhook

from .conftest import EXAMPLE

pytestmark = pytest.mark.timeout(900)
Json = dict[str, Any]

#: Cluster-wide objects that the causes make, for taking them away again.
WIDE = "persistentvolumes,storageclasses,validatingadmissionpolicies,validatingadmissionpolicybindings"


@contextmanager
def cleared(at: Space) -> Iterator[None]:
    """Takes away what the namespace's causes made beside it, before and afterwards."""
    kinds = "resourcequotas,limitranges,persistentvolumeclaims,configmaps,secrets"
    chosen = f"{MARK}={at.namespace}"
    at.kubectl("delete", kinds, "-l", MARK)
    at.kubectl("delete", WIDE, "-l", chosen)
    try:
        yield
    finally:
        at.kubectl("delete", WIDE, "-l", chosen, "--wait=false")


def marked(at: Space, kind: str, name: str, spec: Json, api: str = "v1", **fields: Any) -> Json:
    """An object that `cleared` takes away."""
    meta = {"name": name, "labels": {MARK: at.namespace}}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **({"spec": spec} if spec else {}), **fields}


def limits(**values: str) -> Json:
    """The runner's limits."""
    return {"runner": {"resources": {"limits": values}}}


def policy(at: Space, job: str) -> list[Json]:
    """A ValidatingAdmissionPolicy that refuses that job's pods."""
    api = "admissionregistration.k8s.io/v1"
    name = f"{at.namespace}-{job}"
    where = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": at.namespace}},
        "objectSelector": {"matchLabels": {"mintworks.dev/job": job}},
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    rule = {"expression": "false", "message": "no pods on Sundays"}
    return [
        marked(at, "ValidatingAdmissionPolicy", name, {"matchConstraints": where, "validations": [rule]}, api),
        marked(
            at,
            "ValidatingAdmissionPolicyBinding",
            name,
            {"policyName": name, "validationActions": ["Deny"]},
            api,
        ),
    ]


def runner_image(at: Space) -> str:
    """The image that the operator gives to runners."""
    environment = ".spec.template.spec.containers[0].env[?(@.name=='MINTWORKS_IMAGES')].value"
    found = at.beside(SYSTEM).kubectl("get", "deployment", RELEASE, "-o", f"jsonpath={{{environment}}}")
    return str(json.loads(found)["runner"])


@contextmanager
def lent(at: Space, *names: str) -> Iterator[Callable[[str], None]]:
    """Takes these objects away; the function that it gives, and the end, bring them back."""
    kept = {}
    for name in names:
        made = json.loads(at.kubectl("get", name, "-o", "json"))
        made["metadata"] = {key: made["metadata"][key] for key in ("name", "labels", "annotations")}
        kept[name] = made
        at.kubectl("delete", name)
    try:
        yield lambda name: at.apply(kept[name])
    finally:
        at.apply(*kept.values())


def refusals(at: Space, hook: Webhook) -> list[Case]:
    """What makes no pod at all."""
    sizes = [{"type": "Container", "max": {"memory": "2Gi"}, "min": {"memory": "100Mi"}}]
    size = [marked(at, "LimitRange", "sizes", {"limits": sizes})]

    def quota(name: str, most: str) -> list[Json]:
        # Confined to pods with a deadline: a quota counts, and asks for a limit, wherever it applies.
        return [marked(at, "ResourceQuota", name, {"hard": {f"limits.{name}": most}, "scopes": ["Terminating"]})]

    host = {"op": "add", "path": "/spec/hostNetwork", "value": True}
    requests = {"runner": {"resources": {"requests": {"memory": "64Mi"}}}}
    much = {"timeout": "1h", **limits(memory="2Gi", cpu="1")}
    return [
        Case("quota", "QuotaExceeded", "exceeded quota: memory", much, quota("memory", "1Gi")),
        Case("quota-asks", "QuotaUnspecified", "must specify limits.cpu", {"timeout": "1h"}, quota("cpu", "4")),
        Case("above", "LimitRange", "maximum memory usage per Container is 2Gi", limits(memory="3Gi"), size),
        Case("below", "LimitRange", "minimum memory usage per Container is 100Mi", requests, size),
        Case("security", "PodSecurity", "hostNetwork=true", causes=[hook.patches("security", host)]),
        Case("policy", "AdmissionDenied", "no pods on Sundays", causes=policy(at, "policy")),
        Case(
            "webhook",
            "AdmissionDenied",
            "ask the platform team",
            causes=[hook.denies("webhook", "ask the platform team")],
        ),
        Case("away", "AdmissionUnavailable", 'service "nobody" not found', causes=[hook.is_away("away")]),
    ]


def misplaced(at: Space, hook: Webhook) -> list[Case]:
    """What keeps a pod from its image or its node."""

    def image(job: str, name: str, pull: str) -> Json:
        return hook.patches(
            job,
            {"op": "replace", "path": "/spec/containers/0/image", "value": name},
            {"op": "replace", "path": "/spec/containers/0/imagePullPolicy", "value": pull},
        )

    selector = {"op": "add", "path": "/spec/nodeSelector", "value": {MARK: "nowhere"}}
    node = at.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    place = {"op": "add", "path": "/spec/nodeName", "value": node}
    # More than a job itself may ask for: the node must be too small, whichever it is.
    size = {"requests": {"cpu": "1000"}, "limits": {"memory": "1Gi"}}
    much = {"op": "replace", "path": "/spec/containers/0/resources", "value": size}
    away = "registry.invalid/mintworks/runner:none"
    return [
        Case("pull", "ImagePull", away, causes=[image("pull", away, "IfNotPresent")]),
        Case("absent", "ImageNotPresent", away, causes=[image("absent", away, "Never")]),
        Case(
            "misnamed", "ImageNameInvalid", "Not:An:Image", causes=[image("misnamed", "Not:An:Image", "IfNotPresent")]
        ),
        Case(
            "nowhere",
            "Unschedulable",
            "didn't match Pod's node affinity/selector",
            causes=[hook.patches("nowhere", selector)],
        ),
        Case("huge", "Unschedulable", "Insufficient cpu", causes=[hook.patches("huge", much)]),
        Case("crowded", "NodeRefused", "OutOfcpu", causes=[hook.patches("crowded", place, much)], ends="NodeRefused"),
    ]


def test_what_is_refused_or_finds_no_place(space: Callable[[str], Space], tmp_path: Path) -> None:
    at = space("refused")
    hook = Webhook(at, tmp_path, runner_image(at))
    hook.stop()
    with cleared(at):
        without_pod = refusals(at, hook)
        cases = [*without_pod, *misplaced(at, hook)]
        try:
            hook.start()
            at.apply(*waiting(cases))
            for case in without_pod:
                until_refused(at, case)
            goes_through(at, cases)
        finally:
            hook.stop()


def mint(secret: str) -> Json:
    """Spec of a MintJob of one item whose wallet is in that Secret."""
    return {
        "solana": {"rpcUrls": ["http://localnet:8899"]},
        "wallet": {"secret": {"name": secret, "key": "id.json"}},
        "tree": {"create": {"capacity": 8, "salt": secret}},
        "metadataFrom": {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}},
        "recipients": {"default": "wallet"},
        "maxCost": "1.5",
    }


def wallet(at: Space, name: str, key: str = "id.json") -> Json:
    """The example's wallet under another name and key."""
    made = yaml.safe_load((EXAMPLE / "wallet-secret.yaml").read_text())
    return marked(at, "Secret", name, {}, stringData={key: made["stringData"]["id.json"]})


def claim(at: Space, name: str, **spec: Any) -> Json:
    """A PersistentVolumeClaim."""
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    return marked(at, "PersistentVolumeClaim", name, {**size, **spec})


def on_claim(name: str) -> Json:
    """Spec of a MetadataJob that writes to that claim."""
    return {"storage": {"car": {"volume": {"claim": name, "path": "out.car"}}}}


def missing(at: Space, folder: str) -> list[Case]:
    """What keeps a pod from what it mounts. `folder` is a path of the node's that is not there."""
    rows = {"rows": {"configMap": {"name": "late", "key": "rows.csv"}}}
    other = {"rows": {"configMap": {"name": "rows", "key": "other.csv"}}}
    host = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Mi"},
        "storageClassName": "",
        "hostPath": {"path": folder, "type": "Directory"},
        "claimRef": {"namespace": at.namespace, "name": "unmountable"},
    }
    wide = f"{at.namespace}-volume"
    volume = marked(at, "PersistentVolume", wide, host)
    bound = claim(at, "unmountable", storageClassName="", volumeName=wide)
    at.apply(volume, bound)
    standard = json.loads(at.kubectl("get", "storageclasses", "-o", "json"))["items"][0]
    late = marked(
        at, "StorageClass", f"{at.namespace}-late", {}, "storage.k8s.io/v1", provisioner=standard["provisioner"]
    )
    unbound = claim(at, "unbound", storageClassName=late["metadata"]["name"])
    at.apply(unbound)
    return [
        Case(
            "secret",
            "SecretMissing",
            'secret "absent" not found',
            mint("absent"),
            (),
            [wallet(at, "absent")],
            "MintJob",
        ),
        Case(
            "entry",
            "SecretKeyMissing",
            "references non-existent secret key: id.json",
            mint("partial"),
            [wallet(at, "partial", "other.json")],
            [wallet(at, "partial")],
            "MintJob",
        ),
        Case("config", "ConfigMapMissing", 'configmap "late" not found', rows, (), [config_map("late", CONTENT)]),
        Case(
            "config-entry",
            "ConfigMapKeyMissing",
            "references non-existent config key: other.csv",
            other,
            (),
            [config_map("rows", {**CONTENT, "other.csv": CONTENT["rows.csv"]})],
        ),
        Case(
            "claim",
            "ClaimMissing",
            'persistentvolumeclaim "missing" not found',
            on_claim("missing"),
            (),
            [claim(at, "missing")],
        ),
        Case("unbound", "ClaimNotBound", "unbound", on_claim("unbound"), (), [late]),
        Case("mount", "MountFailed", "hostPath type check failed", on_claim("unmountable")),
    ]


PARENT = "/var/tmp"


def on_node(at: Space, script: str) -> None:
    """Run Python as root in PARENT of the node, and wait for its end: a kubelet's machine may be another than this."""
    container = {
        "name": "script",
        "image": runner_image(at),
        "command": ["python3", "-c", script],
        "workingDir": "/host",
        "securityContext": {"runAsUser": 0},
        "volumeMounts": [{"name": "host", "mountPath": "/host"}],
    }
    volume = {"name": "host", "hostPath": {"path": PARENT, "type": "Directory"}}
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    name = f"script-{secrets.token_hex(4)}"
    system = at.beside(SYSTEM)
    system.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    try:
        system.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{name}", "--timeout=90s")
    finally:
        system.kubectl("delete", "pod", name, "--now")


def test_what_is_mounted_is_missing(space: Callable[[str], Space]) -> None:
    at = space("missing")
    folder = f"mintworks-test-{secrets.token_hex(4)}"
    with cleared(at):
        cases = missing(at, f"{PARENT}/{folder}")
        at.apply(*waiting(cases))
        try:
            goes_through(
                at, cases, lambda: on_node(at, f"import os; os.mkdir('{folder}'); os.chmod('{folder}', 0o777)")
            )
        finally:
            on_node(at, f"import shutil; shutil.rmtree('{folder}', ignore_errors=True)")


def test_a_cause_that_goes_in_time_costs_nothing(space: Callable[[str], Space]) -> None:
    """Within startTimeout the very run starts that waited; one that can never start ends by maxStalled."""
    at = space("patient")
    rows = {"rows": {"configMap": {"name": "late", "key": "rows.csv"}}, "startTimeout": "10m"}
    late = Case("late", "ConfigMapMissing", 'configmap "late" not found', rows, (), [config_map("late", CONTENT)])
    once = {"rows": {"configMap": {"name": "nobody", "key": "rows.csv"}}, "maxStalled": 0}
    never = Case("never", "ConfigMapMissing", 'configmap "nobody" not found', once)
    at.kubectl("delete", "configmap", "late", "--ignore-not-found")
    at.apply(*waiting([late, never]), late.manifest, never.manifest)
    until_told(at, late)
    cure(at, [late])
    status = at.finished(late.plural, late.name)
    assert (status["phase"], status["attempts"]["runs"], status["attempts"]["stalls"]) == ("Succeeded", 1, 0)
    status = at.finished(never.plural, never.name)
    failed = condition(status, "Failed")
    assert (failed["status"], failed["reason"]) == ("True", "TooManyStalls")
    assert failed["message"].startswith(REASONS[never.reason].todo)
    assert never.words in failed["message"]
    assert failed["message"].endswith(REASONS["TooManyStalls"].todo)
    assert status["attempts"]["made"] == 0
    described = at.kubectl("describe", never.plural, never.name)
    assert failed["message"] in described.split("Events:")[0]
    assert REASONS[never.reason].todo in described.split("Events:")[1]


def test_the_tenants_own_account_and_secret(space: Callable[[str], Space]) -> None:
    """What the chart makes in a tenant's namespace: without the account nothing starts, without Redis most goes on."""
    at = space("account")
    with cleared(at), lent(at, "serviceaccount/mintworks-runner", "secret/mintworks-redis") as give_back:
        needy = Case("needy", "ServiceAccountMissing", 'serviceaccount "mintworks-runner" not found')
        cases = [needy]
        at.apply(*waiting(cases), wallet(at, "minter"))
        goes_through(at, cases, lambda: give_back("serviceaccount/mintworks-runner"))
        blind = Case("blind", "RedisAway", "`mintworks-redis`", mint("minter"), kind="MintJob")
        at.apply(blind.manifest)
        told = at.wait("it waits", lambda: blind.told(at))
        assert blind.words in told["message"]
        give_back("secret/mintworks-redis")
        assert at.finished("mintjobs", "blind")["phase"] == "Succeeded", at.describe()
