"""Inputs are frozen: the first value wins, and what differs later is told, not taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mintworks_api import JobKind
from pydantic import ValidationError


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not known yet."""
    return {name: value for name, value in values.items() if value is not None}


def freeze(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The frozen inputs, with those added that were not frozen before."""
    return {**known(found), **frozen}


def difference(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    """The first input that differs from what is frozen: its name, the frozen value, the one found."""
    for name, value in sorted(known(found).items()):
        if name in frozen and frozen[name] != value:
            return name, frozen[name], value
    return None


def of_kind(kind: JobKind, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a runner told, in the form that the kind's model allows; nothing where it does not fit."""
    try:
        return kind.inputs.model_validate(told).wire()
    except ValidationError:
        return {}
