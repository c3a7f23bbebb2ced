"""`kubectl mintworks` and a pod that really prints something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mintworks_dev.cluster import AnyCluster
from support.kube import Space
from support.plugin import Plugin

from .conftest import Example

pytestmark = pytest.mark.timeout(600)
JOB = "metadatajob/genesis-metadata"


def test_followed(cluster: AnyCluster, space: Callable[[str], Space], example: Example) -> None:
    at = space("plugin")
    plugin = Plugin(Path(cluster.environment["KUBECONFIG"]), at.namespace)
    del example.manifests["MintJob"]
    example.apply(at)
    with plugin.start("logs", JOB, "-f", "--pod-running-timeout", "3m") as log, plugin.start("watch") as watched:
        at.finished("metadatajobs", "genesis-metadata")
        printed, said = log.communicate(timeout=60)
        shown, _ = watched.communicate(timeout=60)
    assert (log.returncode, said) == (0, ""), at.describe()
    assert printed == at.kubectl("logs", "-l", "mintworks.dev/job=genesis-metadata", "--tail=-1")
    assert printed, at.describe()
    assert watched.returncode == 0, shown
    assert [line.split()[:3] for line in shown.splitlines() if "bytes: " in line] == [[JOB, "Succeeded", "1/3"]]
    assert f"cid: {at.status('metadatajobs', 'genesis-metadata')['result']['cid']}" in shown

    last = plugin.done("logs", JOB, "--run", "1", "--tail", "1", "--timestamps").lines
    assert len(last) == 1
    assert last[0].endswith(printed.splitlines()[-1])
    assert plugin("logs", JOB, "--previous").code == 1
    assert plugin.done("queue", "clean", "genesis").out == "jobqueue.mintworks.dev/genesis cleaned\n"
    at.wait("the pod is gone", lambda: not at.list("pods", "mintworks.dev/job=genesis-metadata"))
    assert plugin("logs", JOB).err == (
        'error: the pod of run 1 of metadatajobs.mintworks.dev "genesis-metadata" is not there, and with it its log\n'
    )
