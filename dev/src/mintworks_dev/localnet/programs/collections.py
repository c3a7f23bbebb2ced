"""The check of a collection that mint_to_collection_v1 makes. Source: asserts.rs of mpl-bubblegum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.collection import decode_collection
from mintworks_runners.solana.metadata import MetadataArgs
from mintworks_runners.solana.programs import BUBBLEGUM, TOKEN, TOKEN_METADATA, edition_account
from solders.pubkey import Pubkey

from mintworks_dev.localnet.programs.anchor import need_owned, refuse
from mintworks_dev.localnet.programs.bubblegum_errors import error
from mintworks_dev.localnet.runtime import Call

_AUTHORITY, _RECORD, _MINT, _METADATA, _EDITION = 6, 7, 8, 9, 10
_MASTER_EDITION_V2 = 6
_NON_FUNGIBLE, _PROGRAMMABLE = 0, 4


@dataclass(frozen=True, slots=True)
class _Facts:
    authority: Pubkey
    mint: Pubkey
    token_standard: int | None


def check_collection(call: Call, args: MetadataArgs) -> None:
    """Fails unless the collection's authority signed and the collection is a unique master edition.

    Delegate records are made by instructions of token-metadata that the localnet does not run: naming one fails, as
    naming an empty one does on Solana.
    """
    facts = _facts(call)
    mint, edition = call.metas[_MINT].key, call.account(_EDITION)
    if call.account(_MINT).owner != TOKEN or edition.owner != TOKEN_METADATA:
        error(call, 6019)
    if args.collection is None:
        error(call, 6021)
    if args.collection.key != mint or facts.mint != mint:
        error(call, 6036)
    if call.metas[_EDITION].key != edition_account(mint):
        error(call, 6030)
    standards = (_NON_FUNGIBLE, _PROGRAMMABLE)
    if not _unique_edition(edition.encode()) or facts.token_standard not in standards:
        error(call, 6031)
    if call.metas[_RECORD].key != BUBBLEGUM:
        error(call, 6029 if len(call.account(_RECORD).data) else 6028)
    if facts.authority != call.metas[_AUTHORITY].key:
        error(call, 6028)


def _facts(call: Call) -> _Facts:
    data = need_owned(call, _METADATA, "collection_metadata", TOKEN_METADATA)
    try:
        return _decode(data)
    except DecodeError:
        refuse(call, 3003, "collection_metadata")


@lru_cache(maxsize=64)
def _decode(data: bytes) -> _Facts:
    known = decode_collection(data)
    reader = Reader(data, 65)
    for _ in ("name", "symbol", "uri"):
        reader.take(reader.u32())
    reader.u16()
    reader.option(lambda: reader.take(34 * reader.u32()))
    reader.take(2)
    reader.option(reader.u8)
    return _Facts(known.update_authority, known.mint, reader.option(reader.u8))


@lru_cache(maxsize=64)
def _unique_edition(data: bytes) -> bool:
    """A master edition V2 whose largest supply is Some(0): there is only the one."""
    return data[:1] == bytes([_MASTER_EDITION_V2]) and data[9:18] == b"\x01" + bytes(8)
