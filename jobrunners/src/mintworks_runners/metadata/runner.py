"""The MetadataJob runner: rows → checked → documents → a CAR whose CID is computed here → storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mintworks_api import MetadataJobSpec

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import InputChanged, changed_where
from mintworks_runners.core.pipeline import Steps, run_steps
from mintworks_runners.core.report import Items
from mintworks_runners.core.sources import Spooled
from mintworks_runners.storage.base import Car
from mintworks_runners.storage.opening import open_storage

from .folder import FolderMaker, Made
from .gather import gather

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
        collection, self._rows = await gather(self.context.sources, self._spec)
        self._check_frozen({"rowsSha256": self._rows.sha256})
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
        self._check_frozen({"items": self._total})
        items = Items(self._total, self._total)
        reporter.progress(60, "pack", "computing the CID", items)
        made = await stop.race(asyncio.to_thread(self._maker.finish))
        cid = made.cid
        self._check_frozen({"cid": cid})
        _warn(made)
        reporter.report_inputs({"rowsSha256": self._rows.sha256, "items": self._total, "cid": cid})
        await reporter.settle()
        stop.check()
        await self._store(cid, self._car)
        warnings = made.warnings.total
        reporter.progress(100, "done", f"{cid}; {warnings} warnings in the log" if warnings else cid, items)
        result = {"cid": cid, "items": self._total, "bytes": made.size, "rowsSha256": self._rows.sha256}
        return result | ({"warnings": warnings} if warnings else {})

    async def _store(self, cid: str, car: Path) -> None:
        """Put the CAR into the storage, telling how far that is."""
        items = Items(self._total, self._total)

        def told(done: int, of: int) -> None:
            percent = 70 + 30 * done / max(of, 1)
            self.context.reporter.progress(percent, "upload", f"{done:,} of {of:,} bytes", items)

        async with open_storage(self.context, self._spec.storage, cid) as storage:
            self.context.reporter.progress(70, "upload", f"storing {cid} ({storage.name})", items)
            stored = await storage.put(Car(car, cid), told)
        log.info("%s %s", cid, "was stored already" if stored.already else f"stored: {stored.sent} bytes sent")

    def _check_frozen(self, found: Mapping[str, Any]) -> None:
        """InputChanged where a frozen input of this job says otherwise; what is not frozen yet is not held against."""
        for name, value in found.items():
            frozen = self.context.run.inputs.get(name)
            if frozen not in (None, value):
                raise InputChanged(f"{name} is {value} now; the first attempt froze {frozen}")


def _warn(made: Made) -> None:
    """What is odd about the rows goes to the log, whatever becomes of the run."""
    for warning in made.warnings.kept:
        log.warning("%s: %s", warning.reason, warning)
    if made.warnings.total > len(made.warnings.kept):
        log.warning("%d warnings more", made.warnings.total - len(made.warnings.kept))
