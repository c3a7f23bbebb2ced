"""The lease and the ledger cache on a real Redis, with a tenant's rights, which goes away, forgets, or lies."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.mint import lease
from support.minting import DONE, NOT_FINISHED, Minter, MintRuns
from support.redis_server import RedisServer

ITEMS = 30


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", namespace="default")
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the real one: what is tested are relations, not seconds."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 2.0)
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.5)


def runs(root: Path, minter: Minter, net: Localnet, server: RedisServer) -> MintRuns:
    job = MintRuns(root, minter, [net.url], ITEMS, hurry=net, inFlight=2)
    job.run.redis_url = server.url
    return job


def slow(net: Localnet) -> None:
    """Mints take some ten seconds, so that something can happen meanwhile."""
    net.faults(network={"late": 1.0, "late_slots": (30, 50)})


def lease_key(server: RedisServer) -> str:
    (key,) = server.client.keys("mw:default:lease:*")
    return str(key)


async def test_lease_and_ledger_with_a_tenants_rights(tmp_path: Path, server: RedisServer) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = runs(tmp_path / "job", minter, net, server)
        assert await job.here() == DONE, job.run.termination
        await job.check(net.url)
        assert server.client.keys("mw:default:lease:*") == []
        (ledger,) = server.client.keys("mw:default:ledger:*")
        kept = server.client.llen(str(ledger))
        assert await job.here() == DONE, job.run.termination
        assert server.client.llen(str(ledger)) == kept


async def test_a_second_pod_does_not_get_the_lease_of_a_living_one(tmp_path: Path, server: RedisServer) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        slow(net)
        job = runs(tmp_path / "job", minter, net, server)
        first = asyncio.create_task(job.here())
        await job.until_step("mint")
        other = runs(tmp_path / "other", minter, net, server)
        other.frozen = job.frozen
        assert await other.here() == NOT_FINISHED
        assert other.run.termination["reason"] == "LeaseHeld"
        assert await first == DONE, job.run.termination
        await job.check(net.url)


async def test_whoever_sees_a_foreign_session_signs_no_more(tmp_path: Path, server: RedisServer) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        slow(net)
        job = runs(tmp_path / "job", minter, net, server)
        running = asyncio.create_task(job.here())
        await job.until_step("mint")
        server.client.set(lease_key(server), "another session", px=60_000)
        assert await running == NOT_FINISHED
        assert job.run.termination["reason"] == "LeaseHeld"
        assert server.client.get(lease_key(server)) == "another session"


async def test_away_for_longer_than_the_lease_is_a_new_attempt(tmp_path: Path, server: RedisServer) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        slow(net)
        job = runs(tmp_path / "job", minter, net, server)
        running = asyncio.create_task(job.here())
        await job.until_step("mint")
        server.stop()
        await asyncio.sleep(2 * lease.LEASE_SECONDS)
        server.start()
        assert await running == DONE, job.run.termination
        steps = [message["step"] for message in job.run.messages if message["type"] == "progress"]
        assert "wait" in steps[steps.index("mint") :]
        await job.check(net.url)


async def test_away_for_good_is_no_failure(
    tmp_path: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "REDIS_PATIENCE_SECONDS", 1.0)
    minter = Minter()
    async with minter.localnet() as net:
        job = runs(tmp_path / "job", minter, net, server)
        server.stop()
        assert await job.here() == NOT_FINISHED
        assert job.run.termination["reason"] == "RedisAway"
