"""A GitOps tool that applies the same manifests over and over, as Argo CD and Flux do, changes nothing by it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml
from mintworks_api import API_VERSION
from support.kubelet import GROUP, Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Launcher

JOB, SCHEDULE = "MetadataJob", "JobSchedule"
#: As Argo CD applies: by fields, and as `kubectl apply` does.
WAYS = {
    "server-side": ["apply", "--server-side", "--force-conflicts", "--field-manager=argocd-controller"],
    "client-side": ["apply"],
}
QUEUE: dict[str, Any] = {
    "concurrency": 3,
    "retention": {"succeeded": {"count": 0}},
    "jobDefaults": {"backoff": {"type": "fixed", "delay": "1s", "jitter": 0}},
}
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("JobQueue", "default"): QUEUE,
    (JOB, "rows"): METADATA,
    (SCHEDULE, "hourly"): {"schedule": "@hourly", "template": {"kind": JOB, "spec": {**METADATA, "delay": "9h"}}},
}


def manifests() -> str:
    """What is in Git, with the mark that the tool puts on all that it applies."""
    return yaml.safe_dump_all(
        {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "annotations": {"argocd.argoproj.io/tracking-id": f"drops:{kind}:{name}"}},
            "spec": spec,
        }
        for (kind, name), spec in SPECS.items()
    )


@contextmanager
def synced(sync: Callable[[], str]) -> Iterator[list[str]]:
    """Syncs again and again; what went wrong is in the list."""
    ended, errors = threading.Event(), list[str]()

    def again() -> None:
        while not ended.is_set():
            try:
                sync()
            except Exception as error:  # any failure is the test's
                errors.append(str(error))
                return

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield errors
    finally:
        ended.set()
        thread.join(30)


@pytest.mark.parametrize("way", WAYS)
def test_a_sync_changes_nothing(launcher: Launcher, space: Kubelet, way: str) -> None:
    def sync() -> str:
        return launcher.plane.kubectl(*WAYS[way], "-n", space.namespace, "-f", "-", stdin=manifests())

    with synced(sync) as errors:
        # One attempt fails, somebody holds the job and lets it go: all of that is told in fields that Git does not own.
        eventually("the first sync", lambda: _exists(space, "rows"))
        space.end("rows", 1, 1, {"reason": "KuboAway", "message": "No Kubo."})
        space.start("rows", 2)
        space.phase(JOB, "rows", "Running")
        space.mark(JOB, "rows", {"mintworks.dev/hold": "true"})
        space.phase(JOB, "rows", "Suspended")
        space.mark(JOB, "rows", {"mintworks.dev/hold": None})
        space.end("rows", 3, 0, {"result": RESULT})
        space.phase(JOB, "rows", "Succeeded")
        eventually("retention takes the runs", lambda: not space.jobs("rows"))
        # A time of the schedule has come.
        space.misses("hourly")
        eventually("its job", lambda: len(_names(space)) == 2)
        eventually("its job is seen", lambda: "pending" not in space.status(SCHEDULE, "hourly"))
    assert not errors

    before = {place: space.get(*place) for place in SPECS}
    for _ in range(5):
        sync()
    for place, old in before.items():
        found = space.get(*place)
        assert found["metadata"]["generation"] == 1, "nothing of a spec ever changed"
        assert found["spec"] == SPECS[place]
        if place[0] != "JobQueue":  # whose rates change by themselves
            assert found["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]
    assert space.status(JOB, "rows")["attempts"]["runs"] == 3
    assert not space.jobs("rows"), "it does not run again, though nothing is left of its runs"
    assert len(_names(space)) == 2


def _exists(space: Kubelet, name: str) -> bool:
    return name in _names(space)


def _names(space: Kubelet) -> list[str]:
    found = space.custom.list_namespaced_custom_object(*GROUP, space.namespace, "metadatajobs")
    return [str(o["metadata"]["name"]) for o in found["items"]]
