"""Specs as models. One spec is asked for by many policies, in every pass over its job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mintworks_api import JobKind, JobSpec

from .memo import Memo


def parsed(kind: JobKind, spec: Mapping[str, Any]) -> JobSpec:
    """`kind.parse(spec)`, where `spec` is an object that nobody changes any more.

    Raises:
        pydantic.ValidationError: with the path of each bad field.
    """
    return _memo(kind)(spec)


@cache
def _memo(kind: JobKind) -> Memo[Mapping[str, Any], JobSpec]:
    return Memo(kind.parse)
