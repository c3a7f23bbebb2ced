"""The UploadJob runner: check the files → folder CID → CAR → storage."""

from __future__ import annotations

from mintworks_api import UploadJobSpec

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import changed_where, check_frozen
from mintworks_runners.core.report import Items
from mintworks_runners.storage.keeping import keep

from .gather import gather


async def run(context: JobContext) -> Result:
    """Run one UploadJob: {cid, items, bytes}."""
    spec = parse_spec(context.run.kind, context.run.spec)
    if not isinstance(spec, UploadJobSpec):
        raise TypeError(f"{context.run.kind} is not an UploadJob")
    reporter, frozen, car = context.reporter, context.run.inputs, context.work / "files.car"

    def told(items: int, size: int) -> None:
        reporter.progress(10, "check", f"{items} files checked, {size >> 20} MiB")

    reporter.progress(0, "check", "reading the files")
    with changed_where("cid" in frozen):
        found = await gather(context, spec, car, told=told)
    facts = {"items": found.items, "bytes": found.bytes, "listSha256": found.list_sha256, "cid": found.cid}
    check_frozen(frozen, facts)
    reporter.report_inputs(facts)
    await reporter.settle()
    context.stop.check()
    items = Items(found.items, found.items)
    await keep(context, spec.storage, found.cid, car, items)
    reporter.progress(100, "done", found.cid, items)
    return {"cid": found.cid, "items": found.items, "bytes": found.bytes}
