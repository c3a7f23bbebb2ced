"""Everything that is read and checked before the first signature; all that is wrong is told at once."""

from __future__ import annotations

from dataclasses import dataclass

from mintworks_api import MetadataJobSpec, MintJobSpec
from mintworks_api.metadatajob import CollectionData
from mintworks_api.mintjob import Asset
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext, parse_spec
from mintworks_runners.core.errors import Findings
from mintworks_runners.core.reasons import ended
from mintworks_runners.metadata.recompute import MintList, from_dependency, from_manifest
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.items import Design, address, check, design, resolve
from mintworks_runners.mint.itemtable import ItemTable
from mintworks_runners.mint.money import MAINNET
from mintworks_runners.mint.places import Places, Target
from mintworks_runners.mint.rpc.chain import Account, Chain
from mintworks_runners.mint.treeplan import check_given, check_new, new_tree
from mintworks_runners.mint.treesetup import find_tree
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.collection import CollectionMetadata, decode_collection
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.programs import TOKEN_METADATA, edition_account, metadata_account
from mintworks_runners.solana.tree import TreeSizeError

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


async def prepare(context: JobContext, spec: MintJobSpec, places: Places) -> Work:
    """Reads the rows, resolves the items, checks tree, collection and every row's limits.

    InvalidInput with everything found; InputChanged where the MetadataJob's sources give another folder now.
    """
    findings = Findings()
    wallet, authority = places.wallet, places.authority
    listed, asset = await _listed(context, spec)
    collection = _collection_accounts(spec, authority)
    what = design(places.target.tree, wallet.pubkey(), asset, collection)
    items = resolve(listed, spec.recipients, wallet.pubkey(), findings)
    check(items, what, findings, listed.field)
    await _check_tree(places, findings, allow_public=bool(spec.tree.allow_public))
    if collection is not None:
        await _check_collection(places.chain, collection, findings)
    if places.chain.pool.genesis == MAINNET and spec.max_cost is None:
        findings.add("MaxCostRequired", "maxCost is required on mainnet", field="spec.maxCost")
    signer = Signer(wallet, *([authority] if authority is not None else []))
    builder = MintBuilder(items, what, signer)
    findings.raise_if_any()
    return Work(listed, items, what, builder)


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


async def _check_tree(places: Places, findings: Findings, *, allow_public: bool) -> None:
    """The tree as it is at finalized."""
    target, wallet = places.target, places.wallet.pubkey()
    found = await find_tree(places.chain, target.tree)
    if target.plan is not None:
        wrong = check_new(found, target.plan, wallet)
    else:
        wrong = check_given(found, target.tree, wallet, allow_public=allow_public)
    if wrong is not None:
        findings.add(wrong.reason, wrong.message, field=wrong.field)


async def _check_collection(chain: Chain, collection: CollectionAccounts, findings: Findings) -> None:
    places = [metadata_account(collection.mint), edition_account(collection.mint)]
    _, (metadata, edition) = await chain.accounts(places)
    found = _collection_in(metadata)
    if found is None:
        findings.add("NoCollection", f"{collection.mint} has no metadata account", field=f"{COLLECTION}.mint")
        return
    if edition is None:
        findings.add("NoCollection", f"{collection.mint} has no master edition", field=f"{COLLECTION}.mint")
    if found.update_authority != collection.authority:
        message = f"the collection's update authority is {found.update_authority}, not {collection.authority}"
        findings.add("NotCollectionAuthority", message, field=f"{COLLECTION}.authority")


def _collection_in(account: Account | None) -> CollectionMetadata | None:
    if account is None or account.owner != TOKEN_METADATA:
        return None
    try:
        return decode_collection(account.data)
    except DecodeError:
        return None
