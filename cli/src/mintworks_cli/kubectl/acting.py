"""The commands that act: annotations that ask for something once, and states that last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import asking
from . import state as states
from .arguments import Jobs, Queues, Suspendables, end, needed, say, seconds, tell
from .asking import Command
from .changing import put
from .command import give
from .kinds import JOBS, QUEUES, SUSPENDABLE, Kind
from .options import Several, Timeout, Wait, Where, complain
from .state import State

Made = Callable[..., None]


def _command(name: str, help_: str, command: Command, kinds: tuple[Kind, ...], names: Any) -> Made:
    """A command that sets an annotation."""

    def given(
        *, where: Where, several: Several, arguments: Any = None, wait: Wait = True, timeout: Timeout = "30s"
    ) -> None:
        limit = (seconds(timeout) or float("inf")) if wait else None
        chosen = several.chosen(needed(arguments, several))
        good = give(where.connect(), command, chosen, kinds, wait=limit, say=say, complain=complain)
        end([], good=good)

    return _called(given, name, help_, names)


def _state(name: str, help_: str, state: State, kinds: tuple[Kind, ...], names: Any) -> Made:
    """A command that puts objects into a state."""

    def put_into(*, where: Where, several: Several, arguments: Any = None) -> None:
        chosen = several.chosen(needed(arguments, several))
        good = put(where.connect(), state, chosen, kinds, say=say, complain=complain, warn=tell)
        end([], good=good)

    return _called(put_into, name, help_, names)


def _called(function: Made, name: str, help_: str, names: Any) -> Made:
    function.__name__, function.__doc__ = name, help_
    function.__annotations__["arguments"] = names
    return function


retry = _command("retry", "Begin failed or cancelled jobs again, with fresh attempts.", asking.RETRIED, JOBS, Jobs)
cancel = _command("cancel", "End jobs; what runs stops at a safe point.", asking.CANCELLED, JOBS, Jobs)
promote = _command("promote", "Let jobs start now that wait for their time.", asking.PROMOTED, JOBS, Jobs)
drain = _command("drain", "Cancel what waits; what runs goes on.", asking.DRAINED, QUEUES, Queues)
clean = _command("clean", "Remove pods and logs of what has ended; the jobs stay.", asking.CLEANED, QUEUES, Queues)
retry_failed = _command("retry-failed", "Retry each job that has failed.", asking.FAILED_RETRIED, QUEUES, Queues)

hold = _state("hold", "Hold jobs back by an annotation, which GitOps tools leave alone.", states.HELD, JOBS, Jobs)
release = _state("release", "Take `hold` back.", states.RELEASED, JOBS, Jobs)
suspend = _state(
    "suspend",
    "Set spec.suspend: what runs stops at a safe point, schedules make nothing.",
    states.SUSPENDED,
    SUSPENDABLE,
    Suspendables,
)
resume = _state("resume", "Take `suspend` back.", states.RESUMED, SUSPENDABLE, Suspendables)
pause = _state("pause", "Start nothing more; what runs goes on.", states.PAUSED, QUEUES, Queues)
unpause = _state("resume", "Take `pause` back.", states.UNPAUSED, QUEUES, Queues)
