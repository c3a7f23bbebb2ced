"""Reads the chain itself, with nothing of the runner but the instruction decoder: what a test believes of mints."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from mintworks_runners.solana.instructions import decode_mint, is_mint
from mintworks_runners.solana.programs import BUBBLEGUM, tree_authority
from mintworks_runners.solana.tree import decode_config
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

_PAGE = 1000


def call(url: str, method: str, *params: Any) -> Any:
    """The result of a JSON-RPC call; raises AssertionError with the error."""
    answer = httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}, timeout=30)
    body = answer.json()
    assert "result" in body, body
    return body["result"]


def minted(url: str, tree: str) -> list[str]:
    """The uris of all finalized mints into `tree`, one for each leaf, in no order.

    Holds their number against the tree's own count, so that a row left out of the history does not pass unseen.
    """
    uris = [uri for signature in _signatures(url, tree) for uri in _mints(url, signature, Pubkey.from_string(tree))]
    account = call(
        url,
        "getAccountInfo",
        str(tree_authority(Pubkey.from_string(tree))),
        {"encoding": "base64", "commitment": "finalized"},
    )
    config = decode_config(base64.b64decode(account["value"]["data"][0]))
    assert config.num_minted == len(uris)
    return uris


def _signatures(url: str, tree: str) -> list[str]:
    found: list[str] = []
    while True:
        options: dict[str, Any] = {"commitment": "finalized", "limit": _PAGE}
        if found:
            options["before"] = found[-1]
        page = call(url, "getSignaturesForAddress", tree, options)
        found += [row["signature"] for row in page if row["err"] is None]
        if len(page) < _PAGE:
            return found


def _mints(url: str, signature: str, tree: Pubkey) -> list[str]:
    options = {"encoding": "base64", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
    answer = call(url, "getTransaction", signature, options)
    transaction = VersionedTransaction.from_bytes(base64.b64decode(answer["transaction"][0]))
    loaded = answer["meta"].get("loadedAddresses") or {}
    looked_up = [Pubkey.from_string(k) for k in (*loaded.get("writable", ()), *loaded.get("readonly", ()))]
    keys = [*transaction.message.account_keys, *looked_up]
    mints = (
        decode_mint(bytes(i.data), [keys[a] for a in i.accounts])
        for i in transaction.message.instructions
        if keys[i.program_id_index] == BUBBLEGUM and is_mint(bytes(i.data))
    )
    return [mint.args.uri for mint in mints if mint.tree == tree]
