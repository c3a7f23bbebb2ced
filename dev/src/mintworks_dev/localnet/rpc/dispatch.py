"""From a request's JSON to the answer's: the table of methods, batches, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mintworks_dev.localnet.rpc import accounts, blockhashes, cluster, history, sending
from mintworks_dev.localnet.rpc.errors import INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, RpcError, invalid
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.rpc.params import Params

Method = Callable[[Node, Params], object]

METHODS: Mapping[str, Method] = {
    "getGenesisHash": cluster.get_genesis_hash,
    "getHealth": cluster.get_health,
    "getVersion": cluster.get_version,
    "getIdentity": cluster.get_identity,
    "getSlot": cluster.get_slot,
    "getBlockHeight": cluster.get_block_height,
    "getTransactionCount": cluster.get_transaction_count,
    "getEpochInfo": cluster.get_epoch_info,
    "getEpochSchedule": cluster.get_epoch_schedule,
    "getRecentPrioritizationFees": cluster.get_recent_prioritization_fees,
    "getRecentPerformanceSamples": cluster.get_recent_performance_samples,
    "getBalance": accounts.get_balance,
    "getAccountInfo": accounts.get_account_info,
    "getMultipleAccounts": accounts.get_multiple_accounts,
    "getMinimumBalanceForRentExemption": accounts.get_minimum_balance_for_rent_exemption,
    "getLatestBlockhash": blockhashes.get_latest_blockhash,
    "isBlockhashValid": blockhashes.is_blockhash_valid,
    "getFeeForMessage": blockhashes.get_fee_for_message,
    "sendTransaction": sending.send_transaction,
    "simulateTransaction": sending.simulate_transaction,
    "requestAirdrop": sending.request_airdrop,
    "getSignatureStatuses": history.get_signature_statuses,
    "getSignaturesForAddress": history.get_signatures_for_address,
    "getTransaction": history.get_transaction,
    "getBlock": history.get_block,
    "getBlocks": history.get_blocks,
    "getBlockTime": history.get_block_time,
    "getFirstAvailableBlock": history.get_first_available_block,
    "minimumLedgerSlot": history.get_first_available_block,
}
"""Every method of the localnet."""


def answer(node: Node, body: bytes) -> tuple[bytes, list[str]]:
    """The answer to a request or a batch of them, and the methods that were called."""
    try:
        request = json.loads(body)
    except ValueError:
        return _bytes(_failed(None, RpcError(PARSE_ERROR, "Parse error"))), []
    if not isinstance(request, list):
        return _bytes(_one(node, request)), [_method(request)]
    if not request:
        return _bytes(_failed(None, RpcError(INVALID_REQUEST, "Invalid request"))), []
    return _bytes([_one(node, one) for one in request]), [_method(one) for one in request]


def _one(node: Node, request: object) -> dict[str, Any]:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _failed(None, RpcError(INVALID_REQUEST, "Invalid request"))
    identity = request.get("id")
    method = METHODS.get(request["method"])
    if method is None:
        return _failed(identity, RpcError(METHOD_NOT_FOUND, "Method not found"))
    try:
        result = method(node, Params(request.get("params")))
    except RpcError as error:
        return _failed(identity, error)
    except (TypeError, AttributeError, ValueError) as error:
        # a configuration whose values have the wrong types
        return _failed(identity, invalid(f"Invalid params: {error}"))
    return {"jsonrpc": "2.0", "result": result, "id": identity}


def _failed(identity: object, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.json(), "id": identity}


def _method(request: object) -> str:
    return str(request.get("method", "")) if isinstance(request, dict) else ""


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
