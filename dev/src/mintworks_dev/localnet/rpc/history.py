"""Methods about what landed."""

from __future__ import annotations

from typing import Any

from solders.hash import Hash

from mintworks_dev.localnet.chain import Block, status
from mintworks_dev.localnet.history import Record
from mintworks_dev.localnet.rpc.errors import (
    BLOCK_CLEANED_UP,
    BLOCK_NOT_AVAILABLE,
    SLOT_SKIPPED,
    RpcError,
    invalid,
)
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.rpc.params import Params, commitment, signature
from mintworks_dev.localnet.rpc.render import transaction_json

_MAX_STATUSES = 256
_MAX_ROWS = 1000
_MAX_BLOCKS = 500_000
_STATUS_CACHE_SLOTS = 300


def get_signature_statuses(node: Node, params: Params) -> object:
    """getSignatureStatuses, at most 256; without searchTransactionHistory only those of the last 300 slots."""
    signatures = [signature(text) for text in params.list(0, _MAX_STATUSES)]
    search = bool(params.config(1).get("searchTransactionHistory"))
    if search:
        node.need_history()
    oldest = 0 if search else node.chain.slot - _STATUS_CACHE_SLOTS
    records = (node.chain.history.records.get(one) for one in signatures)
    found = [
        status(record, node.chain, node.index_lag) if record is not None and record.slot >= oldest else None
        for record in records
    ]
    return node.with_context(node.view({}, "processed"), found)


def get_signatures_for_address(node: Node, params: Params) -> object:
    """getSignaturesForAddress: at most 1000 rows, newest first, `before` and `until` left out themselves."""
    address, config = params.pubkey(0), params.config(1)
    limit = config.get("limit")
    limit = _MAX_ROWS if limit is None else limit
    if not isinstance(limit, int) or not 1 <= limit <= _MAX_ROWS:
        raise invalid(f"Invalid limit; max {_MAX_ROWS}")
    newest = _newest_slot(node, config)
    node.need_history()
    before, until = config.get("before"), config.get("until")
    rows: list[dict[str, Any]] = []
    # Agave answers with nothing where it does not know `before`
    started = before is None
    for record in node.chain.history.of_address(address):
        text = str(record.signature)
        if text == until or len(rows) >= limit:
            break
        if started and record.slot <= newest and not _hidden(node, record):
            rows.append(_row(node, record))
        started = started or text == before
    return rows


def get_transaction(node: Node, params: Params) -> object:
    """getTransaction; null where it is not known at this commitment, or while a fault hides it."""
    wanted, config = params.signature(0), params.config(1)
    if isinstance(params.optional(1), str):
        config = {"encoding": params.optional(1)}
    newest = _newest_slot(node, config)
    node.need_history()
    record = node.chain.history.records.get(wanted)
    if record is None or record.slot > newest or _denied(node, record):
        return None
    return {"blockTime": record.time, "slot": record.slot, **transaction_json(record, config)}


def get_block(node: Node, params: Params) -> object:
    """getBlock."""
    slot, config = params.number(0), params.config(1)
    block = _block(node, slot, _newest_slot(node, config))
    shown: dict[str, Any] = {
        "blockHeight": block.height,
        "blockTime": block.time,
        "blockhash": str(Hash(block.blockhash)),
        "parentSlot": block.parent,
        "previousBlockhash": str(Hash(block.parent_hash)),
    }
    match config.get("transactionDetails") or "full":
        case "full":
            shown["transactions"] = [transaction_json(record, config) for record in block.records]
        case "signatures":
            shown["signatures"] = [str(record.signature) for record in block.records]
        case "none":
            pass
        case other:
            raise invalid(f"Invalid params: unknown transactionDetails `{other}`.")
    if config.get("rewards") is not False:
        shown["rewards"] = []
    return shown


def get_blocks(node: Node, params: Params) -> object:
    """getBlocks: the slots that have a block, the last one included."""
    start = params.number(0)
    without_end = isinstance(params.optional(1), dict)
    newest = _newest_slot(node, params.config(1 if without_end else 2))
    bounded = not without_end and params.optional(1) is not None
    end = min(params.number(1), newest) if bounded else newest
    if end - start > _MAX_BLOCKS:
        raise invalid(f"Slot range too large; max {_MAX_BLOCKS}")
    slots = range(max(start, node.chain.oldest), end + 1)
    return [slot for slot in slots if node.chain.block(slot) is not None]


def get_block_time(node: Node, params: Params) -> object:
    """getBlockTime, in seconds since 1970."""
    return _block(node, params.number(0), node.chain.last.slot).time


def get_first_available_block(node: Node, _: Params) -> object:
    """getFirstAvailableBlock."""
    return node.chain.oldest


def _newest_slot(node: Node, config: dict[str, Any]) -> int:
    """The newest slot that histories show; minContextSlot holds for the bank, as on Solana."""
    level = commitment(config)
    if level == "processed":
        raise invalid("Method does not support commitment below `confirmed`")
    node.view(config)
    return node.chain.view(level, node.index_lag).slot


def _row(node: Node, record: Record) -> dict[str, Any]:
    shown = status(record, node.chain, node.index_lag)
    return {
        "blockTime": record.time,
        "confirmationStatus": None if shown is None else shown["confirmationStatus"],
        "err": record.error,
        "memo": None,
        "signature": str(record.signature),
        "slot": record.slot,
    }


def _hidden(node: Node, record: Record) -> bool:
    return node.dice.marked(node.faults.hidden_rows, f"rows of {node.name}", bytes(record.signature))


def _denied(node: Node, record: Record) -> bool:
    """Whether a fault answers null for this transaction now; it does so a few times, then no more."""
    key = bytes(record.signature)
    if not node.dice.marked(node.faults.null_transactions, f"transactions of {node.name}", key):
        return False
    count = node.denied.get(key, 0)
    node.denied[key] = count + 1
    return count < node.faults.null_answers


def _block(node: Node, slot: int, newest: int) -> Block:
    if slot > newest:
        raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
    block = node.chain.block(slot)
    if block is not None:
        return block
    oldest = node.chain.oldest
    if slot < oldest:
        message = f"Block {slot} cleaned up, does not exist on node. First available block: {oldest}"
        raise RpcError(BLOCK_CLEANED_UP, message)
    raise RpcError(SLOT_SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
