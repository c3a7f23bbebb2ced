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
from mintworks_runners.mint.packing import Packing
from mintworks_runners.solana.budget import budget_instructions, fee


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
        # A keypair derives its address anew whenever it is asked, which takes as long as signing.
        self.payer = wallet.pubkey()
        self._keys = {keypair.pubkey(): keypair for keypair in (wallet, *others)}

    def sign(self, instructions: Sequence[Instruction], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        """A signed transaction with a compute limit (units) and a price (micro-lamports a unit)."""
        budgeted = [*budget_instructions(units, price), *instructions]
        message = Message.new_with_blockhash(budgeted, self.payer, blockhash)
        data, signers = bytes(message), message.account_keys[: message.header.num_required_signatures]
        signatures = [self._keys[signer].sign_message(data) for signer in signers]
        wire = bytes(Transaction.populate(message, signatures))
        return SignedTransaction(str(signatures[0]), wire, fee(len(signers), units, price))


class MintBuilder:
    """Makes transactions of a job's items."""

    def __init__(self, items: Mapping[int, Item], design: Design, signer: Signer) -> None:
        self._items = items
        self._design = design
        self._signer = signer
        self._packing = {priced: Packing(design, priced=priced) for priced in (False, True)}

    def sign(self, items: Sequence[int], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        """A transaction that mints exactly these items."""
        return self._signed([self._items[item] for item in items], blockhash, units, price)

    def most(self, items: Sequence[int], blockhash: Hash, units: Callable[[int], int], price: int) -> SignedTransaction:
        """A transaction of as many of the first `items` as its size allows, at least one; `units` answers the compute
        limit of so many mints.
        """
        listed = [self._items[item] for item in items]
        count = self._packing[price > 0].fitting(listed)
        return self._signed(listed[:count], blockhash, units(count), price)

    def _signed(self, items: Sequence[Item], blockhash: Hash, units: int, price: int) -> SignedTransaction:
        instructions = [self._design.mint(item).instruction() for item in items]
        return replace(self._signer.sign(instructions, blockhash, units, price), items=len(items))
