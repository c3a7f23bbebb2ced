"""Our kinds as people name them on a command line, and what the arguments of a command select. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mintworks_api import ALL_KINDS, API_VERSION, GROUP, JOB_KINDS, JOB_QUEUE, VERSION, JobKind, Rendered

from .errors import CommandError, error

Kind = JobKind | Rendered

#: In the order of `kubectl get mintworks`.
KINDS: tuple[Kind, ...] = tuple(sorted(ALL_KINDS.values(), key=lambda kind: kind.plural))
JOBS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind.kind in JOB_KINDS)
QUEUES: tuple[Kind, ...] = (JOB_QUEUE,)
SUSPENDABLE: tuple[Kind, ...] = tuple(kind for kind in KINDS if "suspend" in kind.spec.model_fields)
#: The category that all our CRDs have.
CATEGORY = "mintworks"


@dataclass(frozen=True)
class Named:
    """An object by its name; of several kinds, whichever has it."""

    kinds: tuple[Kind, ...]
    name: str


@dataclass(frozen=True)
class Selection:
    """What was asked for: objects by name, else all objects of `kinds`. `prefixed`: their kinds are to be shown."""

    kinds: tuple[Kind, ...] = ()
    names: tuple[Named, ...] = ()
    prefixed: bool = False


def resource(kind: Kind) -> str:
    """`mintjobs.mintworks.dev`."""
    return f"{kind.plural}.{GROUP}"


def shown(kind: Kind, name: str) -> str:
    """`mintjob.mintworks.dev/NAME`."""
    return f"{kind.singular}.{GROUP}/{name}"


def path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    """The URL path of a collection (of all namespaces where none is given), or of an object."""
    parts = [f"/apis/{API_VERSION}", *(["namespaces", namespace] if namespace is not None else []), kind.plural]
    return "/".join([*parts, *([name] if name is not None else [])])


def select(arguments: Sequence[str], allowed: Sequence[Kind]) -> Selection:
    """What the arguments name, as kubectl reads them; a plain NAME is one of an allowed kind.

    `TYPE`, `TYPE NAME…`, `TYPE/NAME…`, `NAME…`, where TYPE is the kind's name, plural or short name, several of them
    with commas, or the category. Where `allowed` is one kind alone, its name may be left out, and NAMEs may be called
    as that kind is.

    Raises:
        CommandError: there is no such type, or the command is not about it.
    """
    if not arguments:
        return Selection(tuple(allowed), prefixed=len(allowed) > 1)
    kinds = None if len(allowed) == 1 else _kinds(arguments[0])
    if kinds is None:
        names = tuple(_named(argument, allowed) for argument in arguments)
        return Selection(names=names, prefixed=len({kind for named in names for kind in named.kinds}) > 1)
    if any("/" in argument for argument in arguments[1:]):
        raise error(
            "there is no need to specify a resource type as a separate argument when passing arguments in "
            "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of "
            "'kubectl get resource resource/<resource_name>'"
        )
    _check(kinds, allowed)
    prefixed = len(kinds) > 1 or arguments[0] == CATEGORY
    if len(arguments) == 1:
        return Selection(kinds, prefixed=prefixed)
    return Selection(names=tuple(Named((kind,), name) for name in arguments[1:] for kind in kinds), prefixed=prefixed)


def _named(argument: str, allowed: Sequence[Kind]) -> Named:
    word, slash, name = argument.partition("/")
    if not slash:
        return Named(tuple(allowed), argument)
    if "/" in name:
        raise error("arguments in resource/name form may not have more than one slash")
    if not (word and name):
        raise error("arguments in resource/name form must have a single resource and name")
    kinds = _kinds(word)
    if kinds is None:
        raise error(f'the server doesn\'t have a resource type "{word}"')
    _check(kinds, allowed)
    return Named(kinds, name)


def _kinds(text: str) -> tuple[Kind, ...] | None:
    """The kinds that a word, or words with commas, stand for; None where it is no type of ours."""
    found: list[Kind] = []
    for word in text.split(","):
        kinds = KINDS if word == CATEGORY else [kind for kind in KINDS if word.lower() in _words(kind)]
        if not kinds:
            return None
        found += [kind for kind in kinds if kind not in found]
    return tuple(found)


def _words(kind: Kind) -> Iterable[str]:
    names = (kind.plural, kind.singular, *kind.short_names)
    return (f"{name}{suffix}" for name in names for suffix in ("", f".{GROUP}", f".{VERSION}.{GROUP}"))


def _check(kinds: Collection[Kind], allowed: Sequence[Kind]) -> None:
    for kind in kinds:
        if kind not in allowed:
            raise _not_about(kind, allowed)


def _not_about(kind: Kind, allowed: Sequence[Kind]) -> CommandError:
    return error(f"this command is about {either(allowed)}, not about {resource(kind)}")


def either(kinds: Sequence[Kind]) -> str:
    """`mintjobs, uploadjobs or jobqueues`."""
    *most, last = [kind.plural for kind in kinds]
    return f"{', '.join(most)} or {last}" if most else last
