"""Methods about blockhashes and fees."""

from __future__ import annotations

from mintworks_runners.solana.budget import decode_budget, fee
from mintworks_runners.solana.programs import COMPUTE_BUDGET
from solders.hash import Hash
from solders.message import Message, MessageV0, from_bytes_versioned

from mintworks_dev.localnet.chain import MAX_BLOCKHASH_AGE, Block
from mintworks_dev.localnet.rpc.errors import invalid
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.rpc.params import Params, blockhash, wire_bytes


def get_latest_blockhash(node: Node, params: Params) -> object:
    """getLatestBlockhash."""
    view = node.view(params.config(0))
    return node.with_context(view, blockhash_json(view.sealed))


def blockhash_json(block: Block) -> dict[str, object]:
    """A blockhash and the last height at which it is good."""
    return {
        "blockhash": str(Hash(block.blockhash)),
        "lastValidBlockHeight": block.height + MAX_BLOCKHASH_AGE,
    }


def is_blockhash_valid(node: Node, params: Params) -> object:
    """isBlockhashValid."""
    view = node.view(params.config(1))
    return node.with_context(view, node.chain.blockhash_lives(blockhash(params.text(0)), view.sealed))


def get_fee_for_message(node: Node, params: Params) -> object:
    """getFeeForMessage, in lamports; null once the message's blockhash is too old."""
    view = node.view(params.config(1))
    raw = wire_bytes(params.text(0), "base64", "base64")
    try:
        message = from_bytes_versioned(raw)
    except ValueError as error:
        raise invalid(f"failed to deserialize VersionedMessage: {error}") from error
    if not isinstance(message, Message | MessageV0):
        raise invalid("only legacy and version 0 messages are known")
    if not node.chain.blockhash_lives(bytes(message.recent_blockhash), view.sealed):
        return node.with_context(view, None)
    compiled = message.instructions
    budgets = [one.data for one in compiled if message.account_keys[one.program_id_index] == COMPUTE_BUDGET]
    units, price = decode_budget(budgets, len(compiled) - len(budgets))
    return node.with_context(view, fee(message.header.num_required_signatures, units, price))
