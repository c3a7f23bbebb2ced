"""Which part of a common request budget is one process's own. Pure: the clock is an argument.

Processes that ask one endpoint keep a table with an entry each: the rate that it allows itself, and what it could use.
Each writes only its own entry, now and then, from what the others' entries say, and takes no more than they leave:
whoever has too much gives way first. However old a view is, the sum of all rates exceeds the budget by no more than the
little that newcomers begin with.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

GONE_SECONDS = 3.0
"""An entry that has not changed for this long is that of a dead process."""

TRICKLE = 0.05
"""Part of the budget that all those share who have no use for any: it lets each begin at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One process's entry. Rates are requests a second."""

    beat: int
    """Differs each time it is written: that it changes is how others know that its process lives."""
    rate: float
    """What it allows itself."""
    wants: float
    """What it could use."""
    budget: float
    """What its own job allows it in all."""
    paused: float = 0.0
    """Seconds for which the endpoint told it to ask nothing, as of when this was written."""


def demand(used: float, backlog: float, budget: float) -> float:
    """What a process could use that sends `used` requests a second and has `backlog` waiting: half as much again, so
    that nobody is held to what it was held to before.
    """
    return min(budget, 1.5 * used + backlog)


def share(wants: float, budget: float, others: Collection[Entry]) -> float:
    """The rate that a process may allow itself now, at most its own budget.

    The whole is the largest budget that anyone states: who states less wants less, and says nothing of the others.
    Everybody gets what he wants as far as equal parts go (max-min fairness); what nobody wants is divided equally.
    """
    whole = max(budget, *(other.budget for other in others)) if others else budget
    trickle = TRICKLE * whole / (len(others) + 1)
    theirs = [min(other.budget, other.wants + trickle) for other in others]
    fair = min(budget, _max_min(whole, wants + trickle, theirs))
    room = whole - sum(other.rate for other in others)
    return min(budget, max(min(fair, room), trickle))


def _max_min(whole: float, mine: float, theirs: Collection[float]) -> float:
    """My part of the whole, with an equal part of what is left over when everyone has what he wants."""
    left, members = whole, len(theirs) + 1
    for wanted in sorted([mine, *theirs]):
        equal = left / members
        if wanted >= equal:
            return min(mine, equal)
        left -= wanted
        members -= 1
    return mine + left / (len(theirs) + 1)


def alone(budget: float, others: Collection[Entry]) -> float:
    """The rate while the table cannot be read: an equal part, because who is idle now cannot say when it no longer
    is.
    """
    return min(budget, max(budget, *(other.budget for other in others)) / (len(others) + 1)) if others else budget


class Hearing:
    """Tells the entries of living processes from those of dead ones by our own clock: whose entry changes lives."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, float]] = {}

    def living(self, table: Mapping[str, Entry], now: float) -> dict[str, Entry]:
        """The entries of those that may live; one that is seen for the first time may."""
        heard = {}
        for name, entry in table.items():
            beat, since = self._heard.get(name, (None, now))
            heard[name] = (entry.beat, since if beat == entry.beat else now)
        self._heard = heard
        return {name: entry for name, entry in table.items() if now - heard[name][1] < GONE_SECONDS}

    def is_news(self, name: str, now: float) -> bool:
        """Whether the entry was written since the table was looked at before."""
        return self._heard[name][1] == now


def encode(table: Mapping[str, Entry]) -> str:
    """A table as JSON."""
    return json.dumps({name: asdict(entry) for name, entry in table.items()}, separators=(",", ":"))


def decode(text: str | bytes | None) -> dict[str, Entry]:
    """The table in `text`; entries that make no sense are left out: they cost fairness, nothing else."""
    table = {}
    with contextlib.suppress(ValueError, AttributeError):
        for name, fields in json.loads(text or "{}").items():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                rates = (max(0.0, float(fields[key])) for key in ("rate", "wants", "budget", "paused"))
                table[str(name)] = Entry(int(fields["beat"]), *rates)
    return table
