"""Methods that send and simulate transactions."""

from __future__ import annotations

from typing import Any

from mintworks_runners.solana.programs import NOOP
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from mintworks_dev.localnet.bank import Executed, execute
from mintworks_dev.localnet.chain import View
from mintworks_dev.localnet.errors import ErrorJson, RejectedError, transaction_text
from mintworks_dev.localnet.genesis import FAUCET
from mintworks_dev.localnet.rpc.accounts import account_json
from mintworks_dev.localnet.rpc.blockhashes import blockhash_json
from mintworks_dev.localnet.rpc.errors import PREFLIGHT_FAILURE, SIGNATURE_FAILURE, RpcError, invalid
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.rpc.params import Params, pubkey, wire_bytes
from mintworks_dev.localnet.rpc.render import inner_json
from mintworks_dev.localnet.transaction import MalformedError, Parsed, parse, signatures_hold

_ENDLESS_RETRIES = 30
"""What a node does that is not told maxRetries: every 2 s until the blockhash is gone."""


def send_transaction(node: Node, params: Params) -> object:
    """sendTransaction: the signature, which says nothing about whether the transaction will land."""
    config = params.config(1)
    parsed = _parsed(params.text(0), config.get("encoding"), "base58")
    good = signatures_hold(parsed)
    if not config.get("skipPreflight"):
        if not good:
            raise RpcError(SIGNATURE_FAILURE, "Transaction signature verification failure")
        wanted = {
            "commitment": config.get("preflightCommitment"),
            "minContextSlot": config.get("minContextSlot"),
        }
        _preflight(node, parsed, node.view(wanted))
    if good:
        retries = config.get("maxRetries")
        node.network.send(parsed, _ENDLESS_RETRIES if retries is None else retries, node.now)
    return str(parsed.signature)


def simulate_transaction(node: Node, params: Params) -> object:
    """simulateTransaction."""
    config = params.config(1)
    parsed = _parsed(params.text(0), config.get("encoding"), "base58")
    view = node.view(config)
    replace = bool(config.get("replaceRecentBlockhash"))
    if config.get("sigVerify"):
        if replace:
            raise invalid("sigVerify may not be used with replaceRecentBlockhash")
        if not signatures_hold(parsed):
            raise RpcError(SIGNATURE_FAILURE, "Transaction signature verification failure")
    executed, error = _try(node, parsed, view, check_blockhash=not replace)
    value = _simulation_json(executed, error)
    if replace:
        value["replacementBlockhash"] = blockhash_json(view.sealed)
    if executed is not None and config.get("innerInstructions"):
        value["innerInstructions"] = inner_json(executed.inner, executed.loaded.keys)
    value["accounts"] = _accounts_after(node, view, executed, config.get("accounts"))
    return node.with_context(view, value)


def request_airdrop(node: Node, params: Params) -> object:
    """requestAirdrop: a transfer from the faucet, which signs like everybody."""
    view = node.view(params.config(2))
    pay = transfer(TransferParams(from_pubkey=FAUCET.pubkey(), to_pubkey=params.pubkey(0), lamports=params.number(1)))
    # a number in an instruction without effect tells two equal airdrops of one block apart
    node.airdrops += 1
    count = Instruction(NOOP, node.name.encode() + node.airdrops.to_bytes(8, "little"), [])
    message = MessageV0.try_compile(FAUCET.pubkey(), [pay, count], [], Hash(view.sealed.blockhash))
    parsed = parse(bytes(VersionedTransaction(message, [FAUCET])))
    node.network.send(parsed, 0, node.now)
    return str(parsed.signature)


def _parsed(text: str, encoding: object, default: str) -> Parsed:
    try:
        return parse(wire_bytes(text, encoding, default))
    except MalformedError as error:
        raise invalid(str(error)) from error


def _preflight(node: Node, parsed: Parsed, view: View) -> None:
    executed, error = _try(node, parsed, view, check_blockhash=True)
    if error is not None:
        message = f"Transaction simulation failed: {transaction_text(error)}"
        raise RpcError(PREFLIGHT_FAILURE, message, _simulation_json(executed, error))


def _try(node: Node, parsed: Parsed, view: View, *, check_blockhash: bool) -> tuple[Executed | None, ErrorJson | None]:
    """Runs a transaction on the accounts of a view; where it could not enter a block there is no run."""
    record = node.chain.history.records.get(parsed.signature)
    if record is not None and record.slot <= view.slot:
        return None, "AlreadyProcessed"
    if check_blockhash and not node.chain.blockhash_lives(parsed.blockhash, view.sealed):
        return None, "BlockhashNotFound"
    try:
        executed = execute(parsed, lambda key: node.chain.account(key, view), max(view.slot, 1))
    except RejectedError as error:
        return None, error.error
    return executed, executed.error


def _simulation_json(executed: Executed | None, error: ErrorJson | None) -> dict[str, Any]:
    return {
        "accounts": None,
        "err": error,
        "innerInstructions": None,
        "logs": [] if executed is None else executed.logs,
        "replacementBlockhash": None,
        "returnData": None,
        "unitsConsumed": 0 if executed is None else executed.units,
    }


def _accounts_after(
    node: Node, view: View, executed: Executed | None, wanted: dict[str, Any] | None
) -> list[dict[str, Any] | None] | None:
    if wanted is None:
        return None
    changes = {} if executed is None else executed.changes
    keys = [pubkey(text) for text in wanted.get("addresses", [])]
    config = {"encoding": wanted.get("encoding") or "base64"}
    return [account_json(changes[key] if key in changes else node.chain.account(key, view), config) for key in keys]
