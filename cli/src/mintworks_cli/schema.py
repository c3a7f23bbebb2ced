"""A model seen from outside: the field at a path, and validation errors in a person's words."""

from __future__ import annotations

import difflib
import types
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from mintworks_api.base import Model
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .problems import redact

_SHOWN: Final = 60


def fields_of(model: type[Model]) -> dict[str, Any]:
    """The model's fields as they are written in YAML: name to annotation."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def annotation_at(model: type[Model], path: Sequence[str | int]) -> Any:
    """The annotation of the value at `path` (without None), or None where the model has no such field."""
    found: Any = model
    for step in path:
        if isinstance(found, type) and issubclass(found, Model):
            found = fields_of(found).get(str(step))
        elif get_origin(found) is list and isinstance(step, int):
            found = get_args(found)[0]
        elif get_origin(found) is dict:
            found = get_args(found)[1]
        else:
            return None
        found = bare(found)
    return found


def is_text(annotation: Any) -> bool:
    """Whether the field takes text and nothing else, so that `2` given for it means "2"."""
    if get_origin(annotation) is Literal:
        return all(isinstance(value, str) for value in get_args(annotation))
    return annotation is str


def messages(error: ValidationError, model: type[Model]) -> list[tuple[tuple[str | int, ...], str]]:
    """Each error as (path in the YAML, what was wrong and what is allowed)."""
    found = [(_path(model, detail["loc"]), _message(model, detail)) for detail in error.errors(include_url=False)]
    # A field of several types fails once for each of them, at one place.
    return list(dict(reversed(found)).items())[::-1]


def bare(annotation: Any) -> Any:
    """The annotation without Annotated and without None; other unions stay as they are."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        if get_origin(annotation) in (Union, types.UnionType):
            others = [member for member in get_args(annotation) if member is not type(None)]
            if len(others) == 1:
                annotation = others[0]
                continue
        return annotation


def _path(model: type[Model], location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The location without pydantic's own steps into a union (`int`, `[key]`)."""
    for end in range(len(location), 0, -1):
        if annotation_at(model, location[: end - 1]) is not None and not _is_union(model, location[: end - 1]):
            return location[:end]
    return ()


def _is_union(model: type[Model], path: tuple[str | int, ...]) -> bool:
    return get_origin(annotation_at(model, path)) in (Union, types.UnionType)


def _message(model: type[Model], detail: ErrorDetails) -> str:
    kind, path, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(model, path)
    about = _description(model, path)
    if kind == "missing":
        return f"required{about}"
    if kind == "value_error":
        return str(context["error"])
    text = detail["msg"].replace("Input should", "must").replace("String should", "must")
    if kind == "string_pattern_mismatch":
        text = f"must match {context['pattern']}{about}"
    given = detail["input"]
    if given is None or isinstance(given, str | int | float):
        shown = redact(repr(given))
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
        return f"{shown}: {text[0].lower()}{text[1:]}"
    return text


def _description(model: type[Model], path: Sequence[str | int]) -> str:
    """What the model says of the field, in parentheses: for a person it tells more than a pattern does."""
    names = [step for step in path if isinstance(step, str)]
    parent = annotation_at(model, path[: path.index(names[-1])]) if names else None
    if not (isinstance(parent, type) and issubclass(parent, Model)):
        return ""
    found = [info.description for name, info in parent.model_fields.items() if (info.alias or name) == names[-1]]
    return f" ({found[0]})" if found and found[0] else ""


def _unknown(model: type[Model], path: tuple[str | int, ...]) -> str:
    parent = annotation_at(model, path[:-1])
    if not (isinstance(parent, type) and issubclass(parent, Model)):
        return "unknown field"
    names = list(fields_of(parent))
    near = difflib.get_close_matches(str(path[-1]), names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown field; {hint}allowed: {', '.join(sorted(names))}"
