"""What can be known before the first signature, all at once: what is wrong for good, else what to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mintworks_api import MintJobSpec
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import Findings, InvalidInput, RunEnded
from mintworks_runners.solana.tree import TreeConfig

from .estimate import Batches
from .inputs import compare
from .lookup import Offer, shared
from .money import estimate, objection
from .packing import Packing
from .places import Places
from .prepare import Work, inputs_of, prepare
from .reconcile import Standing, reconcile
from .replay import Replay, Told
from .treesetup import find_tree, read_config


@dataclass(frozen=True, slots=True)
class Stand:
    """What the chain holds of a job's items, and the tree's own account, as of one finalized slot."""

    standing: Standing
    config: TreeConfig
    slot: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A job with nothing wrong. `stand` is None where its tree is still to be made; `waits` is what must change before
    it can go on, where something must; `balance` is the wallet's (lamports).
    """

    work: Work
    stand: Stand | None
    balance: int
    waits: RunEnded | None

    def missing(self) -> Iterator[int]:
        """Numbers of the items that are not minted, ascending."""
        return iter(self.work.items) if self.stand is None else self.stand.standing.missing()

    @property
    def already(self) -> int:
        """How many are."""
        return 0 if self.stand is None else self.stand.standing.minted


class Preflight:
    """The checks of one job. Nothing is written, to the chain or elsewhere."""

    def __init__(
        self,
        context: JobContext,
        spec: MintJobSpec,
        places: Places,
        replay: Replay,
        matched: Callable[[Work, Standing], None] = lambda _work, _standing: None,
    ) -> None:
        """`matched` hears which items are minted whenever that was read, also where findings follow from it."""
        self._context = context
        self._spec = spec
        self._places = places
        self._replay = replay
        self._matched = matched

    async def run(self) -> Foreseen:
        """InvalidInput with everything that is wrong for good; what else the wallet lacks is told with it. InputChanged
        where nothing is, and the job has frozen other inputs.
        """
        findings = Findings()
        work = await prepare(self._context, self._spec, self._places, findings)
        if work is None:
            raise InvalidInput(findings.kept, total=findings.total)
        try:
            # Before what the chain holds: a minted item whose row was edited is no conflict, it is another input.
            compare(self._context.run.inputs, inputs_of(self._places, work))
            foreseen = await self._foresee(work, findings)
        except RunEnded:
            # What is wrong for good comes first: no waiting and no further attempt would mend it.
            findings.raise_if_any()
            raise
        if findings.total and foreseen.waits is not None:
            findings.add(foreseen.waits.reason, foreseen.waits.message, field="spec.wallet")
        findings.raise_if_any()
        return foreseen

    async def stand(self, work: Work, findings: Findings, min_slot: int | None, told: Told | None = None) -> Stand:
        """Reads history up to the counter as of `min_slot` or later and matches it with the items; conflicts, and items
        for which the tree has no room, go to `findings`.
        """
        tree, plan = self._places.target.tree, self._places.target.plan
        slot, config = await read_config(self._places.chain, tree, min_slot=min_slot)
        await self._replay.catch_up(config.num_minted, slot, told, creation=plan is not None)
        standing = await self.reconciled(work, findings, public=config.public)
        self._matched(work, standing)
        room, missing = config.capacity - config.num_minted, len(work.items) - standing.minted
        # Where even an empty tree of its size were too small, that was told before.
        if room < missing and len(work.items) <= config.capacity:
            message = f"{missing} items are to be minted, but the tree has room for {room}"
            findings.add("TreeFull", message, field="spec.tree")
        return Stand(standing, config, slot)

    async def reconciled(self, work: Work, findings: Findings, *, public: bool) -> Standing:
        """Hashing a million leaves takes a minute, in which the lease must be renewed: a thread does it."""
        mints = self._replay.history.mints()
        return await asyncio.to_thread(reconcile, work.items, work.design, mints, findings, public=public)

    async def money(self, work: Work, stand: Stand | None) -> tuple[int, RunEnded | None]:
        """The wallet's balance (lamports), and why it does not do, or maxCost does not."""
        plan = self._places.target.plan
        new_tree = plan.size if plan is not None and stand is None else None
        missing = iter(work.items) if stand is None else stand.standing.missing()
        least = await asyncio.to_thread(batches, work, missing, self._spec.batch_size, priced=False)
        spent = self.spent()
        balance = await self._places.chain.balance(self._places.wallet.pubkey())
        needed = estimate(new_tree, least.transactions, least.signatures)
        return balance, objection(needed, spent, balance, self._spec.max_cost_lamports)

    def spent(self) -> int:
        """Lamports that the wallet paid for this job so far, as the history that was read tells."""
        return sum(self._replay.history.spent(self._places.wallet.pubkey(), self._places.first_slot))

    async def _foresee(self, work: Work, findings: Findings) -> Foreseen:
        found = await find_tree(self._places.chain, self._places.target.tree)
        stand = None
        if found.exists and not _about_tree(findings):
            stand = await self.stand(work, findings, None)
        elif not found.exists:
            # Earlier tries to make the tree may have failed, and were paid for.
            await self._replay.catch_up(0, found.slot)
        balance, no = await self.money(work, stand)
        if isinstance(no, InvalidInput):
            with findings.absorbed():
                raise no
        return Foreseen(work, stand, balance, None if isinstance(no, InvalidInput) else no)


def batches(work: Work, numbers: Iterator[int], most: int, *, priced: bool, table: Sequence[Pubkey] = ()) -> Batches:
    """How the items of these numbers go into transactions, which may use a lookup table of these keys; without a price
    none is larger, so none is missing.
    """
    packing = Packing(work.design, priced=priced, table=table)
    return Batches.of(packing.batches(work.items, numbers, most), packing.signatures)


def offered(work: Work, numbers: Callable[[], Iterator[int]], most: int, *, priced: bool) -> Offer:
    """What a lookup table would do for the items of these numbers."""
    keys = shared(work.design)
    plain = batches(work, numbers(), most, priced=priced)
    # Counting takes seconds where there are a million.
    full = plain.transactions == -(-plain.mints // most)
    tabled = plain if full else batches(work, numbers(), most, priced=priced, table=keys)
    return Offer(plain, tabled, len(keys))


def _about_tree(findings: Findings) -> bool:
    """Whether the tree is another one than it should be: its history would say nothing about this job."""
    return any(finding.reason in {"NoTree", "TreeMismatch"} for finding in findings.kept)
