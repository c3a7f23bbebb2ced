"""The operator on a real control plane with nodes that run nothing: bursts, compared; and many jobs that stand by."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from . import score, standing
from .jobset import JOB_SETS, controller
from .playing import playing
from .sides import BARE, OURS, Running, Side, operator
from .world import BURST, World, fresh

Json = dict[str, Any]

SETTLE = 3.0
"""Seconds after the last job's end: Events, and the queue's last numbers, come after it."""


@dataclass(frozen=True)
class Sizes:
    """Jobs of a burst and before it; jobs that stand by, of each sort; starts that are timed; seconds of idleness."""

    burst: int = 2_000
    warm_up: int = 50
    standing: int = 10_000
    starts: int = 50
    idle: float = 330.0
    """Longer than the operator's time between two LISTs of everything: one is in it."""


def measure() -> Mapping[str, float]:
    """All of it; MINTWORKS_BENCH_BURST, _STANDING and _IDLE set other sizes."""
    given = os.environ.get
    default = Sizes()
    sizes = Sizes(
        burst=int(given("MINTWORKS_BENCH_BURST", default.burst)),
        standing=int(given("MINTWORKS_BENCH_STANDING", default.standing)),
        idle=float(given("MINTWORKS_BENCH_IDLE", default.idle)),
    )
    return {**bursts(sizes), **standing.measure(sizes.standing, sizes.starts, sizes.idle)}


def bursts(sizes: Sizes) -> Mapping[str, float]:
    """`burst_per_second`: MintJobs from the first create to the last success, with the operator; `burst_vs_floor` over
    the same burst with a script in its place that makes the same requests, `burst_vs_kopf_floor` over one for which
    kopf watches as it does for the operator, `burst_vs_bare` over bare Kubernetes Jobs, `vs_jobset` over JobSets.
    `writes_per_job` and `lists_per_job`: the operator's. Each on a control plane of its own, freshly started.

    Raises RuntimeError where the script made other requests than the operator.
    """
    asked: list[Json] = []
    played: list[Json] = []
    with fresh() as world:
        ours = rate(world, OURS, operator(world), sizes, asked)
    with fresh() as world:
        floor = rate(world, OURS, playing(world, asked), sizes, played)
    with fresh() as world:
        on_kopf = rate(world, OURS, playing(world, asked, kopf=True), sizes)
    with fresh() as world:
        bare = rate(world, BARE, None, sizes)
    with fresh() as world:
        jobset = rate(world, JOB_SETS, controller(world), sizes)
    same_requests(asked, played)
    return {
        "burst_per_second": ours,
        "floor_per_second": floor,
        "kopf_floor_per_second": on_kopf,
        "bare_per_second": bare,
        "jobset_per_second": jobset,
        "burst_vs_floor": ours / floor,
        "burst_vs_kopf_floor": ours / on_kopf,
        "burst_vs_bare": ours / bare,
        "vs_jobset": ours / jobset,
        "writes_per_job": score.writes_per_job(asked, BURST, sizes.burst),
        "lists_per_job": score.lists_per_job(asked, BURST, sizes.burst),
    }


def same_requests(asked: list[Json], played: list[Json]) -> None:
    """Raises RuntimeError unless the burst's requests were the same, by verb and resource."""
    ours, theirs = score.counted(asked, BURST), score.counted(played, BURST)
    if ours != theirs:
        raise RuntimeError(f"the operator asked for {ours}, the script for {theirs}")


def rate(
    world: World,
    side: Side,
    beside: AbstractContextManager[Running] | None,
    sizes: Sizes,
    asked: list[Json] | None = None,
) -> float:
    """Jobs a second. `beside` runs meanwhile; what it asked for goes into `asked`."""
    if beside is None:
        return sizes.burst / asyncio.run(side.burst(world, sizes.burst, sizes.warm_up))
    with beside as running:
        running.until_ready()
        used = running.cpu_seconds()
        seconds = asyncio.run(side.burst(world, sizes.burst, sizes.warm_up))
        each = (running.cpu_seconds() - used) / (sizes.burst + sizes.warm_up)
        print(f"{running.name}: {sizes.burst / seconds:.1f} a second, {1000 * each:.1f} ms of its CPU", file=sys.stderr)
        if asked is not None:
            asyncio.run(asyncio.sleep(SETTLE))
            asked += world.asked()
        return sizes.burst / seconds
