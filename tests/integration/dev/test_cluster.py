"""The local cluster, whole: up beside another one, a Job on its node, and down without a trace."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev import commands, images
from mintworks_dev.cluster import Cluster, isolation, mountpoints
from mintworks_dev.cluster.layout import Layout
from mintworks_dev.cluster.processes import Parts, wait_gone

MANIFESTS = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, labels: {app: server}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: server
      image: localhost/mintworks/redis:dev
      args: [--protected-mode, "no", --dir, /data, --appendonly, "yes"]
      readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
      securityContext:
        allowPrivilegeEscalation: false
        capabilities: {drop: [ALL]}
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {selector: {app: server}, ports: [{port: 6379}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: client}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 60
  template:
    spec:
      automountServiceAccountToken: false
      restartPolicy: Never
      containers:
        - name: client
          image: localhost/mintworks/redis:dev
          command: [sh, -c]
          args:
            - until redis-cli -h server.default.svc.cluster.local set said hello 2>/dev/null; do sleep 0.2; done;
              redis-cli -h server get said
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            seccompProfile: {type: RuntimeDefault}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    own = Cluster("test", slot=1)
    yield own
    own.down()


def test_a_job_reaches_a_service_by_name_and_what_it_wrote_is_on_the_volume(cluster: Cluster) -> None:
    cluster.up()
    images.load(cluster, images.build(["redis"]).values())
    cluster.kubectl("apply", "-f", "-", stdin=MANIFESTS)
    cluster.kubectl("wait", "--for=condition=complete", "job/client", "--timeout=90s")
    assert cluster.kubectl("logs", "job/client").split() == ["OK", "hello"]
    assert cluster.kubectl("exec", "server", "--", "redis-cli", "get", "said").strip() == "hello"
    (folder,) = (cluster.layout.root / "volumes").iterdir()
    assert (folder / "appendonlydir").is_dir()


def test_up_again_changes_nothing(cluster: Cluster) -> None:
    cluster.up()
    started = cluster.kubectl("get", "--raw", "/api/v1/namespaces/kube-system")
    cluster.up()
    assert cluster.kubectl("get", "--raw", "/api/v1/namespaces/kube-system") == started


def test_down_leaves_nothing_even_after_a_crash(cluster: Cluster) -> None:
    cluster.up()
    assert cluster.leftovers()
    runtime = cluster.part("containerd")
    # Without its runtime no pod can be removed in order: those that still run must be found and ended all the same.
    os.kill(runtime.pid, signal.SIGKILL)
    assert wait_gone([runtime], 10) == []
    assert cluster.status()["containerd"] == "ended"
    cluster.down()
    assert cluster.leftovers() == []
    assert cluster.status() == {}
    assert not Path("/run/netns", cluster.layout.namespace).exists()


def test_down_twice_is_as_good_as_once() -> None:
    own = Cluster("none", slot=2)
    own.down()
    own.down()
    assert own.leftovers() == []


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a name short enough for the sockets in it, which pytest's own are not under xdist."""
    with tempfile.TemporaryDirectory(prefix="mintworks-") as path:
        yield Path(path)


@pytest.fixture
def maker(folder: Path) -> Layout:
    """A cluster that came first, so that the mount points were made for it."""
    layout = Layout("maker", folder / "maker", 3)
    layout.root.mkdir()
    for path in isolation.SHADOWED:
        mountpoints.claim(layout, Path(path))
    return layout


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[tuple[Layout, Parts]]:
    """The namespaces of another checkout's cluster that has the name and the addresses of `none`."""
    layout = Layout("none", folder / "build", 2)
    layout.root.mkdir()
    parts = Parts(layout.root / "parts", layout.root / "logs")
    isolation.network_up(layout)
    isolation.make_cgroups(layout)
    isolation.hold(layout, parts)
    yield layout, parts
    parts.stop(isolation.HOLDER, timeout=1)
    isolation.network_down(layout)
    isolation.remove_cgroups(layout)
    mountpoints.release(layout)


def test_what_is_left_of_another_checkouts_dead_cluster_is_taken_over(elsewhere: tuple[Layout, Parts]) -> None:
    layout, parts = elsewhere
    parts.stop(isolation.HOLDER, timeout=1)
    isolation.take_over(layout)
    isolation.check_addresses(layout, isolation.host_routes())
    assert not Path("/run/netns", layout.namespace).exists()
    assert not Path("/sys/class/net", layout.host_link).exists()
    assert not any(folder.exists() for folder in isolation.cgroup_folders(layout))


def test_another_checkouts_living_cluster_is_left_alone(elsewhere: tuple[Layout, Parts]) -> None:
    layout, _ = elsewhere
    own = Cluster("none", slot=2)
    with pytest.raises(RuntimeError, match=r"another checkout's cluster has the name mintworks-none.*MINTWORKS_SLOT"):
        own.up()
    assert Path("/run/netns", layout.namespace).exists()


def test_a_cluster_that_ends_leaves_its_neighbours_their_mounts(maker: Layout, elsewhere: tuple[Layout, Parts]) -> None:
    layout, parts = elsewhere
    (layout.root / "shadow" / "run-containerd" / "own").touch()
    mountpoints.release(maker)
    assert commands.run(*isolation.inside(parts, "ls", "/run/containerd")).split() == ["own"]
