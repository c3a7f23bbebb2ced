"""Transactions as getTransaction, getBlock and simulateTransaction show them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from mintworks_runners.solana import base58
from solders.hash import Hash
from solders.pubkey import Pubkey

from mintworks_dev.localnet.history import Record
from mintworks_dev.localnet.rpc.errors import UNSUPPORTED_VERSION, RpcError, invalid
from mintworks_dev.localnet.runtime import Inner
from mintworks_dev.localnet.transaction import Parsed, parse


def transaction_json(record: Record, config: dict[str, Any]) -> dict[str, Any]:
    """{transaction, meta, version} in the encoding asked for (json is the default)."""
    parsed = parse(record.raw)
    newest = config.get("maxSupportedTransactionVersion")
    if newest is None and not parsed.legacy:
        raise RpcError(
            UNSUPPORTED_VERSION,
            "Transaction version (0) is not supported by the requesting client. Please try the request again with the "
            'following configuration parameter: "maxSupportedTransactionVersion": 0',
        )
    shown: dict[str, Any] = {
        "meta": _meta_json(record, parsed),
        "transaction": _encoded(parsed, config.get("encoding")),
    }
    if newest is not None:
        shown["version"] = "legacy" if parsed.legacy else 0
    return shown


def inner_json(inner: Sequence[Inner], keys: Sequence[Pubkey]) -> list[dict[str, Any]]:
    """Inner instructions under the index of the top instruction that ran them."""
    places = {key: index for index, key in enumerate(keys)}
    groups: dict[int, list[dict[str, Any]]] = {}
    for one in inner:
        groups.setdefault(one.outer, []).append(
            {
                "accounts": [places[key] for key in one.accounts],
                "data": base58.encode(one.data),
                "programIdIndex": places[one.program],
                "stackHeight": one.height,
            }
        )
    return [{"index": index, "instructions": instructions} for index, instructions in groups.items()]


def _encoded(parsed: Parsed, encoding: object) -> object:
    match encoding:
        case "base64":
            return [base64.b64encode(parsed.raw).decode(), "base64"]
        case "base58":
            return [base58.encode(parsed.raw), "base58"]
        case None | "json" | "jsonParsed":
            # jsonParsed needs parsers of other people's programs; what has none Agave shows as json too
            return _message_json(parsed)
        case other:
            raise invalid(f"Invalid params: unknown encoding `{other}`, known are json, base58 and base64.")


def _message_json(parsed: Parsed) -> dict[str, Any]:
    message: dict[str, Any] = {
        "accountKeys": [str(key) for key in parsed.keys],
        "header": {
            "numReadonlySignedAccounts": parsed.readonly_signers,
            "numReadonlyUnsignedAccounts": parsed.readonly_others,
            "numRequiredSignatures": parsed.signers,
        },
        "instructions": [
            {
                "accounts": list(one.accounts),
                "data": base58.encode(one.data),
                "programIdIndex": one.program,
                "stackHeight": None,
            }
            for one in parsed.instructions
        ],
        "recentBlockhash": str(Hash(parsed.blockhash)),
    }
    if not parsed.legacy:
        message["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "readonlyIndexes": list(lookup.readonly_indexes),
                "writableIndexes": list(lookup.writable_indexes),
            }
            for lookup in parsed.lookups
        ]
    return {"message": message, "signatures": [str(one) for one in parsed.transaction.signatures]}


def _meta_json(record: Record, parsed: Parsed) -> dict[str, Any]:
    keys = [*parsed.keys, *record.loaded_writable, *record.loaded_readonly]
    return {
        "computeUnitsConsumed": record.units,
        "err": record.error,
        "fee": record.fee,
        "innerInstructions": inner_json(record.inner, keys),
        "loadedAddresses": {
            "readonly": [str(key) for key in record.loaded_readonly],
            "writable": [str(key) for key in record.loaded_writable],
        },
        "logMessages": list(record.logs),
        "postBalances": list(record.after),
        "postTokenBalances": [],
        "preBalances": list(record.before),
        "preTokenBalances": [],
        "rewards": [],
        "status": {"Ok": None} if record.error is None else {"Err": record.error},
    }
