"""Makes one thing at a derived address where it is not there yet, and waits until it is finalized. What is made may
also be a change of what is there: it counts as there once it is done.

The address follows from what is made, so that a crash at any moment, or a second process, never makes two.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from solders.instruction import Instruction

from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.solana.budget import MAX_COMPUTE_UNITS

from . import machine
from .builder import SignedTransaction, Signer
from .chainerrors import cannot_pay, explain
from .lease import Lease, LeaseLapsed
from .money import sol
from .rpc.chain import Account, Blockhash, Chain
from .rpc.endpoint import EndpointAwayError, RpcError

log = logging.getLogger(__name__)

POLL_SECONDS = 0.4
UNITS_MARGIN = 1.3
TRIES = 5


SETTLE_SECONDS = 60.0
"""A confirmed creation is finalized in about 13 s; a fork may cost as much again."""

UNKNOWN_SECONDS = 15.0
"""The status of a finalized transaction may lag the bank; after this long what is there counts as made."""

HISTORY_SECONDS = 60.0


class Look(Protocol):
    """What lies at the address at a finalized slot."""

    @property
    def slot(self) -> int:
        """The slot."""

    @property
    def account(self) -> Account | None:
        """The account, whatever it is."""

    @property
    def exists(self) -> bool:
        """Whether the thing is there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A creation, and the lamports that it takes from the wallet beside its fee."""

    instructions: list[Instruction]
    rent: int


class Making(ABC):
    """One thing on its way to existence. `what` names it for people; `reason` is given where the chain refuses it."""

    what: str
    reason: str
    doing = "creating"
    """What the transaction does to it."""

    def __init__(self, chain: Chain, signer: Signer, lease: Lease, stop: StopSignal) -> None:
        self._chain = chain
        self._signer = signer
        self._lease = lease
        self._stop = stop
        self.signature: str | None = None
        """The transaction that made it, where one of this process did."""

    async def make(self, price: int, allowance: int | None) -> int | None:
        """Makes it unless it is there, for at most `allowance` lamports (None: no limit). The finalized slot where our
        own transaction of this process made it, None where it was there already.

        InvalidInput where something else is there; Waiting `CostLimit`, `LowBalance`; AttemptFailed where the program
        refuses.
        """
        slot = None
        for _ in range(TRIES):
            found = await self.look(slot)
            if found.exists:
                return None
            draft = await self.draft(found)
            units = await self._simulated(draft, price)
            if units is None:
                return None
            transaction, blockhash = await self._sign(draft, units, price)
            self._check_cost(draft.rent + transaction.cost, allowance)
            end = await self._follow(transaction, blockhash)
            log.info("%s: %s", self.what, end, extra={"signature": transaction.signature})
            if isinstance(end, machine.FinalOk):
                self.signature = transaction.signature
                return end.slot
            if isinstance(end, machine.FinalErr):
                slot = end.slot
                if not (await self.look(slot)).exists:
                    raise ended(self.reason, f"{self.doing} {self.what}: {explain(end.error)}")
        raise ended(self.reason, f"{self.doing} {self.what}: {TRIES} transactions did not land")

    @abstractmethod
    async def look(self, min_slot: int | None = None) -> Look:
        """What lies at the address at finalized; InvalidInput where the thing could not be made there."""

    @abstractmethod
    async def draft(self, look: Look) -> Draft:
        """What makes it where it is not there yet."""

    def _check_cost(self, cost: int, allowance: int | None) -> None:
        if allowance is not None and cost > allowance:
            message = f"{self.doing} {self.what} costs {sol(cost)} SOL, {sol(max(0, allowance))} of maxCost are left"
            raise ended("CostLimit", message)

    async def _simulated(self, draft: Draft, price: int) -> int | None:
        """Compute units of the creation; None where it has come to be there meanwhile.

        A simulation sees what is confirmed, the look only what is finalized: where a predecessor died between the two,
        the creation is refused until what it made is finalized.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            signed = self._signer.sign(
                draft.instructions, (await self._chain.blockhash()).hash, MAX_COMPUTE_UNITS, price
            )
            simulated = await self._chain.simulate(signed.wire)
            if simulated.error is None:
                return simulated.units
            failure = self._simulation_failed(simulated.error, simulated.logs)
            if failure.reason == "LowBalance" or time.monotonic() > deadline:
                raise failure
            await self._stop.sleep(POLL_SECONDS)
            if (await self.look()).exists:
                return None

    async def _sign(self, draft: Draft, units: int, price: int) -> tuple[SignedTransaction, Blockhash]:
        blockhash = await self._chain.blockhash()
        await self._lease.renew(blockhash.height)
        if not self._lease.may_sign(blockhash.height):
            raise LeaseLapsed
        return self._signer.sign(draft.instructions, blockhash.hash, int(units * UNITS_MARGIN), price), blockhash

    async def _follow(self, transaction: SignedTransaction, blockhash: Blockhash) -> machine.Ended:
        """Sends and watches one transaction to its end. Step (c) of its expiry: the thing is not there at a slot
        past it. One that is there although ours is in no history was made by somebody else: ours cannot land any more.
        """
        state: machine.State = machine.Signed()
        sent_at, unknown_since = float("-inf"), float("inf")
        while not isinstance(state, machine.FinalOk | machine.FinalErr | machine.Expired):
            if machine.wants_broadcast(state) and time.monotonic() - sent_at >= 2.0:
                sent_at = time.monotonic()
                await self._send(transaction.wire)
                state = machine.on_sent(state)
            await self._stop.sleep(POLL_SECONDS)
            history = isinstance(state, machine.InFlight) and state.passed is not None
            answer = await self._chain.statuses([transaction.signature], history=history)
            if answer is not None:
                state = machine.on_status(state, answer[0], with_history=history)
            epoch = await self._chain.epoch()
            await self._lease.renew(epoch.height)
            state = machine.on_height(state, blockhash.last_valid, epoch.slot, epoch.height)
            if isinstance(state, machine.InFlight) and state.passed is not None:
                unknown_since = min(unknown_since, time.monotonic())
                state = await self._past_its_life(state, unknown_since)
        return state

    async def _past_its_life(self, state: machine.InFlight, since: float) -> machine.State:
        """What follows for a transaction whose blockhash has died and that no block is known to hold."""
        found = await self.look(state.passed)
        if found.exists and (state.absent or time.monotonic() - since > UNKNOWN_SECONDS):
            # Whoever made it: `look` finds it, and whatever may have been signed into it is waited out.
            return machine.Expired()
        if not found.exists and time.monotonic() - since > HISTORY_SECONDS:
            raise ended("HistoryIncomplete", f"no endpoint can say what became of {self.doing} {self.what}")
        return state if found.exists else machine.on_all_accounted(state, found.slot)

    async def _send(self, wire: bytes) -> None:
        usable = self._chain.pool.usable()
        answers = await asyncio.gather(*(self._chain.send(e, [wire]) for e in usable), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, EndpointAwayError | RpcError):
                log.info("%s %s: %s", self.doing, self.what, answer)
            elif isinstance(answer, BaseException):
                raise answer

    def _simulation_failed(self, error: str, logs: tuple[str, ...]) -> RunEnded:
        """A simulation decides nothing about what was signed; before the first signature it saves a fee."""
        if cannot_pay(error) or any("insufficient lamports" in line for line in logs):
            return ended("LowBalance", f"the wallet cannot pay for {self.what}")
        return ended(self.reason, f"simulating, {self.doing} {self.what}: {explain(error)}")
