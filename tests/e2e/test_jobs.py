"""Jobs as real pods: the whole path, and what happens when any part of it dies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.cluster.forward import forwarded
from mintworks_dev.stack.values import RELEASE, RESOURCES, SYSTEM, WORLD
from support.chain import minted
from support.kube import Space, condition, kill_processes
from support.plugin import Plugin

from .conftest import Example

pytestmark = pytest.mark.timeout(900)
MINT, METADATA = "genesis-mint", "genesis-metadata"
TOTAL = 100


def done(space: Space) -> int:
    """Items that the mint job has shown as done."""
    items: dict[str, int] = space.status("mintjobs", MINT).get("progress", {}).get("items", {})
    return items.get("done", 0)


def runner_pod(space: Space, job: str) -> dict[str, Any]:
    """The running pod of a job."""
    pods: list[dict[str, Any]] = space.wait(
        f"a running pod of {job}",
        lambda: [p for p in space.list("pods", f"mintworks.dev/job={job}") if p["status"]["phase"] == "Running"],
    )
    return pods[0]


def kill(space: Space, pod: str) -> None:
    """End a pod at once, without a word to what runs in it."""
    space.kubectl("delete", "pod", pod, "--grace-period=0", "--force")


def expect_minted(cluster: AnyCluster, space: Space, status: dict[str, Any]) -> None:
    """Succeeded, and the chain itself holds each item exactly once."""
    assert status["phase"] == "Succeeded", space.describe()
    assert status["result"]["audit"] == "ok"
    with forwarded(cluster, WORLD, "localnet", 8899) as chain:
        uris = minted(chain, status["result"]["tree"])
    cid = status["inputs"]["cid"]
    assert sorted(uris) == sorted(f"ipfs://{cid}/{n}.json" for n in range(TOTAL))


def redis_keys(space: Space, uid: str) -> list[str]:
    """What Redis holds of a job, seen with the operator's rights."""
    system = space.beside(SYSTEM)
    pod = system.list("pods", "app.kubernetes.io/component=redis")[0]["metadata"]["name"]
    secret = system.kubectl("get", "secret", f"{RELEASE}-redis-operator", "-o", "jsonpath={.data.url}")
    url = base64.b64decode(secret).decode()
    pattern = f"mw:{space.namespace}:{uid}:*"
    return system.kubectl("exec", pod, "--", "redis-cli", "-u", url, "--scan", "--pattern", pattern).split()


