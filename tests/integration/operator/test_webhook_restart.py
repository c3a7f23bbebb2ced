"""Webhooks across the death of the operator that was sending them: this module has no other operator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.hooked import JOB, cancelled, delivered, notification, secret
from support.hooks import HANGS, Receiver
from support.polling import eventually

from .conftest import Launcher, Team


@pytest.fixture(scope="module")
def launcher(launcher: Launcher, hook_settings: dict[str, str]) -> Launcher:
    """Operators that may call this machine."""
    return replace(launcher, settings=hook_settings)


def test_an_operator_that_dies_before_it_wrote_it_down_is_followed_by_one_that_sends_it_again(
    team: Team, receiver: Receiver, seed: Path
) -> None:
    """Killed while the receiver answers: the message came, and no status knows. Then 500 twice, and 5 minutes pass.

    Each is the same pod started again, and leads at once.
    """
    receiver.answers["/killed"] = [HANGS, 500, 500, 204]
    first = team.leader(name="pod")
    cancelled(team.space, f"{receiver.url}/killed")
    eventually("it was sent", lambda: receiver.at("/killed"))
    first.kill()
    assert team.space.status(JOB, "a")["notifications"][0]["attempts"] == 0
    second = team.leader(name="pod")
    eventually("sent again, and tried again after 5 s", lambda: len(receiver.at("/killed")) == 3, 60)
    found = notification(team.space, "a", lambda n: n.get("attempts") == 2)
    assert found["code"] == 500
    second.kill()
    # The third try is 5 minutes away: it is due for one whose clock is ahead.
    team.leader(name="pod", ahead=400)
    assert delivered(team.space)["attempts"] == 3
    calls = receiver.at("/killed")
    assert ({c.id for c in calls}, {c.body for c in calls}, len(calls)) == ({found["id"]}, {calls[0].body}, 4)
    assert all(call.signed_by(secret(team.space.namespace, seed)) for call in calls)
