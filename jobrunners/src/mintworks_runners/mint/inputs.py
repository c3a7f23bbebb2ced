"""The inputs that a MintJob freezes: what every later attempt must find again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mintworks_runners.core.errors import InputChanged

NAMES = ("genesis", "firstSlot", "cid", "items", "rowsSha256", "trees", "wallet")


def compare(frozen: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether `frozen` (status.inputs) is complete and says what this run found; InputChanged where it says
    otherwise.

    `found` takes firstSlot from `frozen` where that has one, so it never differs by itself.
    """
    for name in NAMES:
        if frozen.get(name) not in (None, found[name]):
            raise InputChanged(f"{name} is {found[name]} now; the job's first attempt froze {frozen[name]}")
    return all(frozen.get(name) is not None for name in NAMES)
