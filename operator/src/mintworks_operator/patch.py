"""JSON merge patches (RFC 7386) of a status. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mintworks_api.base import Model, StatusModel, nested_model
from pydantic import ValidationError

_Model = type[Model] | type[StatusModel]


def merge_patch(
    old: Mapping[str, Any], new: Mapping[str, Any], model: _Model | None = None, also: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """What turns `old` into `new`.

    `model`: only its fields (and those of `also`) are removed where `new` lacks them, here and in what is nested. A
    field that a newer operator wrote stays; in an entry of a list, as long as the entry is otherwise the same.
    """
    fields = {} if model is None else {field.alias or name: field for name, field in model.model_fields.items()}
    patch: dict[str, Any] = {
        name: None
        for name in old
        if name not in new and old[name] is not None and (model is None or name in fields or name in also)
    }
    for name, value in new.items():
        before = old.get(name)
        inner = nested_model(fields[name].annotation) if name in fields else None
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            changes = merge_patch(before, value, inner)
            if changes:
                patch[name] = changes
        elif isinstance(value, list) and isinstance(before, list) and inner is not None:
            carried = _carried(before, value, inner)
            if carried != before:
                patch[name] = carried
        elif value != before or name not in old:
            patch[name] = value
    return patch


def _carried(before: Sequence[Any], entries: Sequence[Any], model: _Model) -> list[Any]:
    """The entries, each as it stood before where nothing of it changed that the model knows."""
    # A list of hundreds (slots) changes by a few entries at a time: only what differs is read.
    stood = {_text(raw) for raw in before}
    changed = {_text(entry) for entry in entries} - stood
    if not changed:
        return list(entries)
    told = {_text(entry) for entry in entries}
    known = [(raw, _read(raw, model)) for raw in before if _text(raw) not in told]
    return [
        next((raw for raw, read in known if read == entry), entry) if _text(entry) in changed else entry
        for entry in entries
    ]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _read(raw: Any, model: _Model) -> Any:
    try:
        return model.model_validate(raw).wire()
    except ValidationError:
        return raw


def told(conditions: Sequence[Any], condition: Mapping[str, Any]) -> list[Any] | None:
    """The conditions as they stand, with this one put in its place; None where it says the same already."""
    moment = "lastTransitionTime"
    old = next((c for c in conditions if isinstance(c, Mapping) and c.get("type") == condition["type"]), None)
    if old is not None and {**old, moment: ""} == {**condition, moment: ""}:
        return None
    if old is not None and old.get("status") == condition["status"] and moment in old:
        condition = {**condition, moment: old[moment]}
    return (
        [dict(condition) if c is old else c for c in conditions] if old is not None else [*conditions, dict(condition)]
    )
