"""The wallet's money while minting: what is there, and what is spoken for."""

from __future__ import annotations

import time
from typing import Protocol

from solders.pubkey import Pubkey

from .rpc.chain import Chain

REFRESH_SECONDS = 5.0
RENT_EXEMPT_EMPTY = 890_880
"""Lamports that an account without data must keep: below it a payer's transaction is refused."""


class UnderWay(Protocol):
    """What of the wallet's balance transactions under way may still take (lamports)."""

    def open_cost(self) -> int:
        """Lamports."""


class Funds:
    """A balance at finalized, read every 5 s. Two jobs may share a wallet: then it is only a guess, and that is
    enough.
    """

    def __init__(self, chain: Chain, wallet: Pubkey) -> None:
        self._chain = chain
        self._wallet = wallet
        self._balance: int | None = None
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Reads the balance again where it is old."""
        now = time.monotonic()
        if now - self._read_at >= REFRESH_SECONDS:
            self._balance = await self._chain.balance(self._wallet)
            self._read_at = now

    def covers(self, cost: int, under_way: UnderWay) -> bool:
        """Whether the balance pays for one more transaction beside those under way."""
        if self._balance is None:
            return True
        return self._balance - under_way.open_cost() - cost >= RENT_EXEMPT_EMPTY
