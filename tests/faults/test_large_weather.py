"""10,000 items under each fault of chain and endpoints alone: one real process mints, and the chain itself is read.

The faults are those of docs/minting-exactly-once.md; `--fault-seed` draws others of their chances.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.harness import Localnet
from solders.signature import Signature
from support.drop import CALM, WELL, Drop, Weather, an_error_that_a_fork_takes_back, ride_out
from support.polling import until

pytestmark = pytest.mark.timeout(600)

QUESTIONS = ["getEpochInfo", "getSignatureStatuses", "getMultipleAccounts", "getLatestBlockhash"]


def steady(**faults: Any) -> Weather:
    """Faults from the first mint to the last, the audit included."""

    async def weather(drop: Drop) -> None:
        drop.net.faults(**faults)

    return weather


def gusts(seconds: float, **faults: Any) -> Weather:
    """The faults twice, for so long."""

    async def weather(drop: Drop) -> None:
        for _ in range(2):
            drop.net.faults(**faults)
            await asyncio.sleep(seconds)
            drop.net.faults(network=CALM, primary=WELL)
            await asyncio.sleep(1)

    return weather


async def slots_stand_still(drop: Drop) -> None:
    for _ in range(3):
        drop.net.faults(network={"stalled": True})
        await asyncio.sleep(drop.dice.uniform(0.5, 1.5))
        drop.net.faults(network={"stalled": False})
        await asyncio.sleep(0.5)


async def nothing_lands_until_it_has_expired(drop: Drop) -> None:
    """What is sent is dropped until all of it has died, but for a few that land just before they would have."""
    drop.net.faults(network={"drop": 0.9, "late": 0.5, "late_slots": (130, 150)})
    since = drop.net.world.chain.height
    await until(lambda: drop.net.world.chain.height >= since + 200, 180)
    drop.net.faults(network=CALM)


async def forks(drop: Drop) -> None:
    for _ in range(12):
        drop.net.fork(drop.dice.randint(1, 20), keep=drop.dice.random() < 0.5)
        await asyncio.sleep(0.25)


async def an_error_then_success_across_a_fork(drop: Drop) -> None:
    failed: set[Signature] = set()
    again: list[Any] = []
    rounds = 0
    # On a busy machine hardly anything is sent while one fork lasts.
    while rounds < 3 or len(again) <= 100:
        failed |= await an_error_that_a_fork_takes_back(drop)
        # What was signed for the fork that lost has to expire. With forks in a closer row nothing lands any more.
        await _something_new_lands(drop, 50)
        landed = drop.net.world.chain.history.records
        again = [landed[signature] for signature in failed if signature in landed]
        rounds += 1
    assert all(one.error is None for one in again)


async def _something_new_lands(drop: Drop, transactions: int) -> None:
    history = drop.net.world.chain.history
    enough = len(history.records) + transactions
    await until(lambda: len(history.records) >= enough, 180)


async def endpoints_die_in_turn(drop: Drop) -> None:
    for _ in range(2):
        for name in ("primary", "twin"):
            drop.net.faults(**{name: {"dead": True}})
            await asyncio.sleep(drop.dice.uniform(0.5, 1.5))
            drop.net.faults(**{name: {"dead": False}})
            await asyncio.sleep(0.2)


async def an_endpoint_falls_behind(drop: Drop) -> None:
    for lag in (40, 149, 300, 60):
        drop.net.faults(twin={"lag": lag})
        await asyncio.sleep(1)


def one(net: Localnet) -> list[str]:
    return [net.url]


def two(net: Localnet) -> list[str]:
    return [net.twin_url, net.url]


@pytest.mark.parametrize(
    ("weather", "urls"),
    [
        pytest.param(gusts(2, primary={"lost_replies": 1.0}), one, id="lost replies"),
        pytest.param(
            gusts(3, primary={"lost_replies": 0.3, "lost_methods": QUESTIONS}), one, id="lost replies to questions"
        ),
        pytest.param(gusts(3, network={"drop": 0.5}), one, id="dropped transactions"),
        pytest.param(gusts(3, network={"late": 0.6, "late_slots": (1, 150)}), one, id="late landings"),
        pytest.param(gusts(2, primary={"rate_limited": 0.5, "retry_after": 0}), one, id="429 by chance"),
        pytest.param(gusts(2, primary={"requests_per_second": 30, "retry_after": 1}), one, id="429 above a rate"),
        pytest.param(endpoints_die_in_turn, two, id="dead endpoint"),
        pytest.param(an_endpoint_falls_behind, two, id="lagging endpoint"),
        pytest.param(
            steady(twin={"lag": 40, "null_transactions": 0.02, "null_answers": 1}), two, id="null from a lagging node"
        ),
        pytest.param(steady(primary={"index_lag": 25}), one, id="statuses and history lag the bank"),
        pytest.param(steady(twin={"hidden_rows": 0.3}), two, id="getSignaturesForAddress dropping rows"),
        pytest.param(slots_stand_still, one, id="slots stalled"),
        pytest.param(nothing_lands_until_it_has_expired, one, id="expiry in flight"),
        pytest.param(steady(network={"skip": 0.3}), one, id="skipped slots"),
        pytest.param(forks, one, id="forks"),
        pytest.param(an_error_then_success_across_a_fork, one, id="error then success across a fork"),
    ],
)
async def test_each_item_once(
    tmp_path: Path, weather: Weather, urls: Callable[[Localnet], list[str]], fault_seed: int
) -> None:
    await ride_out(tmp_path, weather, urls, fault_seed)
