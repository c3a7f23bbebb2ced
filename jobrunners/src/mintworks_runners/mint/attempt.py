"""One attempt under the lease: prepare and wait side by side, replay, mint what is missing, audit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from mintworks_api import MintJobSpec

from mintworks_runners.core.context import JobContext, Result
from mintworks_runners.core.errors import Findings, RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.tasks import end
from mintworks_runners.solana.tree import TreeConfig

from . import ledgerfile, outcome
from .books import Books
from .builder import MintBuilder, Signer
from .campaign import Campaign, ForeignMinter, Rules
from .engine import Engine, Tools
from .fence import wait_out
from .funds import RENT_EXEMPT_EMPTY, Funds
from .lookup import shared
from .machine import Commitment
from .market import SAMPLE, Market, market_of
from .places import Places
from .preflight import Foreseen, Preflight, Stand, offered
from .prepare import Work, frozen
from .reconcile import Standing, audit
from .replay import HISTORY, Replay
from .tables import Tables
from .tally import tally
from .telling import Telling
from .treeplan import NewTree
from .treesetup import TreeSetup, find_tree, read_config
from .window import first_size

log = logging.getLogger(__name__)

NOTE_TRIES = 15


class Attempt:
    """See the module. An instance serves one attempt."""

    def __init__(self, context: JobContext, spec: MintJobSpec, places: Places, telling: Telling) -> None:
        self.context = context
        self.places = places
        self._spec = spec
        self._telling = telling
        self._tables = Tables(places, context.stop, telling)
        self._replay: Replay
        self._preflight: Preflight
        self._ledger: Path | None = None
        self._missing: Callable[[], tuple[int, Iterable[int]]] | None = None
        """(number of items, those that are not minted) as of now, once that is known."""

    async def run(self) -> Result:
        """The job's result; RunEnded says how far the job came, where that is known."""
        try:
            return await self._run()
        except RunEnded as error:
            if self._missing is not None:
                error.tally = tally(*self._missing())
            if self._tables.open:
                error.message = f"{error.message}; {self._tables.left()}"
            raise

    async def _run(self) -> Result:
        chain, target = self.places.chain, self.places.target
        self._replay = Replay(
            chain,
            target.tree,
            self.places.first_slot,
            self.places.cache,
            self.context.stop,
            spool=self.context.work / HISTORY,
        )
        self._preflight = Preflight(self.context, self._spec, self.places, self._replay, self._matched)
        waiting = None
        if (await find_tree(chain, target.tree)).exists:
            waiting = asyncio.create_task(self._wait())
        try:
            foreseen = await self._prepare()
            work = foreseen.work
            market = market_of(self._spec, self.places, work.design)
            plan = target.plan
            made = await self._make_tree(market, plan) if waiting is None and plan is not None else None
            if made is not None:
                stand = await self._stand(work, made)
            elif foreseen.stand is not None and foreseen.already == len(work.items):
                # Nothing will be signed, so there is nothing to wait for: "minted" is a finalized fact, it is only
                # "not minted" that takes the wait.
                stand = foreseen.stand
            else:
                waiting = waiting or asyncio.create_task(self._wait())
                stand = await self._stand(work, await waiting)
        finally:
            if waiting is not None:
                await end(waiting)
        return await self._mint(work, market, stand)

    def _matched(self, work: Work, standing: Standing) -> None:
        self._missing = lambda: (len(work.items), standing.missing())

    async def _wait(self) -> int:
        """The wait of a new attempt."""
        return await wait_out(
            self.places.chain,
            self.places.lease.wait_seconds,
            lambda message: self._telling.step(5, "wait", message),
            self.context.stop,
        )

    # --- before the first signature ----------------------------------------------------------------------------------

    async def _prepare(self) -> Foreseen:
        """Items, preflight, and the inputs frozen: nothing is signed before the operator has them. History is read
        here, too, beside the wait: most of it is finalized already and will not change.
        """
        self._telling.step(2, "prepare", "reading and checking the rows")
        foreseen = await self._preflight.run()
        self._telling.total(len(foreseen.work.items))
        if self._spec.ledger is not None:
            volume = self.context.environment.mount("ledger.volume")
            self._ledger = await asyncio.to_thread(ledgerfile.check_place, volume, self._spec.ledger.volume.path)
        await frozen(self.context, self.places, foreseen.work)
        if foreseen.waits is not None:
            raise foreseen.waits
        return foreseen

    async def _make_tree(self, market: Market, plan: NewTree) -> int | None:
        """The finalized slot at which this process itself made the tree: then there is nothing to wait out."""
        places = self.places
        found = await find_tree(places.chain, plan.address)
        if found.exists:
            return None
        most, spent = self._spec.max_cost_lamports, self._preflight.spent()
        self._telling.step(6, "tree", f"creating the tree {plan.address} and waiting until it is finalized")
        setup = TreeSetup(places.chain, plan, Signer(places.wallet), places.lease, self.context.stop)
        return await setup.make(await market.price(), None if most is None else most - spent)

    # --- what the chain holds ----------------------------------------------------------------------------------------

    async def _stand(self, work: Work, min_slot: int) -> Stand:
        """What the chain holds once nothing signed before can land any more."""
        self._telling.step(8, "replay", "reading the tree's history")
        findings = Findings()
        stand = await self._preflight.stand(work, findings, min_slot, self._telling.replay)
        findings.raise_if_any()
        return stand

    # --- minting -----------------------------------------------------------------------------------------------------

    async def _mint(self, work: Work, market: Market, stand: Stand) -> Result:
        history, standing, config = self._replay.history, stand.standing, stand.config
        spent = self._preflight.spent()
        already, total = standing.minted, len(work.items)
        rules = Rules(
            batch=self._spec.batch_size,
            cap=self._spec.in_flight,
            commitment=Commitment[self._spec.solana.commitment.upper()],
            public=config.public,
            max_cost=self._spec.max_cost_lamports,
            start=first_size(self._spec.solana.requests_per_second),
        )
        books = Books(stand.slot, config.num_minted)
        for entry in history.entries(after=stand.slot):
            books.enter(*entry)
        await self._tables.find(history, stand.slot)
        self._missing = lambda: (total, standing.missing())
        builder = work.builder
        if already < total:
            builder = await self._builder(work, market, stand)
        campaign = Campaign(rules, standing.missing(), books, spent + self._tables.paid)
        self._missing = lambda: (total, campaign.not_minted())
        self._telling.minting(total, already, campaign)
        if already < total:
            await self._run_engine(campaign, work, builder, market, stand)
        await self._tables.retire(market)
        if campaign.hopeless is not None:
            await self._tables.close(market)
            raise outcome.hopeless(campaign.hopeless)
        return await self._audit(work, campaign, config, market)

    async def _builder(self, work: Work, market: Market, stand: Stand) -> MintBuilder:
        """What makes the transactions: through a lookup table, where there is one or a new one pays for itself. What a
        mint uses is known afterwards.
        """
        standing, batch = stand.standing, self._spec.batch_size
        balance, no = await self._preflight.money(work, stand)
        if no is not None:
            raise no
        sample = list(islice(standing.missing(), SAMPLE))
        await market.learn(work.builder, sample, batch)
        keys, price = shared(work.design), await market.price()
        offer = await asyncio.to_thread(offered, work, standing.missing, batch, priced=price > 0)
        table = self._tables.serving(keys) if offer.helps() else None
        if table is None and offer.pays(market.limit, price):
            most, spent = self._spec.max_cost_lamports, self._preflight.spent()
            room = balance - RENT_EXEMPT_EMPTY if most is None else min(balance - RENT_EXEMPT_EMPTY, most - spent)
            if offer.affordable(room, market.limit, price):
                table = await self._tables.make(keys, offer, market, room)
        if table is None:
            return work.builder
        builder = work.builder.through(table.usable())
        await market.learn(builder, sample, batch)
        return builder

    async def _run_engine(
        self, campaign: Campaign, work: Work, builder: MintBuilder, market: Market, stand: Stand
    ) -> None:
        places, already = self.places, stand.standing.minted
        tools = Tools(
            chain=places.chain,
            tree=places.target.tree,
            since=stand.slot,
            builder=builder,
            lease=places.lease,
            replay=self._replay,
            funds=Funds(places.chain, places.wallet.pubkey()),
            market=market,
            told=lambda: self._telling.minting(len(work.items), already, campaign),
            stop=self.context.stop,
        )
        try:
            await Engine(campaign, tools).run()
        except ForeignMinter as found:
            raise _foreign(found) from found
        self._telling.minting(len(work.items), already, campaign)

    async def _audit(self, work: Work, campaign: Campaign, config: TreeConfig, market: Market) -> Result:
        """Reads everything back from finalized history and holds it against every item."""
        tree, wallet = self.places.target.tree, self.places.wallet.pubkey()
        self._telling.step(98, "audit", "reading every item back from the chain")
        slot, now = await read_config(self.places.chain, tree, min_slot=campaign.books.newest_slot())
        await self._replay.catch_up(now.num_minted, slot)
        history, findings = self._replay.history, Findings()
        standing = await self._preflight.reconciled(work, findings, public=config.public)
        self._missing = lambda: (len(work.items), standing.missing())
        await asyncio.to_thread(audit, standing, campaign.failed, findings)
        if findings.total:
            raise outcome.audit_failed(findings)
        if self._ledger is not None:
            rows = ledgerfile.entries(tree, standing, history, self.places.chain.pool.genesis)
            await asyncio.to_thread(ledgerfile.write, self._ledger, rows)
        await self._tables.close(market)
        if campaign.failed:
            raise outcome.refused(campaign.failed, work.items, work.list.field)
        await self._note_tables(now.num_minted)
        counts = await asyncio.to_thread(outcome.counts, standing, history, wallet, self.places.first_slot)
        done = f"{standing.minted} of {len(work.items)} minted, audit ok"
        left = {"lookupTable": ", ".join(str(each.address) for each in self._tables.open)} if self._tables.open else {}
        self._telling.step(100, "done", "; ".join(filter(None, (done, self._tables.left()))))
        return {"tree": str(tree), "genesis": self.places.chain.pool.genesis, "audit": "ok", **counts, **left}

    async def _note_tables(self, minted: int) -> None:
        """Reads what was paid for tables back, too: history may show the last of it a little later."""
        for _ in range(NOTE_TRIES):
            if all(signature in self._replay.history for signature in self._tables.signatures):
                return
            slot, _ = await read_config(self.places.chain, self.places.target.tree)
            await self._replay.catch_up(minted, slot)
            await self.context.stop.sleep(1.0)
        log.warning("transactions about lookup tables are not in the history yet: their fees are not counted")


def _foreign(found: ForeignMinter) -> RunEnded:
    return ended("ForeignMinter", f"another minter writes into the tree: transaction {found.signature}")
