"""Between sendTransaction and the block: transactions on their way, with the network's faults."""

from __future__ import annotations

from solders.signature import Signature

from mintworks_dev.localnet.chain import Block, Chain
from mintworks_dev.localnet.errors import RejectedError
from mintworks_dev.localnet.faults import Dice, NetworkFaults
from mintworks_dev.localnet.transaction import Parsed, parse

_RETRY_SLOTS = 5
"""A node sends on every 2 s what was not seen to land: 5 slots of 400 ms."""


class Network:
    """Brings transactions to the leader. Pure: slots are its clock."""

    def __init__(self, chain: Chain, dice: Dice, faults: NetworkFaults) -> None:
        self.chain = chain
        self.dice = dice
        self.faults = faults
        self._waiting: dict[int, list[tuple[Parsed, int]]] = {}
        self._on_the_way: set[Signature] = set()

    def send(self, parsed: Parsed, retries: int, time: int) -> None:
        """Takes a transaction from an endpoint, which tries `retries` times more if it is dropped.

        As on Solana nobody learns whether it was dropped; one that cannot enter a block is dropped by the leader.
        """
        if parsed.signature in self._on_the_way:
            return
        if self.dice.strikes(self.faults.drop):
            if retries > 0:
                self._wait(parsed, retries - 1, _RETRY_SLOTS)
            return
        if self.dice.strikes(self.faults.late):
            self._wait(parsed, -1, self.dice.between(*self.faults.late_slots))
            return
        self._land(parsed, time)

    def seal(self, time: int) -> Block:
        """Ends the slot, perhaps skips some, and lets what has waited long enough land."""
        skipped = 0
        while self.dice.strikes(self.faults.skip) and skipped < _RETRY_SLOTS:
            skipped += 1
        block = self.chain.seal(time, skipped)
        self.release(time)
        return block

    def fork(self, slots: int, *, keep: bool, time: int) -> int:
        """Drops the newest unfinalized slots; with `keep` their transactions are tried again on the other fork.

        Returns how many transactions were dropped. Those signed with a blockhash of the losing fork cannot land again.
        """
        dropped = self.chain.fork(slots)
        if keep:
            for raw in dropped:
                self._land(parse(raw), time)
        return len(dropped)

    def _wait(self, parsed: Parsed, retries: int, slots: int) -> None:
        self._on_the_way.add(parsed.signature)
        self._waiting.setdefault(self.chain.slot + slots, []).append((parsed, retries))

    def release(self, time: int) -> None:
        """Lets what has waited until the open slot land."""
        for slot in [slot for slot in self._waiting if slot <= self.chain.slot]:
            for parsed, retries in self._waiting.pop(slot):
                self._on_the_way.discard(parsed.signature)
                if retries < 0:
                    self._land(parsed, time)
                else:
                    self.send(parsed, retries, time)

    def _land(self, parsed: Parsed, time: int) -> None:
        try:
            self.chain.submit(parsed, time)
        except RejectedError:
            return
