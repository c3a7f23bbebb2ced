"""Makes the job's tree where it is not there yet, and waits until it is finalized: only then may a mint be signed."""

from __future__ import annotations

import asyncio
import logging
import time

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from mintworks_runners.core.errors import InvalidInput, RunEnded
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint import machine
from mintworks_runners.mint.builder import SignedTransaction, Signer
from mintworks_runners.mint.chainerrors import explain
from mintworks_runners.mint.lease import Lease
from mintworks_runners.mint.reasons import ended
from mintworks_runners.mint.rpc.chain import Blockhash, Chain
from mintworks_runners.mint.rpc.endpoint import EndpointAwayError, RpcError
from mintworks_runners.mint.treeplan import Found, NewTree, accounts_of, check_new, creation, read_found
from mintworks_runners.solana.programs import tree_authority
from mintworks_runners.solana.tree import TreeConfig, decode_config

log = logging.getLogger(__name__)

POLL_SECONDS = 0.4
UNITS_MARGIN = 1.3
TRIES = 5


async def find_tree(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> Found:
    """What lies at a tree's address, at finalized."""
    slot, (account, config) = await chain.accounts(accounts_of(tree), min_slot=min_slot)
    return read_found(slot, account, config)


async def read_config(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> tuple[int, TreeConfig]:
    """(finalized slot, TreeConfig) of a tree that exists; Waiting `TreeGone` where a node does not have it."""
    slot, account = await chain.account(tree_authority(tree), min_slot=min_slot)
    if account is None:
        raise ended("TreeGone", f"the tree {tree} is not there at slot {slot}")
    return slot, decode_config(account.data)


class TreeSetup:
    """One new tree on its way to existence."""

    def __init__(self, chain: Chain, plan: NewTree, signer: Signer, lease: Lease, stop: StopSignal) -> None:
        self._chain = chain
        self._plan = plan
        self._signer = signer
        self._lease = lease
        self._stop = stop

    async def make(self, price: int) -> bool:
        """Makes the tree unless it is there. True where our own transaction of this process made it: then nobody can
        have
        signed a mint into it before, for mints are signed only into finalized trees.

        InvalidInput `TreeMismatch` where something else is there; AttemptFailed where the program refuses.
        """
        for _ in range(TRIES):
            found = await self.look()
            if found.exists:
                return False
            present = 0 if found.account is None else found.account.lamports
            rent = await self._chain.rent(self._plan.size.account_bytes)
            wallet = self._signer.wallet.pubkey()
            transaction, blockhash = await self._sign(creation(self._plan, wallet, rent, present), price)
            end = await self._follow(transaction, blockhash)
            log.info("tree %s: %s", self._plan.address, end, extra={"signature": transaction.signature})
            if isinstance(end, machine.FinalOk):
                return True
            if isinstance(end, machine.FinalErr) and not (await self.look()).exists:
                raise ended("TreeNotCreated", f"creating {self._plan.address}: {explain(end.error)}")
        raise ended("TreeNotCreated", f"{TRIES} transactions that create {self._plan.address} did not land")

    async def look(self) -> Found:
        """What lies at the address now; InvalidInput where the tree could not be made there."""
        found = await find_tree(self._chain, self._plan.address)
        finding = check_new(found, self._plan, self._signer.wallet.pubkey())
        if finding is not None:
            raise InvalidInput([finding])
        return found

    async def _sign(self, instructions: list[Instruction], price: int) -> tuple[SignedTransaction, Blockhash]:
        draft = self._signer.sign(instructions, (await self._chain.blockhash()).hash, 1_400_000, price)
        simulated = await self._chain.simulate(draft.wire)
        if simulated.error is not None:
            raise _simulation_failed(self._plan.address, simulated.error, simulated.logs)
        blockhash = await self._chain.blockhash()
        await self._lease.renew(blockhash.height)
        if not self._lease.may_sign(blockhash.height):
            raise ended("LeaseHeld", "the lease did not allow a signature")
        return self._signer.sign(instructions, blockhash.hash, int(simulated.units * UNITS_MARGIN), price), blockhash

    async def _follow(self, transaction: SignedTransaction, blockhash: Blockhash) -> machine.Ended:
        """Sends and watches one transaction to its end. Step (c) of its expiry: the tree is not there at a slot past
        it.
        """
        state: machine.State = machine.Signed()
        sent_at = float("-inf")
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
            if isinstance(state, machine.InFlight) and state.absent:
                found = await find_tree(self._chain, self._plan.address, min_slot=state.passed)
                state = state if found.exists else machine.on_all_accounted(state, found.slot)
        return state

    async def _send(self, wire: bytes) -> None:
        now = time.monotonic()
        usable = [endpoint for endpoint in self._chain.pool.endpoints if endpoint.usable(now)]
        answers = await asyncio.gather(*(self._chain.send(e, wire) for e in usable), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, EndpointAwayError | RpcError):
                log.info("sending the tree's creation: %s", answer)
            elif isinstance(answer, BaseException):
                raise answer


def _simulation_failed(tree: Pubkey, error: str, logs: tuple[str, ...]) -> RunEnded:
    """A simulation decides nothing about what was signed; before the first signature it saves a fee."""
    if (
        "InsufficientFunds" in error
        or "AccountNotFound" in error
        or any("insufficient lamports" in line for line in logs)
    ):
        return ended("LowBalance", f"the wallet cannot pay for the tree {tree}")
    return ended("TreeNotCreated", f"simulating the creation of {tree}: {explain(error)}")
