"""The commands that an object's annotations ask for, and who asked. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mintworks_api import HOLD, annotation

from .core import Asked

Json = dict[str, Any]

#: Longer values are known by their hash.
LONGEST = 64


def asked_of(meta: Json, names: Iterable[str]) -> dict[str, Asked]:
    """The commands of these names that the object's annotations hold, in this order."""
    annotations = meta.get("annotations") or {}
    found = {name: annotations.get(annotation(name)) for name in names}
    return {name: _asked(meta, annotation(name), value) for name, value in found.items() if isinstance(value, str)}


def held(meta: Json) -> bool:
    """Whether the object is on hold."""
    value = (meta.get("annotations") or {}).get(HOLD)
    return value is not None and value != "false"


def slim(obj: Json) -> Json:
    """The object without what its managed fields say of anything but annotations: that is half of its size."""
    meta = obj["metadata"]
    entries = meta.get("managedFields")
    if not entries:
        return obj
    kept = [entry for entry in entries if _annotations(entry)]
    return {**obj, "metadata": {**meta, "managedFields": kept}}


def _asked(meta: Json, name: str, value: str) -> Asked:
    token = value if len(value) <= LONGEST else "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:LONGEST]
    # Of several managers that set the same value the newest asked for it.
    entries = [e for e in meta.get("managedFields") or [] if f"f:{name}" in _annotations(e)]
    entry: Json = max(entries, key=lambda e: str(e.get("time") or ""), default={})
    at = entry.get("time")
    born = at is None or datetime.fromisoformat(at) <= datetime.fromisoformat(meta["creationTimestamp"])
    return Asked(token, str(entry.get("manager") or ""), born)


def _annotations(entry: Json) -> Json:
    found = (((entry.get("fieldsV1") or {}).get("f:metadata")) or {}).get("f:annotations")
    return found if isinstance(found, dict) else {}
