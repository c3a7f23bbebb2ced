"""Methods that read accounts."""

from __future__ import annotations

import base64
from typing import Any

from mintworks_runners.solana import base58
from mintworks_runners.solana.tree import rent

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.rpc.errors import INVALID_REQUEST, RpcError, invalid
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.rpc.params import Params, pubkey

_MAX_ACCOUNTS = 100
_MAX_BASE58_BYTES = 128
_NEVER = (1 << 64) - 1
_TO_THE_END = 1 << 32


def get_balance(node: Node, params: Params) -> object:
    """getBalance, in lamports."""
    view = node.view(params.config(1))
    return node.with_context(view, node.chain.account(params.pubkey(0), view).lamports)


def get_account_info(node: Node, params: Params) -> object:
    """getAccountInfo."""
    config = params.config(1)
    view = node.view(config)
    account = node.chain.account(params.pubkey(0), view)
    return node.with_context(view, account_json(account, config))


def get_multiple_accounts(node: Node, params: Params) -> object:
    """getMultipleAccounts, at most 100."""
    config = params.config(1)
    keys = [pubkey(text) for text in params.list(0, _MAX_ACCOUNTS)]
    view = node.view(config)
    found = [account_json(node.chain.account(key, view), config) for key in keys]
    return node.with_context(view, found)


def get_minimum_balance_for_rent_exemption(_: Node, params: Params) -> object:
    """getMinimumBalanceForRentExemption, in lamports."""
    return rent(params.number(0))


def account_json(account: Account, config: dict[str, Any]) -> dict[str, Any] | None:
    """An account as the RPC shows it; None where there is none."""
    if account.lamports == 0:
        return None
    part = config.get("dataSlice") or {}
    data = account.read(part.get("offset", 0), part.get("length", _TO_THE_END))
    return {
        "data": _encoded(data, config.get("encoding")),
        "executable": account.executable,
        "lamports": account.lamports,
        "owner": str(account.owner),
        "rentEpoch": _NEVER,
        "space": len(account.data),
    }


def _encoded(data: bytes, encoding: object) -> object:
    match encoding:
        case "base64" | "jsonParsed":
            # no account here has a parser, and then Agave answers jsonParsed with base64
            return [base64.b64encode(data).decode(), "base64"]
        case None | "binary" | "base58":
            if len(data) > _MAX_BASE58_BYTES:
                message = "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
                raise RpcError(INVALID_REQUEST, message)
            text = base58.encode(data)
            return [text, "base58"] if encoding == "base58" else text
        case other:
            raise invalid(f"Invalid params: unknown encoding `{other}`, known are base58, base64 and jsonParsed.")
