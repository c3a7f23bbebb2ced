"""What policies pass along: the case (facts, never changed) and the draft (what has been decided so far)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from mintworks_api import JobKind, JobSpec, JobStatus, Phase, ResolvedPolicy, resolve_policy
from mintworks_api.status import Attempts, Condition

from . import texts
from .actions import Action, Decision, Emit, RequeueAt, WriteStatus
from .conditions import Said, condition, of_type
from .slots import Slot
from .views import JobView, RunView, Snapshot


@dataclass(frozen=True)
class Case:
    """The facts of one pass. `spec` is None where it does not parse; `problem` then says why."""

    snapshot: Snapshot
    now: datetime
    kind: JobKind
    spec: JobSpec | None
    problem: str = ""

    @cached_property
    def resolved(self) -> ResolvedPolicy:
        """The policy as the spec and the queue have it now."""
        queue = self.snapshot.queue
        defaults = queue.spec.job_defaults if queue is not None and queue.spec is not None else None
        return resolve_policy(self.spec, defaults) if self.spec is not None else ResolvedPolicy()

    @property
    def suspended(self) -> bool:
        """Whether the job asks for a pause."""
        return self.snapshot.job.held or (self.spec is not None and bool(self.spec.suspend))


@dataclass(frozen=True)
class Draft:
    """The decision under construction. Every method answers a new draft; `settled` ends the chain of policies."""

    status: JobStatus
    inputs: Mapping[str, Any]
    result: Mapping[str, Any] | None
    effects: tuple[Action, ...] = ()
    events: tuple[Emit, ...] = ()
    wakeups: tuple[datetime, ...] = field(default=())
    slot: Slot | None = None
    guarded: bool = False
    settled: bool = False

    @property
    def attempts(self) -> Attempts:
        """The counters, zero before the first run."""
        return self.status.attempts or Attempts()

    def write(self, **changes: Any) -> Self:
        """With these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=changes))

    def do(self, *effects: Action) -> Self:
        """With these effects added."""
        return replace(self, effects=self.effects + effects)

    def tell(self, event: Emit) -> Self:
        """With this Event added."""
        return replace(self, events=(*self.events, event))

    def wake(self, moment: datetime) -> Self:
        """With another look at that time."""
        return replace(self, wakeups=(*self.wakeups, moment))

    def settle(self) -> Self:
        """With the chain ended."""
        return replace(self, settled=True)

    def condition(self, name: str) -> Condition | None:
        """The condition of that type, where it is set."""
        return of_type(self.status.conditions, name)

    def mark(self, case: Case, name: str, value: bool, reason: str, message: str = "") -> Self:
        """With that condition set; its transition time moves only when its status changes."""
        before = self.status.conditions
        said: Said = ("True" if value else "False", reason, message)
        new = condition(before, name, said, generation=case.snapshot.job.generation, now=case.now)
        if any(new is c for c in before):
            return self
        kept = [new if c.type == name else c for c in before]
        return self.write(conditions=kept if new in kept else [*kept, new])


def waits(case: Case, draft: Draft, phase: Phase, reason: str, message: str) -> Draft:
    """The job does not run, for this reason: the end of the chain."""
    draft = draft.write(phase=phase).mark(case, texts.PROGRESSING, False, reason, message)
    admitted = draft.condition(texts.ADMITTED)
    if admitted is None or admitted.status != "True":
        draft = draft.mark(case, texts.ADMITTED, False, reason, message)
    return count(case, draft).settle()


def unreadable(job: JobView, now: datetime) -> Condition:
    """Why nothing is done about a job whose status does not parse."""
    said: Said = ("False", texts.STATUS_UNREADABLE, texts.status_unreadable(job.unreadable))
    return condition((), texts.PROGRESSING, said, generation=job.generation, now=now)


def policy_of(case: Case, draft: Draft) -> ResolvedPolicy:
    """The policy in force: frozen at admission, except what a job may change later."""
    frozen, spec = draft.status.policy, case.spec
    if frozen is None:
        return case.resolved
    changes = {} if spec is None else {"priority": spec.priority, "max_attempts": spec.max_attempts}
    return frozen.model_copy(update={k: v for k, v in changes.items() if v is not None})


def count(case: Case, draft: Draft, **changes: Any) -> Draft:
    """With the counters of attempts changed, and their limit and summary brought up to date."""
    attempts = draft.attempts.model_copy(update=changes)
    limit = policy_of(case, draft).max_attempts
    current = attempts.made + (1 if draft.status.active is not None else 0)
    return draft.write(attempts=attempts.model_copy(update={"limit": limit, "summary": f"{current}/{limit}"}))


def active_run(case: Case, draft: Draft) -> RunView | None:
    """The run that holds the slot, where it exists."""
    active = draft.status.active
    return None if active is None else case.snapshot.run(active.run)


def decision(case: Case, draft: Draft) -> Decision:
    """The draft as a list of actions, in the order of application."""
    job = case.snapshot.job
    changed = (draft.status, dict(draft.inputs), draft.result) != (job.status, dict(job.inputs), job.result)
    # Whoever changed a spec waits to see that it was looked at; a job without any status has nothing to correct.
    changed = changed or job.status.observed_generation not in {None, job.generation}
    status = draft.status
    if changed:
        # The conditions too, whether or not they moved: kubectl wait passes over those of an older generation.
        seen = {"observed_generation": job.generation}
        conditions = [c.model_copy(update=seen) for c in status.conditions]
        status = status.model_copy(update={"conditions": conditions, **seen})
    write = WriteStatus(status, draft.inputs, draft.result, changed)
    wakeups = (RequeueAt(min(draft.wakeups)),) if draft.wakeups else ()
    writes = (write,) if changed or draft.guarded else ()
    return Decision(actions=(*writes, *draft.effects, *draft.events, *wakeups), slot=draft.slot)
