"""The bench of the operator at a size that shows no rates: a burst ends, and the script asks for what it asked for."""

from __future__ import annotations

from typing import Any

import pytest
from bench import operator as bench
from bench.operator import score
from bench.operator.playing import playing
from bench.operator.sides import OURS, operator
from bench.operator.world import BURST, fresh

SIZES = bench.Sizes(burst=10, warm_up=15)


@pytest.mark.timeout(300)
def test_the_script_makes_the_operators_requests() -> None:
    asked: list[dict[str, Any]] = []
    with fresh() as world:
        assert bench.rate(world, OURS, operator(world), SIZES, asked) > 0
    for kopf in (False, True):
        played: list[dict[str, Any]] = []
        with fresh() as world:
            assert bench.rate(world, OURS, playing(world, asked, kopf=kopf), SIZES, played) > 0
        bench.same_requests(asked, played)
    counted = score.counted(asked, BURST)
    assert (counted["create jobs"], counted["create events"]) == (SIZES.burst, SIZES.burst)
    assert 4 <= score.writes_per_job(asked, BURST, SIZES.burst) <= 7
