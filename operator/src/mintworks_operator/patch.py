"""JSON merge patches (RFC 7386) of a status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any], known: frozenset[str] | None = None) -> dict[str, Any]:
    """What turns `old` into `new`.

    `known`: at the top level only these fields are removed where `new` lacks them; a field that a newer operator wrote
    stays.
    """
    patch: dict[str, Any] = {
        name: None for name in old if name not in new and old[name] is not None and (known is None or name in known)
    }
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            inner = merge_patch(before, value)
            if inner:
                patch[name] = inner
        elif value != before or name not in old:
            patch[name] = value
    return patch
