"""One job lives through a release's whole life: upgraded, rolled back, uninstalled, and installed under another name.

It is minting all the time, by one pod; in the end each item is on the chain exactly once.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mintworks_dev.cluster.forward import forwarded
from mintworks_dev.commands import CommandError
from mintworks_dev.stack.values import WORLD
from support.chain import minted
from support.kube import Space

from ..conftest import Example
from .conftest import CHART, QUICK, SLOW, Ground, Release

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("releases")]
MINT = "genesis-mint"
TOTAL = 100
OPERATOR = {"replicas": 2, "podDisruptionBudget": {"enabled": True, "minAvailable": 1}}
#: Seconds without a leader at most: what a dead leader's Lease lasts. Handed over, it takes a fraction of that.
LEADERLESS = 15.0


def test_a_job_outlives_its_release(ground: Ground, example: Example, tmp_path: Path) -> None:
    first, at, goes = Release(ground, "first"), ground.space("stays"), ground.space("goes")
    first.upgrade(["stays", "goes"], operator=OPERATOR)
    example.slow()
    example.apply(at)
    # A tree of its own: one may be used from one namespace only.
    example.manifests["MintJob"]["spec"]["tree"]["create"]["salt"] += "-goes"
    example.apply(goes)
    at.wait("10 % minted", lambda: done(at) >= 0.1 * TOTAL, 180)
    ground.slots(SLOW)
    pods = runners(at)
    assert len(pods) == 1

    upgraded(first, at, newer_chart(tmp_path))
    failed_and_rolled_back(first, at)
    evicted(first)
    first.untroubled()
    uninstalled(first, at, goes)
    assert runners(at) == pods
    second = moved(first, at)

    ground.slots(QUICK)
    status = at.finished("mintjobs", MINT, 300)
    assert runners(at) == pods
    attempts = status["attempts"]
    assert (attempts["runs"], attempts["made"], attempts.get("stalls", 0)) == (1, 1, 0)
    assert (status["phase"], status["result"]["minted"], status["result"]["audit"]) == ("Succeeded", TOTAL, "ok")
    with forwarded(ground.cluster, WORLD, "localnet", 8899) as chain:
        uris = minted(chain, status["result"]["tree"])
    assert len(set(uris)) == len(uris) == TOTAL
    second.untroubled()


def done(space: Space) -> int:
    items: dict[str, int] = space.status("mintjobs", MINT).get("progress", {}).get("items", {})
    return items.get("done", 0)


def goes_on(space: Space, within: float = 60) -> None:
    """The job's shown progress grows: runner, Redis and operator are all at work."""
    seen = done(space)
    assert seen < TOTAL, "the job ended too early to show anything"
    space.wait("progress goes on", lambda: done(space) > seen, within)


def runners(space: Space) -> list[str]:
    """Uids of the mint job's pods: one, as long as nothing was started again."""
    return [p["metadata"]["uid"] for p in space.list("pods", f"mintworks.dev/job={MINT}")]


def newer_chart(folder: Path) -> Path:
    """The next version of the chart, whose MintJob has an optional field more."""
    chart = folder / "mintworks"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    # The images are these here; only the chart is another.
    about.write_text(about.read_text().replace("version: 0.1.0", "version: 0.2.0", 1))
    file = chart / "files" / "crds" / "mintjobs.yaml"
    before, marked, rest = file.read_text().partition("              priority:\n")
    field = "              later:\n                description: Of a later version.\n                type: string\n"
    file.write_text(before + field + marked + rest)
    return chart


def upgraded(release: Release, at: Space, chart: Path) -> None:
    """Another version of chart and CRDs, and other settings: the operators are replaced, Redis and runner are not."""
    redis, operators = release.pods("redis"), release.pods("operator")
    with leaderless(release) as gap:
        release.upgrade(
            ["stays", "goes"],
            chart=chart,
            operator={**OPERATOR, "logLevel": "debug", "resources": {"requests": {"cpu": "60m"}}},
            runner={"resources": {"limits": {"memory": "600Mi"}}},
        )
    assert not operators.keys() & release.pods("operator").keys()
    assert release.pods("redis") == redis
    assert gap[0] < LEADERLESS
    goes_on(at)
    assert "later" in fields(release.ground)
    found = at.get("mintjobs", MINT)
    assert found is not None
    assert found["spec"]["batchSize"] == 1


