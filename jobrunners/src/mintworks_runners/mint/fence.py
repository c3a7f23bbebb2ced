"""The wait of a new attempt: until every transaction that a predecessor may have signed has ended.

"Did someone sign before me?" cannot be decided: a job that was applied again after a wiped Redis sees nothing of its
former self. So it is not asked. Everything signed before now expires by itself, and only that is waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal

from .rpc.chain import BLOCKHASH_LIFE, Chain

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
STALLED_POLLS = 600

Told = Callable[[str], None]


async def wait_out(chain: Chain, lease_seconds: float, told: Told, stop: StopSignal) -> int:
    """Waits out the predecessor's lease, then the life of the newest blockhash it can have seen; answers the
    finalized slot
    whose height is past it.

    Q = the largest lastValidBlockHeight that any healthy endpoint answers now, plus 150, because the predecessor may
    have asked an endpoint that is up to 150 blocks ahead of all that answer us. Waiting `ChainStalled` where heights
    stand still.
    """
    if lease_seconds:
        told(f"waiting {lease_seconds:.0f} s for the lease of an earlier run to end")
        await stop.sleep(lease_seconds)
    newest = None
    while newest is None:
        newest = await chain.newest_last_valid()
        if newest is None:
            await stop.sleep(POLL_SECONDS)
    quiet = newest + BLOCKHASH_LIFE
    best, unchanged = -1, 0
    while True:
        epoch = await chain.epoch()
        if epoch.height > quiet:
            return epoch.slot
        unchanged = 0 if epoch.height > best else unchanged + 1
        best = max(best, epoch.height)
        if unchanged >= STALLED_POLLS:
            raise ended("ChainStalled", f"the finalized block height stands at {best}")
        told(f"{quiet - epoch.height + 1} blocks until nothing signed by an earlier run can land")
        await stop.sleep(POLL_SECONDS)
