"""Reads the mints out of one transaction, as getTransaction (encoding base64, version 0) answers it.

What counts as a mint: a noop call nested directly in a successful Bubblegum mint_v1 or mint_to_collection_v1, at the
top level or by CPI, whose tree is ours, and whose leaf we recompute from the arguments. Anyone can mention the tree
or call noop with forged bytes; transfers publish leaf events for old nonces; a failed transaction minted nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from mintworks_runners.solana import base58
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.instructions import CREATE_TREE, Mint, decode_create_tree, decode_mint, is_mint
from mintworks_runners.solana.leaf import decode_event
from mintworks_runners.solana.lookuptable import made_table
from mintworks_runners.solana.programs import BUBBLEGUM, NOOP, tree_authority

from .facts import MintFact, TxFact


class UnreadableTransactionError(ValueError):
    """The node's answer is not a transaction with its metadata; another node may have a better one."""


@dataclass(frozen=True, slots=True)
class _Call:
    program: Pubkey
    accounts: tuple[Pubkey, ...]
    data: bytes
    height: int


def read_transaction(answer: dict[str, Any], signature: str, tree: Pubkey) -> TxFact:
    """The fact of one transaction; UnreadableTransactionError where parts of the answer are missing."""
    try:
        transaction = VersionedTransaction.from_bytes(base64.b64decode(answer["transaction"][0]))
        meta = answer["meta"]
        keys = _keys(transaction, meta)
        error = meta["err"]
        calls = [] if error is not None else list(_calls(transaction, meta, keys))
        return TxFact(
            signature=signature,
            slot=int(answer["slot"]),
            payer=keys[0],
            fee=int(meta["fee"]),
            rent=_rent(calls, keys, meta, tree) + _table_rent(calls, keys, meta),
            error=None if error is None else json.dumps(error),
            mints=tuple(_mints(calls, tree)),
            table=_table(transaction, calls),
        )
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise UnreadableTransactionError(f"transaction {signature}: {type(problem).__name__}: {problem}") from problem


def _keys(transaction: VersionedTransaction, meta: dict[str, Any]) -> list[Pubkey]:
    """Static keys, then those that lookup tables gave: the tables themselves may be gone by now."""
    loaded = meta.get("loadedAddresses") or {}
    looked_up = [*loaded.get("writable", ()), *loaded.get("readonly", ())]
    return [*transaction.message.account_keys, *map(Pubkey.from_string, looked_up)]


def _calls(transaction: VersionedTransaction, meta: dict[str, Any], keys: Sequence[Pubkey]) -> Iterator[_Call]:
    """All calls in the order of execution, with their stack height (1 is the top level)."""
    inner = {group["index"]: group["instructions"] for group in meta.get("innerInstructions") or ()}
    for index, outer in enumerate(transaction.message.instructions):
        accounts = tuple(keys[i] for i in outer.accounts)
        yield _Call(keys[outer.program_id_index], accounts, bytes(outer.data), 1)
        for call in inner.get(index, ()):
            program = keys[call["programIdIndex"]]
            # Base58 is slow to read; only these two programs' data is looked at.
            data = base58.decode(call["data"]) if program in (BUBBLEGUM, NOOP) else b""
            yield _Call(program, tuple(keys[i] for i in call["accounts"]), data, call.get("stackHeight") or 2)


def _mints(calls: Sequence[_Call], tree: Pubkey) -> Iterator[MintFact]:
    for position, call in enumerate(calls):
        if call.program != BUBBLEGUM or not is_mint(call.data):
            continue
        try:
            mint = decode_mint(call.data, call.accounts)
        except DecodeError:
            continue
        if mint.tree != tree:
            continue
        fact = _published(mint, _children(calls, position))
        if fact is not None:
            yield fact


def _children(calls: Sequence[_Call], position: int) -> Iterator[_Call]:
    """The calls that the call at `position` made itself."""
    height = calls[position].height
    for call in calls[position + 1 :]:
        if call.height <= height:
            return
        if call.height == height + 1:
            yield call


def _published(mint: Mint, children: Iterator[_Call]) -> MintFact | None:
    for call in children:
        event = decode_event(call.data) if call.program == NOOP else None
        if event is not None and mint.leaf(event.nonce) == event:
            return MintFact(
                nonce=event.nonce,
                uri=mint.args.uri,
                owner=event.owner,
                data_hash=event.data_hash,
                leaf_hash=event.hash(),
                tree_delegate=mint.tree_delegate,
            )
    return None


def _rent(calls: Sequence[_Call], keys: Sequence[Pubkey], meta: dict[str, Any], tree: Pubkey) -> int:
    """Lamports that went into the tree's two accounts where the transaction created the tree, else 0."""
    created = any(
        call.program == BUBBLEGUM
        and call.data[:8] == CREATE_TREE
        and decode_create_tree(call.data, call.accounts).tree == tree
        for call in calls
    )
    if not created:
        return 0
    places = [keys.index(tree), keys.index(tree_authority(tree))]
    return sum(int(meta["postBalances"][i]) - int(meta["preBalances"][i]) for i in places)


def _table(transaction: VersionedTransaction, calls: Sequence[_Call]) -> Pubkey | None:
    """The first lookup table that the transaction made, else that it used."""
    made = (made_table(call.data, call.accounts) for call in _about_tables(calls))
    message = transaction.message
    used = (each.account_key for each in message.address_table_lookups) if isinstance(message, MessageV0) else ()
    return next((table for table in (*made, *used) if table is not None), None)


def _table_rent(calls: Sequence[_Call], keys: Sequence[Pubkey], meta: dict[str, Any]) -> int:
    """Lamports that went into lookup tables, less than nothing where they came back."""
    places = [keys.index(table) for table in {call.accounts[0] for call in _about_tables(calls)}]
    return sum(int(meta["postBalances"][i]) - int(meta["preBalances"][i]) for i in places)


def _about_tables(calls: Sequence[_Call]) -> Iterator[_Call]:
    return (call for call in calls if call.program == TABLE_PROGRAM and call.height == 1 and call.accounts)
