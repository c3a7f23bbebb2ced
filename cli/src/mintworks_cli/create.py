"""`mintworks tree create` and `mintworks collection create`: one thing each, at an address that follows from the
wallet, the chain and the salt, so that a crash or a second call never makes two.

Imported only when such a command is called: the runner's libraries would slow every other command's start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from mintworks_api.mintjob import LAMPORTS_PER_SOL, PriorityFee, TreeCreate
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint.builder import Signer
from mintworks_runners.mint.collectionsetup import CollectionSetup, collection_seed
from mintworks_runners.mint.keys import read_keypair
from mintworks_runners.mint.lease import NoLease
from mintworks_runners.mint.making import Making
from mintworks_runners.mint.market import Market
from mintworks_runners.mint.money import MAINNET, sol
from mintworks_runners.mint.rpc.chain import Chain
from mintworks_runners.mint.rpc.endpoint import Endpoint
from mintworks_runners.mint.rpc.pool import Pool
from mintworks_runners.mint.treeplan import new_tree
from mintworks_runners.mint.treesetup import TreeSetup
from mintworks_runners.solana.budget import LAMPORTS_PER_SIGNATURE
from mintworks_runners.solana.metadata import MetadataArgs, problems
from mintworks_runners.solana.tokens import CollectionNft
from mintworks_runners.solana.tree import TreeSizeError
from pydantic import ValidationError
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from .problems import BadInput, Problem

REQUESTS_PER_SECOND = 50


@dataclass(frozen=True)
class Terms:
    """Who pays, where, how much at most (SOL), and whether anything is made at all."""

    wallet: Path
    urls: tuple[str, ...]
    max_cost: str | None
    dry_run: bool


@dataclass(frozen=True)
class Plan:
    """What is to be made: its address, how, and what is told of it beside that."""

    address: Pubkey
    making: Making
    more: dict[str, Any]


Planned = Callable[[Chain, Keypair], Plan]


def tree(terms: Terms, create: TreeCreate, cid: str) -> dict[str, Any]:
    """Makes a tree unless it is there; what to tell of it. With a CID it is that of a MintJob of this folder.

    Raises:
        BadInput, RunEnded: why it is not made.
    """

    def planned(chain: Chain, wallet: Keypair) -> Plan:
        try:
            plan = new_tree(create, wallet.pubkey(), chain.pool.genesis, cid)
        except TreeSizeError as error:
            raise BadInput([Problem(str(error))]) from error
        size = plan.size
        more = {
            "maxDepth": size.max_depth,
            "maxBufferSize": size.max_buffer_size,
            "canopyDepth": size.canopy_depth,
            "capacity": size.capacity,
        }
        return Plan(plan.address, TreeSetup(chain, plan, Signer(wallet), NoLease(), StopSignal()), more)

    return asyncio.run(_make(terms, planned))


def collection(terms: Terms, args: MetadataArgs, salt: str) -> dict[str, Any]:
    """Makes a collection NFT unless it is there; what to tell of it.

    Raises:
        BadInput, RunEnded: why it is not made.
    """
    wrong = problems(args, frozenset(), to_collection=False)
    found = [Problem(problem.message, field=f"--{problem.field}") for problem in wrong]
    if found:
        raise BadInput(found)

    def planned(chain: Chain, wallet: Keypair) -> Plan:
        seed = collection_seed(chain.pool.genesis, salt)
        nft = CollectionNft(wallet.pubkey(), seed, args.name, args.symbol, args.uri, args.seller_fee_basis_points)
        return Plan(nft.mint, CollectionSetup(chain, nft, Signer(wallet), NoLease(), StopSignal()), {"name": args.name})

    return asyncio.run(_make(terms, planned))


def size_of(capacity: int | None, depth: int | None, buffer: int | None, canopy: int | None, salt: str) -> TreeCreate:
    """A tree's size and salt as a MintJob's spec has them.

    Raises:
        BadInput: they do not go together.
    """
    given = {
        "capacity": capacity,
        "maxDepth": depth,
        "maxBufferSize": buffer,
        "canopyDepth": canopy,
        "salt": salt or None,
    }
    try:
        return TreeCreate.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise BadInput(
            [Problem(found["msg"], field=".".join(map(str, found["loc"])) or None) for found in error.errors()]
        ) from error


async def _make(terms: Terms, planned: Planned) -> dict[str, Any]:
    wallet = read_keypair(terms.wallet, "--wallet")
    allowance = _lamports(terms.max_cost)
    endpoints = [Endpoint(url, secret=True) for url in terms.urls]
    async with Pool(endpoints, REQUESTS_PER_SECOND, StopSignal()) as pool:
        await pool.open(None)
        if pool.genesis == MAINNET and allowance is None and not terms.dry_run:
            raise ended("MaxCostRequired", "--max-cost is required on mainnet", field="--max-cost")
        chain = Chain(pool)
        plan = planned(chain, wallet)
        look = await plan.making.look()
        told = {"address": str(plan.address), "genesis": pool.genesis, **plan.more}
        if look.exists:
            return {**told, "exists": True, "created": False, "costLamports": 0, "cost": "0"}
        cost = (await plan.making.draft(look)).rent + LAMPORTS_PER_SIGNATURE
        told |= {"costLamports": cost, "cost": sol(cost)}
        if terms.dry_run:
            return {**told, "exists": False, "created": False}
        fee = PriorityFee()
        market = Market(chain, [plan.address, wallet.pubkey()], fee.percentile, fee.max_micro_lamports)
        slot = await plan.making.make(await market.price(), allowance)
        return {**told, "exists": True, "created": slot is not None}


def _lamports(amount: str | None) -> int | None:
    if amount is None:
        return None
    with suppress(InvalidOperation):
        lamports = Decimal(amount) * LAMPORTS_PER_SOL
        if lamports.is_finite() and lamports >= 0:
            return int(lamports)
    raise BadInput([Problem("an amount in SOL is expected", field="--max-cost")])
