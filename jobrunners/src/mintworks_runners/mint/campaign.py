"""All transactions of one attempt: which items to sign next, what to send, what to ask, when it is over. Pure.

The clock (`now`, seconds of a monotonic clock), statuses, heights and counters come in as arguments; what comes out
are decisions that the engine carries out. Nothing here trusts that an earlier decision was carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import machine
from .books import Books
from .chainerrors import Verdict, judge
from .facts import TxFact
from .machine import Commitment, Expired, FinalErr, FinalOk, Seen, State, Status
from .pending import Pending
from .schedule import Agenda
from .window import START, Window

REBROADCAST_SECONDS = 2.0
ASK_SECONDS = 0.5
MISMATCH_SECONDS = 15.0
"""How long the counter may differ from the books before the history is read again to find out why."""

MAX_COMPUTE_RETRIES = 5
MAX_FRUITLESS = 20
"""Finalized errors in a row that are about no item (each costs its fee) before the run gives up."""

MAX_REFUSED = 50
"""Items refused in a row, each alone and at a fee, before the program is taken to refuse every further one."""


class ForeignMinter(Exception):  # noqa: N818 - a finding about the tree, not an error of this program
    """Someone else mints into a tree that is ours alone. Carries the signature that shows it."""

    def __init__(self, signature: str) -> None:
        super().__init__(signature)
        self.signature = signature


@dataclass(frozen=True, slots=True)
class Rules:
    """What the spec says about the way of minting. `max_cost` and costs are lamports; None is no limit."""

    batch: int = 3
    cap: int = 1000
    commitment: Commitment = Commitment.CONFIRMED
    public: bool = False
    max_cost: int | None = None
    start: int = START
    """Transactions under way before anything is known of the endpoints; grows from there, up to `cap`."""


@dataclass(slots=True)
class Flight:
    """A signed transaction, its items, and its state. `cost` in lamports is what it costs at most."""

    signature: str
    items: tuple[int, ...]
    wire: bytes
    last_valid: int
    cost: int
    state: State
    level: int = 0
    """How often compute had run out when it was signed: its limit follows from that."""
    shrinks: int = 0
    """How often the window had shrunk then."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that the program refuses even alone."""

    item: int
    error: str
    signature: str


