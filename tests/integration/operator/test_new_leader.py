"""What a new leader finds: a predecessor that sleeps, lists that come late, pods of jobs that were applied anew."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from mintworks_operator.lease import TRY
from mintworks_operator.resync import SETTLE
from support.gate import Request, choice
from support.kubelet import Kubelet
from support.machines import machines
from support.polling import eventually
from support.recorder import Recorder
from support.redis_server import RedisServer
from support.specs import ADDRESS, METADATA, MINT, RESULT

from .conftest import BUSY, TAKEN_OVER, Team, seconds_until

JOB = "MetadataJob"


def run_names(space: Kubelet, *names: str) -> list[str]:
    """Names of the first runs' Kubernetes Jobs."""
    return sorted(f"{n}-{space.get(JOB, n)['metadata']['uid'].replace('-', '')[:8]}-1" for n in names)


def test_what_a_paused_leader_sent_comes_to_nothing(team: Team) -> None:
    """It sleeps with creates under way. They arrive when the runs are running, gone, or another job's of that name."""
    space, gate = team.space, team.gate()
    first = team.leader(gate)
    second = team.follower()
    names = ("ends", "suspended", "replaced")
    held = {name: gate.hold(_create_of(name)) for name in names}
    answered = gate.hold(_status_of("between"), after=True)
    with Recorder(space) as seen:
        for name in (*names, "between"):
            space.apply(JOB, name, METADATA)
        for each in (*held.values(), answered):
            each.wait()
        first.popen.send_signal(signal.SIGSTOP)
        took = seconds_until("the second leads", lambda: second.leads, TAKEN_OVER + BUSY)
        for name in (*names, "between"):
            space.start(name, 1)
        eventually("all is seen", lambda: seen.created() == run_names(space, *names, "between"))

        # The second works: one job ends, one is paused and goes on in another run, one is deleted and applied again.
        space.end("ends", 1, 0, {"result": RESULT})
        space.phase(JOB, "ends", "Succeeded")
        space.change(JOB, "suspended", {"suspend": True})
        space.phase(JOB, "suspended", "Suspended")
        space.change(JOB, "suspended", {"suspend": False})
        space.start("suspended", 2)
        old = space.get(JOB, "replaced")["metadata"]["uid"]
        _delete_with_runs(space, "replaced")
        space.apply(JOB, "replaced", METADATA)
        eventually("a run of the new one", lambda: [j for j in space.jobs("replaced") if _owner(j) != old])

        # What the first one had sent arrives at last.
        assert held["ends"].release() == 409
        assert held["suspended"].release() == 201
        assert held["replaced"].release() == 201
        stray = seconds_until("the stray run is stopped", lambda: [_run(j) for j in space.jobs("suspended")] == [2], 20)
        eventually("and so is its pod", lambda: _pods(space, "suspended") == ["2"])
        gone = seconds_until("the garbage collector", lambda: all(_owner(j) != old for j in space.jobs("replaced")), 90)
        eventually("its pod too", lambda: len(_pods(space, "replaced")) == 1)
        eventually("all is seen", lambda: len(seen.created()) == 8)

        # It wakes up between a status write and its create.
        first.popen.send_signal(signal.SIGCONT)
        answered.release()
        assert first.popen.wait(TRY + 20) == 1
        assert gate.count(_create) == len(names), "a create was sent after it woke up"
        # Which it finds out first is chance: its time is over, another one's name is there, its pass may not write.
        reasons = ("nothing is written", "the Lease could not be renewed in time", "holds the Lease")
        assert any(first.said(reason) for reason in reasons)

        for name, run in (("suspended", 2), ("replaced", 1), ("between", 1)):
            space.end(name, run, 0, {"result": RESULT})
            attempts = space.phase(JOB, name, "Succeeded")["attempts"]
            assert (attempts["made"], attempts["stalls"], attempts["runs"]) == (1, 0, run)
        assert len(seen.created()) == 8
    print(f"taken over after {took:.1f} s, the stray was stopped after {stray:.1f} s, the orphan after {gone:.1f} s")


