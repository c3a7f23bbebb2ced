"""`mintworks ledger`: the ledger of a MintJob from the chain alone, without a cluster, Redis or a state folder.

Imported only when the command is called: the runner's libraries would slow every other command's start.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from mintworks_api import MetadataJobSpec, MintJobSpec, UploadJobSpec
from mintworks_runners.core.channel import NoChannel
from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import InvalidInput, RunEnded
from mintworks_runners.core.protocol import Environment, RunSpec
from mintworks_runners.core.reasons import advice
from mintworks_runners.core.report import Reporter
from mintworks_runners.core.sources import SourceReader
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.metadata.uploaded import reread
from mintworks_runners.mint.items import address
from mintworks_runners.mint.keys import parse_keypair
from mintworks_runners.mint.ledgerfile import entries, to_json, write_csv
from mintworks_runners.mint.rebuild import Rebuilt, rebuilt
from mintworks_runners.mint.tally import tally
from solders.pubkey import Pubkey

from .layout import put
from .options import tell
from .problems import BadInput, Problem
from .references import Supplies, content, dependencies
from .resources import JobManifest
from .running import Place

TOLD_EVERY_SECONDS = 5.0


class Format(StrEnum):
    """How the ledger is written."""

    CSV = "csv"
    JSON = "json"


class LedgerStopped(Exception):  # noqa: N818 - how the command ends, whatever the reason
    """The ledger cannot be rebuilt now, or not from these manifests."""

    def __init__(self, problems: list[Problem], code: int) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
        self.code = code


def rebuild(supplies: Supplies, name: str | None, wallet: str | None, place: Place | None, form: Format) -> bool:
    """Writes the ledger on stdout and says what is minted; whether all is.

    Raises:
        BadInput: no such job, or a reference that leads nowhere.
        LedgerStopped: the runner's own reasons, with its exit code.
    """
    job = _mint_job(supplies, name)
    try:
        return asyncio.run(_rebuild(supplies, job, wallet, place, form))
    except RunEnded as error:
        raise LedgerStopped(_problems(error, job), error.exit_code) from error


async def _rebuild(supplies: Supplies, job: JobManifest, wallet: str | None, place: Place | None, form: Format) -> bool:
    spec = job.spec if place is None else place(job.spec)
    if not isinstance(spec, MintJobSpec):
        raise TypeError(f"{job.manifest.kind} is not a MintJob")
    async with AsyncExitStack() as stack:
        root = Path(stack.enter_context(TemporaryDirectory(prefix="mintworks-ledger-")))
        context = _context(root, job, spec, supplies)
        metadata = next((supplies.resources.jobs[key].spec for key in dependencies(job)), None)
        if not isinstance(metadata, MetadataJobSpec | None):
            raise TypeError("a MintJob depends on nothing but a MetadataJob")
        who = _wallet(job, spec, supplies, wallet)
        told = _Told()
        images = await _images_cid(context, job, supplies)
        found = await stack.enter_async_context(rebuilt(context, spec, who, metadata, told, images_cid=images))
        summary = tally(len(found.standing.items), found.standing.missing())
        _write(found, summary, form, sys.stdout)
        tell(f"tree {found.tree}, finalized slot {found.slot}: {summary}")
        return found.standing.minted == len(found.standing.items)


class _Told:
    """Says now and then how far the reading of history is."""

    def __init__(self) -> None:
        self._due = time.monotonic() + TOLD_EVERY_SECONDS

    def __call__(self, known: int, minted: int) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + TOLD_EVERY_SECONDS
            tell(f"{known} of {minted} mints of the tree read back")


def _mint_job(supplies: Supplies, name: str | None) -> JobManifest:
    found = [job for job in supplies.resources.jobs.values() if job.manifest.kind == "MintJob"]
    wanted = [job for job in found if name in (None, job.manifest.name)]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(job.manifest.name for job in found) or "none"
    what = f"no MintJob {name}" if name is not None and not wanted else "say which MintJob with --job"
    raise BadInput([Problem(f"{what}; there: {names}", field="--job")])


def _context(root: Path, job: JobManifest, spec: MintJobSpec, supplies: Supplies) -> JobContext:
    """What a runner would be handed, but for the keys: those stay where they are."""
    environment = Environment(mounts=root / "mounts", work=root / "work", redis_file=root / "none")
    environment.work.mkdir()
    for mount in spec.mounts():
        if mount.field == "solana.rpcSecret" or mount.field.startswith("metadataFrom."):
            put(environment.mounts, mount, job, supplies)
    for other in _chain(job, supplies):
        for mount in other.spec.shared_mounts():
            put(environment.mounts / "dependencies" / other.manifest.name, mount, other, supplies)
    namespace, kind, name = job.key
    run = RunSpec(kind, namespace, name, "", 1, {})
    stop = StopSignal()
    return JobContext(run, environment, Reporter(NoChannel(), run=1), SourceReader(environment, stop), stop)


def _chain(job: JobManifest, supplies: Supplies) -> list[JobManifest]:
    """The jobs that the job builds on, and those that these build on."""
    found = [supplies.resources.jobs[key] for key in dependencies(job)]
    return [one for other in found for one in (other, *_chain(other, supplies))]


async def _images_cid(context: JobContext, job: JobManifest, supplies: Supplies) -> str | None:
    """The folder of the UploadJob that the MetadataJob's images come from, made again; None where there is none."""
    for other in _chain(job, supplies):
        if isinstance(other.spec, UploadJobSpec):
            return (await reread(context, other.manifest.name, other.spec)).cid
    return None


def _wallet(job: JobManifest, spec: MintJobSpec, supplies: Supplies, given: str | None) -> Pubkey | None:
    """The wallet's address: as given, else from the Secret where that is among the manifests."""
    if given is not None:
        return address(given, "--wallet")
    secret = spec.wallet.secret
    holder = supplies.resources.secrets.get((job.manifest.namespace, secret.name))
    if holder is None:
        return None
    data = content(secret.mount("wallet.secret"), job.manifest, supplies)
    return parse_keypair(data if isinstance(data, bytes) else b"", secret.key, "spec.wallet.secret").pubkey()


def _write(found: Rebuilt, summary: str, form: Format, file: TextIO) -> None:
    rows = entries(found.tree, found.standing, found.history, found.genesis)
    if form is Format.CSV:
        write_csv(rows, file)
        return
    total = len(found.standing.items)
    head = {
        "tree": str(found.tree),
        "genesis": found.genesis,
        "slot": found.slot,
        "items": total,
        "minted": found.standing.minted,
        "summary": summary,
    }
    # By hand, so that a million rows are never in memory together.
    file.write(json.dumps(head)[:-1] + ', "ledger": [')
    file.writelines(("," if number else "") + "\n" + to_json(row) for number, row in enumerate(rows))
    file.write("\n]}\n")


def _problems(error: RunEnded, job: JobManifest) -> list[Problem]:
    label = f"{job.manifest.kind}/{job.manifest.name}"
    if not isinstance(error, InvalidInput):
        return [Problem(f"{error.reason}: {error.message}. {advice(error.reason)}", resource=label)]
    listed = [Problem(f"{found.reason}: {found}", resource=label) for found in error.findings]
    hidden = error.total - len(error.findings)
    return [*listed, *([Problem(f"and {hidden} more problems", resource=label)] if hidden else [])]
