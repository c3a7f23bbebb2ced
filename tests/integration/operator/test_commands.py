"""Commands by annotation on a real API server, whose managed fields say who asked."""

from __future__ import annotations

from typing import Any

from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

JOB = "MetadataJob"


def command(space: Kubelet, name: str, value: str = "1") -> None:
    space.mark(JOB, "a", {f"mintworks.dev/{name}": value})


def told(space: Kubelet, reason: str, by: str) -> dict[str, Any]:
    found = eventually(f"the Event {reason}", lambda: [e for e in space.events("a") if e["reason"] == reason])
    assert found[0]["message"].endswith(f"Asked for by {by}.")
    return dict(found[0])


def test_cancelled_retried_and_done(space: Kubelet) -> None:
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    # What the managed fields call a client that gives no name of its own.
    command(space, "cancel")
    by = next(m["manager"] for m in space.get(JOB, "a")["metadata"]["managedFields"] if "OpenAPI" in m["manager"])
    status = space.phase(JOB, "a", "Cancelled")
    assert (status["commands"], status["attempts"]["made"]) == ({"cancel": "1"}, 0)
    assert space.condition(JOB, "a", "Failed")["reason"] == "Cancelled"
    told(space, "Stopping", by)

    command(space, "retry")
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert status["commands"] == {"cancel": "1", "retry": "1"}
    assert status["attempts"]["summary"] == "1/3"
    told(space, "Retried", by)

    command(space, "retry", "2")
    told(space, "CommandIgnored", by)
    assert space.status(JOB, "a")["phase"] == "Succeeded"


def test_promoted_and_held(space: Kubelet) -> None:
    space.apply(JOB, "a", {**METADATA, "delay": "9h"})
    space.phase(JOB, "a", "Delayed")
    command(space, "promote")
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    command(space, "hold", "true")
    space.phase(JOB, "a", "Suspended")
    space.mark(JOB, "a", {"mintworks.dev/hold": None})
    space.end("a", 2, 0, {"result": RESULT})
    assert space.phase(JOB, "a", "Succeeded")["promoted"] is True
