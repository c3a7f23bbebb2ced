"""Seeds of the fault proxy's plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev.cluster import ControlPlane, Kwok
from support.chaos.fleet import RESULTS
from support.redis_server import RedisServer


@pytest.fixture
def nodes() -> Iterator[ControlPlane]:
    """A control plane with nodes that run nothing, of the test's own: what it leaves behind is looked at."""
    with ControlPlane(crds=True, scheduler=True) as plane, Kwok(plane, RESULTS, seconds=0.3):
        yield plane


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis."""
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture
def fault_seed(request: pytest.FixtureRequest) -> int:
    """The seed of what happens to a large drop; `--fault-seed` sets another."""
    given: int | None = request.config.getoption("--fault-seed")
    seed = 1 if given is None else given
    print(f"again with: pytest {request.node.nodeid!r} --fault-seed {seed}")
    return seed
