"""The end of pins: those that the spec lists, but for what other jobs name. What is gone already is no error."""

from __future__ import annotations

import logging

from mintworks_api.cleanupjob import MAX_NAMED, Content

from mintworks_runners.core.context import JobContext, Result
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.report import Items
from mintworks_runners.storage.opening import open_storage

log = logging.getLogger(__name__)

FIELD = "content.storage"


async def unpin(context: JobContext, content: Content, *, dry_run: bool) -> Result:
    """Unpins what may go, or says what would. AttemptFailed as storages raise it."""
    kept = context.run.inputs.get("kept")
    if not isinstance(kept, list):
        # Without the operator's word on what others name, nothing is safe.
        raise AttemptFailed("NothingSpared", "status.inputs.kept is missing: nothing says what other jobs name")
    cids = list(dict.fromkeys(content.cids))
    gone, absent = [], 0
    async with open_storage(context, content.storage.as_storage(), cids[0], FIELD) as storage:
        for number, cid in enumerate(cids):
            context.reporter.progress(100 * number / len(cids), "unpin", cid, Items(len(cids), number))
            context.stop.check()
            if cid in kept:
                log.info("%s stays: another job names it", cid)
            elif await (storage.holds(cid) if dry_run else storage.unpin(cid)):
                gone.append(cid)
                log.info("%s %s", cid, "would be unpinned" if dry_run else "unpinned")
            else:
                absent += 1
                log.info("%s is not pinned", cid)
    context.reporter.progress(100, "done", f"{len(gone)} of {len(cids)}", Items(len(cids), len(cids)))
    counts = {"checked": len(cids), "unpinned": len(gone), "kept": len(set(kept) & set(cids)), "absent": absent}
    return {**counts, "cids": gone[:MAX_NAMED], **({"dryRun": True} if dry_run else {})}
