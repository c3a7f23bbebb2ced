"""pydantic's errors as sentences with the path of the field."""

from __future__ import annotations

from pydantic import ValidationError

_SHOWN = 5


def problems(error: ValidationError, root: str) -> str:
    """`root.field.path: what is wrong`, the first few of them."""
    found = [
        f"{'.'.join((root, *(str(part) for part in e['loc'])))}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more
