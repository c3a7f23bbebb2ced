"""The objects that a command's arguments select, read from the API server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import CommandError, ServerError, error
from .kinds import Kind, Named, Selection, either, path, resource, select, shown

if TYPE_CHECKING:
    from .connection import Connection

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the API server has: an object (`single`), a list of them, or a Table of either."""

    kind: Kind
    body: Json
    single: bool


@dataclass(frozen=True)
class Object:
    """One object."""

    kind: Kind
    content: Json

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.content["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.content["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.content["metadata"]["uid"])

    @property
    def path(self) -> str:
        """Its URL path."""
        return path(self.kind, self.namespace, self.name)

    @property
    def shown(self) -> str:
        """`mintjob.mintworks.dev/NAME`."""
        return shown(self.kind, self.name)

    @property
    def quoted(self) -> str:
        """`mintjobs.mintworks.dev "NAME"`."""
        return f'{resource(self.kind)} "{self.name}"'

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return dict(self.content["metadata"].get("annotations") or {})

    @property
    def status(self) -> Json:
        """Its status; empty before the operator saw it."""
        status: Json = self.content.get("status") or {}
        return status


@dataclass(frozen=True)
class Chosen:
    """What was asked for: arguments, a label selector, everything; `anywhere`: in every namespace."""

    arguments: Sequence[str] = ()
    selector: str | None = None
    everything: bool = False
    anywhere: bool = False


@dataclass
class Found:
    """Answers, and what was asked for in vain."""

    selection: Selection
    answers: list[Answer] = field(default_factory=list)
    errors: list[CommandError] = field(default_factory=list)

    @property
    def objects(self) -> list[Object]:
        """Every object, where no Tables were asked for."""
        found = ((a.kind, [a.body] if a.single else a.body.get("items") or []) for a in self.answers)
        return [Object(kind, content) for kind, contents in found for content in contents]


def find(
    connection: Connection, chosen: Chosen, allowed: Sequence[Kind], *, table: bool = False, many: bool = True
) -> Found:
    """Read what was chosen, of the kinds that the command is about, as Tables where `table` says so.

    With `many` a type alone stands for all its objects; else that takes a selector, or `everything`.

    Raises:
        CommandError: the arguments contradict each other, or a collection cannot be read. What is wrong with a single
            name is in the result.
    """
    selection = select(chosen.arguments, allowed)
    _check(chosen, selection, many)
    found = Found(selection)
    query = {"labelSelector": chosen.selector} if chosen.selector else {}
    namespace = None if chosen.anywhere else connection.namespace
    for kind in selection.kinds:
        try:
            found.answers.append(Answer(kind, connection.list(path(kind, namespace), query, table=table), False))
        except ServerError as problem:
            if not problem.unserved:
                raise
            # Older CRDs may lack a kind; whoever asked for it by name hears so.
            if len(selection.kinds) == 1:
                found.errors.append(_no_type(kind))
    for named in selection.names:
        try:
            found.answers.append(_named(connection, named, lambda p: connection.get(p, table=table)))
        except CommandError as problem:
            found.errors.append(problem)
    return found


def targeted(
    connection: Connection,
    chosen: Chosen,
    allowed: Sequence[Kind],
    *,
    say: Callable[[str], None],
    complain: Callable[[CommandError], None],
) -> tuple[list[Object], bool]:
    """The objects that something is to be done to, and whether all that was named is among them; what is not was
    complained of.

    Raises:
        CommandError: nothing could be chosen.
    """
    found = find(connection, chosen, allowed, many=False)
    for problem in found.errors:
        complain(problem)
    if not (found.objects or found.errors):
        say("No resources found")
    return found.objects, not found.errors


def one(connection: Connection, chosen: Chosen, allowed: Sequence[Kind]) -> Object:
    """The one object that was chosen.

    Raises:
        CommandError: it is none, or several.
    """
    found = find(connection, chosen, allowed, many=False)
    if found.errors:
        raise found.errors[0]
    if len(found.objects) != 1:
        raise error(f"expected one of {either(allowed)}, got {len(found.objects)}")
    return found.objects[0]


def _check(chosen: Chosen, selection: Selection, many: bool) -> None:
    if selection.names and chosen.selector:
        raise error("name cannot be provided when a selector is specified")
    if selection.names and chosen.everything:
        raise error("name cannot be provided when --all is specified")
    if selection.names and chosen.anywhere:
        raise error("a resource cannot be retrieved by name across all namespaces")
    if selection.kinds and not (many or chosen.selector or chosen.everything):
        raise error("resource(s) were provided, but no name was specified")


def _named(connection: Connection, named: Named, get: Callable[[str], Json]) -> Answer:
    """The object of that name, of the one kind that has it."""
    answers, refused = list[Answer](), list[ServerError]()
    for kind in named.kinds:
        try:
            answers.append(Answer(kind, get(path(kind, connection.namespace, named.name)), True))
        except ServerError as problem:
            if len(named.kinds) == 1:
                raise _no_type(kind) if problem.unserved else problem from None
            if not (problem.missing or problem.unserved):
                refused.append(problem)
    if len(answers) == 1:
        return answers[0]
    if answers:
        forms = " or ".join(f"{answer.kind.singular}/{named.name}" for answer in answers)
        raise error(f'several are called "{named.name}": say {forms}')
    if refused:
        raise refused[0]
    raise error(f'none of {either(named.kinds)} is called "{named.name}" in namespace {connection.namespace}')


def _no_type(kind: Kind) -> CommandError:
    return error(f'the server doesn\'t have a resource type "{kind.plural}"')
