"""Commands given and waited for: the annotation is set, the operator carries it out and says so."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import asking
from .asking import Command, Json
from .errors import CommandError, error
from .events import events_of
from .find import Chosen, Object, targeted
from .kinds import Kind

if TYPE_CHECKING:
    from .connection import Connection

#: Seconds between two looks.
PAUSE: Final = 0.2
#: Times of the API server are whole seconds.
SECOND: Final = 1.0
#: Seconds for which an Event is looked for after the status told that the command was dealt with.
EVENT: Final = 5.0


@dataclass
class Given:
    """A command that was given."""

    target: Object
    token: str
    before: list[Json]


def give(
    connection: Connection,
    command: Command,
    chosen: Chosen,
    allowed: Sequence[Kind],
    *,
    wait: float | None,
    say: Callable[[str], None],
    complain: Callable[[CommandError], None],
) -> bool:
    """Give the command to all that was chosen, and wait for each until the operator has dealt with it.

    `wait` is how many seconds in all; None: not at all.

    Returns:
        Whether all of it was done (or asked for, where nothing is waited for).

    Raises:
        CommandError: nothing could be chosen.
    """
    targets, good = targeted(connection, chosen, allowed, say=say, complain=complain)
    until = time.monotonic() + (wait or 0)
    given: list[Given] = []
    for target in targets:
        try:
            given.append(_give(connection, command, target))
        except CommandError as problem:
            complain(problem)
            good = False
    for each in given:
        try:
            done = f"{command.name} requested" if wait is None else _end(connection, command, each, until)
            say(f"{each.target.shown} {done}")
        except CommandError as problem:
            complain(problem)
            good = False
    return good


def _give(connection: Connection, command: Command, target: Object) -> Given:
    before = events_of(connection, target)
    while True:
        token = uuid.uuid4().hex
        # By uid: an object of the same name that was made meanwhile was not asked for.
        body = asking.patch(command, token)
        body["metadata"]["uid"] = target.uid
        if not asking.counts_as_made_with(command, connection.patch(target.path, body)):
            return Given(target, token, before)
        time.sleep(SECOND)


def _end(connection: Connection, command: Command, given: Given, until: float) -> str:
    """What was done, in a word or two."""
    target = given.target
    while True:
        status: Json = connection.get(target.path).get("status") or {}
        if asking.echoed(command, given.token, status):
            break
        if time.monotonic() > until:
            raise error(
                f"timed out waiting for the operator to {command.name} {target.quoted}; "
                f"it does so as soon as it sees the annotation"
            )
        time.sleep(PAUSE)
    said = _said(connection, command, given)
    if said is not None and (why := asking.ignored(command, said)) is not None:
        raise error(f"{target.quoted} is not {command.done}: {why}")
    return asking.done(command, said)


def _said(connection: Connection, command: Command, given: Given) -> tuple[str, str] | None:
    """What the Event says; None where none comes, or may not be read."""
    if not command.reasons:
        return None
    until = time.monotonic() + EVENT
    while True:
        said = asking.answer(command, given.before, events_of(connection, given.target))
        if said is not None or time.monotonic() > until:
            return said
        time.sleep(PAUSE)
