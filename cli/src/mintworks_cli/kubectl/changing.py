"""Objects put into a state: suspended, held, paused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .errors import CommandError
from .find import Chosen, Object, find
from .kinds import Kind
from .state import State, caution

if TYPE_CHECKING:
    from .connection import Connection


def put(
    connection: Connection,
    state: State,
    chosen: Chosen,
    allowed: Sequence[Kind],
    *,
    say: Callable[[str], None],
    complain: Callable[[CommandError], None],
    warn: Callable[[str], None],
) -> bool:
    """Put all that was chosen into a state. Returns whether that went well.

    Raises:
        CommandError: nothing could be chosen.
    """
    found = find(connection, chosen, allowed, many=False)
    good = not found.errors
    for problem in found.errors:
        complain(problem)
    if not found.objects and good:
        say("No resources found")
    for target in found.objects:
        try:
            say(f"{target.shown} {_put(connection, state, target, warn)}")
        except CommandError as problem:
            complain(problem)
            good = False
    return good


def _put(connection: Connection, state: State, target: Object, warn: Callable[[str], None]) -> str:
    if state.there(target.content):
        return f"already {state.done}"
    if words := caution(state, target):
        warn(words)
    metadata = {**state.patch.get("metadata", {}), "uid": target.uid}
    connection.patch(target.path, {**state.patch, "metadata": metadata})
    return state.done
