"""The operator's own parts in a simulated cluster, driven at random: it dies between any two requests, a leader that
leads no more has some under way, what it hears comes late, twice or never; runs end in every way, and people do what
they like.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mintworks_api import FINISHED, annotation
from mintworks_operator.api import JOBS, PODS, ApiError, Resource
from mintworks_operator.core import Waiting
from mintworks_operator.names import JOB, KINDS, QUEUES, label
from mintworks_operator.tally import phase_of
from support.specs import ADDRESS, METADATA, MINT
from support.steps import drive

from .world.nodes import ENDS, Nodes
from .world.process import Process
from .world.server import Request, Server, merged
from .world.truth import Truth

Json = dict[str, Any]

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = {"maxAttempts": 3, "maxStalled": 2, "startTimeout": "365d"}
#: Both mint jobs use one tree, from different queues, and build on the metadata job `rows`.
NAMES = {**dict.fromkeys(["rows", "b", "c", "d"], "MetadataJob"), "m": "MintJob", "n": "MintJob"}
QUEUE_OF = {"n": "other"}
SPECS = {"MetadataJob": METADATA, "MintJob": {**MINT, "tree": {"address": ADDRESS}, "metadataFrom": {"job": "rows"}}}
PICKS = st.integers(0, 99)
JOB_NAMES = st.sampled_from(sorted(NAMES))
QUEUE_NAMES = st.sampled_from(["default", "other"])
RATES = st.none() | st.fixed_dictionaries({"max": st.integers(1, 3), "per": st.sampled_from(["40s", "3m"])})


class OperatorWorld(RuleBasedStateMachine):
    """Tokens of commands are numbers that are never used twice."""

    @initialize(rounds=st.integers(0, 6), rate=RATES)
    def begin(self, rounds: int, rate: Json | None) -> None:
        self.now = START
        self.given = 0
        self.server = Server(lambda: self.now)
        self.nodes = Nodes(self.server)
        self.truth = Truth(self.server, self.nodes, lambda: self.now)
        self.late: list[Request] = []
        for name in ("default", "other"):
            spec = merged({"concurrency": 2}, {"rateLimit": rate})
            self.server.make(QUEUES, {"metadata": {"name": name}, "spec": spec})
        for name in NAMES:
            self.create(name)
        self.starts_anew()
        for _ in range(rounds):
            self.calm_round(end="good")

    # --- the operator -------------------------------------------------------------------------------------------------

    def clock(self) -> float:
        return (self.now - START).total_seconds()

    def starts_anew(self) -> None:
        """A new process lists before it acts."""
        self.op = Process(self.server, self.clock, lambda: self.now, self.sends)

    def sends(self, op: Process, request: Request) -> None:
        """Of the reservations that it adds: whoever comes first has one too, or waits for a key."""
        if request.resource != QUEUES or request.verb != "patch" or "reservations" not in request.body["status"]:
            return
        waiting = op.slots.waiting(("ns", request.name))
        reserved = request.body["status"]["reservations"] or []
        given = {(r["uid"], r["run"]) for r in reserved}
        held = {key for r in reserved for key in r.get("keys", [])} | op.slots.keys("ns", but=("", ""))
        for queue in self.server.all(QUEUES):
            held |= {key for r in queue.get("status", {}).get("reservations", []) for key in r.get("keys", [])}
        old = self.server.find(QUEUES, request.name) or {}
        known = {(r["uid"], r["run"]) for r in old.get("status", {}).get("reservations", [])}
        last = max((_turn(w) for w in waiting if (w.uid, w.run) in given - known), default=None)
        for each in waiting:
            left_out = last is not None and _turn(each) < last and all(uid != each.uid for uid, _ in given)
            assert not left_out or not held.isdisjoint(each.keys), "one of lower priority goes first"

    @rule(chosen=st.lists(PICKS, min_size=1, max_size=6), hears=st.booleans())
    def works(self, chosen: list[int], hears: bool) -> None:
        """Passes, to their ends."""
        for pick in chosen:
            self.begins(pick, 9, hears)
            self.all_answered()

    def all_answered(self) -> None:
        while self.op.under_way:
            self.op.carry_out(self.op.under_way[0])

    @rule(pick=PICKS, requests=st.sampled_from([0, 1, 9]), hears=st.booleans())
    def begins(self, pick: int, requests: int, hears: bool) -> None:
        """A pass that has something to do, as far as so many requests, or to where a run is to be created."""
        if hears:
            self.op.deliver_all()
        each = None
        while each is None and (ready := self.op.ready()):
            each = self.op.begin(ready[pick % len(ready)])
        while each is not None and requests and each.request.resource != JOBS:
            each, requests = self.op.carry_out(each), requests - 1

    @precondition(lambda self: self.op.under_way)
    @rule(pick=PICKS, how=st.sampled_from(["answered", "answered", "answer lost", "lost", "late"]))
    def goes_on(self, pick: int, how: str) -> None:
        """A pass that waits for an answer."""
        each = self.op.under_way[pick % len(self.op.under_way)]
        if how == "answered":
            self.op.carry_out(each)
            return
        self.fares(each.request, how)
        self.op.goes_on(each, ApiError(0, "TimeoutError", "no answer"))

    def fares(self, request: Request, how: str) -> None:
        """What becomes of a request whose answer nobody hears."""
        if how == "answer lost":
            self.arrives(request)
        elif how == "late" and request.verb in {"create", "patch", "delete"}:
            self.late.append(request)

    def arrives(self, request: Request) -> None:
        with suppress(ApiError):
            self.server.answer(request)

    @rule(
        begun=st.lists(st.tuples(PICKS, st.sampled_from([0, 1, 9])), min_size=1, max_size=6),
        hows=st.lists(st.sampled_from(["answer lost", "lost", "late", "late"]), min_size=3, max_size=3),
        pauses=st.booleans(),
    )
    def dies(self, begun: list[tuple[int, int]], hows: list[str], pauses: bool) -> None:
        """In the middle of some passes; or it is paused, and another leads. Jobs whose runs it creates may be, too."""
        for pick, requests in begun:
            self.begins(pick, requests, hears=True)
        for number, request in enumerate(self.op.dies()):
            self.fares(request, hows[number % len(hows)])
            name = label(request.body, JOB)
            if pauses and name:
                self.changes_a_job(name, suspend=True, hold=False, priority=5)
        self.starts_anew()

    @precondition(lambda self: self.late)
    @rule(pick=PICKS)
    def a_late_request_arrives(self, pick: int) -> None:
        self.truth.late = True
        self.arrives(self.late.pop(pick % len(self.late)))
        self.truth.late = False

    # --- what it hears ------------------------------------------------------------------------------------------------

    @rule(
        resource=st.sampled_from([QUEUES, *(KINDS[kind] for kind in sorted({*NAMES.values()})), JOBS, PODS]),
        pick=PICKS,
        how=st.sampled_from(["heard", "heard", "heard", "cut off", "again", "again", "listed"]),
    )
    def hears(self, resource: Resource, pick: int, how: str) -> None:
        if how == "again":
            self.op.hear_again(resource, pick)
        elif how == "listed":
            self.op.list_all()
        elif how == "cut off":
            self.op.cut_off(resource)
        else:
            self.op.deliver(resource, 1 + pick % 3)

    # --- the cluster --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.nodes.moves())
    @rule(chosen=st.lists(PICKS, min_size=1, max_size=4), end=st.sampled_from(ENDS))
    def runs_go_on(self, chosen: list[int], end: str) -> None:
        for pick in chosen:
            if moves := self.nodes.moves():
                self.nodes.move(moves[pick % len(moves)], end)

    @rule(pick=PICKS)
    def deletes_a_run(self, pick: int) -> None:
        if runs := self.server.all(JOBS):
            run = runs[pick % len(runs)]
            self.truth.deleted(run)
            self.server.remove(JOBS, run["metadata"]["uid"])

    @rule(seconds=st.integers(1, 600))
    def time_passes(self, seconds: int) -> None:
        """No answer takes that long."""
        self.all_answered()
        self.now += timedelta(seconds=seconds)

    def due(self) -> datetime:
        return START + timedelta(seconds=min(self.op.due.values(), default=0) + 0.001)

    @rule(end=st.sampled_from(ENDS), waits=st.booleans())
    def calm_round(self, end: str, waits: bool = False) -> None:
        """Nothing goes wrong for a moment, or until what was put off is due."""
        self.rests()
        if waits:
            self.now = max(self.now, self.due())
            self.rests()
        for move in self.nodes.moves():
            if move in self.nodes.moves():
                self.nodes.move(move, end)

    def rests(self) -> bool:
        """It does all that is to be done now. Answers whether there was anything."""
        busy = False
        for _ in range(500):
            heard = self.op.deliver_all()
            self.all_answered()
            if self.op.ready():
                self.op.begin(self.op.ready()[0])
            elif not heard:
                return busy
            busy = True
        raise AssertionError("it does not come to rest")

    # --- people -------------------------------------------------------------------------------------------------------

    def create(self, name: str) -> None:
        kind = NAMES[name]
        spec = {**SPECS[kind], **POLICY, "queue": QUEUE_OF.get(name, "default")}
        self.server.make(KINDS[kind], {"metadata": {"name": name}, "spec": spec})

    def job(self, name: str) -> Json | None:
        return self.server.find(KINDS[NAMES[name]], name)

    def change(self, name: str, patch: Json) -> None:
        if (job := self.job(name)) is not None:
            self.server.change(KINDS[NAMES[name]], job["metadata"]["uid"], patch)

    def ask(self, resource: Resource, obj: Json, command: str) -> None:
        self.given += 1
        field: Json = {"f:metadata": {"f:annotations": {f"f:{annotation(command)}": {}}}}
        others = [e for e in obj["metadata"].get("managedFields", []) if e["fieldsV1"] != field]
        fields = [*others, {"manager": "kubectl", "time": self.server.time(), "fieldsV1": field}]
        marks = {"annotations": {annotation(command): str(self.given)}, "managedFields": fields}
        self.server.change(resource, obj["metadata"]["uid"], {"metadata": marks})

    @rule(names=st.sets(JOB_NAMES, min_size=1))
    def creates_jobs(self, names: set[str]) -> None:
        """Those that are not there; of those that have ended, new ones in their place."""
        for name in sorted(names):
            if (job := self.job(name)) is None:
                self.create(name)
            elif phase_of(job) in FINISHED:
                self.deletes_a_job(name, again=True)

    @rule(name=JOB_NAMES, again=st.booleans())
    def deletes_a_job(self, name: str, again: bool) -> None:
        """Not while its run has a slot that is lost: where queue and job are deleted at the same time, nothing is left
        that knows of the slot (the lease of the tree still keeps two runs apart).
        """
        job = self.job(name)
        if job is None or not self.slot_known(job):
            return
        self.server.remove(KINDS[NAMES[name]], job["metadata"]["uid"])
        if again:
            self.create(name)

    def slot_known(self, job: Json) -> bool:
        uid = job["metadata"]["uid"]
        queue = self.server.find(QUEUES, job["spec"]["queue"]) or {}
        reserved = {(r["uid"], r["run"]) for r in queue.get("status", {}).get("reservations", [])}
        return all(run in reserved for run in self.truth.living() if run[0] == uid)

    @rule(name=JOB_NAMES, suspend=st.booleans(), hold=st.booleans(), priority=st.integers(0, 9))
    def changes_a_job(self, name: str, suspend: bool, hold: bool, priority: int) -> None:
        marks = {"mintworks.dev/hold": "" if hold else None}
        spec = {"suspend": suspend, "priority": priority}
        self.change(name, {"spec": spec, "metadata": {"annotations": marks}})

    @rule(name=JOB_NAMES, command=st.sampled_from(["cancel", "retry", "retry", "promote"]))
    def commands_a_job(self, name: str, command: str) -> None:
        if (job := self.job(name)) is not None:
            self.ask(KINDS[NAMES[name]], job, command)

    @rule(name=QUEUE_NAMES, command=st.sampled_from(["retry-failed", "retry-failed", "clean", "clean", "drain"]))
    def commands_a_queue(self, name: str, command: str) -> None:
        if (queue := self.server.find(QUEUES, name)) is not None:
            self.ask(QUEUES, queue, command)

    @rule(
        name=QUEUE_NAMES,
        concurrency=st.integers(1, 3),
        paused=st.booleans(),
        rate=RATES,
        deletes=st.sampled_from([False, False, False, True]),
    )
    def changes_a_queue(
        self, name: str, concurrency: int, paused: bool, rate: Json | None, deletes: bool = False
    ) -> None:
        queue, spec = self.server.find(QUEUES, name), {"concurrency": concurrency, "paused": paused}
        if queue is None:
            self.server.make(QUEUES, {"metadata": {"name": name}, "spec": merged(spec, {"rateLimit": rate})})
        elif deletes:
            self.deletes_a_queue(queue)
        else:
            self.server.change(QUEUES, queue["metadata"]["uid"], {"spec": {"rateLimit": None}})
            self.server.change(QUEUES, queue["metadata"]["uid"], {"spec": {**spec, "rateLimit": rate}})

    def deletes_a_queue(self, queue: Json) -> None:
        """Its reservations go with it; those of jobs that are gone too cannot be known again."""
        if all(self.truth.job(uid) is not None for uid, _ in self.truth.living()):
            self.server.remove(QUEUES, queue["metadata"]["uid"])

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def limits_hold(self) -> None:
        self.truth.check()

    def teardown(self) -> None:
        if not hasattr(self, "truth"):
            return
        while self.late:
            self.a_late_request_arrives(0)
        self.let_go()
        self.settle()
        self.at_rest()

    def let_go(self) -> None:
        """Nothing else is touched: who is changed is looked at, and nobody would see that he had been forgotten."""
        for name in NAMES:
            job = self.job(name)
            if job is not None and (job["spec"].get("suspend") or "mintworks.dev/hold" in _marks(job)):
                self.change(
                    name, {"spec": {"suspend": False}, "metadata": {"annotations": {"mintworks.dev/hold": None}}}
                )
        for name in ("default", "other"):
            queue = self.server.find(QUEUES, name)
            if queue is None:
                self.changes_a_queue(name, concurrency=1, paused=False, rate=None)
            elif queue["spec"].get("paused"):
                self.server.change(QUEUES, queue["metadata"]["uid"], {"spec": {"paused": False}})

    def settle(self) -> None:
        """Undisturbed, everything comes to rest by what is heard and what the operator put off itself. Only what was
        lost needs a LIST.
        """
        if self.op.missed:
            self.op.list_all()
        self.rests()
        self.truth.no_stray_goes_on()
        for _ in range(1000):
            busy = self.rests()
            for move in self.nodes.moves():
                if move in self.nodes.moves():
                    self.nodes.move(move)
                    busy = True
            self.truth.check()
            if not busy:
                if not self.op.due:
                    return
                self.now = max(self.now, self.due())
        raise AssertionError("the world does not come to rest")

    def at_rest(self) -> None:
        assert not self.nodes.alive()
        assert all(phase_of(job) for resource in KINDS.values() for job in self.server.all(resource))
        rows = self.job("rows")
        for name, kind in NAMES.items():
            if (job := self.job(name)) is not None:
                waits = kind == "MintJob" and (rows is None or phase_of(rows) != "Succeeded")
                assert phase_of(job) in FINISHED or (waits and phase_of(job) == "Pending"), name
                self.commands_are_noted(job)
        for queue in self.server.all(QUEUES):
            self.truth.counts(queue)

    def commands_are_noted(self, job: Json) -> None:
        marks = _marks(job)
        for command in ("cancel", "retry", "promote"):
            if annotation(command) in marks:
                assert job["status"]["commands"][command] == marks[annotation(command)], "a command is forgotten"


def _marks(obj: Json) -> Json:
    return obj["metadata"].get("annotations") or {}


def _turn(waiting: Waiting) -> tuple[int, datetime, str]:
    return waiting.priority, waiting.created, waiting.name


def test_the_operators_world() -> None:
    """The same plays each time, or with MINTWORKS_PLAYS so many that nobody has seen (`make explore`)."""
    plays = int(os.environ.get("MINTWORKS_PLAYS", "0"))
    drive(OperatorWorld, examples=plays or 200, length=80, least=10_000 if not plays else 0, derandomize=not plays)
