"""Builds and signs transactions. Pure but for the keys it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, to_bytes_versioned
from solders.signature import Signature
from solders.transaction import Transaction, VersionedTransaction

from mintworks_runners.solana.budget import budget_instructions, fee

from .items import Design
from .itemtable import Item
from .packing import Packing


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

    def sign(
        self,
        instructions: Sequence[Instruction],
        blockhash: Hash,
        units: int,
        price: int,
        table: AddressLookupTableAccount | None = None,
    ) -> SignedTransaction:
        """A signed transaction with a compute limit (units) and a price (micro-lamports a unit); of version 0 where it
        looks keys up in a `table`.
        """
        budgeted = [*budget_instructions(units, price), *instructions]
        if table is None:
            message = Message.new_with_blockhash(budgeted, self.payer, blockhash)
            signatures = self._signatures(message, bytes(message))
            wire = bytes(Transaction.populate(message, signatures))
        else:
            versioned = MessageV0.try_compile(self.payer, budgeted, [table], blockhash)
            signatures = self._signatures(versioned, to_bytes_versioned(versioned))
            wire = bytes(VersionedTransaction.populate(versioned, signatures))
        return SignedTransaction(str(signatures[0]), wire, fee(len(signatures), units, price))

    def _signatures(self, message: Message | MessageV0, data: bytes) -> list[Signature]:
        signers = message.account_keys[: message.header.num_required_signatures]
        return [self._keys[signer].sign_message(data) for signer in signers]


class MintBuilder:
    """Makes transactions of a job's items."""

    def __init__(
        self,
        items: Mapping[int, Item],
        design: Design,
        signer: Signer,
        table: AddressLookupTableAccount | None = None,
    ) -> None:
        """With a `table` the transactions look up in it what it holds."""
        self._items = items
        self._design = design
        self._signer = signer
        self._table = table
        held = () if table is None else table.addresses
        self._packing = {priced: Packing(design, priced=priced, table=held) for priced in (False, True)}

    def through(self, table: AddressLookupTableAccount) -> MintBuilder:
        """The same, through a lookup table."""
        return MintBuilder(self._items, self._design, self._signer, table)

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
        return replace(self._signer.sign(instructions, blockhash, units, price, self._table), items=len(items))
