"""A small simulated world, driven at random: the operator dies between any two writes, sees changes late and repeats
passes; runs end in every way, jobs are replaced, queues deleted. No limit may ever be broken, and everything must come
to the end that the runs alone determine.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mintworks_api import FINISHED, JobQueueSpec, Phase
from mintworks_operator.core import (
    CreateRun,
    DeleteRun,
    EnsureQueue,
    Failure,
    Holding,
    JobView,
    Plan,
    QueueView,
    RequeueAt,
    RunState,
    RunView,
    Slot,
    Snapshot,
    StopRun,
    Waiting,
    WriteStatus,
    admit,
    decide,
    held,
)
from support.steps import drive

START = datetime(2026, 1, 1, tzinfo=UTC)
CID = "b" + "a" * 58
TREE = "tree1" + "1" * 30
CONCURRENCY = 2
MAX_ATTEMPTS = 3
MAX_STALLED = 2
POLICY = {"maxAttempts": MAX_ATTEMPTS, "maxStalled": MAX_STALLED, "startTimeout": "365d"}
METADATA = {"cid": CID, "items": 3, "bytes": 9, "rowsSha256": "0" * 64}
MINT = {
    "tree": TREE,
    "items": 3,
    "minted": 3,
    "already": 0,
    "feesLamports": 1,
    "rentLamports": 1,
    "genesis": "g",
    "audit": "ok",
}
#: With a plus: another container of the pod never ends.
ENDS = ["good", "empty", "bad", "stopped", "disrupted", "deadline", "failed", "good+", "bad+", "failed+"]
FAILURES = {
    "bad": Failure.INPUT_BAD,
    "stopped": Failure.STOPPED,
    "disrupted": Failure.DISRUPTED,
    "deadline": Failure.DEADLINE_EXCEEDED,
    "failed": Failure.FAILED,
}


def metadata_job(name: str) -> JobView:
    spec = {
        "rows": {"configMap": {"name": "r", "key": "rows.csv"}},
        "images": {"cid": CID},
        "collection": {"name": "G"},
        "storage": {"kubo": {"url": "http://ipfs:5001"}},
    }
    return JobView("MetadataJob", "ns", name, f"uid-{name}", 1, START, spec | POLICY)


def mint_job(name: str) -> JobView:
    """Both mint jobs use one tree: they exclude each other. Both build on the metadata job `rows`."""
    spec = {
        "solana": {"rpcUrls": ["http://rpc:8899"]},
        "wallet": {"secret": {"name": "w", "key": "id.json"}},
        "tree": {"address": TREE},
        "metadataFrom": {"job": "rows"},
    }
    return JobView("MintJob", "ns", name, f"uid-{name}", 1, START, spec | POLICY)


@dataclass
class Operator:
    """What the process remembers, and what its cache holds; both go when it dies."""

    jobs: dict[str, JobView]
    queue: QueueView | None
    runs: dict[tuple[str, int], RunView]
    cold: set[str]
    versions: dict[str, int]
    slots: dict[str, Slot] = field(default_factory=dict)
    lost: set[tuple[str, int]] = field(default_factory=set)


class World(RuleBasedStateMachine):
    """etcd (`jobs`, `queue`, `runs`, `versions`), the runs' fates (`scripts`), and the operator."""

    @initialize(
        scripts=st.lists(st.lists(st.sampled_from(ENDS), max_size=8), min_size=5, max_size=5),
    )
    def begin(self, scripts: list[list[str]]) -> None:
        jobs = [metadata_job("rows"), metadata_job("b"), metadata_job("c"), mint_job("m"), mint_job("n")]
        self.jobs = {j.uid: j for j in jobs}
        self.scripts = {j.uid: script for j, script in zip(jobs, scripts, strict=True)}
        self.queue: QueueView | None = None
        self.runs: dict[tuple[str, int], RunView] = {}
        self.versions: Counter[str] = Counter()
        self.created: Counter[tuple[str, int]] = Counter()
        self.ended: Counter[str] = Counter()
        self.excused: set[tuple[str, int]] = set()
        self.fates: dict[tuple[str, int], str] = {}
        self.now = START
        self.restart()
        for _ in range(3):
            self.calm_round()

    # --- the operator -------------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """A new process lists before it acts."""
        self.op = Operator(dict(self.jobs), self.queue, dict(self.runs), set(self.jobs), dict(self.versions))

    def snapshot(self, uid: str) -> Snapshot:
        op = self.op
        return Snapshot(
            job=op.jobs[uid],
            queue=op.queue,
            runs=tuple(r for (owner, _), r in sorted(op.runs.items()) if owner == uid),
            lost=frozenset(n for owner, n in op.lost if owner == uid),
            dependencies={"rows": op.jobs["uid-rows"]} if op.jobs[uid].kind == "MintJob" else {},
        )

    def look(self, uid: str, survives: int = 99) -> bool:
        """One pass, of which the operator carries out so many actions before it dies. Answers whether it wrote."""
        if uid not in self.op.jobs:
            self.op.slots.pop(uid, None)
            self.op.cold.discard(uid)
            return False
        decision = decide(self.snapshot(uid), self.now)
        wrote = False
        for number, action in enumerate(decision.actions):
            if number >= survives:
                self.restart()
                return True
            wrote = wrote or not isinstance(action, RequeueAt)
            if not self.carry_out(uid, action):
                break
        else:
            self.op.slots.pop(uid, None)
            if decision.slot is not None:
                self.op.slots[uid] = decision.slot
        self.op.cold.discard(uid)
        return wrote

    def carry_out(self, uid: str, action: object) -> bool:
        """The API server's answer to one action; False: stale, the pass ends."""
        op = self.op
        if isinstance(action, WriteStatus):
            if op.versions.get(uid, 0) != self.versions[uid]:
                self.deliver_job(uid)
                return False
            new = replace(self.jobs[uid], status=action.status, inputs=action.inputs, result=action.result)
            if action.changed:
                self.put_job(new)
            self.deliver_job(uid)
        elif isinstance(action, CreateRun):
            if (uid, action.run) not in self.runs:
                self.created[uid, action.run] += 1
                self.runs[uid, action.run] = RunView(action.run, RunState.PENDING)
            op.runs[uid, action.run] = self.runs[uid, action.run]
        elif isinstance(action, StopRun):
            if (uid, action.run) in self.runs:
                self.runs[uid, action.run] = replace(self.runs[uid, action.run], stopping=True)
        elif isinstance(action, DeleteRun):
            self.runs.pop((uid, action.run), None)
        elif isinstance(action, EnsureQueue):
            if self.queue is None:
                self.queue = QueueView("ns", "default", 1, JobQueueSpec(concurrency=CONCURRENCY))
            self.deliver_queue()
        return True

    def everyone(self) -> list[str]:
        """Jobs, and those that the operator still remembers."""
        return sorted({*self.jobs, *self.op.jobs, *self.op.slots, *self.op.cold})

    def admit(self) -> bool:
        op = self.op
        if op.queue is None or op.cold:
            return False
        waiting = sorted((s for s in op.slots.values() if isinstance(s, Waiting)), key=lambda w: w.order)
        holding = [s for s in op.slots.values() if isinstance(s, Holding)]

        def still(r: Any) -> bool:
            alive = any(v.alive for (owner, _), v in op.runs.items() if owner == r.uid)
            return held(r, op.slots.get(r.uid), alive)

        plan = admit(op.queue, waiting, holding, self.now, still_held=still)
        if not plan.changed:
            return False
        if op.versions.get("queue", 0) == self.versions["queue"]:
            self.admitted(plan, waiting)
            self.queue = replace(self.queue or op.queue, status=plan.status)
            self.versions["queue"] += 1
        self.deliver_queue()
        return True

    def admitted(self, plan: Plan, waiting: list[Waiting]) -> None:
        """A plan is written: whoever comes before one that it admits is admitted too, or waits for a key."""
        slots = plan.status.reservations
        keys = {key for slot in slots for key in slot.keys}
        last = max((w.order for w in waiting if w.uid in plan.admitted), default=None)
        for w in waiting:
            left_out = last is not None and w.order < last and all(slot.uid != w.uid for slot in slots)
            assert not left_out or not keys.isdisjoint(w.keys), "one of lower priority goes first"

    def put_job(self, job: JobView) -> None:
        self.jobs[job.uid] = job
        self.versions[job.uid] += 1
        last = job.status.attempts.last if job.status.attempts is not None else []
        self.excused.update((job.uid, r.run) for r in last if r.reason == "Suspended")

    def deliver_job(self, uid: str) -> None:
        if uid in self.jobs:
            self.op.jobs[uid] = self.jobs[uid]
            self.op.versions[uid] = self.versions[uid]
        else:
            self.op.jobs.pop(uid, None)

    def deliver_queue(self) -> None:
        self.op.queue = self.queue
        self.op.versions["queue"] = self.versions["queue"]

    def deliver_run(self, uid: str, run: int) -> None:
        if (uid, run) in self.runs:
            self.op.runs[uid, run] = self.runs[uid, run]
        elif self.op.runs.pop((uid, run), None) is not None:
            self.op.lost.add((uid, run))

    def deliver_all(self) -> None:
        for uid in {*self.jobs, *self.op.jobs}:
            self.deliver_job(uid)
        for uid, run in {*self.runs, *self.op.runs}:
            self.deliver_run(uid, run)
        self.deliver_queue()

    # --- the runs -----------------------------------------------------------------------------------------------------

    def advance(self, uid: str, run: int) -> None:
        """A run starts, then ends as its script says; one that was asked to stop goes without a trace."""
        view = self.runs[uid, run]
        if view.stopping:
            del self.runs[uid, run]
        elif view.state is RunState.PENDING:
            self.runs[uid, run] = replace(view, state=RunState.RUNNING, started=self.now)
        elif view.alive:
            script, done = self.scripts[uid], self.ended[uid]
            end = script[done] if done < len(script) else "good"
            self.fates[uid, run] = end.removesuffix("+")
            self.runs[uid, run] = replace(self.fate(uid, view, self.fates[uid, run]), lingers=end.endswith("+"))
            self.ended[uid] += 1

    def fate(self, uid: str, view: RunView, end: str) -> RunView:
        view = replace(view, finished=self.now)
        if end in FAILURES:
            return replace(view, state=RunState.FAILED, failure=FAILURES[end])
        result = METADATA if self.jobs[uid].kind == "MetadataJob" else MINT
        return replace(view, state=RunState.COMPLETE, termination={"result": result} if end == "good" else None)

    # --- what may happen at any moment --------------------------------------------------------------------------------

    @rule(job=st.integers(0, 4), survives=st.integers(0, 6))
    def passes(self, job: int, survives: int) -> None:
        self.look(list(self.jobs)[job], survives if survives < 4 else 99)

    @rule()
    def calm_round(self) -> None:
        self.deliver_all()
        for uid in self.everyone():
            self.look(uid)
        self.admit()
        for uid in self.jobs:
            self.look(uid)

    @rule(job=st.integers(1, 4))
    def replaces_a_job(self, job: int) -> None:
        """Deleted and applied again at once: the old one's run still lives, until the garbage collector stops it.

        Not while its reservation is lost: where queue and job are deleted at the same time, nothing is left that knows
        of the slot (the lease of the tree still keeps two runs apart).
        """
        old = list(self.jobs.values())[job]
        reserved = {r.uid for r in self.queue.status.reservations} if self.queue is not None else set()
        if any(r.alive for (uid, _), r in self.runs.items() if uid == old.uid) and old.uid not in reserved:
            return
        new = replace(metadata_job(old.name) if old.kind == "MetadataJob" else mint_job(old.name), created=self.now)
        new = replace(new, uid=f"{old.uid}+")
        self.jobs = {(new if j is old else j).uid: new if j is old else j for j in self.jobs.values()}
        self.scripts[new.uid] = self.scripts[old.uid]
        self.versions[old.uid] += 1
        for key, run in self.runs.items():
            if key[0] == old.uid and (run.alive or run.lingers):
                self.runs[key] = replace(run, stopping=True)

    @rule()
    def deletes_the_queue(self) -> None:
        """Its reservations go with it; those of jobs that are gone too cannot be known again."""
        if all(uid in self.jobs for (uid, _), r in self.runs.items() if r.alive):
            self.queue = None
            self.versions["queue"] += 1
            self.deliver_queue()

    @rule(dies=st.booleans())
    def admits(self, dies: bool) -> None:
        self.admit()
        if dies:
            self.restart()

    @rule(pick=st.integers(0, 50), seen=st.booleans())
    def runs_on(self, pick: int, seen: bool) -> None:
        if self.runs:
            uid, run = sorted(self.runs)[pick % len(self.runs)]
            self.advance(uid, run)
            if seen:
                self.deliver_run(uid, run)

    @rule()
    def watches_deliver(self) -> None:
        self.deliver_all()

    @rule(job=st.integers(0, 4))
    def pauses_or_resumes(self, job: int) -> None:
        view = list(self.jobs.values())[job]
        spec = {**view.spec, "suspend": not view.spec.get("suspend", False)}
        self.put_job(replace(view, spec=spec, generation=view.generation + 1))

    @rule(seconds=st.integers(1, 600))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def limits_hold(self) -> None:
        alive = [uid for (uid, _), r in self.runs.items() if r.alive]
        assert len(alive) == len(set(alive)), "two runs of a job live"
        assert len(alive) <= self.most()
        assert sum(uid.startswith(("uid-m", "uid-n")) for uid in alive) <= 1, "two jobs hold one tree"
        assert all(n == 1 for n in self.created.values()), "a number of a run was used twice"
        for job in self.jobs.values():
            attempts = job.status.attempts
            assert attempts is None or (attempts.made <= MAX_ATTEMPTS and len(attempts.last) <= 10)
            self.ends_agree(job)

    def most(self) -> int:
        """How many may run."""
        return CONCURRENCY

    def ends_agree(self, job: JobView) -> None:
        ends = {c.type: c.status for c in job.status.conditions if c.type in {"Succeeded", "Failed"}}
        if job.status.phase in FINISHED:
            assert sorted(ends.values()) == ["False", "True"]
            assert (ends["Succeeded"] == "True") == (job.status.phase is Phase.SUCCEEDED) == (job.result is not None)
        else:
            assert not ends

    def teardown(self) -> None:
        if not hasattr(self, "jobs"):
            return
        for job in list(self.jobs.values()):
            if job.spec.get("suspend"):
                self.put_job(replace(job, spec={**job.spec, "suspend": False}, generation=job.generation + 1))
        self.settle()
        self.same_end()

    def settle(self) -> None:
        """Undisturbed, everything comes to rest."""
        quiet = 0
        for _ in range(400):
            self.deliver_all()
            for uid, run in list(self.runs):
                self.advance(uid, run)
            self.deliver_all()
            busy = [self.look(uid) for uid in self.everyone()]
            busy.append(self.admit())
            self.limits_hold()
            self.now += timedelta(seconds=30)
            quiet = 0 if any(busy) else quiet + 1
            # The longest backoff is ten minutes: quiet for longer is quiet for ever.
            if quiet > 30:
                return
        raise AssertionError("the world does not come to rest")

    def same_end(self) -> None:
        assert not any(r.alive or r.lingers for r in self.runs.values())
        assert self.queue is None or not self.queue.status.reservations
        rows = expected(self.told("uid-rows"))
        for uid, job in self.jobs.items():
            if job.kind == "MintJob" and rows[0] is Phase.FAILED:
                assert job.status.phase is Phase.PENDING
                continue
            attempts = job.status.attempts
            assert attempts is not None
            assert (job.status.phase, attempts.made, attempts.stalls) == expected(self.told(uid)), uid

    def told(self, uid: str) -> list[str]:
        """How its runs ended, in order, without those that a pause excused because it was asked for at that moment."""
        return [end for key, end in sorted(self.fates.items()) if key[0] == uid and key not in self.excused]


def expected(script: list[str]) -> tuple[Phase, int, int]:
    """The end that the fates of the runs determine: phase, attempts made, stalls."""
    made = stalls = 0
    for end in [*script, "good"]:
        made += end in {"good", "bad", "deadline", "failed"}
        stalls += end in {"empty", "disrupted"}
        if end == "good":
            return Phase.SUCCEEDED, made, stalls
        if end == "bad" or made >= MAX_ATTEMPTS or stalls > MAX_STALLED:
            return Phase.FAILED, made, stalls
    raise AssertionError(script)


def test_the_world() -> None:
    drive(World, examples=150, length=40, least=3_000)
