"""The operator's pure core: passes over jobs, and admission from a long queue. No API server is in these figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mintworks_api import JobQueueSpec
from mintworks_operator.core import JobView, QueueView, Snapshot, Waiting, admit, decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSES = 2_000
WAITING = 10_000
ADMISSIONS = 200

_SPEC: dict[str, Any] = {
    "queue": "bench",
    "rows": {"configMap": {"name": "rows", "key": "rows.csv"}},
    "images": {"cid": "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"},
    "collection": {"name": "Bench"},
    "storage": {"kubo": {"url": "http://ipfs:5001"}},
}


def measure() -> Mapping[str, float]:
    """`passes_per_second`: decisions about a waiting job. `admissions_per_second`: with 10,000 jobs waiting."""
    queue = QueueView("bench", "bench", 1, JobQueueSpec(concurrency=1))
    job = JobView("MetadataJob", "bench", "job", "uid", 1, NOW - timedelta(seconds=10), _SPEC)
    snapshot = Snapshot(job=job, queue=queue)
    started = time.perf_counter()
    for _ in range(PASSES):
        decide(snapshot, NOW)
    passes = PASSES / (time.perf_counter() - started)

    waiting = [Waiting(f"uid-{n}", 1, "MetadataJob", 5, NOW + timedelta(seconds=n), f"job-{n}") for n in range(WAITING)]
    started = time.perf_counter()
    for _ in range(ADMISSIONS):
        plan = admit(queue, waiting, (), NOW, still_held=lambda _: False)
        if plan.admitted != ("uid-0",):
            raise RuntimeError(f"the oldest job was not admitted: {plan.admitted}")
    return {"passes_per_second": passes, "admissions_per_second": ADMISSIONS / (time.perf_counter() - started)}
