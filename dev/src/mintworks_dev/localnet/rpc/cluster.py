"""Methods about the chain as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solders.hash import Hash
from solders.pubkey import Pubkey

from mintworks_dev.localnet.chain import Block
from mintworks_dev.localnet.genesis import FAUCET
from mintworks_dev.localnet.rpc.errors import NODE_UNHEALTHY, RpcError
from mintworks_dev.localnet.rpc.node import API_VERSION, Node
from mintworks_dev.localnet.rpc.params import Params, pubkey

SLOTS_IN_EPOCH = 432_000
_UNHEALTHY_SLOTS = 128
_FEE_SLOTS = 150
_SAMPLE_SLOTS = 150
_FEATURE_SET = 3_294_202_862


def get_genesis_hash(node: Node, _: Params) -> object:
    """getGenesisHash."""
    return str(Hash(node.chain.genesis_hash))


def get_health(node: Node, _: Params) -> object:
    """getHealth; -32005 for an endpoint more than 128 slots behind, as Agave's default is."""
    if node.faults.lag > _UNHEALTHY_SLOTS:
        behind = {"numSlotsBehind": node.faults.lag}
        raise RpcError(NODE_UNHEALTHY, f"Node is behind by {node.faults.lag} slots", behind)
    return "ok"


def get_version(_: Node, __: Params) -> object:
    """getVersion."""
    return {"feature-set": _FEATURE_SET, "solana-core": API_VERSION}


def get_identity(_: Node, __: Params) -> object:
    """getIdentity."""
    return {"identity": str(FAUCET.pubkey())}


def get_slot(node: Node, params: Params) -> object:
    """getSlot."""
    return node.view(params.config(0)).slot


def get_block_height(node: Node, params: Params) -> object:
    """getBlockHeight."""
    return node.view(params.config(0)).height


def get_transaction_count(node: Node, params: Params) -> object:
    """getTransactionCount; counted at the tip, whatever the commitment."""
    node.view(params.config(0))
    return node.chain.transactions


def get_epoch_info(node: Node, params: Params) -> object:
    """getEpochInfo."""
    view = node.view(params.config(0))
    return {
        "absoluteSlot": view.slot,
        "blockHeight": view.height,
        "epoch": view.slot // SLOTS_IN_EPOCH,
        "slotIndex": view.slot % SLOTS_IN_EPOCH,
        "slotsInEpoch": SLOTS_IN_EPOCH,
        "transactionCount": node.chain.transactions,
    }


def get_epoch_schedule(_: Node, __: Params) -> object:
    """getEpochSchedule."""
    return {
        "firstNormalEpoch": 0,
        "firstNormalSlot": 0,
        "leaderScheduleSlotOffset": SLOTS_IN_EPOCH,
        "slotsPerEpoch": SLOTS_IN_EPOCH,
        "warmup": False,
    }


def get_recent_prioritization_fees(node: Node, params: Params) -> object:
    """getRecentPrioritizationFees: what each of the last 150 confirmed blocks asked at least of a transaction that
    locks these accounts for writing, in micro-lamports a compute unit.
    """
    wanted = [pubkey(text) for text in (params.optional(0) or ())]
    return [
        {"slot": block.slot, "prioritizationFee": _least_price(block, wanted)}
        for block in _recent(node, _FEE_SLOTS, "confirmed")
    ]


def get_recent_performance_samples(node: Node, params: Params) -> object:
    """getRecentPerformanceSamples: one sample over the last 150 slots."""
    limit = params.optional(0)
    blocks = _recent(node, _SAMPLE_SLOTS)
    if limit == 0 or len(blocks) < 2:
        return []
    transactions = sum(len(block.records) for block in blocks)
    slots = blocks[-1].slot - blocks[0].slot
    sample: dict[str, Any] = {
        "slot": blocks[-1].slot,
        "numSlots": slots,
        "numTransactions": transactions,
        "numNonVoteTransactions": transactions,
        "samplePeriodSecs": max(round(slots * node.slot_ms / 1000), 1),
    }
    return [sample]


def _recent(node: Node, slots: int, commitment: str = "processed") -> list[Block]:
    tip = node.chain.view(commitment, node.faults.lag).sealed.slot
    blocks = (node.chain.block(slot) for slot in range(max(tip - slots + 1, 0), tip + 1))
    return [block for block in blocks if block is not None]


def _least_price(block: Block, wanted: Iterable[Pubkey]) -> int:
    """As Agave answers it: the largest of the least that was paid in the block, and of the least that was paid for
    each account that anyone wrote to.
    """
    paid = [[record.price for record in block.records]]
    paid += [[record.price for record in block.records if key in record.writable] for key in wanted]
    return max((min(prices) for prices in paid if prices), default=0)
