"""Everything that is read and checked before the first signature; all that is wrong is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mintworks_api import MetadataJobSpec, MintJobSpec
from mintworks_api.metadatajob import CollectionData
from mintworks_api.mintjob import Asset
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext, parse_spec
from mintworks_runners.core.errors import Findings
from mintworks_runners.core.reasons import ended
from mintworks_runners.metadata.recompute import MintList, from_dependency, from_manifest
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.programs import edition_account, metadata_account
from mintworks_runners.solana.tree import TreeSizeError

from .builder import MintBuilder, Signer
from .collectionsetup import collection_in
from .inputs import compare
from .items import Design, address, check, design, resolve
from .itemtable import ItemTable
from .money import MAINNET
from .places import Places, Target
from .rpc.chain import Chain
from .treeplan import check_given, check_new, new_tree
from .treesetup import find_tree

COLLECTION = "spec.collection"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be minted, checked."""

    list: MintList
    items: ItemTable
    design: Design
    builder: MintBuilder


def target_of(spec: MintJobSpec, wallet: Pubkey, genesis: str, cid: str) -> Target:
    """Where the job mints; InvalidInput where no tree of the size exists."""
    if spec.tree.address is not None:
        return Target(address(spec.tree.address, "spec.tree.address"), None)
    if spec.tree.create is None:
        raise ended("InvalidSpec", "set tree.create or tree.address", field="spec.tree")
    try:
        plan = new_tree(spec.tree.create, wallet, genesis, cid)
    except TreeSizeError as error:
        raise ended("InvalidTreeSize", str(error), field="spec.tree.create") from error
    return Target(plan.address, plan)


def cid_of(context: JobContext, spec: MintJobSpec) -> str:
    """The folder whose documents are minted, as the spec or the MetadataJob's result says."""
    job = spec.metadata_from.job
    return str(spec.metadata_from.cid if job is None else context.run.dependencies[job].result["cid"])


async def prepare(context: JobContext, spec: MintJobSpec, places: Places, findings: Findings) -> Work | None:
    """Reads the rows, resolves the items, checks tree, collection and every row's limits; `findings` gets all that is
    wrong. None where there is too little to go on with.

    InputChanged where the MetadataJob's sources give another folder now.
    """
    collection = findings.take(lambda: _collection_accounts(spec, places.authority))
    given: tuple[MintList, CollectionData | Asset] | None = None
    with findings.absorbed():
        given = await _listed(context, spec)
    work = None if given is None else _work(spec, places, given, collection, findings)
    room = 1 if work is None else len(work.items)
    await _check_tree(places, findings, room, allow_public=bool(spec.tree.allow_public))
    if collection is not None:
        await _check_collection(places.chain, collection, findings)
    if places.chain.pool.genesis == MAINNET and spec.max_cost is None:
        findings.add("MaxCostRequired", "maxCost is required on mainnet", field="spec.maxCost")
    return work


def _work(
    spec: MintJobSpec,
    places: Places,
    given: tuple[MintList, CollectionData | Asset],
    collection: CollectionAccounts | None,
    findings: Findings,
) -> Work | None:
    wallet, authority = places.wallet, places.authority
    listed, asset = given
    items = resolve(listed, spec.recipients, wallet.pubkey(), findings)
    what = findings.take(lambda: design(places.target.tree, wallet.pubkey(), asset, collection))
    if what is None:
        return None
    check(items, what, findings, listed.field)
    signer = Signer(wallet, *([authority] if authority is not None else []))
    return Work(listed, items, what, MintBuilder(items, what, signer))


def inputs_of(places: Places, work: Work) -> dict[str, Any]:
    """The inputs (status.inputs) that every later attempt must find again."""
    return {
        "genesis": places.chain.pool.genesis,
        "firstSlot": places.first_slot,
        "cid": work.list.cid,
        "items": len(work.items),
        "rowsSha256": work.list.rows_sha256,
        "trees": [str(places.target.tree)],
        "wallet": str(places.wallet.pubkey()),
    }


async def frozen(context: JobContext, places: Places, work: Work) -> None:
    """Returns once the operator has frozen the inputs; InputChanged where it has others."""
    inputs = inputs_of(places, work)
    if not compare(context.run.inputs, inputs):
        context.reporter.progress(4, "prepare", "having the inputs frozen")
        await context.reporter.wait_for_echo(inputs, stop=context.stop)


async def _listed(context: JobContext, spec: MintJobSpec) -> tuple[MintList, CollectionData | Asset]:
    origin = spec.metadata_from
    if origin.job is not None:
        dependency = context.run.dependencies[origin.job]
        metadata = parse_spec(dependency.kind, dependency.spec)
        if not isinstance(metadata, MetadataJobSpec):
            raise ended("InvalidSpec", f"{origin.job} is no MetadataJob", field="spec.metadataFrom.job")
        return await from_dependency(context, dependency), metadata.collection
    if origin.manifest is None or origin.cid is None:
        raise ended("InvalidSpec", "set job, or cid and manifest", field="spec.metadataFrom")
    listed = await from_manifest(context, origin.manifest, origin.cid, "metadataFrom.manifest")
    return listed, origin.asset or Asset()


def _collection_accounts(spec: MintJobSpec, authority: Keypair | None) -> CollectionAccounts | None:
    if spec.collection is None or authority is None:
        return None
    return CollectionAccounts(address(spec.collection.mint, f"{COLLECTION}.mint"), authority.pubkey())


async def _check_tree(places: Places, findings: Findings, items: int, *, allow_public: bool) -> None:
    """The tree as it is at finalized, or as it will be: whether it may be minted into, and could hold the items."""
    target, wallet = places.target, places.wallet.pubkey()
    found = await find_tree(places.chain, target.tree)
    if target.plan is not None:
        wrong = check_new(found, target.plan, wallet)
        capacity, field = target.plan.size.capacity, "spec.tree.create"
    else:
        wrong = check_given(found, target.tree, wallet, allow_public=allow_public)
        capacity, field = items if found.config is None else found.config.capacity, "spec.tree.address"
    if wrong is not None:
        findings.add(wrong.reason, wrong.message, field=wrong.field)
    if items > capacity:
        findings.add("TreeFull", f"there are {items} items, and the tree holds {capacity}", field=field)


async def _check_collection(chain: Chain, collection: CollectionAccounts, findings: Findings) -> None:
    places = [metadata_account(collection.mint), edition_account(collection.mint)]
    _, (metadata, edition) = await chain.accounts(places)
    found = collection_in(metadata)
    if found is None:
        findings.add("NoCollection", f"{collection.mint} has no metadata account", field=f"{COLLECTION}.mint")
        return
    if edition is None:
        findings.add("NoCollection", f"{collection.mint} has no master edition", field=f"{COLLECTION}.mint")
    if found.update_authority != collection.authority:
        message = (
            f"{collection.authority} is not the collection's update authority, which is {found.update_authority}; "
            "only that one may verify items into it"
        )
        findings.add("NotCollectionAuthority", message, field=f"{COLLECTION}.authority")
