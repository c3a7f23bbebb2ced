"""The ledger of a MintJob from the chain alone: nothing is signed, and no key is needed, only the wallet's address."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mintworks_api import MetadataJobSpec, MintJobSpec
from mintworks_api.metadatajob import CollectionData
from mintworks_api.mintjob import Asset
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import Findings, InvalidInput
from mintworks_runners.core.reasons import ended
from mintworks_runners.metadata.recompute import MintList, from_manifest, recomputed
from mintworks_runners.solana.instructions import CollectionAccounts

from .history import History
from .items import address, design, resolve
from .keys import endpoints_of
from .ledger import NoLedger
from .prepare import target_of
from .reconcile import Standing, reconcile
from .replay import Replay, Told
from .rpc.chain import Chain
from .rpc.pool import Pool
from .treesetup import find_tree

NO_FAILED_ONES = sys.maxsize
"""A first slot that no transaction has: what failed is not read, for only its fees would matter."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the chain holds of a job's items at a finalized slot; without a tree, nothing."""

    tree: Pubkey
    genesis: str
    slot: int
    standing: Standing
    history: History
    cid: str
    rows_sha256: str


@dataclass(frozen=True, slots=True)
class Within:
    """Where the MintJob's sources and endpoints are mounted: as its own, or, for a job that audits it, as those of the
    dependency `name`.
    """

    name: str | None

    @property
    def solana(self) -> str:
        """The field of the spec that says how the chain is reached."""
        return "solana" if self.name is None else "failedMint.solana"

    def dependency(self, job: str) -> str:
        """The name under which the MetadataJob is known."""
        return job if self.name is None else f"{self.name}.{job}"

    def source(self, field: str) -> str:
        """Where a source of the MintJob is mounted."""
        return field if self.name is None else f"dependencies/{self.name}/{field}"


@asynccontextmanager
async def rebuilt(
    context: JobContext,
    spec: MintJobSpec,
    wallet: Pubkey | None,
    metadata: MetadataJobSpec | None,
    told: Told | None = None,
    *,
    images_cid: str | None = None,
    within: Within | None = None,
) -> AsyncIterator[Rebuilt]:
    """Reads rows and chain. `wallet` may be None where the tree is named and its creator is also its delegate;
    `metadata` is the MetadataJob that the spec names, `images_cid` the folder of the UploadJob which that one names.
    Where another job than the MintJob itself asks, `within` says where the mounts are.

    InvalidInput for bad rows, for leaves that are not as the rows ask (`Conflict`), and where the wallet's address is
    needed; Waiting as Pool and Replay raise it.
    """
    place = within or Within(None)
    async with Pool(endpoints_of(context, spec, place.solana), spec.solana.requests_per_second, context.stop) as pool:
        await pool.open(None)
        listed, asset = await _listed(context, spec, metadata, place, images_cid)
        chain = Chain(pool)
        wallet = wallet or await _tree_owner(chain, spec)
        tree = target_of(spec, wallet, pool.genesis, listed.cid).tree
        findings = Findings()
        items = resolve(listed, spec.recipients, wallet, findings)
        findings.raise_if_any()
        what = design(tree, wallet, asset, _collection(spec, wallet))
        found = await find_tree(chain, tree)
        replay = Replay(chain, tree, NO_FAILED_ONES, NoLedger(), context.stop, spool=context.work / "history.sqlite3")
        try:
            if found.config is None:
                nothing = reconcile(items, what, (), findings, public=False)
                yield Rebuilt(tree, pool.genesis, found.slot, nothing, replay.history, listed.cid, listed.rows_sha256)
                return
            await replay.catch_up(found.config.num_minted, found.slot, told)
            mints, public = replay.history.mints(), found.config.public
            standing = await asyncio.to_thread(reconcile, items, what, mints, findings, public=public)
            findings.raise_if_any()
            yield Rebuilt(tree, pool.genesis, found.slot, standing, replay.history, listed.cid, listed.rows_sha256)
        finally:
            replay.history.close()


async def _listed(
    context: JobContext, spec: MintJobSpec, metadata: MetadataJobSpec | None, place: Within, images_cid: str | None
) -> tuple[MintList, CollectionData | Asset]:
    """The items; a MetadataJob's folder is made again for its CID."""
    origin = spec.metadata_from
    if origin.job is not None and metadata is not None:
        listed = await recomputed(
            context, place.dependency(origin.job), metadata, lambda _name, _value: None, images_cid
        )
        return listed, metadata.collection
    if origin.manifest is None or origin.cid is None:
        raise ended("InvalidSpec", "set job, or cid and manifest", field="spec.metadataFrom")
    listed = await from_manifest(context, origin.manifest, origin.cid, place.source("metadataFrom.manifest"))
    return listed, origin.asset or Asset()


async def _tree_owner(chain: Chain, spec: MintJobSpec) -> Pubkey:
    """The only address that may mint into the tree which the spec names."""
    if spec.tree.address is None:
        raise _no_wallet("the tree's address follows from it")
    found = await find_tree(chain, address(spec.tree.address, "spec.tree.address"))
    config = found.config
    if config is None:
        raise ended("NoTree", f"{spec.tree.address} holds no Bubblegum V1 tree", field="spec.tree.address")
    if config.public or config.creator != config.delegate:
        raise _no_wallet("more than one may mint into the tree")
    return config.creator


def _no_wallet(why: str) -> InvalidInput:
    return InvalidInput.one("MissingSecret", f"the wallet's address is needed: {why}", field="spec.wallet.secret")


def _collection(spec: MintJobSpec, wallet: Pubkey) -> CollectionAccounts | None:
    """The collection; who its authority is does not show in a leaf."""
    if spec.collection is None:
        return None
    return CollectionAccounts(address(spec.collection.mint, "spec.collection.mint"), wallet)
