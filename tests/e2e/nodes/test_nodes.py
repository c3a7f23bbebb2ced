"""A real node that is drained, and one whose kubelet stops: for a moment, and for longer than the cluster waits."""

from __future__ import annotations

import pytest
from mintworks_dev.cluster import Cluster
from support.gated import Gated, apart, counts
from support.kube import processes

#: One worker for all of them: they share a cluster, and take turns at its node.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("nodes")]


def test_drained(own_cluster: Cluster, jobs: Gated) -> None:
    """The next run waits until there is a node again, and says so."""
    node = own_cluster.layout.node
    jobs.start("drained")
    jobs.space.kubectl("drain", node, "--pod-selector=mintworks.dev/job=drained", "--delete-emptydir-data")
    try:
        record = jobs.ended("drained", 1)
        assert (record["outcome"], record["reason"]) == ("Stalled", "Disrupted")
        jobs.told("drained", "Unschedulable")
    finally:
        jobs.space.kubectl("uncordon", node)
    assert counts(jobs.succeeds("drained")) == (1, 1, 2)


def test_a_kubelet_that_stops(own_cluster: Cluster, jobs: Gated) -> None:
    """The processes go on: nothing may be started in their place, whoever asks for their end meanwhile."""
    pods = {name: jobs.start(name)["metadata"] for name in ("brief", "lasting", "evicted", "forced")}
    own_cluster.stop_kubelet()
    own_cluster.start_kubelet()
    ready(own_cluster, jobs)
    assert counts(jobs.succeeds("brief")) == (1, 0, 1)

    own_cluster.stop_kubelet()
    left = ("lasting", "evicted", "forced")
    for name in left:
        jobs.told(name, "NodeUnreachable")
    jobs.space.evict(pods["evicted"]["name"])
    jobs.space.kubectl("delete", "pod", pods["forced"]["name"], "--grace-period=0", "--force", "--wait=false")
    for name in left:
        jobs.event(name, "does not answer")
        assert processes(pods[name]["uid"], "mintworks_runners"), "it lives"
        assert [p["metadata"]["uid"] for p in jobs.pods(name)] == [pods[name]["uid"]]
        assert (jobs.status(name)["phase"], jobs.attempts(name)["runs"]) == ("Running", 1)

    own_cluster.start_kubelet()
    ready(own_cluster, jobs)
    jobs.told("lasting", "Running")
    assert counts(jobs.succeeds("lasting")) == (1, 0, 1)
    status = jobs.succeeds("evicted")
    assert counts(status) == (1, 1, 2)
    assert apart(*status["attempts"]["last"])
    status = jobs.succeeds("forced")
    assert status["attempts"]["runs"] == 2
    assert apart(*status["attempts"]["last"])


def ready(cluster: Cluster, jobs: Gated) -> None:
    """Wait until the node is heard of."""
    jobs.space.kubectl("wait", "--for=condition=Ready", f"node/{cluster.layout.node}", "--timeout=90s")
