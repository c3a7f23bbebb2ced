"""Conditions of a status. A condition's transition time moves only when its status changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from mintworks_api.status import Condition

from .times import SHORT, clip, seconds

Said = tuple[Literal["True", "False", "Unknown"], str, str]
"""Status, reason and message."""


def of_type(conditions: Iterable[Condition], name: str) -> Condition | None:
    """The condition of that type, where it is set."""
    return next((c for c in conditions if c.type == name), None)


def condition(before: Iterable[Condition], name: str, said: Said, *, generation: int, now: datetime) -> Condition:
    """The condition of that type that follows the conditions `before`; words that are too long are cut. Where it says
    what the one before says, it is that one.
    """
    status, reason, message = said[0], clip(said[1], SHORT), clip(said[2])
    old, told = of_type(before, name), (status, reason, message, generation)
    if old is not None and (old.status, old.reason, old.message, old.observed_generation) == told:
        return old
    return Condition(
        type=name,
        status=status,
        reason=reason,
        message=message,
        observed_generation=generation,
        last_transition_time=old.last_transition_time if old is not None and old.status == status else seconds(now),
    )
