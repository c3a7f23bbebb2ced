"""The CleanupJob runner: an audit, or the end of pins."""

from __future__ import annotations

from mintworks_api import CleanupJobSpec

from mintworks_runners.core.context import JobContext, Result, parse_spec
from mintworks_runners.core.errors import InvalidInput

from .audit import audit
from .content import unpin


async def run(context: JobContext) -> Result:
    """Run one CleanupJob (CleanupResult in wire form)."""
    spec = parse_spec(context.run.kind, context.run.spec)
    if not isinstance(spec, CleanupJobSpec):
        raise TypeError(f"{context.run.kind} is not a CleanupJob")
    if spec.failed_mint is not None:
        return await audit(context, spec.failed_mint)
    if spec.content is not None:
        return await unpin(context, spec.content, dry_run=spec.dry_run)
    raise InvalidInput.one("InvalidSpec", "set failedMint or content", field="spec")
