"""The commands about a cluster, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import typer

from . import acting, looking
from .options import KubectlCommand, flat

Commands = dict[str, Callable[..., None]]

#: Typer's panels of `--help`.
LOOK: Final = "Look at a cluster"
ACT: Final = "Act on a cluster"

_LOOKING: Final[Commands] = {
    "get": looking.get,
    "describe": looking.describe,
    "watch": looking.watch,
    "logs": looking.logs,
}
_ACTING: Final[Commands] = {
    "retry": acting.retry,
    "cancel": acting.cancel,
    "promote": acting.promote,
    "hold": acting.hold,
    "release": acting.release,
    "suspend": acting.suspend,
    "resume": acting.resume,
}
_QUEUES: Final[Commands] = {
    "stats": looking.stats,
    "pause": acting.pause,
    "resume": acting.unpause,
    "drain": acting.drain,
    "clean": acting.clean,
    "retry-failed": acting.retry_failed,
}


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for panel, commands in ((LOOK, _LOOKING), (ACT, _ACTING)):
        for name, function in commands.items():
            app.command(name, cls=KubectlCommand, rich_help_panel=panel)(flat(function))
    queues = typer.Typer(no_args_is_help=True, help="Queues: their numbers, and commands for all their jobs.")
    for name, function in _QUEUES.items():
        queues.command(name, cls=KubectlCommand)(flat(function))
    app.add_typer(queues, name="queue", rich_help_panel=ACT)
