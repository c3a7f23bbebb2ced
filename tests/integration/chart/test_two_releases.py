"""A namespace has one release: Helm and the API server refuse another, and its operator does without that namespace."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from mintworks_dev import commands
from mintworks_dev.cluster import ControlPlane
from mintworks_dev.cluster.controlplane import free_ports
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA

from .conftest import CHART, SEED, account_kubeconfig, environment, helm_template

JOB = "MetadataJob"
MARKED = {"mintworks-operator", "mintworks-redis", "mintworks-runner"}


@dataclass(frozen=True)
class Releases:
    """Two releases by name, each in a namespace of its own; `shared` is the tenant of both, `other` of the second."""

    plane: ControlPlane
    one: str
    two: str
    shared: str
    other: str

    def values(self, release: str) -> list[str]:
        tenants = [self.shared] if release == self.one else [self.shared, self.other]
        named = [f"tenants[{n}].namespace={name}" for n, name in enumerate(tenants)]
        return [f"redis.seed={SEED}", "crds.enabled=false", *named]

    def helm(self, release: str, *options: str) -> str:
        sets = [word for value in self.values(release) for word in ("--set", value)]
        return self.plane.helm("upgrade", "--install", release, CHART, "--namespace", release, *sets, *options)

    def apply(self, release: str) -> None:
        """As a GitOps tool does: Helm renders, and nothing asks whose the objects are."""
        text = helm_template(*self.values(release), release=release, namespace=release)
        self.plane.kubectl("apply", "-f", "-", stdin=text)

    def guarded(self) -> bool:
        """Whether the API server refuses what another release would write in the tenant of both."""
        words = ("serviceaccount", "mintworks-runner", "mintworks.dev/served-by=nobody/nobody")
        try:
            self.plane.kubectl("annotate", *words, "--overwrite", "--dry-run=server", "--namespace", self.shared)
        except commands.CommandError as refused:
            return "is served by the release" in refused.output
        return False

    @contextmanager
    def operator(self, release: str, folder: Path) -> Iterator[Path]:
        """The release's operator, with its account's rights; yields its log."""
        folder.mkdir()
        text = helm_template(*self.values(release), release=release, namespace=release)
        made = [m for m in yaml.safe_load_all(text) if m]
        (account,) = {m["metadata"]["name"] for m in made if m["kind"] == "Deployment"}
        kubeconfig = account_kubeconfig(self.plane, release, account, folder)
        metrics, health = free_ports(2)
        command = [sys.executable, "-m", "mintworks_operator", f"--metrics-port={metrics}", f"--health-port={health}"]
        own = {"KUBECONFIG": str(kubeconfig), "MINTWORKS_REDIS_FILE": "/nonexistent"}
        variables = {**os.environ, **environment(made, release), **own}
        log = folder / "log"
        with log.open("wb") as out, subprocess.Popen(command, env=variables, stdout=out, stderr=out) as process:
            try:
                yield log
                assert process.poll() is None, log.read_text()
            finally:
                process.terminate()
        assert "Traceback" not in log.read_text()


@pytest.fixture
def releases(control_plane: ControlPlane) -> Iterator[Releases]:
    end = uuid.uuid4().hex[:6]
    names = [f"{name}-{end}" for name in ("one", "two", "shared", "other")]
    for name in names:
        control_plane.kubectl("create", "namespace", name)
    made = Releases(control_plane, *names)
    made.helm(made.one)
    # The API server takes up a new policy on its own time, and lets everything pass until then.
    eventually("the namespace is that release's", made.guarded)
    yield made
    policies = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    selector = f"app.kubernetes.io/instance in ({made.one},{made.two})"
    control_plane.kubectl("delete", f"clusterroles,{policies}", "-l", selector)


def test_helm_refuses_another_releases_namespace(releases: Releases) -> None:
    with pytest.raises(commands.CommandError) as refused:
        releases.helm(releases.two)
    said = refused.value.output
    assert "mintworks-r" in said  # an object of the tenant, which Helm names
    assert f'current value is "{releases.one}"' in said
    with pytest.raises(commands.CommandError) as refused:
        releases.helm(releases.two, "--take-ownership")
    assert f"namespace {releases.shared} is served by the release {releases.one}/{releases.one}" in refused.value.output
    releases.helm(releases.one)  # its own upgrade is not in the way of itself


def test_the_api_server_refuses_it_whoever_asks_and_the_operator_does_without(
    releases: Releases, tmp_path: Path
) -> None:
    shared = Kubelet(releases.plane.kubeconfig, releases.shared)
    other = Kubelet(releases.plane.kubeconfig, releases.other)
    with pytest.raises(commands.CommandError) as refused:
        releases.apply(releases.two)
    why = f"namespace {releases.shared} is served by the release {releases.one}/{releases.one}: take it off"
    lines = [line for line in refused.value.output.splitlines() if why in line]
    assert {name for name in MARKED if any(name in line for line in lines)} == MARKED

    with releases.operator(releases.two, tmp_path / "two") as log:
        shared.apply(JOB, "job", METADATA)
        other.apply(JOB, "job", METADATA)
        # What is refused in one namespace is nobody else's trouble.
        eventually("a run in its own tenant", other.jobs)
        assert f"namespace {releases.shared} is not served until it can be read" in log.read_text()
        with releases.operator(releases.one, tmp_path / "one") as first:
            eventually("a run by the release that has the namespace", shared.jobs)
            assert "is not served" not in first.read_text()
        (run,) = shared.jobs()

        # The first goes, the second may have it: by itself, within seconds, and with what runs there.
        releases.plane.helm("uninstall", releases.one, "--namespace", releases.one)
        releases.apply(releases.two)
        eventually("told", lambda: f"namespace {releases.shared} can be read" in log.read_text())
        shared.apply(JOB, "next", METADATA)
        eventually("a run of the next", lambda: len(shared.jobs()) == 2)
        assert run.metadata.name in {job.metadata.name for job in shared.jobs()}
        assert shared.status(JOB, "job")["attempts"]["runs"] == 1
