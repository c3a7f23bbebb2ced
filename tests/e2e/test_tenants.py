"""What a tenant's pods may do, and what nobody is told, on real pods."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from mintworks_dev import paths
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.commands import CommandError
from mintworks_dev.stack.values import RESOURCES, SYSTEM, WORLD
from support.kube import Space, condition
from support.relay import MARKS, PASSWORD, PATH_KEY, QUERY_KEY

from .conftest import Example

pytestmark = pytest.mark.timeout(900)
MINT, METADATA = "genesis-mint", "genesis-metadata"
CREDENTIALS = f"/v2/{PATH_KEY}/?api-key={QUERY_KEY.replace('/', '%2F')}"


# --- pods -------------------------------------------------------------------------------------------------------------


def test_pods_have_no_more_than_they_need(space: Callable[[str], Space], example: Example, api: str) -> None:
    at = space("pods")
    example.slow()
    example.apply(at)
    runner = at.wait("a running mint", lambda: running(at, MINT), 180)
    # A token would be mounted there, by whoever mounts it.
    with pytest.raises(CommandError, match="No such file"):
        at.kubectl("exec", runner["metadata"]["name"], "--", "ls", "/var/run/secrets")
    assert not any("projected" in volume for volume in runner["spec"]["volumes"])
    assert runner["spec"]["serviceAccountName"] == "mintworks-runner"
    assert account_of_no_role(at)
    # The restricted profile, asked of all pods that run here: those of the runner, the operator and Redis.
    for namespace in (at.namespace, SYSTEM):
        assert restricted(api, namespace) == []
    assert restricted(api, WORLD), "a namespace whose pods do not meet it is told of"
    at.kubectl("delete", RESOURCES, "--all", "--wait")


def running(at: Space, job: str) -> dict[str, Any] | None:
    """The running pod of a job."""
    pods = [p for p in at.list("pods", f"mintworks.dev/job={job}") if p["status"]["phase"] == "Running"]
    return pods[0] if pods else None


def account_of_no_role(at: Space) -> bool:
    """Whether nothing is bound to the runners' account, and it gives no pod a token."""
    account = json.loads(at.kubectl("get", "serviceaccount", "mintworks-runner", "-o", "json"))
    bindings = json.loads(at.kubectl("get", "rolebindings,clusterrolebindings", "-A", "-o", "json"))["items"]
    subjects = [s for b in bindings for s in b.get("subjects") or [] if s["kind"] == "ServiceAccount"]
    bound = [s for s in subjects if (s.get("namespace"), s["name"]) == (at.namespace, "mintworks-runner")]
    return not bound and account["automountServiceAccountToken"] is False


