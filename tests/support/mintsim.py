"""A simulated chain and runner processes on it, in simulated time: what the exactly-once rules are held against.

The chain is a few dozen lines: heights, a finality lag, blockhashes that live `LIFE` blocks, nodes that lag differently
in bank, status cache and history. The processes decide with the runner's own pure core.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mintworks_runners.mint.books import Books
from mintworks_runners.mint.campaign import Campaign, Rules
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.machine import Commitment, Status
from solders.pubkey import Pubkey

LIFE = 12  # blocks that a blockhash lives; 150 on the real chain
FINALITY = 4  # blocks behind the tip that are final; 32 on the real chain
LAG = 5  # the most that a healthy node lags; less than LIFE, as < 150 is on the real chain
WALLET = Pubkey.from_bytes(bytes([1]) * 32)
PASSING = '"AccountInUse"'
REFUSED = '{"InstructionError": [2, {"Custom": 6006}]}'


@dataclass
class Tx:
    signature: str
    items: tuple[int, ...]
    last_valid: int


@dataclass
class Block:
    slot: int
    txs: dict[str, tuple[Tx, str | None]] = field(default_factory=dict)  # signature → transaction, its error


@dataclass
class Chain:
    """The canonical fork; its index is the block height. Items in `poisoned` are refused by the program."""

    dice: random.Random
    poisoned: frozenset[int]
    blocks: list[Block] = field(default_factory=lambda: [Block(0)])
    slot: int = 0
    root: int = 0
    """Height of the newest block that is final: no fork takes that back."""
    pool: dict[str, Tx] = field(default_factory=dict)  # everything that any node ever received
    landed: dict[str, int] = field(default_factory=dict)  # signature → height
    minted: Counter[int] = field(default_factory=Counter)  # item → how often

    @property
    def height(self) -> int:
        return len(self.blocks) - 1

    def tick(self) -> None:
        self.slot += self.dice.choice([1, 1, 1, 3])
        self.blocks.append(Block(self.slot))
        self.root = max(self.root, self.height - FINALITY)

    def fork(self, *, vanish: bool) -> None:
        """The newest blocks lose: what they held is as if it had never been. It may land again, where it did not vanish
        from all nodes.
        """
        for _ in range(self.dice.randint(1, FINALITY - 1)):
            if self.height > self.root:
                self._undo(self.blocks.pop(), vanish=vanish)
        self.tick()

    def _undo(self, block: Block, *, vanish: bool) -> None:
        for signature, (tx, error) in block.txs.items():
            del self.landed[signature]
            if error is None:
                self.minted.subtract(tx.items)
            if vanish:
                self.pool.pop(signature, None)

    def land(self, chance: float) -> None:
        for signature, tx in list(self.pool.items()):
            if self.height > tx.last_valid and self.root > tx.last_valid:
                del self.pool[signature]
            elif signature not in self.landed and self.height <= tx.last_valid and self.dice.random() < chance:
                error = REFUSED if self.poisoned.intersection(tx.items) else None
                if error is None and self.dice.random() < 0.5:
                    error = PASSING  # on this fork: on another one the same bytes may succeed
                self.blocks[-1].txs[signature] = (tx, error)
                self.landed[signature] = self.height
                if error is None:
                    self.minted.update(tx.items)

    def final(self, lag: int) -> int:
        """Height of the newest block that a node with this lag holds final."""
        return max(0, self.root - lag)

    def facts(self, lag: int) -> tuple[list[TxFact], int, int]:
        """What history says at finalized, with the counter and its slot."""
        facts, nonce, final = [], 0, self.final(lag)
        # In the order in which they landed: a fork takes from the end only.
        for signature, height in self.landed.items():
            if height > final:
                break
            block = self.blocks[height]
            tx, error = block.txs[signature]
            mints = [
                MintFact(nonce + i, str(item), WALLET, b"", b"", WALLET)
                for i, item in enumerate(tx.items)
                if error is None
            ]
            nonce += len(mints)
            facts.append(TxFact(signature, block.slot, WALLET, 5, 0, error, tuple(mints)))
        return facts, nonce, self.blocks[final].slot

    def status(self, signature: str, lag: int) -> Status | None:
        height = self.landed.get(signature)
        if height is None or height > self.height - lag:
            return None
        depth = self.height - lag - height
        sure = Commitment.CONFIRMED if depth else Commitment.PROCESSED
        block = self.blocks[height]
        return Status(block.slot, block.txs[signature][1], Commitment.FINALIZED if height <= self.final(lag) else sure)


@dataclass
class Process:
    """One runner process: new-attempt rule, then a campaign. It can be frozen, replaced or killed at any step."""

    chain: Chain
    name: str
    items: int
    patience: int = LIFE + LIFE
    """Blocks that a new attempt waits; less breaks a rule."""
    gapless: bool = True
    """Whether a replay with holes is not believed; False breaks a rule."""
    campaign: Campaign | None = None
    quiet_height: int | None = None
    blockhash: int | None = None
    clock: float = 0.0
    signed: int = 0

    def lag(self) -> int:
        return self.chain.dice.randint(0, LAG)

    def enter(self) -> None:
        """The new-attempt rule after the lease: wait past Q, then replay at a slot that is past Q too."""
        chain = self.chain
        if self.quiet_height is None:
            self.quiet_height = max(chain.height - self.lag() for _ in range(2)) + self.patience
        lag = self.lag()
        if chain.final(lag) <= self.quiet_height:
            return
        facts, minted, slot = chain.facts(lag)
        facts = [fact for fact in facts if chain.dice.random() < 0.9]  # history silently drops rows
        history = History()
        history.add(facts)
        if self.gapless and history.missing(minted):
            return
        done = {int(mint.uri) for fact in facts for mint in fact.mints}
        pending = [item for item in range(self.items) if item not in done]
        self.campaign = Campaign(Rules(batch=chain.dice.randint(1, 3), cap=6), pending, Books(slot, minted), 0)

    def fetch_blockhash(self) -> None:
        self.blockhash = max(0, self.chain.height - 1 - self.lag())

    def sign(self) -> None:
        assert self.campaign is not None
        items = self.campaign.next_items()
        if not items or self.blockhash is None:
            return
        self.signed += 1
        signature = f"{self.name}-{self.signed}"
        self.campaign.signed(signature, items, b"", self.blockhash + LIFE, 5)

    def send(self, *, lost: float) -> None:
        assert self.campaign is not None
        for flight in self.campaign.to_send(self.clock, 100):
            if self.chain.dice.random() > lost:
                self.chain.pool[flight.signature] = Tx(flight.signature, flight.items, flight.last_valid)
            self.campaign.on_sent(flight.signature, self.clock)

    def ask(self) -> None:
        """Each group of statuses is asked of a node whose status cache lags on its own; some answers never come."""
        assert self.campaign is not None
        for history in (False, True):
            lag = self.lag()
            for signature in self.campaign.to_ask(self.clock, history=history):
                if self.chain.dice.random() < 0.8:
                    # The status cache is no bank: now and then it has nothing about what the bank has.
                    forgets = self.chain.dice.random() < 0.15
                    status = None if forgets else self.chain.status(signature, min(lag, self.chain.height))
                    self.campaign.on_status(signature, status, self.clock, with_history=history)

    def look(self) -> None:
        assert self.campaign is not None
        final = self.chain.final(self.lag())
        self.campaign.on_height(self.chain.blocks[final].slot, final, self.clock)
        _, minted, slot = self.chain.facts(self.lag())
        self.campaign.on_counter(slot, minted, self.clock)
        if self.campaign.wants_replay(self.clock) or self.chain.dice.random() < 0.05:
            self.campaign.on_history(self.chain.facts(self.lag())[0], self.clock)

    def step(self, *, may_sign: bool) -> None:
        self.clock += self.chain.dice.choice([0.3, 1.0, 2.5])
        if self.campaign is None:
            self.enter()
            return
        actions: list[Callable[[], None]] = [self.ask, self.look, lambda: self.send(lost=0.3), self.fetch_blockhash]
        if may_sign:
            actions += [self.sign, self.sign]
        self.chain.dice.choice(actions)()


class DoubleMintError(AssertionError):
    """An item is on the chain twice."""


def check(chain: Chain) -> None:
    twice = {item: count for item, count in chain.minted.items() if count > 1}
    if twice:
        raise DoubleMintError(twice)


def calm_end(chain: Chain, process: Process) -> None:
    for _ in range(1000):
        chain.tick()
        chain.land(0.5)
        check(chain)
        for _ in range(3):
            process.step(may_sign=True)
        if process.campaign is not None and process.campaign.finished:
            return
    raise AssertionError("the job does not end")
