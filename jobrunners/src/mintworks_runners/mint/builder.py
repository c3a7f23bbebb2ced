"""Builds and signs transactions. Pure but for the keys it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.transaction import Transaction

from mintworks_runners.mint.items import Design
from mintworks_runners.mint.itemtable import Item
from mintworks_runners.solana.budget import budget_instructions, fee

MAX_BYTES = 1232
"""A transaction's size on the wire."""

TRY_MORE_EVERY = 16
MOST_MINTS = 10
"""The largest batchSize."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to be sent; `cost` in lamports is its fee, charged whether it succeeds or not; `items` counts the
    mints in it.
    """

    signature: str
    wire: bytes
    cost: int
    items: int = 0


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
        self._fitted = MOST_MINTS
        self._since_more = 0

    def sign(self, items: Sequence[int], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        """A transaction that mints exactly these items."""
        instructions = [self._design.mint(self._items[item]).instruction() for item in items]
        return replace(self._signer.sign(instructions, blockhash, units, price), items=len(items))

    def most(self, items: Sequence[int], blockhash: Hash, units: Callable[[int], int], price: int) -> SignedTransaction:
        """A transaction of as many of the first `items` as its size allows, at least one; `units` answers the compute
        limit of so many mints.
        """
        # Items of one job are much alike: most often as many fit as the last time, and trying more costs a signature.
        count = min(len(items), self._fitted + (self._since_more == 0))
        self._since_more = (self._since_more + 1) % TRY_MORE_EVERY
        signed = self.sign(items[:count], blockhash, units(count), price)
        while len(signed.wire) > MAX_BYTES and count > 1:
            count -= 1
            signed = self.sign(items[:count], blockhash, units(count), price)
        if count > self._fitted or count < len(items):
            self._fitted = count
        return signed
