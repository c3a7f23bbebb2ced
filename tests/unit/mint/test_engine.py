"""The engine ends where nothing can come of going on: a chain that only makes blocks, endpoints without history."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from mintworks_runners.core.errors import Waiting
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint import engine as engine_module
from mintworks_runners.mint.books import Books
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.campaign import Campaign, Rules
from mintworks_runners.mint.engine import Engine, Tools
from mintworks_runners.mint.funds import Funds
from mintworks_runners.mint.items import Design
from mintworks_runners.mint.lease import NoLease
from mintworks_runners.mint.ledger import NoLedger
from mintworks_runners.mint.market import Market
from mintworks_runners.mint.replay import Replay
from mintworks_runners.mint.rpc.chain import Chain
from mintworks_runners.solana.programs import BUBBLEGUM
from mintworks_runners.solana.tree import TreeConfig
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

WALLET = Keypair.from_seed(bytes([1]) * 32)
ME = WALLET.pubkey()
TREE = Pubkey.from_bytes(bytes([3]) * 32)
Make = Callable[..., Any]


def blocks_only() -> dict[str, Any]:
    """A chain whose slots go on, and whose tree stays empty."""
    config = base64.b64encode(TreeConfig(ME, ME, 8, 0, public=False).encode()).decode()
    account = {"owner": str(BUBBLEGUM), "lamports": 1, "data": [config, "base64"]}
    born = time.monotonic()

    def slot() -> int:
        return 1000 + int((time.monotonic() - born) * 100)

    return {
        "getMultipleAccounts": lambda *_: {"context": {"slot": slot()}, "value": [account]},
        "getEpochInfo": lambda *_: {"absoluteSlot": slot(), "blockHeight": slot()},
        "getLatestBlockhash": {"value": {"blockhash": str(Hash.default()), "lastValidBlockHeight": 100}},
        "getBalance": {"value": 10**9},
        "sendTransaction": "x",
    }


async def run(node: Any, open_pool: Make, last_valid: int) -> None:
    chain, stop = Chain(await open_pool(node)), StopSignal()
    campaign = Campaign(Rules(), range(1), Books(), 0)
    campaign.signed("s", (0,), b"", last_valid, 5)
    builder = MintBuilder({}, Design(TREE, ME, "S", 0, True, (), None), Signer(WALLET))
    replay = Replay(chain, TREE, 0, NoLedger(), stop)
    market = Market(chain, [TREE], 75, 0)
    tools = Tools(chain, TREE, 0, builder, NoLease(), replay, Funds(chain, ME), market, lambda: None, stop)
    await Engine(campaign, tools).run()


async def test_blocks_are_no_progress(make_node: Make, open_pool: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(engine_module, "CHAIN_SECONDS", 0.1)
    seen = {"slot": 5, "err": None, "confirmationStatus": "processed"}
    node = await make_node(getSignatureStatuses={"value": [seen]}, **blocks_only())
    with pytest.raises(Waiting) as raised:
        await run(node, open_pool, 10**6)
    assert raised.value.reason == "ChainStalled"


async def test_endpoints_without_history_cannot_let_a_transaction_expire(
    make_node: Make, open_pool: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MUTE_SECONDS", 0.3)
    monkeypatch.setattr(engine_module, "STATUS_SECONDS", 0.1)
    node = await make_node(**blocks_only())
    node.refuse("getSignatureStatuses", -32011)
    with pytest.raises(Waiting) as raised:
        await run(node, open_pool, 100)
    assert raised.value.reason == "HistoryIncomplete"
