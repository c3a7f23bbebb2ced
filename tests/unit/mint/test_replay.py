"""What a replay believes of its cache and of endpoints, and when it says that it cannot know."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.core.errors import Waiting
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint import replay as replay_module
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.ledger import FileLedger, LedgerCache, NoLedger
from mintworks_runners.mint.replay import Replay
from mintworks_runners.mint.rpc.chain import Chain
from mintworks_runners.mint.rpc.pool import Pool
from solders.pubkey import Pubkey

ME = Pubkey.from_bytes(bytes([1]) * 32)
TREE = Pubkey.from_bytes(bytes([3]) * 32)


def mint(nonce: int, slot: int, signature: str | None = None) -> TxFact:
    fact = MintFact(nonce, "u", ME, b"", b"", ME)
    return TxFact(signature or f"s{nonce}", slot, ME, 5000, 0, None, (fact,))


def replay_of(pool: Pool, cache: LedgerCache | None = None) -> Replay:
    return Replay(Chain(pool), TREE, 0, cache or NoLedger(), StopSignal())


@pytest.mark.parametrize(
    ("facts", "minted", "slot"),
    [
        pytest.param([mint(0, 10)], 0, 20, id="more than the counter"),
        pytest.param([mint(0, 10), mint(0, 12, "other")], 1, 20, id="one number twice"),
        pytest.param([mint(5, 10)], 1, 20, id="a number that the counter has not reached"),
    ],
)
def test_a_history_that_the_counter_contradicts(facts: list[TxFact], minted: int, slot: int) -> None:
    history = History()
    history.add(facts)
    assert history.contradicts(minted, slot)
    assert not history.contradicts(minted, 9), "what is newer than the reading proves nothing"


def test_what_was_heard_of_is_unread_until_it_is_read() -> None:
    history = History()
    history.add([mint(0, 10)])
    rows = [("s3", 30, False), ("old", 19, True), ("bad", 20, True), ("s1", 20, False), ("s0", 10, False)]
    assert history.hear(rows) == 4, "of one of them all is known"
    assert history.hear(rows) == 0
    assert list(history.unread(20, 2)) == [["bad", "s1"], ["s3"]], (
        "failed ones before the job's first slot cost it nothing"
    )
    portions = history.unread(20, 1)
    assert next(portions) == ["bad"]
    history.add([mint(1, 20), TxFact("bad", 20, ME, 5000, 0, "failed")])
    assert list(portions) == [["s3"]]
    assert (history.first_unread(20), history.first_unread(31)) == ("s3", None)
    assert list(history.entries(after=10)) == [("s1", 20, 1), ("bad", 20, 0)]


@pytest.mark.parametrize("slot", [20, 5])
async def test_a_cache_of_another_life_of_the_chain_is_dropped(
    tmp_path: Path, make_node: Callable[..., Any], open_pool: Callable[..., Any], slot: int
) -> None:
    cache = FileLedger(tmp_path / "ledger.jsonl")
    await cache.append([mint(0, 10), mint(1, 11)])
    replay = replay_of(await open_pool(await make_node(getSignaturesForAddress=[])), cache)
    await replay.catch_up(0, slot)
    assert len(replay.history) == 0
    assert [facts async for facts in cache.load()] == []


async def test_a_cache_that_fits_the_counter_is_believed(
    tmp_path: Path, make_node: Callable[..., Any], open_pool: Callable[..., Any]
) -> None:
    cache = FileLedger(tmp_path / "ledger.jsonl")
    await cache.append([mint(0, 10), mint(1, 11)])
    replay = replay_of(await open_pool(await make_node(getSignaturesForAddress=[])), cache)
    await replay.catch_up(2, 20)
    assert len(replay.history) == 2


async def test_a_counter_that_falls_behind_what_was_read_ends_the_run(
    make_node: Callable[..., Any], open_pool: Callable[..., Any]
) -> None:
    replay = replay_of(await open_pool(await make_node(getSignaturesForAddress=[])))
    await replay.catch_up(0, 5)
    replay.history.add([mint(0, 10)])
    with pytest.raises(Waiting, match="more mints than its counter") as raised:
        await replay.catch_up(0, 20)
    assert raised.value.reason == "HistoryIncomplete"


@pytest.mark.parametrize("rows", [[], [{"signature": "x", "slot": 7, "err": None}]])
async def test_a_tree_whose_creation_no_history_shows_is_not_complete(
    make_node: Callable[..., Any],
    open_pool: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
) -> None:
    monkeypatch.setattr(replay_module, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(replay_module, "NULL_RETRIES", 1)
    replay = replay_of(await open_pool(await make_node(getSignaturesForAddress=rows, getTransaction=None)))
    with pytest.raises(Waiting, match="what was paid is unknown"):
        await replay.catch_up(0, 20, creation=True)


async def test_a_listed_transaction_that_nobody_answers_with_is_not_passed_over(
    make_node: Callable[..., Any], open_pool: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(replay_module, "NULL_RETRIES", 1)
    rows = [{"signature": "failed", "slot": 7, "err": {"InstructionError": [0, "Custom"]}}]
    replay = replay_of(await open_pool(await make_node(getSignaturesForAddress=rows, getTransaction=None)))
    with pytest.raises(Waiting, match="transaction failed") as raised:
        await replay.catch_up(0, 20)
    assert raised.value.reason == "HistoryIncomplete"


async def test_no_endpoint_while_nothing_is_missing_is_no_endpoint(
    make_node: Callable[..., Any], open_pool: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "PATIENCE_SECONDS", -1.0)
    pool = await open_pool(await make_node())
    pool.endpoints[0].trusted = False
    with pytest.raises(Waiting) as raised:
        await replay_of(pool).catch_up(0, 20)
    assert raised.value.reason == "NoHealthyEndpoint"


async def test_patience_lasts_while_facts_come_in(
    make_node: Callable[..., Any], open_pool: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_module, "PATIENCE_SECONDS", 0.6)
    replay = replay_of(await open_pool(await make_node()))
    reads = iter(range(4))

    async def slow(*_: Any) -> int:
        replay._heard = True
        return len(replay.history.add([mint(next(reads), 10)]))

    monkeypatch.setattr(replay, "_read", slow)
    await replay.catch_up(4, 20)
    assert replay.history.first_missing() == 4