def fields(ground: Ground) -> set[str]:
    """Fields of a MintJob's spec in the CRD that the API server has."""
    schema = ground.crd("mintjobs")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return set(schema["properties"]["spec"]["properties"])


def failed_and_rolled_back(release: Release, at: Space) -> None:
    """Images that are nowhere, and a tenant more: the old operators stay; Redis, of which there is one, comes back."""
    operators = release.pods("operator")
    missing = {name: {"repository": f"localhost/mintworks/{name}", "tag": "missing"} for name in ("operator", "redis")}
    with pytest.raises(CommandError, match="not ready"):
        release.upgrade(["stays", "goes", "later"], "--timeout=15s", images=missing, operator=OPERATOR)
    assert operators.keys() <= release.pods("operator").keys()
    release.helm("rollback", release.name, "2", "--namespace", release.name, "--wait", "--timeout=90s")
    assert operators.keys() == release.pods("operator").keys()
    assert "later" in fields(release.ground)  # revision 2 has it
    # Redis was away for longer than the mint job's lease: it waits in blocks before it signs again.
    release.ground.slots(QUICK)
    goes_on(at, 120)
    release.ground.slots(SLOW)


def evicted(release: Release) -> None:
    """Drained, one operator after the other: the budget keeps one, and the one that is left leads."""
    leader, follower = sorted(release.pods("operator"), key=lambda name: name != release.leader())
    with leaderless(release) as gap:
        evict(release, leader)
        with pytest.raises(CommandError, match="disruption budget"):
            evict(release, follower)
        release.system.wait("another leads", lambda: release.leader() not in ("", leader))
    assert gap[0] < LEADERLESS


def evict(release: Release, pod: str) -> None:
    metadata = {"name": pod, "namespace": release.name}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{release.name}/pods/{pod}/eviction"
    release.ground.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def uninstalled(release: Release, at: Space, goes: Space) -> None:
    """The release leaves nothing of its own; jobs stay and can be deleted; their namespace, too; the runner goes on."""
    release.uninstall()
    assert release.pods("operator") == release.pods("redis") == {}
    kept = "deployments,statefulsets,persistentvolumeclaims,secrets,leases,serviceaccounts,roles,rolebindings"
    left = {f"lease.coordination.k8s.io/{release.name}-mintworks", "serviceaccount/default"}
    # Redis' volume claim goes with its StatefulSet, by the garbage collector.
    release.system.wait(
        "nothing else is left", lambda: set(release.system.kubectl("get", kept, "-o", "name").split()) == left
    )
    assert at.get("mintjobs", MINT) is not None
    goes.kubectl("delete", "mintjob", MINT, "--wait", "--timeout=30s")
    goes.kubectl("delete", "namespace", goes.namespace, "--wait", "--timeout=60s")


def moved(old: Release, at: Space) -> Release:
    """Another release: refused because of what was kept, unless one says so. It takes up the job where it is."""
    second = Release(old.ground, "second")
    with pytest.raises(CommandError, match='must equal "second": current value is "first"'):
        second.upgrade(["stays"])
    second.upgrade(["stays"], "--take-ownership")
    assert old.ground.crd("mintjobs")["metadata"]["annotations"]["meta.helm.sh/release-name"] == "second"
    # The kubelet gives the pod the new Redis' URL within a minute or so; the runner waits for five.
    old.ground.slots(QUICK)
    goes_on(at, 180)
    return second


@contextmanager
def leaderless(release: Release) -> Iterator[list[float]]:
    """How long nobody led at most, in seconds, while the block ran: a list of one number once it has ended."""
    over, longest = threading.Event(), 0.0

    def look() -> None:
        nonlocal longest
        led = time.monotonic()
        while not over.wait(0.1):
            leads = release.leader() in release.pods("operator")
            now = time.monotonic()
            longest = max(longest, now - led)
            led = now if leads else led

    found: list[float] = []
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.append(longest)
        print(f"nobody led for {longest:.1f} s at most")
