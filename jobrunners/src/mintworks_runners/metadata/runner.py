"""The MetadataJob runner: rows → checked → documents → a CAR whose CID is computed here → storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack

from mintworks_api import MetadataJobSpec

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import changed_where, check_frozen
from mintworks_runners.core.pipeline import Steps, run_steps
from mintworks_runners.core.report import Items
from mintworks_runners.core.sources import Spooled
from mintworks_runners.storage.keeping import keep

from .folder import FolderMaker, Made
from .gather import gather
from .uploaded import from_upload

log = logging.getLogger(__name__)


async def run(context: JobContext) -> Result:
    """Run one MetadataJob: {cid, items, bytes, rowsSha256}, and warnings where there are any."""
    spec = parse_spec(context.run.kind, context.run.spec)
    if not isinstance(spec, MetadataJobSpec):
        raise TypeError(f"{context.run.kind} is not a MetadataJob")
    # The CID is reported only after everything was checked.
    with changed_where("cid" in context.run.inputs), ExitStack() as stack:
        return await run_steps(MetadataSteps(context, spec, stack))


class MetadataSteps(Steps[int]):
    """The four steps; an item of the pipeline is a number of rows whose documents were made."""

    step = "generate"
    span = (10.0, 60.0)

    def __init__(self, context: JobContext, spec: MetadataJobSpec, stack: ExitStack) -> None:
        super().__init__(context)
        self._spec, self._stack = spec, stack
        self._car = context.work / "metadata.car"
        self._maker: FolderMaker
        self._rows: Spooled
        self._total = 0

    async def prepare(self) -> None:
        """Spool the sources, hold the rows against the frozen inputs."""
        self.context.reporter.progress(0, "check", "reading the sources")
        job = self._spec.images.job
        uploaded = None if job is None else await from_upload(self.context, self.context.run.dependencies[job])
        collection, self._rows = await gather(self.context.sources, self._spec, uploaded=uploaded)
        check_frozen(self.context.run.inputs, {"rowsSha256": self._rows.sha256})
        self._maker = self._stack.enter_context(FolderMaker(collection, self._car))

    def items(self) -> Iterator[int]:
        """Check the rows and make their documents, in the scratch directory alone; all problems at the end."""
        return self._maker.chunks()

    async def work(self, item: int) -> int:
        """Let others run, and stop where the stop was asked for."""
        self._total += item
        await self.context.stop.breathe()
        return item

    def share(self, done: int, total: int | None) -> float:
        """By the bytes read: how many rows there are is known at the end."""
        del done, total
        return self._maker.share

    async def finish(self) -> Result:
        """Pack the folder, tell what it is, put it into the storage."""
        reporter, stop = self.context.reporter, self.context.stop
        check_frozen(self.context.run.inputs, {"items": self._total})
        items = Items(self._total, self._total)
        reporter.progress(60, "pack", "computing the CID", items)
        made = await stop.race(asyncio.to_thread(self._maker.finish))
        cid = made.cid
        check_frozen(self.context.run.inputs, {"cid": cid})
        _warn(made)
        reporter.report_inputs({"rowsSha256": self._rows.sha256, "items": self._total, "cid": cid})
        await reporter.settle()
        stop.check()
        await keep(self.context, self._spec.storage, cid, self._car, items)
        warnings = made.warnings.total
        reporter.progress(100, "done", f"{cid}; {warnings} warnings in the log" if warnings else cid, items)
        result = {"cid": cid, "items": self._total, "bytes": made.size, "rowsSha256": self._rows.sha256}
        return result | ({"warnings": warnings} if warnings else {})


def _warn(made: Made) -> None:
    """What is odd about the rows goes to the log, whatever becomes of the run."""
    for warning in made.warnings.kept:
        log.warning("%s: %s", warning.reason, warning)
    if made.warnings.total > len(made.warnings.kept):
        log.warning("%d warnings more", made.warnings.total - len(made.warnings.kept))
