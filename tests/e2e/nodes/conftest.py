"""A cluster of its own: what is done to its node would disturb every other test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mintworks_dev.cluster import Cluster
from mintworks_dev.cluster.forward import proxied
from mintworks_dev.stack.install import install
from support.gated import Gated
from support.kube import Space
from support.rows import held_rows

NAMESPACE = "e2e-nodes"
#: Seconds of silence before the node is unreachable.
PATIENCE = 12


@pytest.fixture(scope="module")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster with Mintworks, and nobody else in it."""
    if request.config.getoption("--cluster") != "local":
        pytest.skip("stops the node's kubelet: only on a cluster that is made for it, on this machine")
    cluster = Cluster("node", 1, patience=PATIENCE)
    install(cluster, [NAMESPACE])
    yield cluster
    cluster.down()


@pytest.fixture(scope="module")
def jobs(own_cluster: Cluster) -> Iterator[Gated]:
    """Jobs whose runners ask this machine for their rows."""
    with proxied(own_cluster) as api, held_rows(own_cluster.host_ip) as found:
        space = Space(own_cluster, api, NAMESPACE)
        space.kubectl("delete", "metadatajobs", "--all", "--wait")
        yield Gated(space, found).widened()
