"""The MintJob runner: from the job's spec to every item on the chain exactly once, and the proof of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from mintworks_api import MintJobSpec
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import Findings
from mintworks_runners.core.tasks import end

from .attempt import Attempt
from .dryrun import run_dry
from .keys import authority_of, endpoints_of, wallet_of
from .lease import FileLease, Lease, LeaseLapsed, NoLease, RedisLease, lease_name
from .ledger import FileLedger, LedgerCache, NoLedger, ReadOnly, RedisLedger
from .places import Places
from .prepare import cid_of, target_of
from .redislink import RedisLink
from .rpc.chain import Chain
from .rpc.endpoint import Endpoint
from .rpc.pool import Pool
from .sharing import Sharing
from .telling import Telling

KEEP_SECONDS = 1.0


async def run(context: JobContext) -> Result:
    """Run one MintJob to its result (MintResult in wire form)."""
    spec = parse_spec(context.run.kind, context.run.spec)
    if not isinstance(spec, MintJobSpec):
        raise TypeError(f"{context.run.kind} is not a MintJob")
    telling = Telling(context.reporter)
    telling.step(0, "prepare", "looking at the chain")
    wallet, authority, endpoints = _given(context, spec)
    async with Pool(endpoints, spec.solana.requests_per_second, context.stop) as pool, _shared(context, pool):
        await pool.open(context.run.inputs.get("genesis"))
        target = target_of(spec, wallet.pubkey(), pool.genesis, cid_of(context, spec))
        lease, cache = _kept(context, lease_name(pool.genesis, str(target.tree)))
        chain, frozen = Chain(pool), context.run.inputs.get("firstSlot")
        first_slot = (await chain.epoch()).slot if frozen is None else int(frozen)
        pool.reached(first_slot)
        places = Places(chain, target, wallet, authority, lease, cache, first_slot)
        if spec.dry_run:
            places = replace(places, lease=NoLease(), cache=ReadOnly(cache))
            return await run_dry(context, spec, places, telling)
        while True:
            with contextlib.suppress(LeaseLapsed):
                return await _with_lease(Attempt(context, spec, places, telling))


def _given(context: JobContext, spec: MintJobSpec) -> tuple[Keypair, Keypair | None, list[Endpoint]]:
    """Wallet, the collection's authority, endpoints: what must be right before the chain can be asked anything.
    InvalidInput with all that is not.
    """
    findings = Findings()
    wallet = findings.take(lambda: wallet_of(context, spec))
    authority = findings.take(lambda: authority_of(context, spec, wallet))
    endpoints = findings.take(lambda: endpoints_of(context, spec))
    # Where a tree of another chain would lie does not matter: that there is one does.
    findings.take(lambda: target_of(spec, Pubkey.default(), "", ""))
    findings.raise_if_any()
    if wallet is None or endpoints is None:
        raise TypeError("nothing was found, and nothing was read")
    return wallet, authority, endpoints


async def _with_lease(attempt: Attempt) -> Result:
    """One attempt under the lease. LeaseLapsed where Redis was away too long: what follows is a new attempt, with all
    that a new attempt waits for, though in the same process.
    """
    lease, chain = attempt.places.lease, attempt.places.chain
    await lease.acquire((await chain.blockhash()).height, attempt.context.stop)
    keeper = asyncio.create_task(_keep(lease, chain))
    work = asyncio.create_task(attempt.run())
    try:
        await asyncio.wait([keeper, work], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            keeper.result()
        return await work
    finally:
        await end(keeper, work)
        await lease.release()


async def _keep(lease: Lease, chain: Chain) -> None:
    """Renews the lease as long as the attempt goes on; ends only by an exception."""
    while True:
        await lease.renew((await chain.blockhash()).height)
        await asyncio.sleep(KEEP_SECONDS)


def _shared(context: JobContext, pool: Pool) -> contextlib.AbstractAsyncContextManager[object]:
    """The request budget is shared through Redis, where there is one."""
    if not _has_redis(context):
        return contextlib.nullcontext()
    return Sharing(pool, RedisLink(context.environment), context.run.namespace)


def _has_redis(context: JobContext) -> bool:
    return context.environment.state is None and context.environment.redis_file.exists()


def _kept(context: JobContext, name: str) -> tuple[Lease, LedgerCache]:
    """Lease and ledger cache: in the state directory without a cluster, else in Redis, else none."""
    environment, namespace = context.environment, context.run.namespace
    if environment.state is not None:
        return FileLease(environment.state / "leases" / name), FileLedger(
            environment.state / "ledger" / f"{name}.jsonl"
        )
    if not _has_redis(context):
        return NoLease(), NoLedger()
    # A client each: replay and lease must not wait for each other's answers.
    lease, ledger = RedisLink(environment), RedisLink(environment)
    prefix = f"mw:{namespace}"
    return RedisLease(lease, f"{prefix}:lease:{name}"), RedisLedger(ledger, f"{prefix}:ledger:{name}")
