"""A MintJob that has ended, held against the chain: what of it is there, and what is missing. Nothing is signed."""

from __future__ import annotations

import logging
from typing import Any

from mintworks_api import MetadataJobSpec, MintJobSpec
from mintworks_api.cleanupjob import FailedMint
from solders.pubkey import Pubkey

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import InputChanged, InvalidInput
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.report import Items
from mintworks_runners.mint.items import address
from mintworks_runners.mint.rebuild import Rebuilt, Within, rebuilt
from mintworks_runners.mint.tally import tally

log = logging.getLogger(__name__)

_SUMMARY = 200


async def audit(context: JobContext, asked: FailedMint) -> Result:
    """What the chain holds of the MintJob's items.

    InvalidInput where it signed nothing, or cannot be reached without a Secret, or leaves are not as the rows ask
    (`Conflict`); InputChanged where the rows are other ones now.
    """
    job = context.run.dependencies[asked.job]
    spec = _reachable(job, asked)
    wallet = _wallet(job)
    own = {name: other for name, other in context.run.dependencies.items() if name.startswith(f"{job.name}.")}
    metadata = next(iter(own.values()), None)
    read = None if metadata is None else parse_spec(metadata.kind, metadata.spec)
    if not isinstance(read, MetadataJobSpec | None):
        raise TypeError("a MintJob builds on nothing but a MetadataJob")
    context.reporter.progress(0, "audit", "reading the rows and the chain")

    def told(known: int, minted: int) -> None:
        context.reporter.progress(10 + 80 * known / max(minted, 1), "audit", f"{known} of {minted} mints read")

    images = None if metadata is None else metadata.inputs.get("imagesCid")
    async with rebuilt(context, spec, wallet, read, told, images_cid=images, within=Within(job.name)) as found:
        _same(job, found)
        missing = list(found.standing.missing())
        for number in missing:
            log.warning("item %d is not on the chain", number)
        items = len(found.standing.items)
        summary = tally(items, missing)
        context.reporter.progress(100, "done", summary, Items(items, items))
        return {
            "checked": items,
            "minted": found.standing.minted,
            "missing": len(missing),
            "summary": summary if len(summary) <= _SUMMARY else f"{summary[:_SUMMARY]}…",
            "tree": str(found.tree),
            "slot": found.slot,
        }


def _reachable(job: Dependency, asked: FailedMint) -> MintJobSpec:
    """The MintJob's spec, with the endpoints that this job may use: a dependency's Secrets are not mounted."""
    spec = parse_spec(job.kind, job.spec)
    if not isinstance(spec, MintJobSpec):
        raise TypeError(f"{job.kind} is not a MintJob")
    if asked.solana is not None:
        return spec.model_copy(update={"solana": asked.solana})
    if spec.solana.rpc_urls is None:
        message = f"MintJob {job.name} has its endpoints from a Secret: set failedMint.solana"
        raise ended("InvalidSpec", message, field="spec.failedMint.solana")
    return spec.model_copy(update={"solana": spec.solana.model_copy(update={"rpc_secret": None})})


def _wallet(job: Dependency) -> Pubkey:
    """The wallet's address, which a MintJob freezes before it signs anything."""
    wallet = job.inputs.get("wallet")
    if not wallet:
        message = f"MintJob {job.name} froze no inputs: it signed nothing, and nothing of it is on the chain"
        raise ended("NothingSigned", message, field="spec.failedMint.job")
    return address(str(wallet), "status.inputs.wallet")


def _same(job: Dependency, found: Rebuilt) -> None:
    """InvalidInput, InputChanged where chain, rows or tree are not those that the MintJob froze."""
    seen: dict[str, Any] = {
        "cid": found.cid,
        "items": len(found.standing.items),
        "rowsSha256": found.rows_sha256,
        "trees": [str(found.tree)],
    }
    if job.inputs.get("genesis") not in (None, found.genesis):
        message = f"the endpoints serve the chain {found.genesis}, the job's is {job.inputs['genesis']}"
        raise InvalidInput.one("GenesisMismatch", message, field="spec.failedMint.solana")
    for name, value in seen.items():
        if job.inputs.get(name) not in (None, value):
            raise InputChanged(f"{name} of MintJob {job.name} is {job.inputs[name]}; its sources now give {value}")
