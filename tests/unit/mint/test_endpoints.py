"""Endpoints that lie, refuse, fall silent or lag, over real HTTP."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from mintworks_runners.core.errors import InvalidInput, Waiting
from mintworks_runners.mint.rpc import pool as pool_module
from mintworks_runners.mint.rpc.chain import Chain, Epoch
from mintworks_runners.mint.rpc.endpoint import EndpointAwayError
from solders.pubkey import Pubkey

GOOD = {"absoluteSlot": 7, "blockHeight": 5}
KEY = Pubkey.from_bytes(bytes([1]) * 32)
Make = Callable[..., Any]


@pytest.mark.parametrize("garbage", [None, [], "x", {"absoluteSlot": 7}, {"absoluteSlot": "x", "blockHeight": 5}])
async def test_an_answer_that_makes_no_sense_is_no_answer(make_node: Make, open_pool: Make, garbage: Any) -> None:
    bad, good = await make_node(getEpochInfo=garbage), await make_node(getEpochInfo=GOOD)
    assert await Chain(await open_pool(bad, good)).epoch() == Epoch(7, 5)


async def test_an_endpoint_is_asked_through_the_environments_proxy(
    make_node: Make, open_pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, other = await make_node(getEpochInfo=GOOD), await make_node(getEpochInfo={**GOOD, "blockHeight": 6})
    monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://user:word@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    away = replace(proxy, url="http://rpc.invalid/")
    assert await Chain(await open_pool(away)).epoch() == Epoch(7, 5)
    assert proxy.authorized == {"Basic dXNlcjp3b3Jk"}
    assert await Chain(await open_pool(other)).epoch() == Epoch(7, 6)


async def test_too_few_statuses_too_few_accounts_and_a_bad_blockhash_are_no_answers(
    make_node: Make, open_pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"context": {"slot": 1}, "value": []}
    hashless = {"context": {"slot": 1}, "value": {"blockhash": "no!", "lastValidBlockHeight": 1}}
    chain = Chain(
        await open_pool(
            await make_node(getSignatureStatuses=short, getMultipleAccounts=short, getLatestBlockhash=hashless)
        )
    )
    monkeypatch.setattr(pool_module, "PATIENCE_SECONDS", 0.0)
    for asked in (chain.statuses(["s"], history=True), chain.account(KEY), chain.blockhash()):
        with pytest.raises(Waiting) as raised:
            await asked
        assert raised.value.reason == "NoHealthyEndpoint"


@pytest.mark.parametrize("code", [-32019, -32601, -32099])
async def test_what_one_endpoint_refuses_another_is_asked(make_node: Make, open_pool: Make, code: int) -> None:
    bad, good = await make_node(), await make_node(getEpochInfo=GOOD)
    bad.refuse("getEpochInfo", code)
    chain = Chain(await open_pool(bad, good))
    assert [await chain.epoch() for _ in range(4)] == [Epoch(7, 5)] * 4


async def test_what_all_endpoints_refuse_waits_and_uses_no_attempt(make_node: Make, open_pool: Make) -> None:
    nodes = [await make_node(), await make_node()]
    for node in nodes:
        node.refuse("getEpochInfo", -32601)
    with pytest.raises(Waiting, match="refuses") as raised:
        await Chain(await open_pool(*nodes)).epoch()
    assert raised.value.reason == "NoHealthyEndpoint"
    assert [node.asked.count("getEpochInfo") for node in nodes] == [1, 1]


async def test_statuses_are_asked_of_the_endpoint_that_has_history(make_node: Make, open_pool: Make) -> None:
    without, full = await make_node(), await make_node(getSignatureStatuses={"value": [None]})
    without.refuse("getSignatureStatuses", -32011)
    both = Chain(await open_pool(without, full))
    assert [await both.statuses(["s"], history=True) for _ in range(4)] == [[None]] * 4
    assert await Chain(await open_pool(without)).statuses(["s"], history=True) is None


async def test_a_chain_found_to_be_another_ends_the_run_though_calls_succeed(make_node: Make, open_pool: Make) -> None:
    pool = await open_pool(await make_node(getEpochInfo=GOOD), other := await make_node(getGenesisHash=None))
    other.answers["getGenesisHash"] = str(KEY)
    with pytest.raises(InvalidInput):
        await pool._look_after()
    pool._health = asyncio.ensure_future(pool._look_after())
    await asyncio.wait([pool._health])
    with pytest.raises(InvalidInput) as raised:
        await Chain(pool).epoch()
    assert raised.value.reason == "GenesisMismatch"


@pytest.mark.parametrize("garbage", [None, "x", []])
async def test_garbage_does_not_end_the_looking_after(make_node: Make, open_pool: Make, garbage: Any) -> None:
    pool = await open_pool(await make_node(), bad := await make_node())
    bad.answers["getSlot"] = garbage
    await pool._look_after()
    assert [endpoint.lagging for endpoint in pool.endpoints] == [False, False]


async def test_an_endpoint_that_lagged_has_not_caught_up_by_silence_nor_by_being_alone(
    make_node: Make, open_pool: Make
) -> None:
    best, slow = await make_node(getSlot=1000), await make_node(getSlot=700)
    pool = await open_pool(best, slow)
    assert [endpoint.lagging for endpoint in pool.endpoints] == [False, True]
    slow.refuse("getSlot", -32601)
    await pool._look_after()
    assert pool.endpoints[1].lagging
    slow.answers["getSlot"] = 800
    best.refuse("getSlot", -32601)
    await pool._look_after()
    assert pool.endpoints[1].lagging
    slow.answers["getSlot"] = 900
    await pool._look_after()
    assert not pool.endpoints[1].lagging


async def test_an_endpoint_below_the_jobs_first_slot_lags(make_node: Make, open_pool: Make) -> None:
    pool = await open_pool(await make_node(getSlot=700))
    pool.reached(1000)
    assert pool.usable() == []


async def test_transactions_go_out_in_one_message(make_node: Make, open_pool: Make) -> None:
    node = await make_node(sendTransaction="x")
    pool = await open_pool(node)
    assert await Chain(pool).send(pool.endpoints[0], [b"1", b"2", b"3"]) == []
    assert (node.batches, node.asked.count("sendTransaction")) == (1, 3)
    node.refuse("sendTransaction", -32002)
    assert [error.code for error in await Chain(pool).send(pool.endpoints[0], [b"1", b"2"])] == [-32002, -32002]


@pytest.mark.parametrize("status", [200, 400, 413])
async def test_a_node_that_takes_one_request_a_message_gets_them_so(
    make_node: Make, open_pool: Make, status: int
) -> None:
    node = await make_node(sendTransaction="x")
    node.single = status
    pool = await open_pool(node)
    for _ in range(2):
        assert await Chain(pool).send(pool.endpoints[0], [b"1", b"2"]) == []
    assert (node.batches, node.asked.count("sendTransaction")) == (1, 4)


async def test_a_message_of_which_one_request_is_too_many_is_not_taken_for_sent(
    make_node: Make, open_pool: Make
) -> None:
    node = await make_node()
    pool = await open_pool(node)
    node.refuse("sendTransaction", 429)
    with pytest.raises(EndpointAwayError):
        await Chain(pool).send(pool.endpoints[0], [b"1", b"2"])
    assert pool.usable() == []
