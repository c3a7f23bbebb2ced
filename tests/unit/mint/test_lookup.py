"""Lookup tables: when one pays, and that the real program takes what is done to one."""

import pytest
from mintworks_runners.mint.estimate import Batches
from mintworks_runners.mint.facts import TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.items import Design
from mintworks_runners.mint.ledger import decode_lines, encode_line
from mintworks_runners.mint.lookup import UNITS, Offer, serves, shared, worth_waiting
from mintworks_runners.mint.pricing import Compute
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.lookuptable import (
    COOL_DOWN_SLOTS,
    NewTable,
    Table,
    closing,
    deactivation,
    decode_table,
    table_rent,
)
from mintworks_runners.solana.programs import BUBBLEGUM
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

WALLET = Keypair.from_seed(bytes([1]) * 32)
ME = WALLET.pubkey()
DESIGN = Design(Pubkey.new_unique(), ME, "S", 0, True, (), CollectionAccounts(Pubkey.new_unique(), ME))
KEYS = shared(DESIGN)


def units(mints: int) -> int:
    compute = Compute()
    compute.learn(46_900, 1)
    return compute.limit(mints, 0)


def offer(items: int, plain: int = 2, tabled: int = 3, signatures: int = 1) -> Offer:
    """Of so many items, so many in a transaction without and with a table."""

    def batches(most: int) -> Batches:
        return Batches.of([*[most] * (items // most), *([items % most] if items % most else [])], signatures)

    return Offer(batches(plain), batches(tabled), len(KEYS))


@pytest.mark.parametrize(
    ("items", "signatures", "pays"),
    [(100, 1, False), (4_000, 1, False), (4_300, 1, True), (2_000, 2, False), (2_200, 2, True), (10_000, 1, True)],
)
def test_a_table_pays_where_it_saves_more_than_it_could_ever_cost(items: int, signatures: int, pays: bool) -> None:
    assert offer(items, signatures=signatures).pays(units, 0) is pays
    assert offer(items, signatures=signatures).pays(units, 10_000) is pays


def test_it_never_pays_where_it_saves_nothing() -> None:
    same = offer(1_000_000, 3, 3)
    assert not same.helps()
    assert not same.pays(units, 0)


def test_it_is_affordable_where_the_mints_are_paid_for_beside_it() -> None:
    found = offer(10_000)
    needed = found.tabled.fees(units, 0) + 3 * 5_000 + table_rent(len(KEYS))
    assert found.affordable(needed, units, 0)
    assert not found.affordable(needed - 1, units, 0)


def test_neither_signers_nor_the_called_program_are_looked_up() -> None:
    assert ME not in KEYS
    assert BUBBLEGUM not in KEYS
    assert DESIGN.tree in KEYS
    assert len(set(KEYS)) == len(KEYS) == 10


def test_a_table_serves_its_owner_while_it_is_in_service() -> None:
    assert serves(Table(ME, KEYS, None), ME, KEYS)
    assert not serves(Table(ME, KEYS, 7), ME, KEYS)
    assert not serves(Table(ME, KEYS[1:], None), ME, KEYS)
    assert not serves(Table(Pubkey.new_unique(), KEYS, None), ME, KEYS)
    assert not serves(Table(None, KEYS, None), ME, KEYS)


def test_a_cool_down_is_waited_for_where_that_is_short() -> None:
    assert worth_waiting(500, 0, 1.0)
    assert worth_waiting(350, 10, 4.0)
    assert not worth_waiting(513, 10, 4.0)
    assert not worth_waiting(513, 0, 4.0)


def test_history_and_cache_remember_tables() -> None:
    table, other = Pubkey.new_unique(), Pubkey.new_unique()
    facts = [
        TxFact("a", 5, ME, 5_000, rent=70, table=table),
        TxFact("b", 6, ME, 5_000, table=table),
        TxFact("c", 7, Pubkey.new_unique(), 5_000, table=other),
    ]
    assert decode_lines(map(encode_line, facts)) == facts
    history = History()
    history.add(facts)
    assert history.tables(ME) == [table]
    assert not history.created
    assert history.spent(ME, 5) == (10_000, 70)
    history.add([TxFact("d", 9, ME, 5_000, rent=-70, table=table)])
    assert history.spent(ME, 5) == (15_000, 0)
    assert history.spent(ME, 6) == (10_000, 0)


class Bank:
    """The real programs, and a wallet."""

    def __init__(self) -> None:
        self.svm = LiteSVM()
        self.svm.airdrop(ME, 10**9)
        self.at(1_000)

    def at(self, slot: int) -> None:
        self.svm.warp_to_slot(slot)
        self.svm.set_slot_hashes([(before, Hash.new_unique()) for before in range(slot - 1, slot - 513, -1)])
        self.svm.expire_blockhash()

    def run(self, *instructions: Instruction) -> TransactionMetadata | FailedTransactionMetadata:
        message = Message(list(instructions), ME)
        return self.svm.send_transaction(Transaction([WALLET], message, self.svm.latest_blockhash()))


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_the_real_program_makes_retires_and_closes_a_table(bank: Bank) -> None:
    plan = NewTable(ME, 990, KEYS)
    made = bank.run(*plan.creation())
    assert isinstance(made, TransactionMetadata), made
    assert made.compute_units_consumed() <= UNITS
    account = bank.svm.get_account(plan.address)
    assert account is not None
    assert account.lamports == table_rent(len(KEYS))
    assert decode_table(account.data) == Table(ME, KEYS, None)
    assert isinstance(bank.run(closing(plan.address, ME)), FailedTransactionMetadata)
    retired = bank.run(deactivation(plan.address, ME))
    assert isinstance(retired, TransactionMetadata), retired
    account = bank.svm.get_account(plan.address)
    assert account is not None
    assert decode_table(account.data).deactivated == 1_000
    bank.at(1_000 + COOL_DOWN_SLOTS - 1)
    assert isinstance(bank.run(closing(plan.address, ME)), FailedTransactionMetadata)
    bank.at(1_000 + COOL_DOWN_SLOTS)
    before = bank.svm.get_balance(ME) or 0
    closed = bank.run(closing(plan.address, ME))
    assert isinstance(closed, TransactionMetadata), closed
    assert bank.svm.get_balance(ME) == before + table_rent(len(KEYS)) - 5_000
    gone = bank.svm.get_account(plan.address)
    assert gone is None or not gone.lamports


def test_the_real_program_wants_a_slot_of_the_last_512(bank: Bank) -> None:
    assert isinstance(bank.run(*NewTable(ME, 487, KEYS).creation()), FailedTransactionMetadata)
    assert isinstance(bank.run(*NewTable(ME, 1_000, KEYS).creation()), FailedTransactionMetadata)
    assert isinstance(bank.run(*NewTable(ME, 488, KEYS).creation()), TransactionMetadata)
