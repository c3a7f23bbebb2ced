"""Flags that the commands share, and how their mistakes are told: as kubectl does, with exit code 1."""

from __future__ import annotations

import functools
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from . import completion
from .errors import CommandError
from .find import Chosen
from .get import FORMATS
from .stats import FORMATS as NUMBERS

if TYPE_CHECKING:
    from .connection import Connection

FAILED: Final = 1


@dataclass(frozen=True)
class Where:
    """Which cluster and which namespace."""

    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="Namespace of the objects.", autocompletion=completion.namespaces),
    ] = None
    context: Annotated[
        str | None, typer.Option(help="Context of the kubeconfig to use.", autocompletion=completion.contexts)
    ] = None
    kubeconfig: Annotated[Path | None, typer.Option(help="Path to the kubeconfig file to use.")] = None

    def over(self, other: Where | None) -> Where:
        """What is said here, else what `other` says (flags before the command's name)."""
        if other is None:
            return self
        return Where(*(getattr(self, f.name) or getattr(other, f.name) for f in fields(Where)))

    def connect(self) -> Connection:
        """A connection there. Raises CommandError."""
        # The library takes a while to import, and commands without a cluster need none.
        from .connection import Connection, Place  # noqa: PLC0415

        return Connection.open(Place(self.kubeconfig, self.context, self.namespace))


Selector = Annotated[str | None, typer.Option("--selector", "-l", help="Label selector, e.g. -l app=drop.")]
Anywhere = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")]
Everything = Annotated[bool, typer.Option("--all", help="All of the types named, in the namespace.")]
Headers = Annotated[bool, typer.Option("--no-headers", help="Without the line of column names.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the operator has dealt with it.")]
Timeout = Annotated[str, typer.Option(help="How long to wait, such as 30s or 5m; 0s: without end.")]
Format = Annotated[
    str | None,
    typer.Option("--output", "-o", help="json, yaml, wide or name.", autocompletion=completion.formats(*FORMATS)),
]
NumbersFormat = Annotated[
    str | None,
    typer.Option("--output", "-o", help="json, yaml or wide.", autocompletion=completion.formats(*NUMBERS)),
]


@dataclass(frozen=True)
class Several:
    """Which objects a command is to change: named one by one, or expressly all of them."""

    selector: Selector = None
    everything: Everything = False
    anywhere: Anywhere = False

    def chosen(self, arguments: Sequence[str] | None) -> Chosen:
        """With the arguments."""
        return choose(arguments, self.selector, everything=self.everything, anywhere=self.anywhere)


def choose(
    arguments: Sequence[str] | None, selector: str | None = None, *, everything: bool = False, anywhere: bool = False
) -> Chosen:
    """What was asked for, as `find` takes it."""
    return Chosen(tuple(arguments or ()), selector, everything, anywhere)


class KubectlCommand(TyperCommand):
    """A command that refuses bad arguments in kubectl's words, with its exit code."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """As the base, but for what is wrong."""
        try:
            return super().make_context(*arguments, **extra)
        except typer.TyperException as problem:
            if extra.get("resilient_parsing"):
                raise
            context = getattr(problem, "ctx", None)
            print(f"error: {_words(problem)}", file=sys.stderr)
            if context is not None:
                print(f"See '{context.command_path} --help' for usage.", file=sys.stderr)
            raise typer.Exit(FAILED) from None


def flat(function: Callable[..., None]) -> Callable[..., None]:
    """The function as typer takes it: each parameter that is a dataclass of options is taken apart into those. What it
    raises of CommandError is told.
    """
    signature = inspect.signature(function, eval_str=True)
    bundles = {p.name: p.annotation for p in signature.parameters.values() if is_dataclass(p.annotation)}
    flags = [p for p in signature.parameters.values() if p.name not in bundles]
    for bundle in bundles.values():
        hints = typing.get_type_hints(bundle, include_extras=True)
        flags += [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
            for f in fields(typing.cast("Any", bundle))
        ]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @functools.wraps(function)
    def called(**values: Any) -> None:
        ctx = values.pop("ctx")
        for name, bundle in bundles.items():
            made = typing.cast("Any", bundle)(
                **{f.name: values.pop(f.name) for f in fields(typing.cast("Any", bundle))}
            )
            if isinstance(made, Where):
                # Also for the commands of this one, where it is the program itself.
                ctx.obj = made = made.over(ctx.find_object(Where))
            values[name] = made
        with told():
            function(**values)

    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in flags]
    called.__signature__ = inspect.Signature([context, *keyword_only])  # type: ignore[attr-defined]  # inspect reads it
    called.__annotations__ = {p.name: p.annotation for p in [context, *flags]}
    return called


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong ends the command with exit code 1."""
    try:
        yield
    except CommandError as problem:
        complain(problem)
        raise typer.Exit(FAILED) from None


def complain(problem: CommandError) -> None:
    """Says what went wrong."""
    print(problem, file=sys.stderr, flush=True)


def _words(problem: typer.TyperException) -> str:
    return problem.format_message().replace("No such option:", "unknown flag:").rstrip(".")
