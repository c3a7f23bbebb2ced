"""Reads the chain itself, with nothing of the runner but the instruction decoder: what a test believes of mints."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import httpx
from mintworks_runners.solana import base58
from mintworks_runners.solana.instructions import decode_mint, is_mint
from mintworks_runners.solana.programs import BUBBLEGUM, tree_authority
from mintworks_runners.solana.tree import decode_config
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

_PAGE = 1000
_TOGETHER = 200
"""Requests in one message; the answers are some 3 KiB each."""


def call(url: str, method: str, *params: Any) -> Any:
    """The result of a JSON-RPC call; raises AssertionError with the error."""
    (result,) = _calls(url, method, [params])
    return result


def minted(url: str, tree: str) -> list[str]:
    """The uris of all finalized mints into `tree`, one for each leaf, in no order.

    Holds their number against the tree's own count, so that a row left out of the history does not pass unseen.
    """
    key = Pubkey.from_string(tree)
    uris = [uri for answer in transactions(url, tree) for uri in _mints(answer, key)]
    account = call(
        url,
        "getAccountInfo",
        str(tree_authority(key)),
        {"encoding": "base64", "commitment": "finalized"},
    )
    config = decode_config(base64.b64decode(account["value"]["data"][0]))
    assert config.num_minted == len(uris)
    return uris


def transactions(url: str, tree: str) -> list[Any]:
    """What getTransaction answers for every finalized transaction without an error that names `tree`, newest first."""
    signatures = _signatures(url, tree)
    options = {"encoding": "base64", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
    found = []
    for start in range(0, len(signatures), _TOGETHER):
        asked = [(signature, options) for signature in signatures[start : start + _TOGETHER]]
        found += _calls(url, "getTransaction", asked)
    return found


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


def _mints(answer: Any, tree: Pubkey) -> list[str]:
    """The uris of a successful transaction's mints into `tree`, top level or by another program's call."""
    transaction = VersionedTransaction.from_bytes(base64.b64decode(answer["transaction"][0]))
    loaded = answer["meta"].get("loadedAddresses") or {}
    looked_up = [Pubkey.from_string(k) for k in (*loaded.get("writable", ()), *loaded.get("readonly", ()))]
    keys = [*transaction.message.account_keys, *looked_up]
    called = [(i.program_id_index, bytes(i.data), i.accounts) for i in transaction.message.instructions]
    for group in answer["meta"]["innerInstructions"]:
        called += [
            (i["programIdIndex"], base58.decode(i["data"]), i["accounts"])
            for i in group["instructions"]
            if keys[i["programIdIndex"]] == BUBBLEGUM
        ]
    mints = (
        decode_mint(data, [keys[a] for a in accounts])
        for program, data, accounts in called
        if keys[program] == BUBBLEGUM and is_mint(data)
    )
    return [mint.args.uri for mint in mints if mint.tree == tree]


def _calls(url: str, method: str, many: Sequence[Sequence[Any]]) -> list[Any]:
    """The results of several calls of one method, in their order; raises AssertionError with an error."""
    asked = [{"jsonrpc": "2.0", "id": n, "method": method, "params": list(params)} for n, params in enumerate(many)]
    answers = httpx.post(url, json=asked if len(asked) > 1 else asked[0], timeout=30).json()
    bodies = answers if isinstance(answers, list) else [answers]
    assert all("result" in body for body in bodies), bodies
    return [body["result"] for body in sorted(bodies, key=lambda body: int(body["id"]))]