def restricted(api: str, namespace: str) -> list[str]:
    """What the API server says of the pods that are there if the namespace enforced the restricted profile now."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    found: list[str] = []
    # Twice: where the label is there already nothing is looked at.
    for value in ("privileged", "restricted"):
        wanted = {"pod-security.kubernetes.io/enforce": value} if value == "privileged" else labels
        answer = httpx.patch(
            f"{api}/api/v1/namespaces/{namespace}",
            params={"dryRun": "All"},
            headers={"Content-Type": "application/merge-patch+json"},
            content=json.dumps({"metadata": {"labels": wanted}}),
        )
        answer.raise_for_status()
        found = answer.headers.get_list("warning")
    return found


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_is_told(cluster: AnyCluster, space: Callable[[str], Space], example: Example, api: str) -> None:
    """Jobs end well and badly, each with a secret that somebody quotes; then everything that can be read is read."""
    at = space("secrets")
    wallet = json.loads(example.manifests["Secret"]["stringData"]["id.json"])
    rpc = {
        "good": f"http://app:{PASSWORD}@localnet:8899/?api-key={QUERY_KEY.replace('/', '%2F')}",
        "refusing": f"http://app:{PASSWORD}@echo:8080{CREDENTIALS}",
        "none": f"http://app:{PASSWORD}@localnet:8899x{CREDENTIALS}",
    }
    at.apply(secret("rpc", rpc), secret("keys", {"short.json": json.dumps(wallet[:63])}), *echo(at))
    mint = example.manifests["MintJob"]
    mint["spec"]["solana"] = {"rpcSecret": {"name": "rpc", "key": "good"}}
    bad = {
        "refused": variant(mint, "refused", solana={"rpcSecret": {"name": "rpc", "key": "refusing"}}),
        "no-url": variant(mint, "no-url", solana={"rpcSecret": {"name": "rpc", "key": "none"}}),
        "no-key": variant(mint, "no-key", wallet={"secret": {"name": "keys", "key": "short.json"}}),
        "no-entry": variant(mint, "no-entry", solana={"rpcSecret": {"name": "rpc", "key": "missing"}}),
    }
    example.manifests["JobQueue"]["spec"]["concurrency"] = 6
    example.apply(at)
    at.apply(*bad.values())

    status = at.finished("mintjobs", MINT)
    assert status["phase"] == "Succeeded", at.describe()
    for name in ("no-url", "no-key"):
        assert at.finished("mintjobs", name)["errors"][0]["reason"] == "InvalidSecret"
    at.wait("a refusal is shown", lambda: "no access to" in json.dumps(at.status("mintjobs", "refused")), 120)
    at.wait("a missing entry is shown", lambda: condition(at.status("mintjobs", "no-entry"), "Progressing")["reason"])

    urls = {at.namespace: redis_url(at, "mintworks-redis"), SYSTEM: redis_url(at.beside(SYSTEM), "-redis-operator")}
    told = everything(at, api) | redis_refuses(at, example, urls[at.namespace], api)
    marks = [*MARKS, *numbers(wallet), *(url.split(":")[2].split("@")[0] for url in urls.values())]
    marks += [(paths.build() / "redis-seed").read_text()] if (paths.build() / "redis-seed").exists() else []
    assert "audit" in told["logs"], "the search would find what is there"
    assert {where: [m for m in marks if m in text] for where, text in told.items()} == {where: [] for where in told}
    at.kubectl("delete", RESOURCES, "--all", "--wait")


def redis_refuses(at: Space, example: Example, url: str, api: str) -> dict[str, str]:
    """What can be read after jobs ran with a wrong Redis password, and with a URL that is none."""
    told: dict[str, str] = {}
    wrong = {"other": url.replace(f"tenant-{at.namespace}:", "tenant-x:"), "slash": url.replace("@", "/@")}
    try:
        for name, value in wrong.items():
            at.apply(secret("mintworks-redis", {"url": value}))
            job = variant(example.manifests["MetadataJob"], f"redis-{name}")
            at.apply(job)
            assert at.finished("metadatajobs", f"redis-{name}")["phase"] == "Succeeded"
            told |= {f"{where} of {name}": text for where, text in everything(at, api).items()}
            assert "channel away" in told[f"logs of {name}"]
    finally:
        at.apply(secret("mintworks-redis", {"url": url}))
    return told


def everything(at: Space, api: str) -> dict[str, str]:
    """All that people with the right to look may read, but for Secrets."""
    system = at.beside(SYSTEM)
    kinds = f"{RESOURCES},jobs,pods,events,events.events.k8s.io,configmaps"
    (operator,) = [p for p in system.list("pods", "app.kubernetes.io/component=operator") if not gone(p)]
    (redis,) = [p for p in system.list("pods", "app.kubernetes.io/component=redis") if not gone(p)]
    metrics = f"{api}/api/v1/namespaces/{SYSTEM}/pods/{operator['metadata']['name']}:8080/proxy/metrics"
    return {
        "objects": at.kubectl("get", kinds, "-o", "yaml") + at.kubectl("describe", f"{RESOURCES},jobs,pods"),
        "logs": "\n".join(at.kubectl("logs", p["metadata"]["name"], "--tail=-1") for p in runners(at)),
        "operator": system.kubectl("logs", operator["metadata"]["name"], "--tail=-1"),
        "its objects": system.kubectl("get", "pods,deployments,statefulsets,events,configmaps,leases", "-o", "yaml"),
        "redis": system.kubectl("logs", redis["metadata"]["name"], "--tail=-1"),
        "its file": system.kubectl(
            "exec", redis["metadata"]["name"], "--", "sh", "-c", "cat /data/*/* | tr -cd '[:print:]'"
        ),
        "metrics": httpx.get(metrics).raise_for_status().text,
    }


def runners(at: Space) -> list[dict[str, Any]]:
    """Pods of runs whose container has started."""
    pods = at.list("pods", "app.kubernetes.io/managed-by=mintworks")
    return [p for p in pods if p["status"]["phase"] in {"Running", "Succeeded", "Failed"}]


def gone(pod: dict[str, Any]) -> bool:
    return pod["status"]["phase"] != "Running" or "deletionTimestamp" in pod["metadata"]


def numbers(key: list[int]) -> list[str]:
    """Parts of a key as someone would print it."""
    parts = [key[start : start + 6] for start in range(0, 32, 6)]
    return [separator.join(map(str, part)) for part in parts for separator in (",", ", ")] + [bytes(key[:8]).hex()]


def redis_url(at: Space, name: str) -> str:
    """The URL in the Secret of which the name ends so."""
    found = json.loads(at.kubectl("get", "secrets", "-o", "json"))["items"]
    (data,) = [s["data"]["url"] for s in found if s["metadata"]["name"].endswith(name)]
    return base64.b64decode(data).decode()


def secret(name: str, entries: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries}


def variant(job: dict[str, Any], name: str, **spec: Any) -> dict[str, Any]:
    """The job under another name; a mint with another tree."""
    found = copy.deepcopy(job)
    found["metadata"]["name"] = name
    found["spec"] |= spec
    if "tree" in found["spec"]:
        found["spec"]["tree"]["create"]["salt"] += name
    return found


def echo(at: Space) -> list[dict[str, Any]]:
    """A pod whose RPC quotes what it is sent, and its Service."""
    (operator,) = json.loads(at.beside(SYSTEM).kubectl("get", "deployments", "-o", "json"))["items"]
    env = operator["spec"]["template"]["spec"]["containers"][0]["env"]
    image = json.loads(next(e["value"] for e in env if e["name"] == "MINTWORKS_IMAGES"))["runner"]
    code = (Path(__file__).parent / "echo.py").read_text()
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "echo",
                "image": image,
                "command": ["python", "-c", code, f"http://localnet.{WORLD}:8899", "getEpochInfo"],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
            }
        ],
    }
    meta = {"name": "echo", "labels": {"app": "echo"}}
    service = {"selector": {"app": "echo"}, "ports": [{"port": 8080}]}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo"}, "spec": service},
    ]
