"""What the network does to transactions when asked to misbehave, and that the dice are seeded."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_dev.localnet.chain import Chain
from mintworks_dev.localnet.faults import Dice, NetworkFaults
from mintworks_dev.localnet.genesis import default_genesis
from mintworks_dev.localnet.network import Network
from mintworks_dev.localnet.transaction import parse
from mintworks_dev.localnet.world import Settings, World
from pydantic import ValidationError
from solders.hash import Hash
from solders.keypair import Keypair
from support.localnet import pay, signed

RENT = 890_880


def network(seed: int = 1, **faults: object) -> Network:
    chain = Chain(default_genesis("faults"), time=1_000)
    return Network(chain, Dice(seed), NetworkFaults.model_validate(faults))


def send(network: Network, amount: int, retries: int = 0) -> str:
    raw = signed([pay(Keypair.from_seed(bytes([4]) * 32).pubkey(), amount)], Hash(network.chain.last.blockhash))
    parsed = parse(raw)
    network.send(parsed, retries, 1_000)
    return str(parsed.signature)


def landed(network: Network) -> dict[str, int]:
    return {str(record.signature): record.slot for record in network.chain.history.records.values()}


def slots(network: Network, count: int) -> None:
    for _ in range(count):
        network.seal(1_000)


def test_without_faults_a_transaction_lands_at_once() -> None:
    net = network()
    known = send(net, RENT)
    assert landed(net)[known] == net.chain.slot


def test_dropped_transactions_never_land() -> None:
    net = network(drop=1)
    send(net, RENT)
    slots(net, 200)
    assert landed(net) == {}


def test_a_node_that_retries_gets_through() -> None:
    net = network(drop=0.8)
    known = [send(net, RENT + number, retries=100) for number in range(20)]
    slots(net, 149)
    assert len(landed(net)) > 15
    assert set(landed(net)) <= set(known)


def test_the_same_bytes_may_be_sent_again_and_again() -> None:
    net = network(drop=0.5, late=0.5, late_slots=[1, 20])
    raw = parse(signed([pay(Keypair().pubkey(), RENT)], Hash(net.chain.last.blockhash)))
    for _ in range(100):
        net.send(raw, 0, 1_000)
        net.seal(1_000)
    assert len(landed(net)) == 1


def test_late_transactions_land_before_they_expire() -> None:
    net = network(late=1, late_slots=[1, 149])
    start = net.chain.slot
    known = [send(net, RENT + number) for number in range(60)]
    assert landed(net) == {}
    slots(net, 150)
    waits = [slot - start for slot in landed(net).values()]
    assert sorted(landed(net)) == sorted(known)
    assert min(waits) < 20
    assert 120 < max(waits) <= 149


def test_what_comes_too_late_expires() -> None:
    net = network(late=1, late_slots=[152, 152])
    send(net, RENT)
    slots(net, 160)
    assert landed(net) == {}


def test_slots_without_a_block() -> None:
    net = network(skip=0.5)
    slots(net, 200)
    assert net.chain.height == 201
    assert 300 < net.chain.slot < 600


@pytest.mark.parametrize("keep", [True, False])
def test_a_fork_keeps_or_loses_transactions(keep: bool) -> None:
    net = network()
    slots(net, 40)
    blockhash = Hash(net.chain.last.blockhash)
    slots(net, 2)
    known = parse(signed([pay(Keypair().pubkey(), RENT)], blockhash))
    net.send(known, 0, 1_000)
    slots(net, 1)
    lost = send(net, RENT)  # signed with a blockhash of the fork that loses
    slots(net, 1)
    assert net.fork(3, keep=keep, time=1_000) == 2
    assert (str(known.signature) in landed(net)) is keep
    assert lost not in landed(net)


def test_the_same_seed_gives_the_same_faults() -> None:
    def run(seed: int) -> list[bool]:
        net = network(seed, drop=0.5)
        known = [send(net, RENT + number) for number in range(50)]
        return [one in landed(net) for one in known]

    assert run(3) == run(3) != run(4)


def test_faults_are_merged_and_checked() -> None:
    world = World(Settings(genesis_seed="x"), clock=lambda: 1_000.0)
    world.set_faults({"primary": {"lag": 5}})
    faults = world.set_faults({"primary": {"delay_ms": 3}, "network": {"drop": 0.5}})
    assert (faults.primary.lag, faults.primary.delay_ms, faults.network.drop) == (5, 3, 0.5)
    assert world.primary.faults.lag == 5
    assert world.network.faults.drop == 0.5
    mistakes: list[dict[str, Any]] = [{"network": {"drop": 2}}, {"network": {"droop": 1}}, {"third": {}}]
    for wrong in mistakes:
        with pytest.raises(ValidationError):
            world.set_faults(wrong)
    assert world.network.faults.drop == 0.5
    world.close()


def test_stalled_slots() -> None:
    world = World(Settings(genesis_seed="x"), clock=lambda: 1_000.0)
    world.set_faults({"network": {"stalled": True}})
    for _ in range(5):
        world.tick()
    assert world.chain.slot == 1
    world.set_faults({"network": {"stalled": False, "slot_ms": 2_000}})
    world.tick()
    assert (world.chain.slot, world.slot_seconds) == (2, 2.0)
    world.close()
