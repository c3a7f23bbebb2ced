"""Carries out what a campaign decides: signs, sends, asks, until every item has ended. All decisions are
elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.core.tasks import end

from .builder import MintBuilder
from .campaign import Campaign, Flight
from .funds import Funds
from .lease import Lease
from .market import Market
from .replay import Replay
from .rpc.chain import STATUS_LIMIT, Blockhash, Chain
from .rpc.endpoint import EndpointAwayError
from .treesetup import read_config

log = logging.getLogger(__name__)

SIGN_SECONDS = 0.02
STATUS_SECONDS = 0.5
CHAIN_SECONDS = 1.0
BLOCKHASH_SECONDS = 1.0
BLOCKHASH_USE_SECONDS = 15.0
"""An older blockhash leaves a transaction too little time to land."""

MAX_MESSAGES = 16
"""Messages with transactions that wait for their answers at once."""

SEND_TOGETHER = 24
"""Transactions in a message: nodes take at most 50 KiB, and one is 1.7 KiB there."""

SIGN_TOGETHER = 128
"""Transactions signed in a row: a few hundredths of a second in which nothing else happens."""

STUCK_SECONDS = 900.0
MUTE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What an engine works with."""

    chain: Chain
    tree: Pubkey
    since: int
    """The finalized slot at which the tree was read: a node that is behind it may not even have the tree."""
    builder: MintBuilder
    lease: Lease
    replay: Replay
    funds: Funds
    market: Market
    told: Callable[[], None]
    stop: StopSignal


