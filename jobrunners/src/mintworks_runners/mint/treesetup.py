"""Makes the job's tree where it is not there yet, and waits until it is finalized: only then may a mint be signed."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from mintworks_runners.core.errors import InvalidInput, RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint import machine
from mintworks_runners.mint.builder import SignedTransaction, Signer
from mintworks_runners.mint.chainerrors import cannot_pay, explain
from mintworks_runners.mint.lease import Lease, LeaseLapsed
from mintworks_runners.mint.money import config_rent, sol
from mintworks_runners.mint.rpc.chain import Blockhash, Chain
from mintworks_runners.mint.rpc.endpoint import EndpointAwayError, RpcError
from mintworks_runners.mint.treeplan import Found, NewTree, accounts_of, check_new, creation, read_found
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.budget import MAX_COMPUTE_UNITS
from mintworks_runners.solana.programs import tree_authority
from mintworks_runners.solana.tree import TreeConfig, decode_config

log = logging.getLogger(__name__)

POLL_SECONDS = 0.4
UNITS_MARGIN = 1.3
TRIES = 5


SETTLE_SECONDS = 60.0
"""A confirmed creation is finalized in about 13 s; a fork may cost as much again."""

UNKNOWN_SECONDS = 15.0
"""The status of a finalized transaction may lag the bank; after this long a tree that is there counts as made."""

HISTORY_SECONDS = 60.0
MAX_RENT_FACTOR = 2


@dataclass(frozen=True, slots=True)
class _Draft:
    """A creation, and the lamports of rent that it takes from the wallet."""

    instructions: list[Instruction]
    rent: int


async def find_tree(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> Found:
    """What lies at a tree's address, at finalized."""
    slot, (account, config) = await chain.accounts(accounts_of(tree), min_slot=min_slot)
    return read_found(slot, account, config)


