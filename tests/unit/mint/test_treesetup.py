"""Making the tree: what it may cost, and how its transaction ends whatever endpoints say of it."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from mintworks_api.mintjob import TreeCreate
from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint import machine, making
from mintworks_runners.mint.builder import Signer
from mintworks_runners.mint.lease import NoLease
from mintworks_runners.mint.money import config_rent
from mintworks_runners.mint.rpc.chain import Blockhash, Chain
from mintworks_runners.mint.treeplan import new_tree
from mintworks_runners.mint.treesetup import TreeSetup
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION
from mintworks_runners.solana.tree import TreeConfig, TreeHeader
from solders.hash import Hash
from solders.keypair import Keypair

WALLET = Keypair.from_seed(bytes([1]) * 32)
PLAN = new_tree(TreeCreate(capacity=8), WALLET.pubkey(), "g", "c")
NOTHING: list[Any] = [None, None]
BLOCKHASH = Blockhash(Hash.default(), 100)
Make = Callable[..., Any]


def account(owner: Any, data: bytes) -> dict[str, Any]:
    return {"owner": str(owner), "lamports": 1, "data": [base64.b64encode(data).decode(), "base64"]}


def there() -> list[Any]:
    size, me = PLAN.size, WALLET.pubkey()
    header = TreeHeader(size.max_buffer_size, size.max_depth, me, 1).encode().ljust(size.account_bytes, b"\0")
    config = TreeConfig(me, me, size.capacity, 0, public=False)
    return [account(COMPRESSION, header), account(BUBBLEGUM, config.encode())]


async def setup_of(make_node: Make, open_pool: Make, accounts: list[Any], **answers: Any) -> tuple[TreeSetup, Any]:
    """A setup on a chain whose blockhashes are long past and that knows no signature."""
    node = await make_node(
        getMultipleAccounts={"context": {"slot": 1000}, "value": accounts},
        getEpochInfo={"absoluteSlot": 900, "blockHeight": 900},
        getSignatureStatuses={"value": [None]},
        getLatestBlockhash={"value": {"blockhash": str(Hash.default()), "lastValidBlockHeight": 100}},
        getMinimumBalanceForRentExemption=PLAN.size.rent,
        simulateTransaction={"value": {"err": None, "unitsConsumed": 1000}},
        sendTransaction="x",
        **answers,
    )
    setup = TreeSetup(Chain(await open_pool(node)), PLAN, Signer(WALLET), NoLease(), StopSignal())
    return setup, node


async def follow(setup: TreeSetup) -> machine.Ended:
    draft = making.Draft([], 0)
    transaction, _ = await setup._sign(draft, 1000, 0)
    return await setup._follow(transaction, BLOCKHASH)


async def test_ours_has_expired_and_the_tree_is_there_all_the_same(make_node: Make, open_pool: Make) -> None:
    setup, _ = await setup_of(make_node, open_pool, there())
    assert await follow(setup) == machine.Expired()


@pytest.mark.parametrize("exists", [True, False])
async def test_no_history_of_signatures_is_not_waited_on_for_ever(
    make_node: Make, open_pool: Make, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    monkeypatch.setattr(making, "UNKNOWN_SECONDS", 0.1)
    monkeypatch.setattr(making, "HISTORY_SECONDS", 0.1)
    setup, node = await setup_of(make_node, open_pool, there() if exists else NOTHING)
    node.refuse("getSignatureStatuses", -32011)
    if exists:
        assert await follow(setup) == machine.Expired()
        return
    with pytest.raises(RunEnded) as raised:
        await follow(setup)
    assert raised.value.reason == "HistoryIncomplete"


async def test_nothing_is_sent_that_max_cost_does_not_allow(make_node: Make, open_pool: Make) -> None:
    setup, node = await setup_of(make_node, open_pool, NOTHING)
    with pytest.raises(RunEnded) as raised:
        await setup.make(1_000_000, PLAN.size.rent + config_rent())
    assert raised.value.reason == "CostLimit"
    assert "sendTransaction" not in node.asked


async def test_a_rent_beyond_all_reason_is_not_paid(make_node: Make, open_pool: Make) -> None:
    setup, node = await setup_of(make_node, open_pool, NOTHING)
    node.answers["getMinimumBalanceForRentExemption"] = 3 * PLAN.size.rent
    with pytest.raises(RunEnded, match="usual") as raised:
        await setup.make(0, None)
    assert raised.value.reason == "TreeNotCreated"
    assert "sendTransaction" not in node.asked


async def test_a_creation_that_is_confirmed_already_is_waited_for(make_node: Make, open_pool: Make) -> None:
    setup, node = await setup_of(make_node, open_pool, NOTHING)
    node.answers["simulateTransaction"] = {"value": {"err": {"InstructionError": [2, {"Custom": 0}]}}}
    started = time.monotonic()

    def finalized_soon(*_: Any) -> dict[str, Any]:
        return {"context": {"slot": 1000}, "value": there() if time.monotonic() > started + 0.5 else NOTHING}

    node.answers["getMultipleAccounts"] = finalized_soon
    assert await setup.make(0, None) is None
    assert "sendTransaction" not in node.asked