def test_happy_path(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("happy")
    pictures = example.manifests["MetadataJob"]["spec"]["images"]["cid"]
    example.chained()
    example.apply(at)
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    # The chain of jobs from its first link: the folder is the one that IPFS names so, and was read again.
    assert at.status("uploadjobs", "genesis-images")["result"]["cid"] == pictures
    assert at.status("metadatajobs", METADATA)["inputs"]["imagesCid"] == pictures
    audit = at.finished("cleanupjobs", "genesis-audit")
    assert (audit["result"]["minted"], audit["result"]["missing"]) == (TOTAL, 0), at.describe()
    assert (status["result"]["minted"], status["result"]["already"]) == (TOTAL, 0)
    assert status["progress"]["summary"] == f"{TOTAL}/{TOTAL}"
    assert status["attempts"]["summary"] == "1/5"
    assert [c["type"] for c in status["conditions"] if c["status"] == "True"].count("Succeeded") == 1
    assert condition(status, "Failed").get("status", "False") == "False"

    at.kubectl("wait", "--for=condition=Succeeded", f"mintjob/{MINT}", "--timeout=5s")
    rows = at.kubectl("get", "mintworks").splitlines()
    assert any(line.split()[:4] == [f"mintjob.mintworks.dev/{MINT}", "Succeeded", "100/100", "1/5"] for line in rows)
    described = at.kubectl("describe", "mintjob", MINT)
    assert "Succeeded" in described.split("Events:")[1]
    logs = at.kubectl("logs", "-l", f"mintworks.dev/job={MINT}", "--tail=-1")
    assert "audit" in logs
    assert "208,175,211" not in logs  # the wallet's key


def test_runner_killed(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("runner")
    example.slow()
    example.apply(at)
    at.wait("30 % minted", lambda: done(at) >= 0.3 * TOTAL, 180)
    kill_processes(runner_pod(at, MINT)["metadata"]["uid"])
    at.wait("backoff", lambda: at.status("mintjobs", MINT)["attempts"]["made"] == 1)
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    assert status["attempts"]["made"] == 2
    assert (status["result"]["minted"], status["result"]["already"]) == (TOTAL, 0)
    assert status["progress"]["items"]["already"] >= 0.3 * TOTAL
    first, second = status["attempts"]["last"]
    assert (first["outcome"], second["outcome"]) == ("Failed", "Succeeded")
    assert second["started"] > first["finished"]


def test_retried(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    """After the end of a job, not of a run alone, whoever retries it pays for nothing twice."""
    at = space("retried")
    example.slow()
    example.manifests["MintJob"]["spec"]["maxAttempts"] = 1
    example.apply(at)
    at.wait("30 % minted", lambda: done(at) >= 0.3 * TOTAL, 180)
    kill_processes(runner_pod(at, MINT)["metadata"]["uid"])
    failed = at.finished("mintjobs", MINT)
    assert (failed["phase"], condition(failed, "Failed")["reason"]) == ("Failed", "AttemptsExhausted"), at.describe()
    plugin = Plugin(Path(cluster.environment["KUBECONFIG"]), at.namespace)
    assert plugin.done("retry", MINT).out == f"mintjob.mintworks.dev/{MINT} retried\n"
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    assert (status["attempts"]["runs"], status["attempts"]["summary"]) == (2, "1/1")
    assert (status["result"]["minted"], status["result"]["already"]) == (TOTAL, 0)
    assert status["progress"]["items"]["already"] >= 0.3 * TOTAL
    assert status["inputs"] == failed["inputs"]


def test_operator_killed(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("operator")
    system = at.beside(SYSTEM)
    example.slow()
    example.apply(at)
    at.wait("10 % minted", lambda: done(at) >= 0.1 * TOTAL, 180)
    selector = "app.kubernetes.io/component=operator"
    before = {p["metadata"]["name"] for p in system.list("pods", selector)}
    for name in before:
        kill(system, name)
    system.wait("another operator", lambda: {p["metadata"]["name"] for p in system.list("pods", selector)} - before)
    seen = done(at)
    at.wait("progress goes on", lambda: done(at) > seen, 120)
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    assert (status["attempts"]["runs"], status["result"]["minted"]) == (1, TOTAL)


def test_redis_killed(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("redis")
    system = at.beside(SYSTEM)
    example.slow()
    example.apply(at)
    at.wait("10 % minted", lambda: done(at) >= 0.1 * TOTAL, 180)
    for pod in system.list("pods", "app.kubernetes.io/component=redis"):
        kill(system, pod["metadata"]["name"])
    status = at.finished("mintjobs", MINT, 300)
    expect_minted(cluster, at, status)
    assert status["attempts"]["made"] == 1


def test_bad_row(space: Callable[[str], Space], example: Example) -> None:
    at = space("badrow")
    rows = example.manifests["ConfigMap"]["data"]
    header, *lines = rows["rows.csv"].splitlines(keepends=True)
    rows["rows.csv"] = header + "x" * 33 + ",too long a name,light-01.png,not-a-wallet,,,,,\n" + "".join(lines)
    example.apply(at)
    status = at.finished("metadatajobs", METADATA)
    assert status["phase"] == "Failed"
    assert status["attempts"]["runs"] == 1
    assert {(e["row"], e["column"]) for e in status["errors"]} == {(2, "name"), (2, "recipient_wallet")}
    failed = condition(status, "Failed")
    assert failed["status"] == "True"
    assert "problems" in failed["message"]
    described = at.kubectl("describe", "metadatajob", METADATA)
    assert "recipient_wallet" in described
    follower = at.status("mintjobs", MINT)
    assert METADATA in json.dumps(follower["conditions"])
    assert follower.get("attempts", {}).get("runs", 0) == 0


def test_suspend_and_resume(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("suspend")
    example.slow()
    example.apply(at)
    at.wait("10 % minted", lambda: done(at) >= 0.1 * TOTAL, 180)
    at.kubectl("patch", "mintjob", MINT, "--type=merge", "-p", '{"spec": {"suspend": true}}')
    at.wait("Suspended", lambda: at.status("mintjobs", MINT)["phase"] == "Suspended")
    at.wait("no pod", lambda: not at.list("pods", f"mintworks.dev/job={MINT}"))
    assert at.status("mintjobs", MINT)["attempts"]["made"] == 0
    at.kubectl("patch", "mintjob", MINT, "--type=merge", "-p", '{"spec": {"suspend": false}}')
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    assert (status["attempts"]["runs"], status["attempts"]["made"]) == (2, 1)


def test_deletion(space: Callable[[str], Space], example: Example) -> None:
    at = space("delete")
    example.slow()
    example.apply(at)
    at.wait("10 % minted", lambda: done(at) >= 0.1 * TOTAL, 180)
    uid = at.kubectl("get", "mintjob", MINT, "-o", "jsonpath={.metadata.uid}")
    assert redis_keys(at, uid)
    at.kubectl("delete", RESOURCES, "--all", "--wait")
    at.wait("no Jobs, no pods", lambda: not at.list("jobs") and not at.list("pods"))
    at.wait("no keys in Redis", lambda: not redis_keys(at, uid))


def test_applied_again(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("again")
    example.apply(at)
    expect_minted(cluster, at, at.finished("mintjobs", MINT))
    at.kubectl("delete", "mintjob", MINT, "--wait")
    at.apply(example.manifests["MintJob"])
    status = at.finished("mintjobs", MINT)
    expect_minted(cluster, at, status)
    assert (status["result"]["minted"], status["result"]["already"]) == (0, TOTAL)
