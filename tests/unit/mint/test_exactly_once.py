"""The heart of the product against a chain that does its worst: random schedules, lost replies, late landings, forks,
lagging nodes, kills, second pods. Each item is on the chain at most once at every moment, and exactly once at the end.

The simulated chain is a few dozen lines: heights, a finality lag, blockhashes that live `LIFE` blocks, nodes that lag
differently in bank, status cache and history. Rules are then broken on purpose: the same schedules must notice.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from mintworks_runners.mint import campaign as campaign_module
from mintworks_runners.mint import machine
from mintworks_runners.mint.campaign import Campaign, Rules
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.machine import Commitment, Status
from mintworks_runners.mint.outcome import hopeless
from solders.pubkey import Pubkey

LIFE = 12  # blocks that a blockhash lives; 150 on the real chain
FINALITY = 4  # blocks behind the tip that are final; 32 on the real chain
LAG = 5  # the most that a healthy node lags; less than LIFE, as < 150 is on the real chain
WALLET = Pubkey.from_bytes(bytes([1]) * 32)
REFUSED = '{"InstructionError": [2, {"Custom": 6006}]}'


@dataclass
class Tx:
    signature: str
    items: tuple[int, ...]
    last_valid: int


@dataclass
class Block:
    slot: int
    txs: dict[str, tuple[Tx, bool]] = field(default_factory=dict)  # signature → transaction, landed without error


@dataclass
class Chain:
    """The canonical fork; its index is the block height. Items in `poisoned` are refused by the program."""

    dice: random.Random
    poisoned: frozenset[int]
    blocks: list[Block] = field(default_factory=lambda: [Block(0)])
    slot: int = 0
    pool: dict[str, Tx] = field(default_factory=dict)  # everything that any node ever received

    @property
    def height(self) -> int:
        return len(self.blocks) - 1

    def tick(self) -> None:
        self.slot += self.dice.choice([1, 1, 1, 3])
        self.blocks.append(Block(self.slot))

    def fork(self) -> None:
        """The newest blocks lose: what they held is as if it had never been, and may land again or never."""
        for _ in range(self.dice.randint(1, FINALITY - 1)):
            if self.height > 1:
                self.blocks.pop()
        self.tick()

    def land(self, chance: float) -> None:
        present = {signature for block in self.blocks for signature in block.txs}
        for tx in list(self.pool.values()):
            if tx.signature not in present and self.height <= tx.last_valid and self.dice.random() < chance:
                fine = not self.poisoned.intersection(tx.items)
                self.blocks[-1].txs[tx.signature] = (tx, fine)

    def minted(self) -> Counter[int]:
        return Counter(item for block in self.blocks for tx, fine in block.txs.values() if fine for item in tx.items)

    def final(self, lag: int) -> list[Block]:
        """Blocks that a node with this lag holds final."""
        return self.blocks[: max(1, self.height - FINALITY - lag + 1)]

    def facts(self, lag: int) -> tuple[list[TxFact], int, int]:
        """What history says at finalized, with the counter and its slot."""
        facts, nonce, blocks = [], 0, self.final(lag)
        for block in blocks:
            for tx, fine in block.txs.values():
                mints = [
                    MintFact(nonce + i, str(item), WALLET, b"", b"", WALLET) for i, item in enumerate(tx.items) if fine
                ]
                nonce += len(mints)
                facts.append(TxFact(tx.signature, block.slot, WALLET, 5, 0, None if fine else REFUSED, tuple(mints)))
        return facts, nonce, blocks[-1].slot

    def status(self, signature: str, lag: int) -> Status | None:
        for height, block in enumerate(self.blocks[: self.height - lag + 1]):
            if signature in block.txs:
                depth = self.height - lag - height
                sure = (
                    Commitment.FINALIZED
                    if depth >= FINALITY
                    else Commitment.CONFIRMED
                    if depth
                    else Commitment.PROCESSED
                )
                return Status(block.slot, None if block.txs[signature][1] else REFUSED, sure)
        return None


@dataclass
class Process:
    """One runner process: new-attempt rule, then a campaign. It can be frozen, replaced or killed at any step."""

    chain: Chain
    name: str
    items: int
    fenced: bool = True
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
            self.quiet_height = max(chain.height - self.lag() for _ in range(2)) + LIFE + LIFE
        lag = self.lag()
        if self.fenced and len(chain.final(lag)) - 1 <= self.quiet_height:
            return
        facts, minted, _ = chain.facts(lag)
        facts = [fact for fact in facts if chain.dice.random() < 0.9]  # history silently drops rows
        history = History()
        history.add(facts)
        if history.missing(minted):
            return
        done = {int(mint.uri) for fact in facts for mint in fact.mints}
        pending = [item for item in range(self.items) if item not in done]
        known = [(fact.signature, fact.slot, len(fact.mints)) for fact in facts if fact.mints]
        self.campaign = Campaign(Rules(batch=chain.dice.randint(1, 3), cap=6), pending, known, 0)

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
        blocks = self.chain.final(self.lag())
        self.campaign.on_height(blocks[-1].slot, len(blocks) - 1, self.clock)
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
    pass


def schedule(seed: int, *, steps: int = 250, items: int = 7, fenced: bool = True) -> None:
    """One random life of a job: up to three processes at once of which one holds the lease, then a calm end."""
    dice = random.Random(seed)
    poisoned = frozenset(item for item in range(items) if dice.random() < 0.1)
    chain = Chain(dice, poisoned)

    def fresh(number: int) -> Process:
        return Process(chain, f"p{number}", items, fenced)

    holder, zombies, count = fresh(0), list[Process](), 1
    for _ in range(steps):
        roll = dice.random()
        if roll < 0.25:
            chain.tick()
            chain.land(dice.choice([0.0, 0.2, 1.0]))
            check(chain)
        elif roll < 0.28:
            chain.fork()
            check(chain)
        elif roll < 0.29:
            # A new process takes the lease: the old one died, or lives on and may rebroadcast, but signs no more.
            zombies = [*zombies, holder][-2:] if dice.random() < 0.6 else []
            holder, count = fresh(count), count + 1
        elif roll < 0.35 and zombies:
            zombie = dice.choice(zombies)
            try:
                zombie.step(may_sign=False)
            except campaign_module.ForeignMinter:
                zombies.remove(zombie)  # it sees the mints of its successor, and ends
        else:
            holder.step(may_sign=True)
    for zombie in zombies:
        zombie.campaign = None
    calm_end(chain, holder)
    assert holder.campaign is not None
    assert {item for item, count in chain.minted().items() if count == 1} == set(range(items)) - poisoned
    assert set(holder.campaign.failed) == poisoned - set(chain.minted())
    assert not holder.campaign.books.unexplained()


def check(chain: Chain) -> None:
    twice = {item: count for item, count in chain.minted().items() if count > 1}
    if twice:
        raise DoubleMintError(twice)


def calm_end(chain: Chain, process: Process) -> None:
    for _ in range(4000):
        chain.tick()
        chain.land(0.5)
        check(chain)
        process.step(may_sign=True)
        if process.campaign is not None and process.campaign.finished:
            return
    raise AssertionError("the job does not end")


@pytest.mark.parametrize("block", range(10))
def test_each_item_exactly_once_whatever_happens(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        schedule(seed)


# --- the same schedules with one rule broken: they must notice ---


def noticed(seeds: int = 600, *, fenced: bool = True) -> bool:
    for seed in range(seeds):
        try:
            schedule(seed, fenced=fenced)
        except (DoubleMintError, campaign_module.ForeignMinter):
            return True
        except AssertionError:
            continue
    return False


def test_without_the_wait_of_a_new_attempt_it_mints_twice() -> None:
    assert noticed(fenced=False)


def test_a_null_status_past_the_blockhash_life_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.on_status

    def eager(state: machine.State, status: Status | None, *, with_history: bool) -> machine.State:
        after = real(state, status, with_history=with_history)
        return machine.Expired() if isinstance(after, machine.InFlight) and after.absent else after

    monkeypatch.setattr(machine, "on_status", eager)
    assert noticed()


def test_an_error_that_is_not_final_frees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = machine.on_status

    def eager(state: machine.State, status: Status | None, *, with_history: bool) -> machine.State:
        after = real(state, status, with_history=with_history)
        return machine.FinalErr(after.slot, after.error) if isinstance(after, machine.Seen) and after.error else after

    monkeypatch.setattr(machine, "on_status", eager)
    chain = Chain(random.Random(1), frozenset({0}))
    process = Process(chain, "p", 1)
    process.quiet_height = -1
    process.enter()
    process.fetch_blockhash()
    process.sign()
    process.send(lost=0.0)
    chain.tick()
    chain.land(1.0)
    for _ in range(20):
        process.clock += 1
        process.ask()
    assert process.campaign is not None
    assert process.campaign.failed, "the broken rule gave the item up while its transaction may still succeed"


def test_a_height_just_past_the_life_is_not_enough() -> None:
    state = machine.on_height(machine.InFlight(), 100, 500, 100 + machine.HEIGHT_MARGIN)
    assert state == machine.InFlight()
    assert machine.on_height(state, 100, 501, 101 + machine.HEIGHT_MARGIN) == machine.InFlight(passed=501)


def test_a_null_without_history_proves_nothing() -> None:
    state = machine.on_status(machine.InFlight(passed=9), None, with_history=False)
    assert machine.on_all_accounted(state, 10) == state


def test_a_counter_read_before_the_proof_slot_proves_nothing() -> None:
    state = machine.InFlight(passed=9, absent=True)
    assert machine.on_all_accounted(state, 8) == state
    assert machine.on_all_accounted(state, 9) == machine.Expired()


def test_a_foreign_mint_stops_a_tree_of_our_own() -> None:
    campaign = Campaign(Rules(), range(3), [], 0)
    fact = TxFact("foreign", 5, WALLET, 5, 0, None, (MintFact(0, "x", WALLET, b"", b"", WALLET),))
    with pytest.raises(campaign_module.ForeignMinter, match="foreign"):
        campaign.on_history([fact], 0.0)
    public = Campaign(Rules(public=True), range(3), [], 0)
    public.on_history([fact], 0.0)
    public.on_counter(6, 1, 0.0)
    assert public.books.accounted_to == 6


# --- single rules of a campaign ---


def end_with(campaign: Campaign, signature: str, error: str | None) -> None:
    campaign.on_status(signature, Status(9, error, Commitment.FINALIZED), 0.0, with_history=False)


def test_a_refused_batch_is_signed_item_by_item_and_only_what_fails_alone_has_failed() -> None:
    campaign = Campaign(Rules(batch=3), range(5), [], 0)
    campaign.signed("batch", campaign.next_items(), b"", 100, 5)
    end_with(campaign, "batch", REFUSED)
    for item in range(3):
        assert campaign.next_items() == (item,)
        campaign.signed(str(item), (item,), b"", 100, 5)
        end_with(campaign, str(item), REFUSED if item == 1 else None)
    assert campaign.next_items() == (3, 4)
    assert (campaign.done, set(campaign.failed)) == (2, {1})


def test_too_little_compute_is_no_refusal() -> None:
    campaign = Campaign(Rules(batch=3), range(3), [], 0)
    campaign.signed("a", (0, 1, 2), b"", 100, 5)
    end_with(campaign, "a", '{"InstructionError": [2, "ComputationalBudgetExceeded"]}')
    assert (campaign.next_items(), campaign.compute_retries) == ((0, 1, 2), 1)


OUT_OF_COMPUTE = '{"InstructionError": [1, "ComputationalBudgetExceeded"]}'


def test_those_that_run_out_of_compute_together_are_one_step_up_and_none_is_refused() -> None:
    campaign = Campaign(Rules(batch=1), range(12), [], 0)
    for item in range(12):
        campaign.signed(str(item), (item,), b"", 100, 5)
    for item in range(12):
        end_with(campaign, str(item), OUT_OF_COMPUTE)
    assert (campaign.failed, campaign.compute_retries, campaign.pending) == ({}, 1, 12)


def test_an_item_that_runs_out_of_compute_at_the_highest_limit_is_refused() -> None:
    campaign = Campaign(Rules(batch=1), range(1), [], 0)
    for turn in range(campaign_module.MAX_COMPUTE_RETRIES + 1):
        assert not campaign.failed
        campaign.signed(str(turn), (0,), b"", 100, 5)
        end_with(campaign, str(turn), OUT_OF_COMPUTE)
    assert set(campaign.failed) == {0}


def test_an_error_that_is_not_an_instructions_refuses_no_item() -> None:
    campaign = Campaign(Rules(batch=1), range(1), [], 0)
    for turn in range(campaign_module.MAX_FRUITLESS + 1):
        assert campaign.hopeless is None
        campaign.signed(str(turn), (0,), b"", 100, 5)
        end_with(campaign, str(turn), '{"InsufficientFundsForRent": {"account_index": 0}}')
    assert campaign.failed == {}
    assert campaign.hopeless is not None
    assert hopeless(campaign.hopeless).reason == "LowBalance"


def test_a_full_tree_ends_all_signing() -> None:
    campaign = Campaign(Rules(batch=1), range(3), [], 0)
    campaign.signed("a", (0,), b"", 100, 5)
    campaign.signed("b", (1,), b"", 100, 5)
    end_with(campaign, "a", '{"InstructionError": [2, {"Custom": 6017}]}')
    assert campaign.next_items() == ()
    assert campaign.hopeless is not None
    assert not campaign.finished
    end_with(campaign, "b", None)
    assert campaign.finished


def test_costs_count_what_is_under_way_and_what_has_ended_but_not_what_expired() -> None:
    campaign = Campaign(Rules(batch=1, max_cost=20), range(4), [], 5)
    campaign.signed("a", (0,), b"", 100, 5)
    campaign.signed("b", (1,), b"", 100, 5)
    assert campaign.open_cost() == 10
    assert campaign.affords(5)
    assert not campaign.affords(6)
    end_with(campaign, "a", None)
    assert (campaign.open_cost(), campaign.affords(6)) == (5, False)
    campaign.on_sent("b", 0.0)
    campaign.on_height(50, 200, 0.0)
    campaign.on_status("b", None, 0.0, with_history=True)
    campaign.on_counter(60, 1, 0.0)
    assert (campaign.under_way, campaign.open_cost(), campaign.affords(10)) == (0, 0, True)
    assert campaign.next_items() == (1,)


def test_what_failed_has_been_paid_for() -> None:
    campaign = Campaign(Rules(batch=1, max_cost=20), range(4), [], 0)
    for name, error in (("a", '{"InstructionError": [2, {"Custom": 6012}]}'), ("b", None)):
        campaign.signed(name, (campaign.next_items()[0],), b"", 100, 8)
        end_with(campaign, name, error)
    assert (campaign.open_cost(), campaign.affords(4), campaign.affords(5)) == (0, True, False)


def test_a_transaction_seen_confirmed_leaves_the_window_and_no_more() -> None:
    campaign = Campaign(Rules(batch=1, cap=1), range(2), [], 0)
    campaign.signed("a", (0,), b"", 100, 5)
    assert campaign.next_items() == ()
    campaign.on_sent("a", 0.0)
    campaign.on_status("a", Status(9, None, Commitment.PROCESSED), 0.0, with_history=False)
    assert campaign.next_items() == ()
    campaign.on_status("a", Status(9, None, Commitment.CONFIRMED), 0.0, with_history=False)
    assert campaign.next_items() == (1,)
    assert (campaign.done, campaign.under_way, campaign.to_send(9.0, 9)) == (0, 1, [])
    campaign.on_status("a", None, 0.0, with_history=False)
    assert campaign.next_items() == ()
    assert [flight.signature for flight in campaign.to_send(9.0, 9)] == ["a"]


def test_a_transaction_in_a_block_is_asked_about_again_when_its_slot_is_final() -> None:
    campaign = Campaign(Rules(batch=1), range(1), [], 0)
    campaign.signed("a", (0,), b"", 100, 5)
    assert campaign.to_ask(0.0, history=False) == []
    assert [flight.signature for flight in campaign.to_send(0.0, 9)] == ["a"]
    campaign.on_sent("a", 0.0)
    assert (campaign.to_ask(0.1, history=False), campaign.to_ask(1.0, history=False)) == ([], ["a"])
    assert campaign.to_ask(2.0, history=False) == ["a"], "no answer came: it is asked again"
    campaign.on_status("a", Status(9, None, Commitment.CONFIRMED), 2.0, with_history=False)
    campaign.on_height(8, 8, 60.0)
    assert campaign.to_ask(60.0, history=False) == []
    campaign.on_height(9, 9, 61.0)
    assert campaign.to_ask(61.0, history=False) == ["a"]
    campaign.on_status("a", Status(9, None, Commitment.FINALIZED), 61.0, with_history=False)
    assert (campaign.done, campaign.finished) == (1, True)


def test_what_was_not_handed_out_is_offered_again_and_room_is_kept_to() -> None:
    campaign = Campaign(Rules(batch=1), range(3), [], 0)
    for item in range(3):
        campaign.signed(str(item), (item,), b"", 100, 5)
    assert [flight.signature for flight in campaign.to_send(0.0, 2)] == ["0", "1"]
    assert [flight.signature for flight in campaign.to_send(0.0, 2)] == ["2"]
    assert [flight.signature for flight in campaign.to_send(2.0, 9)] == ["0", "1", "2"]
