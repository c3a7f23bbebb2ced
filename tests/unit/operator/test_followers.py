"""Who has to look again when a job stands otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.aio import client
from mintworks_operator.api import Api
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.core import News
from mintworks_operator.followers import Followers
from mintworks_operator.gather import Gatherer
from mintworks_operator.keys import JobKey
from mintworks_operator.names import KINDS
from support.specs import METADATA, MINT

A, B, C, D = (JobKey("MintJob", "ns", name) for name in "abcd")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS, MINTED = JobKey("MetadataJob", "ns", "rows"), JobKey("MintJob", "ns", "m")


def test_those_that_build_on_it_and_those_that_build_on_these() -> None:
    found = Followers()
    found.follow(B, [A])
    found.follow(C, [B])
    found.follow(D, [C])
    assert list(found.of(A)) == [B, C]
    assert list(found.of(D)) == []


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
    api = Api(client.ApiClient(client.Configuration(host="http://127.0.0.1:9")))
    gatherer = Gatherer(cache, api, load(["--namespaces", "ns"], {}), lambda *_: News(), lambda _: ())
    known = cache.job(MINTED)
    assert known is not None
    await gatherer.snapshot(MINTED, known, NOW)
    await api.close()
    assert list(cache.followers.of(ROWS)) == followed
    cache.drop(KINDS["MintJob"], "m")
    assert list(cache.followers.of(ROWS)) == []


def obj(name: str, spec: dict[str, Any], **status: str) -> dict[str, Any]:
    meta = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1", "creationTimestamp": NOW.isoformat()}
    return {"metadata": meta, "spec": spec, "status": status}
