"""Objects put into a state: suspended, held, paused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .errors import CommandError
from .find import Chosen, Object, targeted
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
    targets, good = targeted(connection, chosen, allowed, say=say, complain=complain)
    for target in targets:
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