class Engine:
    """Runs one campaign to its end. LeaseLapsed, Waiting, Stopped and ForeignMinter pass out of `run`."""

    def __init__(self, campaign: Campaign, tools: Tools) -> None:
        self._campaign = campaign
        self._tools = tools
        self._blockhash: Blockhash | None = None
        self._blockhash_until = 0.0
        self._price = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._moved_at = time.monotonic()
        self._progress = (0, 0, 0)
        self._mute_since: float | None = None

    async def run(self) -> None:
        """Returns when nothing is under way and nothing is left to sign."""
        loops = [
            asyncio.create_task(self._loop(self._refresh, BLOCKHASH_SECONDS)),
            asyncio.create_task(self._loop(self._sign_and_send, SIGN_SECONDS)),
            asyncio.create_task(self._loop(self._ask, STATUS_SECONDS)),
            asyncio.create_task(self._loop(self._look, CHAIN_SECONDS)),
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*loops, *self._sending)

    async def _loop(self, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Does a step again and again until the campaign is finished."""
        while not self._campaign.finished:
            await step()
            await self._tools.stop.sleep(seconds)

    # --- blockhash and price, in this order before every signature: blockhash, lease, signature (I5) -----------------

    async def _refresh(self) -> None:
        asked = time.monotonic()
        blockhash = await self._tools.chain.blockhash()
        await self._tools.lease.renew(blockhash.height)
        self._price = await self._tools.market.price()
        await self._tools.funds.refresh()
        self._blockhash, self._blockhash_until = blockhash, asked + BLOCKHASH_USE_SECONDS

    async def _sign_and_send(self) -> None:
        """Sends what is due, then signs as much as can be sent at once: sending must not use up the budget that asking
        needs, and a blockhash ages in a queue.
        """
        self._tools.stop.check()
        sending = len(self._sending)
        room = min(self._tools.chain.pool.spare(sending), (MAX_MESSAGES - sending) * SEND_TOGETHER)
        due = self._campaign.to_send(time.monotonic(), max(0, room))
        signed = 0
        while signed < min(room - len(due), SIGN_TOGETHER) and self._sign_one():
            signed += 1
        due += self._campaign.to_send(time.monotonic(), signed)
        for start in range(0, len(due), SEND_TOGETHER):
            task = asyncio.create_task(self._send(due[start : start + SEND_TOGETHER]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _sign_one(self) -> bool:
        """Signs the next batch, if everything allows it; synchronous, so that nothing comes between the checks."""
        blockhash, campaign, tools = self._blockhash, self._campaign, self._tools
        if blockhash is None or time.monotonic() > self._blockhash_until:
            return False
        if not tools.lease.may_sign(blockhash.height):
            return False
        items = campaign.next_items()
        if not items:
            return False
        signed = tools.builder.most(
            items,
            blockhash.hash,
            lambda mints: tools.market.compute.limit(mints, campaign.compute_retries),
            self._price,
        )
        if not campaign.affords(signed.cost):
            return self._cannot_pay("CostLimit", "going on would cost more than maxCost; raise it to go on")
        if not tools.funds.covers(signed.cost, campaign):
            return self._cannot_pay("LowBalance", "the wallet's balance does not cover the next transaction")
        campaign.signed(signed.signature, items[: signed.items], signed.wire, blockhash.last_valid, signed.cost)
        return True

    def _cannot_pay(self, reason: str, message: str) -> bool:
        """What is under way is followed to its end first: it may well have been paid for."""
        if self._campaign.under_way == 0:
            raise ended(reason, message)
        return False

    async def _send(self, flights: Sequence[Flight]) -> None:
        """Hands the bytes to one endpoint, another one each time. No answer to this means anything but "slow
        down".
        """
        for flight in flights:
            self._campaign.on_sent(flight.signature, time.monotonic())
        endpoint = self._tools.chain.pool.pick()
        if endpoint is None:
            return
        try:
            refused = await self._tools.chain.send(endpoint, [flight.wire for flight in flights])
        except EndpointAwayError:
            self._campaign.window.lost(time.monotonic())
        else:
            for error in refused:
                log.info("%s: %s", endpoint.name, error)

    # --- what the chain says -----------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        for history in (False, True):
            signatures = self._campaign.to_ask(time.monotonic(), history=history)
            parts = (signatures[start : start + STATUS_LIMIT] for start in range(0, len(signatures), STATUS_LIMIT))
            await asyncio.gather(*(self._ask_some(part, history=history) for part in parts))
        if not self._campaign.passed:
            self._mute_since = None
        self._tools.told()

    async def _ask_some(self, signatures: Sequence[str], *, history: bool) -> None:
        answers = await self._tools.chain.statuses(signatures, history=history)
        now = time.monotonic()
        if history:
            self._check_history(now, known=answers is not None)
        for signature, status in zip(signatures, answers or (), strict=answers is not None):
            self._campaign.on_status(signature, status, now, with_history=history)

    async def _look(self) -> None:
        """Height, then the tree's counter, then history where the two do not explain each other."""
        campaign = self._campaign
        epoch = await self._tools.chain.epoch()
        campaign.on_height(epoch.slot, epoch.height, time.monotonic())
        slot, config = await read_config(self._tools.chain, self._tools.tree, min_slot=self._tools.since)
        campaign.on_counter(slot, config.num_minted, time.monotonic())
        if campaign.wants_replay(time.monotonic()):
            log.info("the tree's counter differs from what is known: reading history")
            await self._tools.replay.catch_up(
                config.num_minted, slot, seen=lambda facts: campaign.on_history(facts, time.monotonic())
            )
        self._check_progress(time.monotonic())

    def _check_progress(self, now: float) -> None:
        """Ends the run where no item's lot has changed for long: a chain that only produces blocks is no progress."""
        campaign = self._campaign
        progress = campaign.done, campaign.pending, campaign.under_way
        if progress != self._progress:
            self._progress, self._moved_at = progress, now
        elif now - self._moved_at > STUCK_SECONDS:
            raise ended("ChainStalled", f"nothing has moved for {STUCK_SECONDS:.0f} s")

    def _check_history(self, now: float, *, known: bool) -> None:
        """Ends the run where no endpoint can say what became of transactions whose blockhashes have died."""
        if known:
            self._mute_since = None
            return
        self._mute_since = now if self._mute_since is None else self._mute_since
        if now - self._mute_since > MUTE_SECONDS:
            raise ended("HistoryIncomplete", "no endpoint keeps the history of signatures; one that does is needed")
