"""Puts a folder into the storage of a job, telling how far that is."""

from __future__ import annotations

import logging
from pathlib import Path

from mintworks_api.storage import Storage as StorageSpec

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.report import Items

from .base import Car
from .opening import open_storage

log = logging.getLogger(__name__)


async def keep(context: JobContext, spec: StorageSpec | None, cid: str, car: Path, items: Items) -> None:
    """Returns once the storage at `spec.storage` says that it has the CAR whole; errors as those of `Storage.put`."""

    def told(done: int, of: int) -> None:
        context.reporter.progress(70 + 30 * done / max(of, 1), "upload", f"{done:,} of {of:,} bytes", items)

    async with open_storage(context, spec, cid) as storage:
        context.reporter.progress(70, "upload", f"storing {cid} ({storage.name})", items)
        stored = await storage.put(Car(car, cid), told)
    log.info("%s %s", cid, "was stored already" if stored.already else f"stored: {stored.sent} bytes sent")
