"""Slots, blockhash ages, commitment and forks, without any server."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_dev.localnet.chain import KEPT_SLOTS, Chain, status
from mintworks_dev.localnet.errors import RejectedError
from mintworks_dev.localnet.genesis import EXAMPLE_WALLET, FAUCET, default_genesis
from mintworks_dev.localnet.history import Record
from mintworks_dev.localnet.transaction import parse
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from support.localnet import pay, signed

RENT = 890_880
"""What an account without data needs to exist."""


def new_chain(seed: str = "test") -> Chain:
    return Chain(default_genesis(seed), time=1_000)


def send(chain: Chain, raw: bytes) -> Record:
    return chain.submit(parse(raw), time=1_000)


def latest(chain: Chain) -> Hash:
    return Hash(chain.last.blockhash)


def balance(chain: Chain, key: Pubkey, commitment: str) -> int:
    return chain.account(key, chain.view(commitment)).lamports


def slots(chain: Chain, count: int) -> None:
    for _ in range(count):
        chain.seal(1_000)


def test_two_chains_differ_in_their_genesis_hash() -> None:
    assert new_chain("a").genesis_hash != new_chain("b").genesis_hash
    assert new_chain("a").genesis_hash == new_chain("a").genesis_hash


@pytest.mark.parametrize(("age", "lives"), [(0, True), (150, True), (151, False)])
def test_a_blockhash_lives_150_blocks(age: int, lives: bool) -> None:
    chain = new_chain()
    raw = signed([pay(FAUCET.pubkey(), 1)], latest(chain))
    slots(chain, age)
    if lives:
        assert send(chain, raw).error is None
        return
    with pytest.raises(RejectedError, match="Blockhash not found"):
        send(chain, raw)


def test_skipped_slots_do_not_age_a_blockhash() -> None:
    chain = new_chain()
    raw = signed([pay(FAUCET.pubkey(), 1)], latest(chain))
    for _ in range(100):
        chain.seal(1_000, skipped=2)
    assert (chain.slot, chain.height) == (301, 101)
    assert send(chain, raw).error is None


def test_each_commitment_sees_a_transfer_when_its_turn_comes() -> None:
    chain = new_chain()
    receiver = Keypair().pubkey()
    record = send(chain, signed([pay(receiver, RENT)], latest(chain)))
    seen: dict[str, int] = {}
    for _ in range(40):
        for commitment in ("processed", "confirmed", "finalized"):
            if balance(chain, receiver, commitment) == RENT:
                seen.setdefault(commitment, chain.slot - record.slot)
        chain.seal(1_000)
    assert seen["processed"] == 0
    assert seen["confirmed"] in (1, 2)
    assert seen["finalized"] == 32


def test_status_goes_from_processed_to_finalized() -> None:
    chain = new_chain()
    record = send(chain, signed([pay(FAUCET.pubkey(), 1)], latest(chain)))
    seen = []
    for _ in range(34):
        now = status(record, chain)
        assert now is not None
        seen.append((now["confirmationStatus"], now["confirmations"]))
        chain.seal(1_000)
    assert seen[0] == ("processed", 0)
    assert seen[3] == ("confirmed", 3)
    assert seen[-1] == ("finalized", None)
    assert status(record, chain, lag=40) is None


def test_the_same_transaction_lands_once() -> None:
    chain = new_chain()
    raw = signed([pay(FAUCET.pubkey(), 1)], latest(chain))
    send(chain, raw)
    slots(chain, 3)
    with pytest.raises(RejectedError, match="already been processed"):
        send(chain, raw)


def test_a_failed_transaction_pays_its_fee_and_is_kept() -> None:
    chain = new_chain()
    before = balance(chain, EXAMPLE_WALLET.pubkey(), "processed")
    record = send(chain, signed([pay(Keypair().pubkey(), RENT), pay(FAUCET.pubkey(), 10**15)], latest(chain)))
    assert record.error == {"InstructionError": [1, {"Custom": 1}]}
    assert balance(chain, EXAMPLE_WALLET.pubkey(), "processed") == before - 5_000
    assert record.after[0] == before - 5_000
    assert chain.history.records[record.signature] is record


def test_a_payer_without_money_gets_nowhere() -> None:
    chain = new_chain()
    poor = Keypair()
    send(chain, signed([pay(poor.pubkey(), RENT + 4_999)], latest(chain)))

    def empty(payer: Keypair) -> bytes:
        message = Message.new_with_blockhash([], payer.pubkey(), latest(chain))
        return bytes(Transaction([payer], message, latest(chain)))

    with pytest.raises(RejectedError, match="insufficient funds for rent"):
        send(chain, empty(poor))
    with pytest.raises(RejectedError, match="no record of a prior credit"):
        send(chain, empty(Keypair()))


def test_an_account_cannot_be_left_without_its_rent() -> None:
    chain = new_chain()
    record = send(chain, signed([pay(Keypair().pubkey(), RENT - 1)], latest(chain)))
    assert record.error == {"InsufficientFundsForRent": {"account_index": 1}}


def test_a_fork_takes_back_what_it_drops() -> None:
    chain = new_chain()
    receiver = Keypair().pubkey()
    slots(chain, 40)
    early = send(chain, signed([pay(receiver, RENT)], latest(chain)))
    slots(chain, 5)
    lost = [signed([pay(receiver, RENT + number)], latest(chain)) for number in range(3)]
    for raw in lost:
        send(chain, raw)
        chain.seal(1_000)
    height, old = chain.height, chain.last.blockhash
    assert chain.fork(3) == lost
    assert balance(chain, receiver, "processed") == RENT
    assert list(chain.history.of_address(receiver)) == [early]
    assert chain.height == height - 3
    assert not chain.blockhash_lives(old, chain.last)
    assert chain.transactions == 1
    # it can land again: the fork that won knows the blockhash it was signed with
    assert send(chain, lost[0]).error is None
    chain.seal(1_000)
    assert chain.last.blockhash != old


def test_no_fork_drops_what_is_finalized() -> None:
    chain = new_chain()
    receiver = Keypair().pubkey()
    send(chain, signed([pay(receiver, RENT)], latest(chain)))
    slots(chain, 32)
    assert balance(chain, receiver, "finalized") == RENT
    chain.fork(32)
    assert balance(chain, receiver, "processed") == RENT


def test_heights_of_finalized_blocks_never_fall() -> None:
    chain = new_chain()
    heights = []
    for number in range(200):
        chain.seal(1_000, skipped=number % 3 == 0)
        if number % 17 == 0:
            chain.fork(5)
        heights.append(chain.view("finalized").height)
    assert heights == sorted(heights)


def test_advancing_far_is_the_same_as_slot_by_slot() -> None:
    fast, slow = new_chain(), new_chain()
    fast.advance(3_000, 1_000)
    slots(slow, 3_000)
    for commitment in ("processed", "confirmed", "finalized"):
        assert fast.view(commitment) == slow.view(commitment)
    assert fast.blockhash_lives(slow.last.blockhash, slow.last)
    assert fast.slot == slow.slot == 3_001


def test_what_nobody_can_ask_for_is_forgotten() -> None:
    chain = new_chain()
    record = send(chain, signed([pay(FAUCET.pubkey(), 1)], latest(chain)))
    slots(chain, 10 * KEPT_SLOTS)
    assert chain.block(record.slot) is not None
    assert chain.block(record.slot + 1) is None
    assert chain.oldest > 7 * KEPT_SLOTS


actions = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 3)),
        st.tuples(st.just("seal"), st.integers(0, 2)),
        st.tuples(st.just("fork"), st.integers(1, 32)),
    ),
    max_size=120,
)


@given(steps=actions)
@settings(max_examples=40, deadline=None)
def test_lamports_are_neither_made_nor_lost(steps: list[tuple[str, int]]) -> None:
    """At every commitment: balances add up to what the landed transactions moved and paid."""
    chain = new_chain()
    receivers = [Keypair.from_seed(bytes([number + 1]) * 32).pubkey() for number in range(4)]
    start = balance(chain, EXAMPLE_WALLET.pubkey(), "processed")
    amount = RENT
    for what, number in steps:
        if what == "send":
            amount += 1
            send(chain, signed([pay(receivers[number], amount)], latest(chain)))
        elif what == "seal":
            chain.seal(1_000, skipped=number)
        else:
            chain.fork(number)
        for commitment in ("processed", "confirmed", "finalized"):
            slot = chain.view(commitment).slot
            landed = [record for record in chain.history.records.values() if record.slot <= slot]
            total = sum(balance(chain, key, commitment) for key in [EXAMPLE_WALLET.pubkey(), *receivers])
            assert total == start - 5_000 * len(landed)