class Campaign:
    """The items of one attempt on their way to the chain."""

    def __init__(self, rules: Rules, pending: Iterable[int], books: Books, spent: int) -> None:
        """`pending` are the items that the replay did not find, `books` what it found, `spent` lamports paid so far."""
        self.rules = rules
        self.books = books
        self.window = Window(rules.cap, rules.start)
        self.done = 0
        """Items that this attempt minted, finally."""
        self.failed: dict[int, Failure] = {}
        self.compute_retries = 0
        self._fruitless = 0
        self._refused_since = 0
        self.hopeless: Failure | None = None
        """A refusal that every further item would meet: nothing more is signed."""
        self._pending = Pending(pending)
        self._alone: set[int] = set()
        self._open: dict[str, Flight] = {}
        self._open_items = 0
        self._to_send = Agenda()
        self._to_ask = Agenda()
        self._to_ask_history = Agenda()
        self._by_slot = Agenda()
        """Those seen surely enough; the next question is worth its price once their slot is finalized."""
        self._by_height = Agenda()
        """By the height at which their blockhash has died."""
        self._passed: dict[str, Flight] = {}
        self._finalized = 0
        self._committed = spent
        self._open_cost = 0
        self._in_window = 0

    # --- signing ---------------------------------------------------------------------------------------------------

    def next_items(self) -> tuple[int, ...]:
        """The items of the next transaction, at most a batch; empty while the window is full or nothing is left."""
        if self.hopeless or not self._pending or self._in_window >= self.window.size:
            return ()
        waiting = self._pending.head(self.rules.batch)
        if waiting[0] in self._alone:
            return (waiting[0],)
        batch: list[int] = []
        for item in waiting:
            if item in self._alone:
                break
            batch.append(item)
        return tuple(batch)

    def affords(self, cost: int) -> bool:
        """Whether a transaction of this cost (lamports) stays within maxCost, counting all under way at its worst."""
        return self.rules.max_cost is None or self._committed + cost <= self.rules.max_cost

    def signed(self, signature: str, items: Sequence[int], wire: bytes, last_valid: int, cost: int) -> None:
        """Takes in a transaction that was just signed, for the first `items` of what `next_items` answered."""
        taken = tuple(self._pending.pop() for _ in items)
        if taken != tuple(items):
            raise ValueError(f"items {items} were signed, {taken} were next")
        state, level, shrinks = machine.Signed(), self.compute_retries, self.window.shrinks
        self._open[signature] = Flight(signature, taken, wire, last_valid, cost, state, level, shrinks)
        self._open_items += len(taken)
        self._to_send.set(signature, float("-inf"))
        self._by_height.set(signature, last_valid + machine.HEIGHT_MARGIN + 1)
        self._committed += cost
        self._open_cost += cost
        self._in_window += 1

    # --- decisions -------------------------------------------------------------------------------------------------

    def to_send(self, now: float, room: int) -> list[Flight]:
        """Transactions whose bytes should go out now, at most `room`; each again after a while, if it still helps."""
        signatures = self._to_send.take(now, room)
        for signature in signatures:
            self._to_send.set(signature, now + REBROADCAST_SECONDS)
        return [self._open[signature] for signature in signatures]

    def to_ask(self, now: float, *, history: bool) -> list[str]:
        """Signatures whose status is wanted now: with history those whose blockhash has died, without it the others.
        Each again after a while, where no answer comes.
        """
        agenda = self._to_ask_history if history else self._to_ask
        signatures = agenda.take(now)
        for signature in signatures:
            agenda.set(signature, now + ASK_SECONDS)
        return signatures

    def wants_replay(self, now: float) -> bool:
        """Whether the books cannot be made equal to the counter with what we know, so that history must be read."""
        if self.books.unexplained() > self._open_items:
            return True
        return self.books.unequal_for(now) > MISMATCH_SECONDS

    def open_cost(self) -> int:
        """Lamports that the transactions under way cost at most."""
        return self._open_cost

    @property
    def finished(self) -> bool:
        """Nothing is under way, and nothing is left to sign or nothing more can be."""
        return not self._open and (self.hopeless is not None or not self._pending)

    @property
    def pending(self) -> int:
        """Items that wait for a signature."""
        return len(self._pending)

    @property
    def passed(self) -> int:
        """Transactions under way whose blockhash has died: what became of them is still to be proved."""
        return len(self._passed)

    @property
    def under_way(self) -> int:
        """Transactions that have not ended."""
        return len(self._open)

    def not_minted(self) -> list[int]:
        """The items that are not minted, finally, ascending: waiting, under way or refused."""
        under_way = (item for flight in self._open.values() for item in flight.items)
        return sorted([*self._pending, *under_way, *self.failed])

    # --- observations ----------------------------------------------------------------------------------------------

    def on_sent(self, signature: str, now: float) -> None:
        """The bytes were handed to a node."""
        flight = self._open.get(signature)
        if flight is not None:
            self._move(flight, machine.on_sent(flight.state), now)

    def on_status(self, signature: str, status: Status | None, now: float, *, with_history: bool) -> None:
        """A node answered for this signature."""
        flight = self._open.get(signature)
        if flight is not None:
            self._move(flight, machine.on_status(flight.state, status, with_history=with_history), now)

    def on_height(self, slot: int, height: int, now: float) -> None:
        """One answer of getEpochInfo at finalized."""
        self._finalized = max(self._finalized, slot)
        for signature in self._by_slot.take(slot):
            self._to_ask.set(signature, now)
        for signature in self._by_height.take(height):
            flight = self._open[signature]
            self._move(flight, machine.on_height(flight.state, flight.last_valid, slot, height), now)

    def on_counter(self, slot: int, minted: int, now: float) -> None:
        """The tree's counter at the finalized slot `slot`."""
        self.books.compare(slot, minted, now)
        self._expire(now)

    def on_history(self, facts: Iterable[TxFact], now: float) -> None:
        """Finalized transactions of the tree that history showed; ForeignMinter where one is not ours."""
        for fact in facts:
            flight = self._open.get(fact.signature)
            if flight is not None:
                self._move(flight, machine.on_fact(flight.state, fact.slot, fact.error), now)
            elif fact.mints and not self.books.knows(fact.signature, fact.slot):
                if not self.rules.public:
                    raise ForeignMinter(fact.signature)
                self.books.enter(fact.signature, fact.slot, len(fact.mints))
        self.books.settle()
        self._expire(now)

    # --- consequences ----------------------------------------------------------------------------------------------

    def _move(self, flight: Flight, state: State, now: float) -> None:
        before, flight.state = flight.state, state
        commitment = self.rules.commitment
        self._in_window += machine.in_window(state, commitment) - machine.in_window(before, commitment)
        if isinstance(state, Seen | FinalOk | FinalErr) and isinstance(before, machine.InFlight):
            self.window.landed()
        if isinstance(state, FinalOk | FinalErr | Expired):
            self._forget(flight)
            self._end(flight, state, now)
        elif state != before:
            self._plan(flight, before, state, now)

    def _plan(self, flight: Flight, before: State, state: machine.Open, now: float) -> None:
        """What is to be done about a transaction that is still open, and when."""
        signature = flight.signature
        if not machine.wants_broadcast(state):
            self._to_send.drop(signature)
        elif not machine.wants_broadcast(before):
            # A fork took it out of its block: nobody may hold it any more.
            self._to_send.set(signature, now)
        if _passed(state) is not None:
            if _passed(before) is None:
                self._passed[signature] = flight
                self._to_ask.drop(signature)
                self._by_slot.drop(signature)
                self._to_ask_history.set(signature, now)
        elif (
            isinstance(state, Seen) and state.commitment.reaches(self.rules.commitment) and state.slot > self._finalized
        ):
            self._to_ask.drop(signature)
            self._by_slot.set(signature, state.slot)
        else:
            self._to_ask.set(signature, now + ASK_SECONDS)

    def _forget(self, flight: Flight) -> None:
        del self._open[flight.signature]
        self._open_items -= len(flight.items)
        self._open_cost -= flight.cost
        self._passed.pop(flight.signature, None)
        for agenda in (self._to_send, self._to_ask, self._to_ask_history, self._by_slot, self._by_height):
            agenda.drop(flight.signature)

    def _end(self, flight: Flight, state: machine.Ended, now: float) -> None:
        if isinstance(state, FinalOk):
            self.done += len(flight.items)
            self._fruitless = self._refused_since = 0
            self.books.enter(flight.signature, state.slot, len(flight.items))
            self.books.settle()
            self._expire(now)
        elif isinstance(state, FinalErr):
            self._refused(flight, state)
        else:
            self._committed -= flight.cost
            self.window.expired(now, flight.shrinks)
            self._pending.back(flight.items)

    def _refused(self, flight: Flight, state: FinalErr) -> None:
        verdict = judge(state.error)
        if verdict is Verdict.MORE_COMPUTE and flight.level < MAX_COMPUTE_RETRIES:
            # Those that were under way together ran out of the same limit: that is one step, not one each.
            self.compute_retries = max(self.compute_retries, flight.level + 1)
            self._pending.back(flight.items)
        elif verdict is Verdict.NOT_ABOUT_ITEMS:
            self._not_about_items(flight, state)
        elif len(flight.items) > 1:
            self._alone.update(flight.items)
            self._pending.back(flight.items)
        else:
            item = flight.items[0]
            failure = Failure(item, state.error, flight.signature)
            if verdict is not Verdict.HOPELESS:
                self.failed[item] = failure
                self._refused_since += 1
            if verdict is Verdict.HOPELESS or self._refused_since > MAX_REFUSED:
                self.hopeless = failure

    def _not_about_items(self, flight: Flight, state: FinalErr) -> None:
        """Signs the items again; where that happens again and again without a success between, it is hopeless."""
        self._fruitless += 1
        self._pending.back(flight.items)
        if self._fruitless > MAX_FRUITLESS:
            self.hopeless = Failure(flight.items[0], state.error, flight.signature)

    def _expire(self, now: float) -> None:
        for flight in list(self._passed.values()):
            state = machine.on_all_accounted(flight.state, self.books.accounted_to)
            if state is not flight.state:
                self._move(flight, state, now)


def _passed(state: State) -> int | None:
    return state.passed if isinstance(state, machine.InFlight | Seen) else None
