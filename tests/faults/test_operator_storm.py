"""The operator behind the fault proxy, killed at every kind of write: every job ends as it must, and once."""

from __future__ import annotations

from pathlib import Path

import pytest
from mintworks_dev.cluster import ControlPlane
from support.chaos.asked import Write
from support.chaos.fleet import fleet
from support.chaos.kills import Moment
from support.chaos.plan import Plan
from support.chaos.storm import Storm
from support.redis_server import RedisServer

#: Seconds that all jobs have to end after the last was created, and again to be gone after they were deleted.
BOUND, SOAK_BOUND = 300, 900
#: At most; after the first each is one job of every sort.
FLEETS = 6
#: Requests to the API server for each job, for each life of the operator, and for each second.
REQUESTS = (25, 80, 4)
KILLED_AT = tuple(write for write in Write if write is not Write.OTHER_STATUS)
SEEDS = (1, 2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--fault-seed")
        metafunc.parametrize("seed", SEEDS if chosen is None else (chosen,))


@pytest.mark.timeout(3 * SOAK_BOUND)
async def test_every_job_ends_as_it_must(
    seed: int, nodes: ControlPlane, redis_server: RedisServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    soak = request.config.getoption("--soak")
    # The short runs share the kinds of writes.
    kinds = KILLED_AT if soak else KILLED_AT[seed % 2 :: 2]
    count = 500 if soak else 60
    fleets = (fleet(seed, count if number == 0 else 1, first=1000 * number) for number in range(FLEETS))
    again = f"pytest tests/faults/test_operator_storm.py --fault-seed {seed}{' --soak' if soak else ''}"
    print(f"\nseed {seed}; the same again: {again}")
    bound = SOAK_BOUND if soak else BOUND
    report = await Storm(nodes, redis_server, tmp_path, Plan(seed)).run(fleets, bound, kinds)
    print(report)
    assert not report.unsettled, "\n".join(report.unsettled)
    assert not report.violations, "\n".join(report.violations)
    assert not report.left, "\n".join(report.left)
    assert sorted(report.killed) == sorted((kind, moment) for kind in kinds for moment in Moment)
    assert report.injected.total() >= 2 * report.jobs
    assert (report.exits, report.exit_code) == ([], 0), report.log[-4000:]
    assert "Traceback" not in report.log
    each, life, second = REQUESTS
    assert report.requests.total() < each * report.jobs + life * report.lives + second * report.all_seconds
