"""Runs that nobody waits for: what goes on of them is stopped, old ones are removed."""

from __future__ import annotations

from dataclasses import replace

from ..actions import DeleteRun, StopRun
from ..draft import Case, Draft

#: Ended runs that are kept. Their names stay taken, so that a create which was held up somewhere for a long time finds
#: AlreadyExists instead of starting an old run again; and people can read the logs of the last ones.
KEPT = 10


def sweep(case: Case, draft: Draft) -> Draft:
    """At most one run of a job may live: the active one."""
    active = draft.status.active
    current = active.run if active is not None else None
    for run in case.snapshot.runs:
        if run.run == current or run.stopping:
            continue
        if run.alive or run.lingers:
            # Guarded: where this snapshot is stale, the run may be the active one by now.
            draft = replace(draft.do(StopRun(run.run, "Stray")), guarded=True)
        elif run.run <= draft.attempts.runs - KEPT:
            draft = draft.do(DeleteRun(run.run))
    return draft
