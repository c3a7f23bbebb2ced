"""What must hold of what is stored, whatever an operator believes: looked at with each change, by who sees them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mintworks_api import FINISHED, parse_duration
from mintworks_operator.api import JOBS, Resource
from mintworks_operator.core.ratelimit import LATE
from mintworks_operator.names import KINDS, QUEUES, UID, label, run_number
from mintworks_operator.tally import phase_of, queue_of

from .nodes import Nodes
from .server import Server

Json = dict[str, Any]
Run = tuple[str, int]

CANCELLED = "Cancelled"


class Truth:
    """Hears of every change. `late`: what is carried out now was sent long ago, by a leader that leads no more."""

    def __init__(self, server: Server, nodes: Nodes, now: Callable[[], datetime]) -> None:
        self._server, self._nodes, self._now = server, nodes, now
        self.late = False
        #: Runs that nobody waits for: they came late, or for a job that went meanwhile.
        self.strays: set[Run] = set()
        self._taken: set[Run] = set()
        #: Runs that such a leader gave up, by a write that came late: who leads now may be about to create them.
        self._given_up_late: set[Run] = set()
        #: The last drain of each queue, by name: it holds though the queue is deleted then.
        self._drains: dict[str, str] = {}
        self._created: Counter[Run] = Counter()
        self._used: Counter[tuple[str, str, str]] = Counter()
        #: By uid of the queue: how many may run, though its limit was lowered; when slots were taken; by whom besides.
        self._room: dict[str, int] = {}
        self.starts: dict[str, list[datetime]] = {}
        self._excused: dict[str, set[Run]] = {}
        #: What a queue that is gone had let start, by name: that may happen yet.
        self._left: dict[str, set[Run]] = {}
        server.heard = self._heard

    def _heard(self, resource: Resource, old: Json | None, new: Json | None) -> None:
        if resource == JOBS and old is None and new is not None:
            self._run(new)
        elif resource == QUEUES and new is not None:
            self._queue(old, new)
        elif resource == QUEUES and old is not None:
            self._left[old["metadata"]["name"]] = _reserved(old)
        elif resource in KINDS.values() and old is not None and new is not None:
            self._job(_status(old), new)

    # --- runs ---------------------------------------------------------------------------------------------------------

    def _run(self, made: Json) -> None:
        run = _run_of(made)
        job = self.job(run[0])
        active = None if job is None else _status(job).get("active")
        late = self.late and (active is None or active["run"] != run[1] or self._created[run])
        if job is None or late or (active is None and run in self._given_up_late):
            self.strays.add(run)
            return
        assert (active or {}).get("run") == run[1], "a run that nobody took a slot for"
        self._created[run] += 1
        assert self._created[run] == 1, "a number of a run was used twice"

    def deleted(self, job: Json) -> None:
        """Somebody deletes a Kubernetes Job. A leader that finds no pod of it cannot know that it was there."""
        self._created[_run_of(job)] = 0

    def _started(self, job: Json, run: Run) -> None:
        """A job takes its slot, at most LATE after that was counted."""
        queue = self._server.find(QUEUES, queue_of(job))
        limit = None if queue is None else queue["spec"].get("rateLimit")
        if queue is None or limit is None or self.late or run in self._excused[queue["metadata"]["uid"]]:
            return
        begun = self.starts[queue["metadata"]["uid"]]
        begun.append(self._now())
        recent = [at for at in begun if at > self._now() - parse_duration(limit["per"]) + LATE]
        assert len(recent) <= limit["max"], "more runs start than the rate limit lets"

    def living(self) -> dict[Run, Json]:
        """Runs that live and are somebody's."""
        return {run: job for job in self._nodes.alive() if (run := _run_of(job)) not in self.strays}

    def no_stray_goes_on(self) -> None:
        """One whose job is gone is the garbage collector's, and so is a pod whose Kubernetes Job somebody deleted."""
        for job in self._server.all(JOBS):
            if _run_of(job) in self.strays and job in self._nodes.alive() and self.job(label(job, UID)) is not None:
                assert "deletionTimestamp" in job["metadata"], "a stray run is not stopped"

    # --- queues -------------------------------------------------------------------------------------------------------

    def _queue(self, old: Json | None, new: Json) -> None:
        uid, spec = new["metadata"]["uid"], new["spec"]
        for command in _status(new).get("commands", []):
            if command["name"] == "drain":
                self._drains[new["metadata"]["name"]] = command["token"]
        before, after = _reserved(old), _reserved(new)
        # A slot that was taken already is written anew where the queue was deleted.
        if not after - before <= self._taken:
            assert not spec.get("paused"), "a paused queue gives a slot"
            assert len(after) <= spec.get("concurrency", 5), "more slots are given than there are"
        if old is None or old["spec"].get("rateLimit") != spec.get("rateLimit"):
            # What another limit did not count nobody knows any more, and what it let start may.
            self.starts[uid] = []
            self._excused[uid] = after | self._left.get(new["metadata"]["name"], set())
        if old is None or old["spec"].get("concurrency") != spec.get("concurrency"):
            self._room[uid] = max(self._room.get(uid, 0), len(self._slots(new)))

    def _of_queue(self, queue: Json) -> set[Run]:
        return {run for run in self.living() if self._queue_of(run[0]) == queue["metadata"]["name"]}

    def _slots(self, queue: Json) -> set[Run]:
        """Its slots that are given, taken or in use."""
        jobs = [job for resource in KINDS.values() for job in self._server.all(resource)]
        own = [job for job in jobs if queue_of(job) == queue["metadata"]["name"] and _status(job).get("active")]
        taken = {(job["metadata"]["uid"], job["status"]["active"]["run"]) for job in own}
        return self._of_queue(queue) | _reserved(queue) | taken

    def _queue_of(self, uid: str) -> str:
        """Of a job that is gone too."""
        for resource in KINDS.values():
            for told in self._server.told[resource]:
                if told.obj["metadata"]["uid"] == uid:
                    return queue_of(told.obj)
        raise AssertionError(uid)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def job(self, uid: str) -> Json | None:
        """The job of that uid."""
        found = (self._server.get(resource, uid) for resource in KINDS.values())
        return next((job for job in found if job is not None), None)

    def _job(self, before: Json, job: Json) -> None:
        after = _status(job)
        if after.get("active") and not before.get("active"):
            run = (job["metadata"]["uid"], after["active"]["run"])
            self._taken.add(run)
            self._started(job, run)
        if self.late and before.get("active") and not after.get("active"):
            self._given_up_late.add((job["metadata"]["uid"], before["active"]["run"]))
        self._commands(job["metadata"]["uid"], before, after)
        self._attempts(before.get("attempts") or {}, after.get("attempts") or {}, before.get("active"))

    def _attempts(self, before: Json, after: Json, active: Json | None) -> None:
        if after.get("made", 0) > before.get("made", 0) or after.get("stalls", 0) > before.get("stalls", 0):
            last = after["last"][-1]["run"]
            assert (active or {}).get("run") == last, "an attempt is counted that was none"
            rise = sum(after.get(name, 0) - before.get(name, 0) for name in ("made", "stalls"))
            assert rise == 1, "one run is counted twice"
        runs = [record["run"] for record in after.get("last", [])]
        assert runs == sorted(set(runs)), "one run is told of twice"
        assert after.get("runs", 0) >= before.get("runs", 0), "numbers of runs are given again"

    def _commands(self, uid: str, before: Json, after: Json) -> None:
        """What a command does, the write does that notes it; and for one value only once."""
        told = {name for name, token in _tokens(after).items() if _tokens(before).get(name) != token}
        if before.get("phase") in FINISHED and after.get("phase") not in FINISHED:
            self._once(uid, after, told & {"retry", "retryFailed"})
        stopping = CANCELLED in {(status.get("active") or {}).get("stopping") for status in (before, after)}
        if _cancelled(after) and not _cancelled(before):
            if "cancel" in told:
                self._once(uid, after, {"cancel"})
            else:
                assert not stopping, "a run is stopped by nobody's command"
                self._drained(uid, after)
        soon = before.get("nextAttemptTime")
        waits = soon is not None and datetime.fromisoformat(soon) > self._now() + timedelta(seconds=1)
        if waits and after.get("nextAttemptTime") is None and after.get("phase") not in FINISHED:
            self._once(uid, after, told & {"promote"})

    def _once(self, uid: str, after: Json, told: set[str]) -> None:
        assert told, "nobody asked for that"
        for name in told:
            self._use(uid, name, _tokens(after)[name])

    def _drained(self, uid: str, after: Json) -> None:
        job = self.job(uid)
        drain = None if job is None else self._drains.get(queue_of(job))
        assert drain is not None, "nobody asked for that"
        assert _tokens(after).get("drain") != drain, "that was before the job was begun again"
        self._use(uid, "drain", drain)

    def _use(self, uid: str, name: str, token: str) -> None:
        self._used[uid, name, token] += 1
        assert self._used[uid, name, token] == 1, f"{name} is carried out twice"

    # --- at any moment ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """The limits."""
        living = self.living()
        owners = Counter(uid for uid, _ in living)
        assert all(n == 1 for n in owners.values()), "two runs of a job live"
        minting = [run for run, job in living.items() if label(job, "mintworks.dev/kind") == "MintJob"]
        assert len(minting) <= 1, "two jobs hold one tree"
        for queue in self._server.all(QUEUES):
            self._crowd(queue)
        for resource in KINDS.values():
            for job in self._server.all(resource):
                _ends_agree(job)

    def _crowd(self, queue: Json) -> None:
        uid, running = queue["metadata"]["uid"], self._of_queue(queue)
        used = len(self._slots(queue))
        self._room[uid] = most = max(queue["spec"].get("concurrency", 5), min(used, self._room.get(uid, 0)))
        assert len(running) <= most, "more run than the queue lets"

    def counts(self, queue: Json) -> None:
        """At rest, a queue tells how its jobs stand."""
        jobs = [job for resource in KINDS.values() for job in self._server.all(resource)]
        own = Counter(phase_of(job).lower() for job in jobs if queue_of(job) == queue["metadata"]["name"])
        status = _status(queue)
        assert {name: n for name, n in status["counts"].items() if n} == dict(own)
        assert status["running"] == len(self._of_queue(queue)) == len(_reserved(queue))
        assert status["waiting"] == own["queued"]


def _ends_agree(job: Json) -> None:
    status = _status(job)
    attempts = status.get("attempts") or {}
    assert attempts.get("made", 0) <= job["spec"]["maxAttempts"], "more attempts than the job has"
    ends = {c["type"]: c["status"] for c in status.get("conditions", []) if c["type"] in {"Succeeded", "Failed"}}
    if status.get("phase") in FINISHED:
        good = status["phase"] == "Succeeded"
        assert ends == {"Succeeded": str(good), "Failed": str(not good)}
        assert good == ("result" in status)
    else:
        assert not ends


def _status(obj: Json | None) -> Json:
    return (obj or {}).get("status") or {}


def _tokens(status: Json) -> dict[str, str]:
    return status.get("commands") or {}


def _cancelled(status: Json) -> bool:
    return status.get("phase") == CANCELLED or (status.get("active") or {}).get("stopping") == CANCELLED


def _reserved(queue: Json | None) -> set[Run]:
    return {(r["uid"], r["run"]) for r in _status(queue).get("reservations", [])}


def _run_of(obj: Json) -> Run:
    """Of a Kubernetes Job, or of a pod whose Job is gone."""
    number = run_number(obj)
    assert number is not None
    return label(obj, UID), number
