"""What the commands about a cluster take beside flags, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from mintworks_api import parse_duration

from . import completion
from .errors import CommandError, error
from .kinds import JOBS, KINDS, QUEUES, SUSPENDABLE, Kind
from .options import FAILED, Several, complain


def _names(*kinds: Kind, metavar: str = "(TYPE [NAME...] | TYPE/NAME... | NAME...)") -> Any:
    return typer.Argument(metavar=metavar, show_default=False, autocompletion=completion.objects(*kinds))


Objects = Annotated[list[str] | None, _names(*KINDS)]
Jobs = Annotated[list[str] | None, _names(*JOBS)]
Suspendables = Annotated[list[str] | None, _names(*SUSPENDABLE)]
Queues = Annotated[list[str] | None, _names(*QUEUES, metavar="[NAME...]")]


def needed(arguments: list[str] | None, several: Several | None = None) -> list[str] | None:
    """The arguments, where there are any, or what stands in for them. Raises CommandError."""
    if not arguments and not (several is not None and (several.selector or several.everything)):
        raise error("You must specify a name" + (", -l or --all" if several is not None else ""))
    return arguments


def seconds(text: str) -> float:
    """A duration such as 30s. Raises CommandError."""
    try:
        return parse_duration(text).total_seconds()
    except ValueError as problem:
        raise error(str(problem)) from None


def say(text: str) -> None:
    """Says what was done."""
    print(text, flush=True)


def tell(text: str) -> None:
    """Says something beside that."""
    print(text, file=sys.stderr, flush=True)


def end(problems: Iterable[CommandError], *, good: bool = True) -> None:
    """Ends the command with 1 where something went wrong."""
    sys.stdout.flush()
    told = [*problems]
    for problem in told:
        complain(problem)
    if told or not good:
        raise typer.Exit(FAILED)
