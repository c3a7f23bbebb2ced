"""The jobs that are sent through the storm, and how each must end. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..specs import ADDRESS, CID, METADATA, MINT, RESULT

Json = dict[str, Any]

RESULTS: dict[str, Json] = {
    "MetadataJob": RESULT,
    "MintJob": {
        "tree": ADDRESS,
        "items": 3,
        "minted": 3,
        "already": 0,
        "failed": 0,
        "feesLamports": 5000,
        "rentLamports": 0,
        "genesis": ADDRESS,
        "audit": "passed",
    },
}
#: Queue → concurrency; `default` is made by the operator.
QUEUES = {"wide": 20, "narrow": 3, "single": 1}
CONCURRENCY = {**QUEUES, "default": 5}
NAMESPACES = ("storm-a", "storm-b")

_QUICK = {"type": "fixed", "delay": "500ms", "jitter": 0}


class Act(StrEnum):
    """What a person, or the job's runner, does meanwhile."""

    NOTHING = "nothing"
    RESUME = "resumes it after a while"
    PAUSE = "pauses it while it runs and resumes it"
    DELETE = "deletes it while it runs"
    DELETE_SOON = "deletes it at any time"
    TELL = "the runner tells inputs and goes on after their echo"


@dataclass(frozen=True)
class Order:
    """A job, and how it must end: `phase` (None: it is gone), runs started, attempts made and stalls."""

    kind: str
    namespace: str
    name: str
    spec: Json
    phase: str | None
    runs: int = 1
    made: int = 1
    stalls: int = 0
    act: Act = Act.NOTHING

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in the cluster."""
        return self.kind, self.namespace, self.name

    @property
    def queue(self) -> str:
        """The queue that admits it."""
        return str(self.spec.get("queue", "default"))


def fleet(seed: int, count: int, first: int = 0) -> list[Order]:
    """At least `count` jobs of every sort, in a random order (but what others build on comes first). Their names hold
    numbers from `first` on.
    """
    chosen = random.Random(f"fleet {seed} {first}")
    orders: list[Order] = []
    sorts = _sorts(chosen)
    while len(orders) < count:
        for made in sorts:
            number = first + len(orders)
            where = chosen.choice(NAMESPACES)
            queue = chosen.choice(["wide", "wide", "wide", "narrow", "default"])
            orders += (replace(o, namespace=where) for o in made(f"{number:04}", queue))
    chosen.shuffle(orders)
    return orders


_Sort = Callable[[str, str], Iterator[Order]]


def _metadata(
    name: str, queue: str, phase: str | None = "Succeeded", *, spec: Json | None = None, **more: Any
) -> Order:
    body = {**METADATA, "backoff": _QUICK, **(spec or {})}
    if queue != "default":
        body["queue"] = queue
    return Order("MetadataJob", "", name, body, phase, **more)


def _sorts(chosen: random.Random) -> list[_Sort]:
    def good(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"o-good-{n}", q, spec={"priority": chosen.randint(0, 9)})

    def retried(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"ffo-retried-{n}", q, runs=3, made=3)

    def exhausted(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"f-exhausted-{n}", q, "Failed", spec={"maxAttempts": 2}, runs=2, made=2)

    def bad(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"b-bad-{n}", q, "Failed")

    def stopped(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"so-stopped-{n}", q, runs=2)

    def evicted(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"eo-evicted-{n}", q, runs=2, stalls=1)

    def telling(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"t-telling-{n}", q, act=Act.TELL)

    def built_on(n: str, q: str) -> Iterator[Order]:
        base = f"o-base-{n}"
        yield Order("MintJob", "", f"o-mint-{n}", {**MINT, "metadataFrom": {"job": base}, "queue": "wide"}, "Succeeded")
        yield _metadata(base, q)

    def hopeless(n: str, q: str) -> Iterator[Order]:
        base = f"b-base-{n}"
        spec = {**MINT, "metadataFrom": {"job": base}}
        yield Order("MintJob", "", f"o-hopeless-{n}", spec, "Pending", runs=0, made=0)
        yield _metadata(base, q, "Failed")

    def exclusive(n: str, q: str) -> Iterator[Order]:
        # All of one namespace share one tree, and so do those of different queues.
        manifest = {"cid": CID, "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}}}
        spec = {**MINT, "tree": {"address": ADDRESS}, "metadataFrom": manifest}
        yield Order("MintJob", "", f"o-tree-{n}", {**spec, "queue": "wide"}, "Succeeded")
        yield Order("MintJob", "", f"o-twin-{n}", {**spec, "queue": "single"}, "Succeeded")

    def resumed(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"o-resumed-{n}", q, spec={"suspend": True}, act=Act.RESUME)

    def paused(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"ho-paused-{n}", q, runs=2, act=Act.PAUSE)

    def deleted(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"h-deleted-{n}", q, None, act=Act.DELETE)

    def dropped(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"ffo-dropped-{n}", q, None, act=Act.DELETE_SOON)

    def expiring(n: str, q: str) -> Iterator[Order]:
        yield _metadata(f"o-expiring-{n}", q, None, spec={"ttl": "2s"})

    return [
        good, retried, good, bad, stopped, good, evicted, telling, built_on, good, exhausted, hopeless,
        exclusive, resumed, good, paused, deleted, dropped, expiring, good,
    ]  # fmt: skip
