"""The RPC calls that minting needs, with typed answers. Commitments are explicit: nothing relies on a node's
default.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solders.hash import Hash
from solders.pubkey import Pubkey

from mintworks_runners.core.reasons import ended

from ..machine import Commitment, Status
from .endpoint import NO_HISTORY_CODE, Endpoint, RpcError
from .pool import Pool

BLOCKHASH_LIFE = 150
"""Blocks of height that a blockhash lives."""

STATUS_LIMIT = 256
PAGE_LIMIT = 1000
FINAL = {"commitment": "finalized"}
_COMMITMENTS = {
    "processed": Commitment.PROCESSED,
    "confirmed": Commitment.CONFIRMED,
    "finalized": Commitment.FINALIZED,
}


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A blockhash and the last block height at which a transaction with it may land."""

    hash: Hash
    last_valid: int

    @property
    def height(self) -> int:
        """Height of the block that the hash is of."""
        return self.last_valid - BLOCKHASH_LIFE


@dataclass(frozen=True, slots=True)
class Epoch:
    """One answer of getEpochInfo at finalized: slot and block height belong together."""

    slot: int
    height: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account's content as of `slot`."""

    slot: int
    owner: Pubkey
    lamports: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """One row of getSignaturesForAddress."""

    signature: str
    slot: int
    failed: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation says: compute units, or the error (meta.err as JSON) with the last log lines."""

    units: int
    error: str | None
    logs: tuple[str, ...]


class Chain:
    """The chain behind a pool of endpoints. Every method may raise what Pool.call raises."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def epoch(self) -> Epoch:
        """Finalized slot and height, from one node in one answer."""
        return await self.pool.call(
            "getEpochInfo", [FINAL], lambda answer: Epoch(int(answer["absoluteSlot"]), int(answer["blockHeight"]))
        )

    async def blockhash(self) -> Blockhash:
        """The newest confirmed blockhash. Never processed: that block may be on a fork that loses."""
        return await self.pool.call("getLatestBlockhash", [{"commitment": "confirmed"}], _blockhash)

    async def newest_last_valid(self) -> int | None:
        """The largest lastValidBlockHeight that any healthy endpoint answers now."""
        answers = await self.pool.all("getLatestBlockhash", [{"commitment": "confirmed"}], _blockhash)
        return max((answer.last_valid for answer in answers), default=None)

    async def account(self, key: Pubkey, *, min_slot: int | None = None) -> tuple[int, Account | None]:
        """(slot, account or None) at finalized; a node that has not reached `min_slot` is not listened to."""
        (slot, (account,)) = await self.accounts([key], min_slot=min_slot)
        return slot, account

    async def accounts(
        self, keys: Sequence[Pubkey], *, min_slot: int | None = None
    ) -> tuple[int, tuple[Account | None, ...]]:
        """(slot, accounts) at finalized, at most 100, all as of one slot."""
        options: dict[str, Any] = {**FINAL, "encoding": "base64"}
        if min_slot is not None:
            options["minContextSlot"] = min_slot

        def read(answer: Any) -> tuple[int, tuple[Account | None, ...]]:
            slot = int(answer["context"]["slot"])
            return slot, tuple(_account(slot, value) for _, value in zip(keys, answer["value"], strict=True))

        return await self.pool.call("getMultipleAccounts", [[str(key) for key in keys], options], read)

    async def balance(self, key: Pubkey) -> int:
        """Lamports at finalized."""
        return await self.pool.call("getBalance", [str(key), FINAL], lambda answer: int(answer["value"]))

    async def rent(self, size: int) -> int:
        """Lamports that an account of `size` bytes needs to be exempt from rent."""
        return await self.pool.call("getMinimumBalanceForRentExemption", [size, FINAL], int)

    async def statuses(self, signatures: Sequence[str], *, history: bool) -> list[Status | None] | None:
        """Statuses of at most 256 signatures, in their order; None where no node can say (they have no history)."""
        options = {"searchTransactionHistory": history}

        def read(answer: Any) -> list[Status | None]:
            return [_status(value) for _, value in zip(signatures, answer["value"], strict=True)]

        try:
            return await self.pool.ask("getSignatureStatuses", [list(signatures), options], read)
        except RpcError as error:
            if error.code == NO_HISTORY_CODE:
                return None
            raise ended("NoHealthyEndpoint", f"every endpoint refuses {error}") from error

    async def send(self, endpoint: Endpoint, wires: Sequence[bytes]) -> list[RpcError]:
        """Hands transactions to one endpoint and answers what it refused, which proves nothing: an error is only a
        reason to slow down. EndpointAwayError.
        """
        options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        many = [[base64.b64encode(wire).decode(), options] for wire in wires]
        return await self.pool.tell_one(endpoint, "sendTransaction", many)

    async def simulate(self, wire: bytes) -> Simulated:
        """Simulates a transaction whose signatures and blockhash need not be right, against confirmed state."""
        options = {
            "encoding": "base64",
            "commitment": "confirmed",
            "sigVerify": False,
            "replaceRecentBlockhash": True,
        }
        return await self.pool.call("simulateTransaction", [base64.b64encode(wire).decode(), options], _simulated)

    async def priority_fees(self, keys: Sequence[Pubkey]) -> list[int]:
        """Minima, slot by slot, of what recent transactions paid for a compute unit that write to these accounts.

        RpcError where no endpoint offers the method; Waiting at once where none answers.
        """

        def read(rows: Any) -> list[int]:
            return [int(row["prioritizationFee"]) for row in rows]

        return await self.pool.ask("getRecentPrioritizationFees", [[str(key) for key in keys]], read, patience=0.0)

    async def signatures(self, endpoint: Endpoint, key: Pubkey, before: str | None) -> list[SignatureRow]:
        """One page of finalized transactions that mention the address, newest first. EndpointAwayError, RpcError."""
        options: dict[str, Any] = {**FINAL, "limit": PAGE_LIMIT}
        if before is not None:
            options["before"] = before

        def read(rows: Any) -> list[SignatureRow]:
            return [SignatureRow(str(row["signature"]), int(row["slot"]), row["err"] is not None) for row in rows]

        return await self.pool.call_one(endpoint, "getSignaturesForAddress", [str(key), options], read)

    async def transaction(self, endpoint: Endpoint, signature: str) -> dict[str, Any] | None:
        """A finalized transaction, or None where the node does not have it. EndpointAwayError, RpcError."""
        options = {**FINAL, "encoding": "base64", "maxSupportedTransactionVersion": 0}
        return await self.pool.call_one(endpoint, "getTransaction", [signature, options], _as_is)


def _blockhash(answer: Any) -> Blockhash:
    value = answer["value"]
    return Blockhash(Hash.from_string(value["blockhash"]), int(value["lastValidBlockHeight"]))


def _simulated(answer: Any) -> Simulated:
    value = answer["value"]
    error = value["err"]
    logs = tuple(str(line) for line in (value.get("logs") or [])[-8:])
    return Simulated(int(value.get("unitsConsumed") or 0), None if error is None else json.dumps(error), logs)


def _as_is(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    return answer


def _account(slot: int, value: dict[str, Any] | None) -> Account | None:
    if value is None:
        return None
    data = base64.b64decode(value["data"][0])
    return Account(slot, Pubkey.from_string(value["owner"]), int(value["lamports"]), data)


def _status(value: dict[str, Any] | None) -> Status | None:
    if value is None:
        return None
    error = value["err"]
    name = value.get("confirmationStatus")
    if name is None:
        # Old nodes leave it out; confirmations null has always meant rooted. One that says nothing of either has
        # said nothing about how sure it is.
        name = "finalized" if value.get("confirmations", 0) is None else "processed"
    return Status(int(value["slot"]), None if error is None else json.dumps(error), _COMMITMENTS[name])
