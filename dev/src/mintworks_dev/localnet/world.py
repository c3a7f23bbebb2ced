"""A running localnet without its sockets: the chain, its journal, its endpoints, its faults."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mintworks_dev.localnet.chain import Block, Chain
from mintworks_dev.localnet.faults import Dice, Faults
from mintworks_dev.localnet.genesis import CollectionNft, Funded, default_genesis
from mintworks_dev.localnet.journal import Journal, JournalError, open_chain
from mintworks_dev.localnet.network import Network
from mintworks_dev.localnet.rpc.node import Node

SLOT_MS = 400


@dataclass(frozen=True, slots=True)
class Settings:
    """What a localnet is started with. Without `state` it lives in memory; `genesis_seed` None is a fresh one."""

    slot_ms: int = SLOT_MS
    state: Path | None = None
    genesis_seed: str | None = None
    funded: tuple[Funded, ...] = ()
    collections: tuple[CollectionNft, ...] = ()
    fault_seed: int = 0
    twin_lag: int = 0


class World:
    """Slots end when `tick` is called; every change of the chain goes through here, so that the journal sees it."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self._lock = _lock(settings.state)
        self._chain, self._journal = _open(settings, int(clock()))
        self.faults = Faults(seed=settings.fault_seed)
        self.faults.twin.lag = settings.twin_lag
        self.dice = Dice(settings.fault_seed)
        self.network = Network(self._chain, self.dice, self.faults.network)
        self.primary = self._node("primary")
        self.twin = self._node("twin")

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self._chain

    @property
    def slot_seconds(self) -> float:
        """How long a slot takes now."""
        return (self.faults.network.slot_ms or self.settings.slot_ms) / 1000

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self._clock())

    def tick(self) -> None:
        """Ends the open slot, unless slots are stalled."""
        if self.faults.network.stalled:
            return
        self._record(self.network.seal(self.now()))

    def advance(self, slots: int) -> None:
        """Lets slots pass at once; late transactions that come due in between land at the end."""
        time = self.now()
        self._record(self._chain.seal(time))
        if slots > 1:
            self._chain.advance(slots - 1, time)
        if self._journal:
            self._journal.advanced(self._chain.slot, time)
        self.network.release(time)

    def fork(self, slots: int, *, keep: bool) -> int:
        """Drops the newest unfinalized slots; returns how many transactions were in them."""
        if self._journal:
            self._journal.fork(slots, self._chain.slot, self.now())
        return self.network.fork(slots, keep=keep, time=self.now())

    def set_faults(self, changes: dict[str, Any]) -> Faults:
        """Merges changes into the faults; pydantic's ValidationError where they are wrong."""
        merged = self.faults.model_dump()
        for key, value in changes.items():
            old = merged.get(key)
            merged[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        faults = Faults.model_validate(merged)
        if "seed" in changes:
            self.dice = self.network.dice = self.primary.dice = self.twin.dice = Dice(faults.seed)
        self.faults = faults
        self.network.faults = faults.network
        self.primary.faults, self.twin.faults = faults.primary, faults.twin
        return faults

    def close(self) -> None:
        """Closes the journal and gives the state directory free."""
        if self._journal:
            self._journal.close()
        if self._lock:
            self._lock.close()

    def _record(self, block: Block) -> None:
        if self._journal:
            self._journal.block(block, self._chain.slot)

    def _node(self, name: str) -> Node:
        faults = self.faults.primary if name == "primary" else self.faults.twin
        return Node(name, self.network, faults, self.dice, self.settings.slot_ms)


def _open(settings: Settings, time: int) -> tuple[Chain, Journal | None]:
    # two chains must not share a genesis hash by accident: items are known by it
    seed = settings.genesis_seed or secrets.token_hex(16)
    genesis = default_genesis(seed, settings.funded, settings.collections)
    if settings.state is None:
        return Chain(genesis, time), None
    return open_chain(settings.state, genesis, time)


def _lock(state: Path | None) -> TextIO | None:
    """The state directory for this process alone, as long as it lives."""
    if state is None:
        return None
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise JournalError(f"another localnet uses {state}") from error
    return file
