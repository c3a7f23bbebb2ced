"""Operators whose clocks are two minutes apart, a minute from the API server's and the nodes' on either side."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from mintworks_operator.election import DURATION, RENEW
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Team

JOB = "MetadataJob"
FAILED = {"reason": "KuboAway", "message": "Kubo does not answer."}
APART = timedelta(minutes=2)


def backoff(delay: str) -> dict[str, Any]:
    return {"backoff": {"type": "fixed", "delay": delay, "jitter": 0}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_clocks_that_are_apart_shift_waits_and_break_nothing(team: Team) -> None:
    space = team.space
    slow = team.leader(ahead=-60.0)
    fast = team.follower(ahead=60.0)
    both_began, holder = time.monotonic(), team.holder()

    # Under a clock that is behind: what the cluster tells lies in the future.
    for name, delay in (("soon", "2s"), ("later", "90s")):
        space.apply(JOB, name, {**METADATA, **backoff(delay)})
    space.apply(JOB, "kept", {**METADATA, "ttl": "5m"})
    space.start("soon", 1)
    eventually("Running", lambda: space.condition(JOB, "soon", "Progressing")["reason"] == "Running", 30)
    for name in ("soon", "later"):
        space.end(name, 1, 1, FAILED)
    space.end("soon", 2, 0, {"result": RESULT})
    space.end("kept", 1, 0, {"result": RESULT})
    for name in ("soon", "kept"):
        space.phase(JOB, name, "Succeeded")
    space.phase(JOB, "later", "Backoff")

    # The other would have taken the Lease long since, had it looked at the times in it.
    time.sleep(max(0.0, both_began + DURATION + 2 * RENEW - time.monotonic()))
    assert team.holder() == holder
    assert not fast.leads
    assert slow.stop() == 0
    eventually("the other leads", lambda: fast.leads)

    # Under a clock that is ahead: waits are over early, by no more than the clocks are apart.
    space.end("later", 2, 0, {"result": RESULT})
    space.phase(JOB, "later", "Succeeded")
    space.apply(JOB, "ends", METADATA)
    space.start("ends", 1)
    space.phase(JOB, "ends", "Running")
    assert space.status(JOB, "kept")["phase"] == "Succeeded", "its ttl was not over"
    slow = team.follower(ahead=-60.0)
    assert fast.stop() == 0
    eventually("the first leads again", lambda: slow.leads)
    space.end("ends", 1, 0, {"result": RESULT})
    space.phase(JOB, "ends", "Succeeded")

    runs = {"soon": 2, "later": 2, "kept": 1, "ends": 1}
    for name, count in runs.items():
        status = space.status(JOB, name)
        assert status["attempts"]["runs"] == count
        assert moment(status["startTime"]) <= moment(status["completionTime"])
        for record in status["attempts"]["last"]:
            assert moment(record["started"]) <= moment(record["finished"]) <= moment(record["started"]) + APART
    assert len(space.jobs()) == sum(runs.values())