def _create(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/jobs")


def _create_of(name: str) -> Callable[[Request], bool]:
    return lambda request: _create(request) and name in request.body


def _status_of(name: str) -> Callable[[Request], bool]:
    return lambda request: request.method == "PATCH" and request.path.endswith(f"/{name}/status")


def _owner(job: Any) -> str:
    return str(job.metadata.owner_references[0].uid)


def _run(job: Any) -> int:
    return int(job.metadata.labels["mintworks.dev/run"])


def _pods(space: Kubelet, name: str) -> list[str]:
    """The runs that the pods of a job belong to."""
    pods = space.core.list_namespaced_pod(space.namespace, label_selector=f"mintworks.dev/job={name}").items
    return [p.metadata.labels["mintworks.dev/run"] for p in pods]


def _delete_with_runs(space: Kubelet, name: str) -> None:
    """The garbage collector does the same, but learns of new kinds only every 30 s."""
    space.delete(JOB, name)
    chosen = f"mintworks.dev/job={name}"
    space.batch.delete_collection_namespaced_job(
        space.namespace, label_selector=chosen, propagation_policy="Background"
    )
    eventually("its runs are gone", lambda: not space.jobs(name))


def test_nothing_is_done_before_all_is_listed(team: Team) -> None:
    """Pods that are listed late, in pages, or not at once. What a pass over the rest would do: start a second run."""
    space = team.space
    first = team.leader()
    for name in "abc":
        space.apply(JOB, name, METADATA)
        space.start(name, 1)
    space.phase(JOB, "c", "Running")
    assert first.stop() == 0
    space.end("b", 1, 0, {"result": RESULT})
    gate = team.gate()
    gate.page = 1
    listed = choice("GET", "/pods")
    gate.refuse(listed, 500)
    second = team.start(gate)
    eventually("it tries again", lambda: second.said("cannot be listed, tried again"))
    slow = gate.hold(listed)
    gate.relent()
    slow.wait()
    time.sleep(1)
    assert not gate.count(_writes), "it wrote before it knew all"
    assert not second.leads
    slow.release()
    eventually("it leads", lambda: second.leads)
    assert gate.count(lambda r: "continue=" in r.query) >= 2, "more than one page"
    space.phase(JOB, "b", "Succeeded")
    for name in "ac":
        space.end(name, 1, 0, {"result": RESULT})
        assert space.phase(JOB, name, "Succeeded")["attempts"]["runs"] == 1
    assert len(space.jobs()) == 3


def test_what_goes_between_the_list_and_the_watch_is_found_out(team: Team) -> None:
    """No watch tells of it: it was in the one's answer, and not in that from which the other goes on."""
    space = team.space
    first = team.leader()
    space.apply(JOB, "a", {**METADATA, "backoff": {"type": "fixed", "delay": "1s", "jitter": 0}})
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    assert first.stop() == 0
    gate = team.gate()
    own = gate.hold(choice("GET", "/jobs"), after=True)
    process = team.start(gate)
    own.wait()
    # The next one is the watch's.
    listed = gate.hold(choice("GET", "/jobs"))
    own.release()
    eventually("it leads", lambda: process.leads)
    listed.wait()
    space.batch.delete_collection_namespaced_job(space.namespace, propagation_policy="Background")
    eventually("the run is gone", lambda: not space.jobs("a") and not _pods(space, "a"))
    assert listed.release() == 200
    took = seconds_until("the next run", lambda: bool(space.jobs("a")), 2 * SETTLE + BUSY)
    status = space.phase(JOB, "a", "Running")
    assert [r["reason"] for r in status["attempts"]["last"]] == ["RunDeleted"]
    assert status["attempts"]["runs"] == 2
    print(f"found out after {took:.1f} s")


def _writes(request: Request) -> bool:
    return request.method != "GET" and "leases" not in request.path


def test_a_job_applied_anew_waits_for_the_old_ones_pod(team: Team, redis_server: RedisServer) -> None:
    """Both mint into one tree. The operator is killed meanwhile, and comes back under the same name."""
    space, node = team.space, f"node-{team.space.namespace}"
    first = team.leader(name="pod-0")
    spec = {**MINT, "tree": {"address": ADDRESS}, "metadataFrom": {"job": "rows"}}
    space.apply(JOB, "rows", METADATA)
    space.end("rows", 1, 0, {"result": RESULT})
    old = space.apply("MintJob", "m", spec)["metadata"]["uid"]
    with machines(team.launcher.plane.kubeconfig) as nodes:
        nodes.add(node)
        nodes.place(space.pod("m", 1), node)
        pod = space.start("m", 1)
        space.phase("MintJob", "m", "Running")
        stream = f"mw:{space.namespace}:{old}:progress"
        _tell(redis_server, stream, 10)
        space.delete("MintJob", "m")
        # The garbage collector does the same, but learns of new kinds only every 30 s.
        space.batch.delete_collection_namespaced_job(space.namespace, propagation_policy="Background")
        # It ignores SIGTERM: nothing here ends it.
        eventually("the old pod is to end", lambda: space.pod("m", 1).metadata.deletion_timestamp)
        new = space.apply("MintJob", "m", spec)["metadata"]["uid"]
        space.phase("MintJob", "m", "Queued")
        first.kill()
        team.leader(name="pod-0")
        _tell(redis_server, stream, 60)
        redis_server.client.set(f"mw:{space.namespace}:{old}:inputs", "{}")
        space.change("MintJob", "m", {"priority": 1})
        eventually("it was looked at", lambda: space.get("MintJob", "m")["status"]["observedGeneration"] == 2)
        time.sleep(2)
        status = space.status("MintJob", "m")
        assert (status["phase"], status.get("progress"), status["attempts"]["runs"]) == ("Queued", None, 0)
        assert not space.jobs("m"), "the old pod still has the tree"
        space.core.delete_namespaced_pod(pod.metadata.name, space.namespace, grace_period_seconds=0)
    eventually("the new pod alone", lambda: _uids(space, "m") == [new])
    space.start("m", 1)
    eventually("the old one's keys are gone", lambda: not redis_server.client.keys(f"mw:{space.namespace}:{old}:*"))
    _tell(redis_server, f"mw:{space.namespace}:{new}:progress", 30)
    eventually("progress", lambda: space.status("MintJob", "m").get("progress", {}).get("percent") == 30)
    assert space.status("MintJob", "m")["attempts"]["summary"] == "1/3"


def _uids(space: Kubelet, name: str) -> list[str]:
    """The jobs, by uid, that the pods of a name belong to."""
    pods = space.core.list_namespaced_pod(space.namespace, label_selector=f"mintworks.dev/job={name}").items
    return [p.metadata.labels["mintworks.dev/uid"] for p in pods]


def _tell(redis_server: RedisServer, stream: str, percent: int) -> None:
    told = {"type": "progress", "run": 1, "percent": percent}
    redis_server.client.xadd(stream, {"data": json.dumps(told)})
