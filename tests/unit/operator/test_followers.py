"""Who has to look again when a job stands otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.core import News
from mintworks_operator.followers import Followers
from mintworks_operator.gather import Gatherer
from mintworks_operator.keys import JobKey, Key
from mintworks_operator.names import KINDS
from support.connection import connected
from support.specs import METADATA, MINT

A, B, C, D = (JobKey("MintJob", "ns", name) for name in "abcd")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS, MINTED = JobKey("MetadataJob", "ns", "rows"), JobKey("MintJob", "ns", "m")
AUDIT = JobKey("CleanupJob", "ns", "audit")


def test_the_last_pass_counts() -> None:
    found = Followers()
    found.follow(C, [A, B])
    found.follow(C, [A, B])
    found.follow(C, [B, D])
    assert [list(found.of(each)) for each in (A, B, D)] == [[], [C], [C]]
    found.follow(C, [])
    assert [list(found.of(each)) for each in (A, B, D)] == [[], [], []]


@pytest.mark.parametrize(("phase", "followed"), [("Pending", [MINTED]), ("Running", [MINTED]), ("Succeeded", [])])
async def test_a_job_that_ended_builds_on_nothing_any_more(phase: str, followed: list[JobKey]) -> None:
    cache = Cache(lambda _: None)
    cache.put(KINDS["MetadataJob"], obj("rows", METADATA))
    cache.put(KINDS["MintJob"], obj("m", {**MINT, "metadataFrom": {"job": "rows"}}, phase=phase))
    await look(cache, MINTED)
    assert list(cache.followers.of(ROWS)) == followed


async def test_an_audit_builds_on_what_its_mint_built_on() -> None:
    """The mint has ended and looks at nothing any more; its rows may go, and come back."""
    woken: list[Key] = []
    cache = Cache(woken.append)
    cache.put(KINDS["MintJob"], obj("m", {**MINT, "metadataFrom": {"job": "rows"}}, phase="Succeeded"))
    cache.put(KINDS["CleanupJob"], obj("audit", {"failedMint": {"job": "m"}}))
    await look(cache, MINTED)
    await look(cache, AUDIT)
    woken.clear()
    cache.put(KINDS["MetadataJob"], obj("rows", METADATA))
    assert woken == [ROWS, AUDIT]


async def look(cache: Cache, key: JobKey) -> None:
    """As a pass over that job does."""
    async with connected() as api:
        gatherer = Gatherer(cache, api, load(["--namespaces", "ns"], {}), lambda *_: News(), lambda _: ())
        known = cache.job(key)
        assert known is not None
        await gatherer.snapshot(key, known, NOW)


def obj(name: str, spec: dict[str, Any], **status: str) -> dict[str, Any]:
    meta = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1", "creationTimestamp": NOW.isoformat()}
    return {"metadata": meta, "spec": spec, "status": status}
