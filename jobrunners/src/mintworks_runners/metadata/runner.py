"""The MetadataJob runner: check the rows → write documents → folder CID → CAR → storage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
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

from .folder import Collection, new_folder, write_car, write_documents
from .gather import gather
from .rows import Row

log = logging.getLogger(__name__)


async def run(context: JobContext) -> Result:
    """Run one MetadataJob: {cid, items, bytes, rowsSha256}."""
    spec = parse_spec(context.run.kind, context.run.spec)
    if not isinstance(spec, MetadataJobSpec):
        raise TypeError(f"{context.run.kind} is not a MetadataJob")
    # The CID is reported only after everything was checked.
    with changed_where("cid" in context.run.inputs):
        return await run_steps(MetadataSteps(context, spec))


class MetadataSteps(Steps[list[Row]]):
    """The four steps; an item of the pipeline is a chunk of rows."""

    step = "generate"
    span = (20.0, 60.0)

    def __init__(self, context: JobContext, spec: MetadataJobSpec) -> None:
        super().__init__(context)
        self._spec = spec
        self._collection: Collection
        self._rows: Spooled
        self._folder = context.work / "metadata"
        self._total = 0
        self._bytes = 0

    async def prepare(self) -> int:
        """Spool the sources, check every row, hold it against the frozen inputs."""
        self.context.reporter.progress(0, "check", "reading the rows")
        self._collection, self._rows = await gather(self.context.sources, self._spec)
        self._check_frozen({"rowsSha256": self._rows.sha256})
        # All of the file is checked before anything is written: its problems are told together, and soon.
        for chunk in self._collection.chunks():
            self._total += len(chunk)
            self.context.reporter.progress(10, "check", f"{self._total} rows checked")
            await self.context.stop.breathe()
        self._check_frozen({"items": self._total})
        new_folder(self._folder)
        return self._total

    def items(self) -> Iterator[list[Row]]:
        """The rows again, in chunks: they are not kept, for there may be a million."""
        return self._collection.chunks()

    async def work(self, item: list[Row]) -> int:
        """Write one chunk's documents."""
        self._bytes += await asyncio.to_thread(write_documents, self._collection, item, self._folder)
        return len(item)

    async def finish(self) -> Result:
        """Pack the folder, tell what it is, put it into the storage."""
        reporter, stop = self.context.reporter, self.context.stop
        items = Items(self._total, self._total)
        reporter.progress(60, "pack", "computing the CID", items)
        car = self.context.work / "metadata.car"
        cid = await stop.race(asyncio.to_thread(write_car, self._folder, car))
        self._check_frozen({"cid": cid})
        reporter.report_inputs({"rowsSha256": self._rows.sha256, "items": self._total, "cid": cid})
        await reporter.settle()
        stop.check()
        await self._store(cid, car)
        reporter.progress(100, "done", cid, items)
        return {"cid": cid, "items": self._total, "bytes": self._bytes, "rowsSha256": self._rows.sha256}

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
