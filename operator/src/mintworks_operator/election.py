"""When a replica may take the leader's Lease: by what it saw of it and its own clock, never by the times written in it.

Pure. Clocks are in seconds and only grow; those of two replicas have nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Seconds that a Lease which is not renewed keeps others out, counted by each from when it saw the last renewal.
DURATION = 15
#: Seconds without a renewal after which the leader gives up, counted from before it sent the last one.
DEADLINE = 10.0
#: Seconds between renewals, and between looks of those who wait.
RENEW = 3.0
#: Bounds of a duration that somebody else wrote: a short one would let two lead, a long one let nobody.
LONGEST = 4 * DURATION
#: The API server's limit of leaseTransitions.
_MOST = 2**31 - 1


@dataclass(frozen=True)
class Sight:
    """What a replica has seen: who held the Lease, in which version (None: it is not there), and since when."""

    holder: str
    version: str | None
    since: float
    duration: float = DURATION


def observe(before: Sight | None, lease: Mapping[str, Any] | None, now: float) -> Sight:
    """The next sight. A Lease that is gone leaves its holder: whoever deleted it did not stop the leader."""
    if lease is None:
        if before is not None and before.version is None:
            return before
        return Sight(before.holder if before is not None else "", None, now)
    version = str(lease["metadata"]["resourceVersion"])
    if before is not None and before.version == version:
        return before
    spec = lease.get("spec") or {}
    stated = float(spec.get("leaseDurationSeconds") or DURATION)
    return Sight(spec.get("holderIdentity") or "", version, now, min(max(stated, DURATION), LONGEST))


def free(sight: Sight, identity: str, now: float) -> bool:
    """Whether that replica may take the Lease: nobody holds it, or it does itself, or its holder let it run out."""
    return sight.holder in {"", identity} or now - sight.since > sight.duration


def taken(old: Mapping[str, Any] | None, identity: str, now: str) -> dict[str, Any]:
    """The spec of the Lease as its holder writes it; `now` is for people to read."""
    old = old or {}
    mine = old.get("holderIdentity") == identity
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": DURATION,
        "acquireTime": old.get("acquireTime") if mine and old.get("acquireTime") else now,
        "renewTime": now,
        "leaseTransitions": min(int(old.get("leaseTransitions") or 0) + (0 if mine or not old else 1), _MOST),
    }


def released(old: Mapping[str, Any] | None) -> dict[str, Any]:
    """The spec of the Lease that its holder gave back."""
    return {**(old or {}), "holderIdentity": "", "leaseDurationSeconds": 1}
