"""Who starts next among the namespaces, where an installation limits all runs together."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .slots import Waiting

#: A run: uid of the job, and its number.
Run = tuple[str, int]


@dataclass(frozen=True)
class Claim:
    """A namespace: how many runs of it hold a slot, and who of it could start now besides, first come first."""

    namespace: str
    running: int
    ready: Sequence[Waiting]


def shares(total: int, claims: Collection[Claim]) -> dict[str, int]:
    """How many of each namespace start now, at most `total` running in all of them.

    The next start goes to the namespace with the fewest running that has somebody to start; of several with as few, to
    the one whose next is the oldest.
    """
    free = total - sum(claim.running for claim in claims)
    given: dict[str, int] = {}
    line = [_place(claim, 0) for claim in claims if claim.ready]
    heapq.heapify(line)
    while free > 0 and line:
        *_, claim = heapq.heappop(line)
        given[claim.namespace] = taken = given.get(claim.namespace, 0) + 1
        free -= 1
        if taken < len(claim.ready):
            heapq.heappush(line, _place(claim, taken))
    return given


def counted(total: int, before: Iterable[Run], running: Collection[Run], reserved: Mapping[Run, Waiting]) -> set[Run]:
    """Which runs may be under way: those that run, and of those with a reserved slot as many as there is room for.

    A reservation alone does not let a run start. It may have been written by a leader that was replaced meanwhile, and
    arrive when others have been given what was free: a queue's version guards its own limit, and not that of all.

    Args:
        total: Runs in all namespaces at once.
        before: Those that this leader counted so far.
        running: Runs that have taken their slot.
        reserved: Slots given to jobs that have not taken them yet.
    """
    found = {*running, *(run for run in before if run in reserved)}
    for run, _ in sorted(reserved.items(), key=lambda item: (item[1].created, item[0])):
        if len(found) >= total:
            break
        found.add(run)
    return found


def _place(claim: Claim, taken: int) -> tuple[int, datetime, str, Claim]:
    """Where a namespace stands in the line for the next start, after so many were given to it."""
    return claim.running + taken, claim.ready[taken].created, claim.namespace, claim
