"""Programs beyond the vectors: the system program held to LiteSVM's own, lookup tables, transfers, calls, units."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_dev.localnet.account import Account, TreeData
from mintworks_dev.localnet.bank import Executed, execute
from mintworks_dev.localnet.errors import RejectedError
from mintworks_dev.localnet.genesis import default_genesis
from mintworks_dev.localnet.ledger import Ledger
from mintworks_dev.localnet.programs import lookup_table, proxy
from mintworks_dev.localnet.programs.bubblegum import SET_TREE_DELEGATE, TRANSFER
from mintworks_dev.localnet.transaction import parse
from mintworks_runners.solana import borsh
from mintworks_runners.solana.budget import budget_instructions
from mintworks_runners.solana.leaf import decode_event
from mintworks_runners.solana.lookuptable import COOL_DOWN_SLOTS, NewTable, closing, deactivation
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, NOOP, SYSTEM, tree_authority
from mintworks_runners.solana.tree import decode_config
from solders.account import Account as SvmAccount
from solders.address_lookup_table_account import AddressLookupTableAccount, derive_lookup_table_address
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AllocateParams,
    AllocateWithSeedParams,
    AssignParams,
    AssignWithSeedParams,
    CreateAccountParams,
    CreateAccountWithSeedParams,
    TransferParams,
    allocate,
    allocate_with_seed,
    assign,
    assign_with_seed,
    create_account,
    create_account_with_seed,
    transfer,
)
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata
from solders.transaction_status import (
    InstructionErrorCustom,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
)
from support.localnet import WALLET, mint_of, new_tree

TREE = Keypair.from_seed(bytes([9]) * 32)


class Bank:
    """A bank without slots; signatures are not its concern."""

    def __init__(self) -> None:
        self.ledger = Ledger(default_genesis("programs").accounts())
        self.slot = 100

    def run(self, *instructions: Instruction, tables: tuple[AddressLookupTableAccount, ...] = ()) -> Executed:
        message = MessageV0.try_compile(WALLET.pubkey(), list(instructions), list(tables), Hash.default())
        unsigned = [Signature.default()] * message.header.num_required_signatures
        done = execute(parse(bytes(VersionedTransaction.populate(message, unsigned))), self.ledger.read, self.slot)
        self.ledger.write(self.slot, done.changes.items())
        return done

    def good(self, *instructions: Instruction) -> Executed:
        done = self.run(*instructions)
        assert done.error is None, done.logs
        return done

    def tree(self) -> TreeData:
        data = self.ledger.read(TREE.pubkey()).data
        assert isinstance(data, TreeData)
        return data


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.good(*new_tree(TREE))
    return bank


def ready(instructions: Instruction) -> tuple[Instruction, ...]:
    return (*budget_instructions(1_000_000, 0), instructions)


# --- the system program against the real one ------------------------------------------------------------------------

KEYS = [Keypair.from_seed(bytes([number]) * 32) for number in range(1, 4)]
OWNERS = [SYSTEM, COMPRESSION]
LAMPORTS = st.sampled_from([0, 1, 890_879, 890_880, 2_000_000, 10**9, 10**13])
SPACE = st.sampled_from([0, 1, 80, 200, 10 * 1024 * 1024 + 1])
SEEDS = st.sampled_from(["", "a", "0123456789abcdef0123456789abcdef"])
PLACES = st.integers(0, len(KEYS) - 1)


@st.composite
def system_instructions(draw: st.DrawFn) -> Instruction:
    """Any instruction of the kinds known, on a few accounts, right or wrong."""
    kind = draw(st.integers(0, 6))
    key, other = KEYS[draw(PLACES)].pubkey(), KEYS[draw(PLACES)].pubkey()
    owner, seed, space = draw(st.sampled_from(OWNERS)), draw(SEEDS), draw(SPACE)
    lamports = draw(LAMPORTS)
    derived = Pubkey.create_with_seed(key, seed, draw(st.sampled_from([owner, SYSTEM])))
    payer = WALLET.pubkey()
    instructions: list[Callable[[], Instruction]] = [
        lambda: transfer(
            TransferParams(from_pubkey=draw(st.sampled_from([payer, key])), to_pubkey=other, lamports=lamports)
        ),
        lambda: create_account(
            CreateAccountParams(from_pubkey=payer, to_pubkey=key, lamports=lamports, space=space, owner=owner)
        ),
        lambda: create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=payer, to_pubkey=derived, lamports=lamports, space=space, base=key, seed=seed, owner=owner
            )
        ),
        lambda: allocate(AllocateParams(pubkey=key, space=space)),
        lambda: allocate_with_seed(
            AllocateWithSeedParams(address=derived, space=space, base=key, seed=seed, owner=owner)
        ),
        lambda: assign(AssignParams(pubkey=key, owner=owner)),
        lambda: assign_with_seed(AssignWithSeedParams(address=derived, base=key, seed=seed, owner=owner)),
    ]
    return instructions[kind]()


def svm_error(result: object) -> object:
    """LiteSVM's error in the RPC's form."""
    if not isinstance(result, FailedTransactionMetadata):
        return None
    error = result.err()
    if isinstance(error, TransactionErrorInstructionError):
        inner = error.err
        shown = {"Custom": inner.code} if isinstance(inner, InstructionErrorCustom) else str(inner).split(".")[-1]
        return {"InstructionError": [error.index, shown]}
    assert isinstance(error, TransactionErrorInsufficientFundsForRent)
    return {"InsufficientFundsForRent": {"account_index": error.account_index}}


@given(steps=st.lists(st.lists(system_instructions(), min_size=1, max_size=3), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_the_system_program_does_what_the_real_one_does(steps: list[list[Instruction]]) -> None:
    bank = Bank()
    svm = LiteSVM()
    svm.set_account(WALLET.pubkey(), SvmAccount(lamports=10**11, data=b"", owner=SYSTEM))
    signers = {key.pubkey(): key for key in [WALLET, *KEYS]}
    touched = {WALLET.pubkey()}
    for instructions in steps:
        touched.update(meta.pubkey for one in instructions for meta in one.accounts)
        svm.expire_blockhash()
        message = MessageV0.try_compile(WALLET.pubkey(), instructions, [], svm.latest_blockhash())
        needed = message.account_keys[: message.header.num_required_signatures]
        if any(key not in signers for key in needed):
            continue
        result = svm.send_transaction(VersionedTransaction(message, [signers[key] for key in needed]))
        done = bank.run(*instructions)
        assert done.error == svm_error(result), (done.logs, result)
        for key in touched:
            theirs = svm.get_account(key)
            ours = bank.ledger.read(key)
            there = Account(0) if theirs is None else Account(theirs.lamports, theirs.owner, bytes(theirs.data))
            assert (ours.lamports, ours.owner, ours.encode()) == (there.lamports, there.owner, there.data) or (
                ours.lamports == there.lamports == 0
            )
        meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        assert done.logs == meta.logs()


# --- lookup tables --------------------------------------------------------------------------------------------------


def lookup(number: int, *accounts: AccountMeta, data: bytes = b"") -> Instruction:
    return Instruction(lookup_table.ID, borsh.u32(number) + data, list(accounts))


def test_a_transaction_through_a_lookup_table() -> None:
    bank = Bank()
    wallet = WALLET.pubkey()
    address, bump = derive_lookup_table_address(wallet, bank.slot - 1)
    table = AccountMeta(address, is_signer=False, is_writable=True)
    owner = AccountMeta(wallet, is_signer=True, is_writable=True)
    system = AccountMeta(SYSTEM, is_signer=False, is_writable=False)
    bank.good(lookup(0, table, owner, owner, system, data=borsh.u64(bank.slot - 1) + bytes([bump])))
    receivers = [Keypair().pubkey() for _ in range(5)]
    bank.good(lookup(2, table, owner, owner, system, data=borsh.u64(5) + b"".join(map(bytes, receivers))))
    known = AddressLookupTableAccount(address, receivers)
    payments = [transfer(TransferParams(from_pubkey=wallet, to_pubkey=key, lamports=890_880)) for key in receivers]
    with pytest.raises(RejectedError, match="invalid index"):
        bank.run(*payments, tables=(known,))
    bank.slot += 1
    done = bank.run(*payments, tables=(known,))
    assert done.error is None
    assert set(done.loaded.loaded_writable) == set(receivers)
    assert all(bank.ledger.read(key).lamports == 890_880 for key in receivers)


def test_a_lookup_table_keeps_the_times_of_the_real_one() -> None:
    # The same in tests/unit/mint/test_lookup.py, of the real program.
    bank, wallet = Bank(), WALLET.pubkey()
    bank.slot = 1_000
    for slot in (487, 1_000):
        assert bank.run(*NewTable(wallet, slot, (TREE.pubkey(),)).creation()).error is not None
    plan = NewTable(wallet, 488, (TREE.pubkey(),))
    bank.good(*plan.creation())
    assert bank.run(closing(plan.address, wallet)).error is not None
    bank.good(deactivation(plan.address, wallet))
    bank.slot += COOL_DOWN_SLOTS - 1
    assert bank.run(closing(plan.address, wallet)).error is not None
    bank.slot += 1
    bank.good(closing(plan.address, wallet))
    assert bank.ledger.read(plan.address).lamports == 0


# --- Bubblegum beyond the vectors -----------------------------------------------------------------------------------


def test_three_mints_in_one_transaction(bank: Bank) -> None:
    mints = [mint_of(TREE.pubkey(), number).instruction() for number in range(3)]
    done = bank.good(*budget_instructions(1_000_000, 0), *mints)
    assert [inner.outer for inner in done.inner] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    events = [decode_event(inner.data) for inner in done.inner if inner.data[:2] == b"\x01\x00"]
    assert [event.nonce for event in events if event] == [0, 1, 2]
    assert bank.tree().tree.sequence == 3


def test_one_bad_mint_takes_the_whole_transaction_back(bank: Bank) -> None:
    good = mint_of(TREE.pubkey(), 0).instruction()
    bad = Instruction(BUBBLEGUM, good.data[:40], good.accounts)
    done = bank.run(*budget_instructions(1_000_000, 0), good, bad)
    assert done.error == {"InstructionError": [2, {"Custom": 102}]}
    assert bank.tree().tree.sequence == 0
    assert decode_config(bank.ledger.read(tree_authority(TREE.pubkey())).encode()).num_minted == 0


def test_a_mint_by_a_call_between_programs(bank: Bank) -> None:
    mint = mint_of(TREE.pubkey(), 0).instruction()
    program = AccountMeta(BUBBLEGUM, is_signer=False, is_writable=False)
    done = bank.good(*ready(Instruction(proxy.ID, mint.data, [program, *mint.accounts])))
    assert [(inner.program, inner.height) for inner in done.inner] == [
        (BUBBLEGUM, 2),
        (NOOP, 3),
        (COMPRESSION, 3),
        (NOOP, 4),
    ]


def test_anybody_can_forge_an_event(bank: Bank) -> None:
    real = bank.good(*ready(mint_of(TREE.pubkey(), 0).instruction()))
    event = real.inner[0].data
    assert bank.good(Instruction(NOOP, event, [])).inner == []


def read(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def leaf_transfer(bank: Bank, owner: Pubkey, receiver: Pubkey, event: bytes, index: int) -> Instruction:
    leaf = decode_event(event)
    assert leaf is not None
    tree = bank.tree().tree
    proof = [tree.rightmost.proof[level] for level in range(tree.depth)]
    data = b"".join(
        (TRANSFER, tree.last.root, leaf.data_hash, leaf.creator_hash, borsh.u64(leaf.nonce), borsh.u32(index))
    )
    accounts = [
        read(tree_authority(TREE.pubkey())),
        AccountMeta(owner, True, False),
        read(owner),
        read(receiver),
        AccountMeta(TREE.pubkey(), False, True),
        read(NOOP),
        read(COMPRESSION),
        read(SYSTEM),
        *(read(Pubkey.from_bytes(node)) for node in proof),
    ]
    return Instruction(BUBBLEGUM, data, accounts)


def test_a_transfer_emits_a_leaf_event_for_an_old_nonce(bank: Bank) -> None:
    receiver = Keypair().pubkey()
    bank.good(*ready(mint_of(TREE.pubkey(), 0).instruction()))
    event = bank.good(*ready(mint_of(TREE.pubkey(), 1).instruction())).inner[0].data
    done = bank.good(*ready(leaf_transfer(bank, WALLET.pubkey(), receiver, event, 1)))
    moved = decode_event(done.inner[0].data)
    assert moved is not None
    assert (moved.nonce, moved.owner) == (1, receiver)
    assert bank.tree().tree.sequence == 3
    again = bank.run(*ready(leaf_transfer(bank, WALLET.pubkey(), receiver, event, 1)))
    assert again.error == {"InstructionError": [1, {"Custom": 6001}]}


def test_a_new_tree_delegate_may_mint(bank: Bank) -> None:
    delegate = Keypair()
    accounts = [
        AccountMeta(tree_authority(TREE.pubkey()), False, True),
        AccountMeta(WALLET.pubkey(), True, False),
        AccountMeta(delegate.pubkey(), False, False),
        AccountMeta(TREE.pubkey(), False, False),
        AccountMeta(SYSTEM, False, False),
    ]
    bank.good(*ready(Instruction(BUBBLEGUM, SET_TREE_DELEGATE, accounts)))
    config = decode_config(bank.ledger.read(tree_authority(TREE.pubkey())).encode())
    assert (config.creator, config.delegate) == (WALLET.pubkey(), delegate.pubkey())


def test_units_are_limited(bank: Bank) -> None:
    mint = mint_of(TREE.pubkey(), 0).instruction()
    used = bank.run(*ready(mint)).units
    enough = bank.run(*budget_instructions(used + 10_000, 0), mint_of(TREE.pubkey(), 1).instruction())
    assert enough.error is None
    short = bank.run(*budget_instructions(20_000, 0), mint_of(TREE.pubkey(), 2).instruction())
    assert short.error == {"InstructionError": [1, "ProgramFailedToComplete"]}
    assert short.units == 20_000


def test_a_tree_account_that_exists_is_not_made_again(bank: Bank) -> None:
    done = bank.run(*new_tree(TREE))
    assert done.error == {"InstructionError": [1, {"Custom": 0}]}


def test_a_prefunded_config_address_is_no_obstacle() -> None:
    bank = Bank()
    config = tree_authority(TREE.pubkey())
    bank.good(transfer(TransferParams(from_pubkey=WALLET.pubkey(), to_pubkey=config, lamports=1_000_000)))
    bank.good(*new_tree(TREE))
    assert decode_config(bank.ledger.read(config).encode()).capacity == 32
    assert bank.ledger.read(config).lamports == 1_559_040
