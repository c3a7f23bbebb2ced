"""A chain that goes on after its process was killed: what was sealed is there, what was shown is not undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mintworks_dev.localnet.chain import Chain
from mintworks_dev.localnet.genesis import CollectionNft, Funded
from mintworks_dev.localnet.journal import JournalError
from mintworks_dev.localnet.transaction import parse
from mintworks_dev.localnet.world import Settings, World
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from support.localnet import SMALL, WALLET, mint_of, new_tree, pay, signed

TREE = Keypair.from_seed(bytes([7]) * 32)
RENT = 890_880


@pytest.fixture
def restart(tmp_path: Path) -> Callable[[], World]:
    """Opens the world of one state directory; the one opened before is abandoned as by kill -9."""
    opened: list[World] = []

    def start() -> World:
        for world in opened:
            # a killed process loses its lock with its descriptors; nothing else of it is tidied up
            if world._lock:
                world._lock.close()
        opened.append(World(Settings(state=tmp_path), clock=lambda: 1_000.0))
        return opened[-1]

    return start


def send(world: World, *instructions: Any, signers: tuple[Keypair, ...] = ()) -> str:
    parsed = parse(signed(instructions, Hash(world.chain.last.blockhash), *signers))
    world.network.send(parsed, 0, 1_000)
    return str(parsed.signature)


def ticks(world: World, count: int) -> None:
    for _ in range(count):
        world.tick()


def facts(chain: Chain, keys: list[Pubkey]) -> dict[str, Any]:
    """What everybody may see of a chain's finalized past."""
    return {
        "genesis": chain.genesis_hash,
        "accounts": [(key, chain.ledger.read(key).lamports, chain.ledger.read(key).encode()) for key in keys],
        "records": [(str(one.signature), one.slot, one.error) for one in chain.history.records.values()],
    }


def test_a_chain_goes_on(restart: Callable[[], World]) -> None:
    world = restart()
    send(world, *new_tree(TREE, SMALL), signers=(TREE,))
    ticks(world, 3)
    for number in range(4):
        send(world, mint_of(TREE.pubkey(), number, collection=number % 2 == 0).instruction())
        ticks(world, number)
    send(world, pay(WALLET.pubkey(), 10**15))
    world.tick()
    blockhash, slot, height = Hash(world.chain.last.blockhash), world.chain.slot, world.chain.height
    before = facts(world.chain, [WALLET.pubkey(), TREE.pubkey()])
    again = restart()
    assert facts(again.chain, [WALLET.pubkey(), TREE.pubkey()]) == before
    assert again.chain.slot >= slot
    assert again.chain.slot - slot == again.chain.height - height
    parsed = parse(signed([pay(WALLET.pubkey(), 1)], blockhash))
    again.network.send(parsed, 0, 1_000)
    assert parsed.signature in again.chain.history.records


def test_an_open_slot_is_lost_but_its_number_is_not_used_again(restart: Callable[[], World]) -> None:
    world = restart()
    ticks(world, 5)
    send(world, pay(Keypair().pubkey(), RENT))
    slot = world.chain.slot
    again = restart()
    assert again.chain.history.records == {}
    assert again.chain.slot > slot


def test_slots_never_go_back(restart: Callable[[], World]) -> None:
    shown = 0
    for count in (1, 63, 64, 65, 200):
        world = restart()
        assert world.chain.slot > shown
        ticks(world, count)
        shown = world.chain.slot


def test_forks_skipped_slots_and_jumps_are_remembered(restart: Callable[[], World]) -> None:
    world = restart()
    ticks(world, 40)
    kept = send(world, pay(Keypair().pubkey(), RENT))
    ticks(world, 3)
    send(world, pay(Keypair().pubkey(), RENT))
    ticks(world, 2)
    world.fork(3, keep=False)
    world.set_faults({"network": {"skip": 0.5}})
    ticks(world, 30)
    world.set_faults({"network": {"skip": 0}})
    world.advance(1_000)
    after = send(world, pay(Keypair().pubkey(), RENT + 1))
    ticks(world, 10)
    hashes = [block.blockhash for block in world.chain._blocks[-9:]]
    height, slot = world.chain.height, world.chain.slot
    again = restart()
    assert [str(signature) for signature in again.chain.history.records] == [kept, after]
    assert all(blockhash in again.chain._ages for blockhash in hashes)
    assert again.chain.height - height == again.chain.slot - slot


def test_a_line_cut_off_by_a_crash(restart: Callable[[], World], tmp_path: Path) -> None:
    world = restart()
    known = send(world, pay(Keypair().pubkey(), RENT))
    ticks(world, 2)
    with (tmp_path / "chain.jsonl").open("ab") as file:
        file.write(b'{"slot":3,"time":1000,"transact')
    again = restart()
    assert [str(one) for one in again.chain.history.records] == [known]
    more = send(again, pay(Keypair().pubkey(), RENT + 1))
    again.tick()
    assert [str(one) for one in restart().chain.history.records] == [known, more]


def test_a_state_directory_belongs_to_one_process(tmp_path: Path) -> None:
    world = World(Settings(state=tmp_path), clock=lambda: 1_000.0)
    with pytest.raises(JournalError, match="another localnet"):
        World(Settings(state=tmp_path), clock=lambda: 1_000.0)
    world.close()
    World(Settings(state=tmp_path), clock=lambda: 1_000.0).close()


def test_a_log_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "chain.jsonl").write_text(json.dumps({"version": 99}) + "\n")
    with pytest.raises(JournalError, match="version"):
        World(Settings(state=tmp_path), clock=lambda: 1_000.0)


def test_a_chain_keeps_the_genesis_it_was_started_with(tmp_path: Path) -> None:
    rich = Keypair().pubkey()
    nft = CollectionNft(Keypair().pubkey(), rich)
    first = World(Settings(state=tmp_path, funded=(Funded(rich, 5),), collections=(nft,)), clock=lambda: 1.0)
    first.close()
    again = World(Settings(state=tmp_path), clock=lambda: 1.0)
    assert again.chain.genesis_hash == first.chain.genesis_hash
    assert again.chain.ledger.read(rich).lamports == 5
    assert again.chain.ledger.read(nft.mint).lamports > 0
    again.close()


def test_new_chains_differ_unless_they_are_seeded() -> None:
    def genesis(seed: str | None) -> bytes:
        world = World(Settings(genesis_seed=seed), clock=lambda: 1.0)
        world.close()
        return world.chain.genesis_hash

    assert genesis(None) != genesis(None)
    assert genesis("a") == genesis("a")


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 5)),
        st.tuples(st.just("tick"), st.integers(1, 5)),
        st.tuples(st.just("fork"), st.integers(1, 10)),
        st.tuples(st.just("advance"), st.integers(1, 90)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)


@given(plan=steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_sealed_blocks_survive(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("chain")

    def start() -> World:
        return World(Settings(state=directory), clock=lambda: 1_000.0)

    world = start()
    amount = RENT
    for what, number in plan:
        amount += 1
        match what:
            case "send":
                send(world, pay(Keypair.from_seed(bytes([number + 1]) * 32).pubkey(), amount))
            case "tick":
                ticks(world, number)
            case "fork":
                world.fork(number, keep=amount % 2 == 0)
            case "advance":
                world.advance(number)
            case _:
                world.tick()
                before = facts(world.chain, [WALLET.pubkey()])
                slot = world.chain.slot
                world.close()
                world = start()
                assert facts(world.chain, [WALLET.pubkey()]) == before
                assert world.chain.slot >= slot
    world.close()
