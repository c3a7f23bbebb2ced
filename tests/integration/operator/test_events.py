"""Events on a real API server: what is told again counts up on the Event that is there, and a burst is not all told."""

from __future__ import annotations

from datetime import timedelta

from mintworks_dev.cluster import ControlPlane
from mintworks_operator.api import EVENTS
from mintworks_operator.budget import AT_ONCE
from mintworks_operator.core import Emit
from mintworks_operator.events import Events
from support.connection import connected_by
from support.snapshots import NOW, job


async def test_what_is_told_again_is_counted(control_plane: ControlPlane, namespace: str) -> None:
    about = job(namespace=namespace)
    async with connected_by(control_plane.kubeconfig) as api:
        events = Events(api, "operator-1", lambda: 0.0)
        for minutes in range(4):
            told = Emit("Warning", "SecretMissing", "Create it.")
            await events.tell(about, told, NOW + timedelta(minutes=minutes))
        await events.tell(about, Emit("Warning", "SecretMissing", "Create the other."), NOW)
        found = {e["note"]: e for e in await api.list(EVENTS, namespace)}
    assert len(found) == 2
    again = found["Create it."]["series"]
    assert again["count"] == 4
    assert again["lastObservedTime"].startswith((NOW + timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S"))
    assert "series" not in found["Create the other."]


async def test_of_a_burst_of_successes_some_are_told_and_of_failures_all(
    control_plane: ControlPlane, namespace: str
) -> None:
    about = job(namespace=namespace)
    async with connected_by(control_plane.kubeconfig) as api:
        events = Events(api, "operator-1", lambda: 0.0)
        for number in range(AT_ONCE + 10):
            await events.tell(about, Emit("Normal", "Succeeded", f"Job {number}.", routine=True), NOW)
        for number in range(10):
            await events.tell(about, Emit("Warning", "BadRows", f"Job {number}."), NOW)
        found = [e["reason"] for e in await api.list(EVENTS, namespace)]
    assert (found.count("Succeeded"), found.count("BadRows")) == (AT_ONCE, 10)
