"""What the shell may complete a word with; whatever goes wrong, nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .errors import CommandError
from .kinds import Kind, path, select

if TYPE_CHECKING:
    from .connection import Connection

Completed = list[tuple[str, str]]


def contexts(ctx: typer.Context, incomplete: str) -> Completed:
    """Contexts of the kubeconfig."""
    from .connection import contexts as known  # noqa: PLC0415 - a slow import

    try:
        names, _ = known(_path(ctx, "kubeconfig"))
    except CommandError:
        return []
    return _beginning(((name, "") for name in names), incomplete)


def namespaces(ctx: typer.Context, incomplete: str) -> Completed:
    """Namespaces of the cluster, for whom may list them."""
    listed = _asked(ctx, lambda connection: connection.list("/api/v1/namespaces"))
    return _beginning(((item["metadata"]["name"], "") for item in listed), incomplete)


def formats(*names: str) -> Callable[[str], Completed]:
    """Values of -o."""

    def complete(incomplete: str) -> Completed:
        return _beginning(((name, "") for name in names), incomplete)

    return complete


def objects(*kinds: Kind) -> Callable[[typer.Context, str], Completed]:
    """Types, TYPE/NAMEs, and after a type NAMEs."""

    def complete(ctx: typer.Context, incomplete: str) -> Completed:

        before = [*(ctx.params.get("arguments") or ())]
        word, slash, _ = incomplete.rpartition("/")
        alone = len(kinds) == 1
        if not (before or slash or alone):
            return _beginning(((kind.plural, kind.description) for kind in kinds), incomplete)
        try:
            chosen = select([word] if slash else [] if alone else before[:1], kinds).kinds
        except CommandError:
            return []
        prefix = f"{word}/" if slash else ""
        found: Completed = []
        for kind in chosen:
            listed = _asked(ctx, partial(_listed, kind))
            found += [(prefix + item["metadata"]["name"], _phase(item)) for item in listed]
        return _beginning((entry for entry in found if entry[0] not in before), incomplete)

    return complete


def _listed(kind: Kind, connection: Connection) -> dict[str, Any]:

    return connection.list(path(kind, connection.namespace))


def _asked(ctx: typer.Context, ask: Callable[[Connection], dict[str, Any]]) -> list[dict[str, Any]]:
    from .connection import Connection, Place  # noqa: PLC0415

    try:
        place = Place(_path(ctx, "kubeconfig"), _flag(ctx, "context"), _flag(ctx, "namespace"))
        found: list[dict[str, Any]] = ask(Connection.open(place)).get("items") or []
    except CommandError:
        return []
    return found


def _flag(ctx: typer.Context, name: str) -> str | None:
    """The flag's value, given to the command or before its name."""
    at: Any = ctx
    while at is not None:
        if value := at.params.get(name):
            return str(value)
        at = at.parent
    return None


def _path(ctx: typer.Context, name: str) -> Path | None:
    value = _flag(ctx, name)
    return None if value is None else Path(value)


def _phase(item: dict[str, Any]) -> str:
    return str((item.get("status") or {}).get("phase") or "")


def _beginning(entries: Any, incomplete: str) -> Completed:
    return [entry for entry in entries if entry[0].startswith(incomplete)]
