"""Two operators, one leader: killed, cut off, replaced, and robbed of its Lease."""

from __future__ import annotations

import signal
import time

from mintworks_operator.election import DEADLINE, DURATION, RENEW
from mintworks_operator.lease import TRY
from support.polling import eventually
from support.recorder import Recorder
from support.specs import METADATA, RESULT

from .conftest import BUSY, TAKEN_OVER, Team, seconds_until

JOB = "MetadataJob"
QUICK = {"backoff": {"type": "fixed", "delay": "1s", "jitter": 0}}


def test_a_killed_leader_is_replaced_within_the_bound(team: Team) -> None:
    """Jobs that ran, waited in the queue, for their time and for their next attempt: all go on, none starts twice."""
    space = team.space
    first = team.leader()
    second = team.follower()
    with Recorder(space) as seen:
        space.apply("JobQueue", "two", {"concurrency": 2})
        in_two = {**METADATA, **QUICK, "queue": "two"}
        for name in ("runs", "fails", "waits"):
            space.apply(JOB, name, in_two)
        space.apply(JOB, "later", {**METADATA, "delay": "20s"})
        space.start("runs", 1)
        space.start("fails", 1)
        space.phase(JOB, "waits", "Queued")
        first.kill()
        # What happens while nobody looks.
        space.end("fails", 1, 1, {"reason": "KuboAway", "message": "Kubo does not answer."})
        space.apply(JOB, "new", METADATA)
        took = seconds_until("the second leads", lambda: second.leads, TAKEN_OVER + BUSY)
        assert took >= DURATION - RENEW - 1, "it took the Lease before it had run out"
        for name, run in (("runs", 1), ("fails", 2), ("waits", 1), ("later", 1), ("new", 1)):
            space.end(name, run, 0, {"result": RESULT})
        for name, runs in (("runs", 1), ("fails", 2), ("waits", 1), ("later", 1), ("new", 1)):
            attempts = space.phase(JOB, name, "Succeeded")["attempts"]
            assert (attempts["runs"], [r["run"] for r in attempts["last"]]) == (runs, list(range(1, runs + 1)))
        eventually("all is seen", lambda: len(seen.created()) >= 6)
        assert len(seen.created()) == len(set(seen.created())) == 6
    print(f"taken over after {took:.1f} s")


def test_a_leader_that_is_cut_off_stops_in_time(team: Team) -> None:
    """Its watches are silent, its requests get no answer: it cannot know whether it is alone."""
    gate, space = team.gate(), team.space
    first = team.leader(gate)
    second = team.follower()
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    # One that it would start when it may not any more.
    space.apply(JOB, "due", {**METADATA, "delay": f"{DEADLINE + 2:.0f}s"})
    space.phase(JOB, "due", "Delayed")
    gate.cut()
    began = time.monotonic()
    assert first.popen.wait(DEADLINE + TRY + BUSY) == 1
    ended = time.monotonic() - began
    late = [r for when, r in gate.arrived if when > began + DEADLINE and r.method != "GET" and "/leases/" not in r.path]
    assert not late
    eventually("the second leads", lambda: second.leads, TAKEN_OVER + BUSY)
    gate.mend()
    # As a kubelet would: it comes back and waits.
    again = team.start(gate)
    eventually("it waits", lambda: again.said("waiting for Lease"))
    for name in ("a", "due"):
        space.end(name, 1, 0, {"result": RESULT})
        assert space.phase(JOB, name, "Succeeded")["attempts"]["runs"] == 1
    assert not again.leads
    assert second.stop() == 0
    handed = seconds_until("the first leads again", lambda: again.leads, RENEW + BUSY)
    print(f"it ended after {ended:.1f} s; a clean end handed over after {handed:.1f} s")


def test_a_leader_that_slept_alone_leads_on(team: Team) -> None:
    """As on a machine that stood still: its time was over, but nobody came."""
    process = team.leader()
    process.popen.send_signal(signal.SIGSTOP)
    time.sleep(DEADLINE + 2)
    process.popen.send_signal(signal.SIGCONT)
    team.space.apply(JOB, "a", METADATA)
    team.space.phase(JOB, "a", "Running")
    assert process.stop() == 0


def test_what_others_do_to_the_lease(team: Team) -> None:
    first = team.leader()
    second = team.follower()
    held = team.holder()
    team.lease("delete")
    eventually("the leader makes it again", lambda: held in team.lease("get", "--ignore-not-found", "-o", "yaml"))
    team.lease("patch", "--type=merge", "-p", '{"spec":{"leaseDurationSeconds":1}}')
    time.sleep(2 * RENEW)
    assert team.holder() == held
    assert not second.said("leading as")
    team.lease("patch", "--type=json", "-p", '[{"op":"remove","path":"/spec"}]')
    eventually("the second leads", lambda: second.leads)
    assert first.popen.wait(20) == 1
    assert first.said("holds the Lease")
