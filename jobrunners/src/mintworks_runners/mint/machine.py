"""One transaction from signature to its end: Signed → InFlight ⇄ Seen → FinalOk | FinalErr | Expired.

Pure: every function takes a state and an observation and answers the next state. Only FinalErr and Expired free the
items of a transaction for signing anew, because only they say for certain that it has not minted and never will:

- no answer to sendTransaction and no simulation does: an earlier send of the same bytes may still land;
- no processed or confirmed status does: it may sit on a fork that loses;
- a null status alone does not: the status cache and the address index of a node lag its bank.

Expired is proved in three steps: (a) a finalized height past the blockhash's life, read together with its slot S;
(b) a null status, with history, that was asked for after (a); (c) at a slot S' ≥ S the tree's own counter equals what
we account for up to S' (see `books`), so nothing that could have landed by S is unaccounted for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

HEIGHT_MARGIN = 8
"""Blocks past lastValidBlockHeight before a transaction may count as expired; a second line against off-by-one
nodes.
"""


class Commitment(Enum):
    """How sure a node is of a block; the order of the values is the order of sureness."""

    PROCESSED = 0
    CONFIRMED = 1
    FINALIZED = 2

    def reaches(self, other: Commitment) -> bool:
        """Whether this is at least as sure as `other`."""
        return bool(self.value >= other.value)


@dataclass(frozen=True, slots=True)
class Signed:
    """The bytes exist; they have not been handed to any node. They count as under way all the same."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Handed out, or meant to be; no block holds it as far as we know.

    `passed` is the finalized slot S of step (a), `absent` whether step (b) holds.
    """

    passed: int | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """In a block that is not finalized yet; `error` is what the block says, which is worth nothing before the end."""

    slot: int
    error: str | None
    commitment: Commitment
    passed: int | None = None


@dataclass(frozen=True, slots=True)
class FinalOk:
    """In a finalized block, without an error: its items are minted."""

    slot: int


@dataclass(frozen=True, slots=True)
class FinalErr:
    """In a finalized block, with an error: it minted nothing and its signature can never be used again."""

    slot: int
    error: str


@dataclass(frozen=True, slots=True)
class Expired:
    """In no block, and no block will ever take it."""


Open: TypeAlias = Signed | InFlight | Seen
Ended: TypeAlias = FinalOk | FinalErr | Expired
State: TypeAlias = Open | Ended


@dataclass(frozen=True, slots=True)
class Status:
    """A node's answer about one signature: the slot of its block, the error there, and how sure the node is."""

    slot: int
    error: str | None
    commitment: Commitment


def on_sent(state: State) -> State:
    """The bytes were handed to a node; what it answered, if anything, does not matter."""
    return InFlight() if isinstance(state, Signed) else state


def on_status(state: State, status: Status | None, *, with_history: bool) -> State:
    """A node answered for the signature; None is its null. No answer at all is not an observation: do not call this.

    `with_history` says that the node was asked to search its whole history, and that it was asked after step (a).
    """
    if isinstance(state, FinalOk | FinalErr | Expired):
        return state
    passed = None if isinstance(state, Signed) else state.passed
    if status is None:
        return _absent(state, passed, with_history=with_history)
    if status.commitment is Commitment.FINALIZED:
        return FinalOk(status.slot) if status.error is None else FinalErr(status.slot, status.error)
    return Seen(status.slot, status.error, status.commitment, passed)


def _absent(state: Open, passed: int | None, *, with_history: bool) -> State:
    if isinstance(state, Signed):
        return state
    proves = with_history and passed is not None
    already = isinstance(state, InFlight) and state.absent
    return InFlight(passed, absent=proves or already)


def on_height(state: State, last_valid: int, slot: int, height: int) -> State:
    """One answer of getEpochInfo at finalized: absolute slot and block height belong together. Step (a)."""
    if height <= last_valid + HEIGHT_MARGIN:
        return state
    if isinstance(state, Signed):
        return InFlight(passed=slot)
    if isinstance(state, InFlight | Seen) and state.passed is None:
        return replace(state, passed=slot)
    return state


def on_all_accounted(state: State, slot: int) -> State:
    """Everything that the tree holds at the finalized slot `slot` is accounted for. Step (c)."""
    if isinstance(state, InFlight) and state.absent and state.passed is not None and state.passed <= slot:
        return Expired()
    return state


def on_fact(state: State, slot: int, error: str | None) -> State:
    """The finalized history holds the transaction, whatever a status said or did not say."""
    if isinstance(state, FinalOk | FinalErr | Expired):
        return state
    return FinalOk(slot) if error is None else FinalErr(slot, error)


def wants_broadcast(state: State) -> bool:
    """Whether sending the bytes (again) can help: only while no block holds them and their blockhash may live."""
    return isinstance(state, Signed) or (isinstance(state, InFlight) and state.passed is None)


def in_window(state: State, commitment: Commitment) -> bool:
    """Whether the transaction takes a place in the window of those under way."""
    if isinstance(state, Seen):
        return not state.commitment.reaches(commitment)
    return isinstance(state, Signed | InFlight)