async def read_config(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> tuple[int, TreeConfig]:
    """(finalized slot, TreeConfig) of a tree that exists; Waiting `TreeGone` where a node does not have it."""
    slot, account = await chain.account(tree_authority(tree), min_slot=min_slot)
    if account is None:
        raise ended("TreeGone", f"the tree {tree} is not there at slot {slot}")
    try:
        return slot, decode_config(account.data)
    except DecodeError as error:
        raise ended("TreeGone", f"what lies at the tree {tree} at slot {slot} is no tree: {error}") from error


class TreeSetup:
    """One new tree on its way to existence."""

    def __init__(self, chain: Chain, plan: NewTree, signer: Signer, lease: Lease, stop: StopSignal) -> None:
        self._chain = chain
        self._plan = plan
        self._signer = signer
        self._lease = lease
        self._stop = stop

    async def make(self, price: int, allowance: int | None) -> int | None:
        """Makes the tree unless it is there, for at most `allowance` lamports (None: no limit). The finalized slot
        where our own transaction of this process made it: then nobody can have signed a mint into it before, for
        mints are signed only into finalized trees. None where it was there already.

        InvalidInput `TreeMismatch` where something else is there; Waiting `CostLimit`; AttemptFailed where the
        program refuses.
        """
        slot = None
        for _ in range(TRIES):
            found = await self.look(slot)
            if found.exists:
                return None
            draft = await self._instructions(found)
            units = await self._simulated(draft, price)
            if units is None:
                return None
            transaction, blockhash = await self._sign(draft, units, price)
            self._check_cost(draft.rent + transaction.cost, allowance)
            end = await self._follow(transaction, blockhash)
            log.info("tree %s: %s", self._plan.address, end, extra={"signature": transaction.signature})
            if isinstance(end, machine.FinalOk):
                return end.slot
            if isinstance(end, machine.FinalErr):
                slot = end.slot
                if not (await self.look(slot)).exists:
                    raise ended("TreeNotCreated", f"creating {self._plan.address}: {explain(end.error)}")
        raise ended("TreeNotCreated", f"{TRIES} transactions that create {self._plan.address} did not land")

    async def look(self, min_slot: int | None = None) -> Found:
        """What lies at the address now; InvalidInput where the tree could not be made there."""
        found = await find_tree(self._chain, self._plan.address, min_slot=min_slot)
        finding = check_new(found, self._plan, self._signer.wallet.pubkey())
        if finding is not None:
            raise InvalidInput([finding])
        return found

    async def _instructions(self, found: Found) -> _Draft:
        """The creation, at the rent that the chain asks. Nothing is known that would make it differ much from what
        it has always been: an endpoint that asks for more is not to be paid.
        """
        size, present = self._plan.size, 0 if found.account is None else found.account.lamports
        asked = await self._chain.rent(size.account_bytes)
        if asked > MAX_RENT_FACTOR * size.rent:
            message = f"an endpoint asks {asked} lamports of rent for {self._plan.address}; {size.rent} are usual"
            raise ended("TreeNotCreated", message)
        instructions = creation(self._plan, self._signer.wallet.pubkey(), asked, present)
        return _Draft(instructions, max(0, asked - present) + config_rent())

    def _check_cost(self, cost: int, allowance: int | None) -> None:
        if allowance is not None and cost > allowance:
            message = f"creating the tree costs {sol(cost)} SOL, {sol(max(0, allowance))} of maxCost are left"
            raise ended("CostLimit", message)

    async def _simulated(self, draft: _Draft, price: int) -> int | None:
        """Compute units of the creation; None where the tree has come to be there meanwhile.

        A simulation sees what is confirmed, the look at the tree only what is finalized: where a predecessor died
        between the two, the creation is refused until its tree is finalized.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            signed = self._signer.sign(
                draft.instructions, (await self._chain.blockhash()).hash, MAX_COMPUTE_UNITS, price
            )
            simulated = await self._chain.simulate(signed.wire)
            if simulated.error is None:
                return simulated.units
            failure = _simulation_failed(self._plan.address, simulated.error, simulated.logs)
            if failure.reason == "LowBalance" or time.monotonic() > deadline:
                raise failure
            await self._stop.sleep(POLL_SECONDS)
            if (await self.look()).exists:
                return None

    async def _sign(self, draft: _Draft, units: int, price: int) -> tuple[SignedTransaction, Blockhash]:
        blockhash = await self._chain.blockhash()
        await self._lease.renew(blockhash.height)
        if not self._lease.may_sign(blockhash.height):
            raise LeaseLapsed
        return self._signer.sign(draft.instructions, blockhash.hash, int(units * UNITS_MARGIN), price), blockhash

    async def _follow(self, transaction: SignedTransaction, blockhash: Blockhash) -> machine.Ended:
        """Sends and watches one transaction to its end. Step (c) of its expiry: the tree is not there at a slot past
        it. A tree that is there although ours is in no history was made by somebody else: ours cannot land any more.
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
        found = await find_tree(self._chain, self._plan.address, min_slot=state.passed)
        if found.exists and (state.absent or time.monotonic() - since > UNKNOWN_SECONDS):
            # Whoever made it: `look` finds it, and whatever may have been signed into it is waited out.
            return machine.Expired()
        if not found.exists and time.monotonic() - since > HISTORY_SECONDS:
            raise ended("HistoryIncomplete", f"no endpoint can say what became of the creation of {self._plan.address}")
        return state if found.exists else machine.on_all_accounted(state, found.slot)

    async def _send(self, wire: bytes) -> None:
        usable = self._chain.pool.usable()
        answers = await asyncio.gather(*(self._chain.send(e, [wire]) for e in usable), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, EndpointAwayError | RpcError):
                log.info("sending the tree's creation: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer


def _simulation_failed(tree: Pubkey, error: str, logs: tuple[str, ...]) -> RunEnded:
    """A simulation decides nothing about what was signed; before the first signature it saves a fee."""
    if cannot_pay(error) or any("insufficient lamports" in line for line in logs):
        return ended("LowBalance", f"the wallet cannot pay for the tree {tree}")
    return ended("TreeNotCreated", f"simulating the creation of {tree}: {explain(error)}")
