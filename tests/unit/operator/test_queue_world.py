"""The simulated world again, with people who act on queue and jobs at any moment: pauses, limits, priorities, commands.

What the runs alone determine is no longer the end. What must hold: limits at every start, each command once, nothing
forgotten.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import hypothesis.strategies as st
from hypothesis.stateful import initialize, rule
from mintworks_api import FINISHED, JobQueueSpec, Phase, RateLimit
from mintworks_api.base import parse_duration
from mintworks_operator.core import Asked, Plan, Waiting, WriteStatus
from support.steps import drive

from .test_world import World

MOST = 3


class QueueWorld(World):
    """Tokens are numbers that are never used twice."""

    @initialize()
    def prepare(self) -> None:
        self.given = 0
        self.begun: list[datetime] = []
        self.carried: Counter[tuple[str, str, str]] = Counter()

    # --- people -------------------------------------------------------------------------------------------------------

    def token(self) -> str:
        self.given += 1
        return str(self.given)

    @rule(job=st.integers(0, 4), name=st.sampled_from(["cancel", "retry", "promote"]))
    def commands_a_job(self, job: int, name: str) -> None:
        view = list(self.jobs.values())[job]
        self.put_job(replace(view, asked={**view.asked, name: Asked(self.token())}))

    @rule(job=st.integers(0, 4))
    def holds_or_lets_go(self, job: int) -> None:
        view = list(self.jobs.values())[job]
        self.put_job(replace(view, held=not view.held))

    @rule(job=st.integers(0, 4), priority=st.integers(0, 9))
    def changes_a_priority(self, job: int, priority: int) -> None:
        view = list(self.jobs.values())[job]
        spec = {**view.spec, "priority": priority}
        self.put_job(replace(view, spec=spec, generation=view.generation + 1))

    @rule(name=st.sampled_from(["retry-failed", "drain", "clean"]))
    def commands_the_queue(self, name: str) -> None:
        if self.queue is not None:
            self.queue = replace(self.queue, asked={**self.queue.asked, name: Asked(self.token())})
            self.versions["queue"] += 1

    @rule(
        concurrency=st.integers(1, MOST),
        paused=st.booleans(),
        rate=st.none() | st.builds(RateLimit, max=st.integers(1, 3), per=st.sampled_from(["40s", "3m"])),
    )
    def changes_the_queue(self, concurrency: int, paused: bool, rate: RateLimit | None) -> None:
        if self.queue is not None:
            spec = JobQueueSpec(concurrency=concurrency, paused=paused, rate_limit=rate)
            self.queue = replace(self.queue, spec=spec, generation=self.queue.generation + 1)
            self.versions["queue"] += 1

    # --- what must hold -----------------------------------------------------------------------------------------------

    def most(self) -> int:
        return MOST

    def admitted(self, plan: Plan, waiting: list[Waiting]) -> None:
        super().admitted(plan, waiting)
        if self.queue is None or self.queue.spec is None or not plan.admitted:
            return
        spec, limit = self.queue.spec, self.queue.spec.rate_limit
        assert not spec.paused
        assert len(plan.status.reservations) <= (spec.concurrency or 0)
        if not self.queue.status.starts:
            # Of a queue that was deleted, or had no limit, nobody knows.
            self.begun = []
        if limit is not None:
            self.begun += [self.now] * len(plan.admitted)
            assert sum(at > self.now - parse_duration(limit.per) for at in self.begun) <= limit.max

    def carry_out(self, uid: str, action: object) -> bool:
        before = self.jobs.get(uid)
        done = super().carry_out(uid, action)
        after = self.jobs.get(uid)
        if isinstance(action, WriteStatus) and done and before is not None and after is not None:
            self.once(uid, before.status.phase, after.status.phase)
        return done

    def once(self, uid: str, before: Phase | None, after: Phase | None) -> None:
        """Whatever begins a finished job again, or cancels one, is a token that was not used for that before."""
        commands = self.jobs[uid].status.commands
        told = commands.wire() if commands is not None else {}
        if before in FINISHED and after not in FINISHED:
            tokens = (told.get("retry", ""), told.get("retryFailed", ""))
            self.carried[uid, "retry", str(tokens)] += 1
            assert any(tokens)
            assert self.carried[uid, "retry", str(tokens)] == 1

    # --- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "jobs"):
            return
        for job in list(self.jobs.values()):
            self.put_job(replace(job, held=False, spec={**job.spec, "suspend": False}, generation=job.generation + 1))
        if self.queue is not None:
            self.changes_the_queue(concurrency=1, paused=False, rate=RateLimit(max=1, per="40s"))
        self.settle()
        assert not any(r.alive or r.lingers for r in self.runs.values())
        assert self.queue is None or not self.queue.status.reservations
        rows = next(j for j in self.jobs.values() if j.kind == "MetadataJob" and j.name == "rows")
        for job in self.jobs.values():
            waits_for_rows = job.kind == "MintJob" and rows.status.phase is not Phase.SUCCEEDED
            assert job.status.phase in FINISHED or (waits_for_rows and job.status.phase is Phase.PENDING), job.uid
            known = job.status.commands.wire() if job.status.commands is not None else {}
            assert {name: asked.token for name, asked in job.asked.items()}.items() <= known.items()


def test_the_queues_world() -> None:
    drive(QueueWorld, examples=250, length=70, least=8_000)
