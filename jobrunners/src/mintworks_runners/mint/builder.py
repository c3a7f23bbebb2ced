"""Builds and signs transactions. Pure but for the keys it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import Transaction

from mintworks_runners.mint.items import Design, Item
from mintworks_runners.solana.budget import budget_instructions, fee

MAX_BYTES = 1232
"""A transaction's size on the wire."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to be sent; `cost` in lamports is its fee, charged whether it succeeds or not."""

    signature: str
    wire: bytes
    cost: int


class Signer:
    """Signs with the wallet, which pays, and with whoever else an instruction asks for."""

    def __init__(self, wallet: Keypair, *others: Keypair) -> None:
        self.wallet = wallet
        keys = {keypair.pubkey(): keypair for keypair in (wallet, *others)}
        self._others = [keypair for address, keypair in keys.items() if address != wallet.pubkey()]

    def sign(self, instructions: Sequence[Instruction], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        """A signed transaction with a compute limit (units) and a price (micro-lamports a unit)."""
        budgeted = [*budget_instructions(units, price), *instructions]
        message = Message.new_with_blockhash(budgeted, self.wallet.pubkey(), blockhash)
        transaction = Transaction([self.wallet, *self._others], message, blockhash)
        signatures = message.header.num_required_signatures
        return SignedTransaction(str(transaction.signatures[0]), bytes(transaction), fee(signatures, units, price))


class MintBuilder:
    """Makes transactions of a job's items."""

    def __init__(self, items: Mapping[int, Item], design: Design, signer: Signer) -> None:
        self._items = items
        self._design = design
        self._signer = signer

    def sign(self, items: Sequence[int], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        """A transaction that mints exactly these items."""
        instructions = [self._design.mint(self._items[item]).instruction() for item in items]
        return self._signer.sign(instructions, blockhash, units, price)

    def fitting(self, items: Sequence[int]) -> tuple[int, ...]:
        """The longest beginning of `items` whose transaction keeps to the size limit; empty where not even one
        fits.
        """
        for count in range(len(items), 0, -1):
            # Limit and price have fixed widths; a price of 0 would leave its instruction out and be too hopeful.
            if len(self.sign(items[:count], Hash.default(), 1, 1).wire) <= MAX_BYTES:
                return tuple(items[:count])
        return ()
