"""Reads a tree's finalized history until every nonce is accounted for, or says that it cannot (invariant I3)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from solders.pubkey import Pubkey

from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal

from .extract import UnreadableTransactionError, read_transaction
from .facts import TxFact
from .history import History
from .ledger import LedgerCache
from .rpc.chain import PAGE_LIMIT, Chain
from .rpc.endpoint import Endpoint, EndpointAwayError, RpcError

log = logging.getLogger(__name__)

TOGETHER = 16
NULL_RETRIES = 4
AWAY_RETRIES = 4
HISTORY = "history.sqlite3"
"""The spool's name in the scratch directory."""

PATIENCE_SECONDS = 90.0
"""How long all endpoints are tried for a history without gaps."""

Answer = TypeVar("Answer")
Told = Callable[[int, int], None]
"""Called with (nonces known, nonces in all) as a replay goes on."""

Seen = Callable[[Sequence[TxFact]], None]
"""Called with facts as they become known."""


class Replay:
    """One tree's history, grown from the cache and from the chain."""

    def __init__(
        self,
        chain: Chain,
        tree: Pubkey,
        first_slot: int,
        cache: LedgerCache,
        stop: StopSignal,
        *,
        spool: Path | None = None,
    ) -> None:
        """Failed transactions are read from `first_slot` on: only their fees matter, and only to this job. The history
        is kept in the file `spool`, else in memory.
        """
        self._spool = spool
        self.history = History(spool)
        self._chain = chain
        self._tree = tree
        self._first_slot = first_slot
        self._cache = cache
        self._stop = stop
        self._loaded = False
        self._seen: Seen | None = None
        self._creation = False
        self._heard = False

    async def catch_up(
        self,
        minted: int,
        slot: int,
        told: Told | None = None,
        *,
        creation: bool = False,
        seen: Seen | None = None,
    ) -> None:
        """Reads until all nonces below `minted`, the counter at the finalized `slot`, are known, with `creation` the
        transaction that made the tree, too. `seen` hears of the facts that are read from the chain.

        Waiting `HistoryIncomplete` where they are not after every endpoint was tried again and again, or where
        history shows more than the counter; `NoHealthyEndpoint` where nobody answered.
        """
        self._creation = creation
        self._seen = seen
        cached = 0
        if not self._loaded:
            async for facts in self._cache.load():
                cached += len(self.history.add(facts))
        self._loaded = True
        suspect = bool(cached) and self.history.goes_beyond(minted, slot)
        if not suspect:
            await self._grow(minted, told)
            suspect = bool(cached) and self.history.contradicts(minted, slot)
        if suspect:
            await self._start_over(minted, told)
        if self.history.contradicts(minted, slot):
            message = f"the tree's history shows more mints than its counter at slot {slot}, which is {minted}"
            raise ended("HistoryIncomplete", message)

    async def _start_over(self, minted: int, told: Told | None) -> None:
        """Without the cache: it tells of mints that the counter does not know, so either the counter's reading is
        old or the chain is not the one that the cache is of. Only the first is harmless, and only time is lost.
        """
        log.warning("the ledger cache goes beyond the tree's counter: reading the whole history again")
        self.history.close()
        self.history = History(self._spool)
        await self._cache.forget()
        await self._grow(minted, told)

    async def _grow(self, minted: int, told: Told | None) -> None:
        """Reads from one endpoint after the other until nothing is missing. Patience lasts while facts come in."""
        self._heard = False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for endpoint in self._chain.pool.usable():
                known = await self._read(endpoint, minted, told)
                if self._complete(minted):
                    return
                if known:
                    deadline = time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise self._gap(minted)
            await self._stop.sleep(1.0)

    def _complete(self, minted: int) -> bool:
        """Whether nothing is missing: no nonce, and nothing that this job paid for."""
        history = self.history
        if not self._heard or history.missing(minted) or (self._creation and not history.created):
            return False
        # Older ones can only hold mints, which the counter misses; these hold this job's costs, too.
        return history.first_unread(self._first_slot) is None

    def _gap(self, minted: int) -> RunEnded:
        missing = self.history.missing(minted)
        if missing:
            return ended(
                "HistoryIncomplete",
                f"{missing} of the tree's {minted} mints are in no endpoint's history (the first is number "
                f"{self.history.first_missing()}); nothing is minted while they are unknown. An "
                "endpoint with full history is needed",
            )
        if not self._heard:
            return ended("NoHealthyEndpoint", "no endpoint answers with the tree's history")
        unread = self.history.first_unread(self._first_slot)
        what = "the transaction that created the tree" if unread is None else f"transaction {unread}"
        return ended("HistoryIncomplete", f"no endpoint answers with {what}, so what was paid is unknown")

    async def _read(self, endpoint: Endpoint, minted: int, told: Told | None) -> int:
        """How many facts this endpoint's history adds; one that fails on the way adds what it had said by then."""
        new = 0
        try:
            await self._list(endpoint)
            for signatures in self.history.unread(self._first_slot, TOGETHER):
                facts = await asyncio.gather(*(self._transaction(endpoint, signature) for signature in signatures))
                known = self.history.add(fact for fact in facts if fact is not None)
                await self._cache.append(known)
                new += len(known)
                if self._seen is not None:
                    self._seen(known)
                if told is not None:
                    told(len(self.history), minted)
                self._stop.check()
            self._heard = True
        except (EndpointAwayError, RpcError) as error:
            log.warning("history of %s: %s", endpoint.name, error)
        return new

    async def _list(self, endpoint: Endpoint) -> None:
        """Hears of all transactions that are not known yet: pages from the newest back to the anchor, then from the
        head again until nothing is new.
        """
        await self._pages(endpoint, again=False)
        while await self._pages(endpoint, again=True):
            self._stop.check()

    async def _pages(self, endpoint: Endpoint, *, again: bool) -> int:
        """How many transactions are news. `again` ends at the first page without any."""
        anchor = None if self._creation and not self.history.created else self.history.anchor_slot()
        news, before = 0, None
        while True:
            page = await self._insist(endpoint, partial(self._chain.signatures, endpoint, self._tree, before))
            fresh = self.history.hear((row.signature, row.slot, row.failed) for row in page)
            news += fresh
            ended = len(page) < PAGE_LIMIT or (anchor is not None and page[-1].slot < anchor)
            if ended or (again and not fresh):
                return news
            before = page[-1].signature

    async def _transaction(self, endpoint: Endpoint, signature: str) -> TxFact | None:
        """The fact of one signature. A null is asked again, then left to the next endpoint; it is never taken for
        nothing:
        the nonce it may hold stays missing.
        """
        for attempt in range(NULL_RETRIES):
            if attempt:
                await self._stop.sleep(0.3 * attempt)
            answer = await self._insist(endpoint, partial(self._chain.transaction, endpoint, signature))
            if answer is None:
                continue
            try:
                return read_transaction(answer, signature, self._tree)
            except UnreadableTransactionError as error:
                log.warning("%s: %s", endpoint.name, error)
        return None

    async def _insist(self, endpoint: Endpoint, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The endpoint's answer, asked a few times: one busy moment must not end the reading of a long history."""
        for _ in range(AWAY_RETRIES):
            try:
                return await ask()
            except EndpointAwayError:
                await self._stop.sleep(max(0.1, endpoint.paused_for(time.monotonic())))
        return await ask()
