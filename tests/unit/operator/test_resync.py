"""The operator's own LISTs, which find what the watches missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mintworks_operator.api import PAGE, Api
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.keys import JobKey, Key
from mintworks_operator.names import KINDS
from mintworks_operator.resync import Resync
from mintworks_operator.watching import RESOURCES, selector
from support.connection import connected
from support.specs import METADATA
from support.web import Answer, Web, serve
from yarl import URL

Json = dict[str, Any]

ROWS = KINDS["MetadataJob"]
EXPIRED = Answer(410, b'{"kind": "Status", "reason": "Expired"}')


@pytest.fixture
def web() -> Any:
    """An API server where nothing is."""
    with serve() as found:
        for resource in RESOURCES:
            chosen = selector(resource)
            query = {"limit": str(PAGE), **({} if chosen is None else {"labelSelector": chosen})}
            found.answers[str(URL(resource.path("ns")).with_query(query))] = [page()]
        yield found


@pytest.fixture
async def api(web: Web) -> AsyncIterator[Api]:
    async with connected(web.url) as made:
        yield made


def rows(name: str) -> Json:
    meta = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1"}
    return {"metadata": {**meta, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": METADATA}


def page(*names: str, more: str = "") -> Answer:
    return Answer(body=json.dumps({"metadata": {"continue": more}, "items": [rows(name) for name in names]}).encode())


async def listed(
    web: Web, api: Api, *, further: Answer, whole: Answer | None = None, cache: Cache | None = None
) -> set[str]:
    """The jobs of a cache that knew `a` and `b`, after a LIST whose first page has `a`."""
    first = f"{ROWS.path('ns')}?limit={PAGE}"
    web.answers[first] = [page("a", more="x")]
    web.answers[f"{first}&continue=x"] = [further]
    if whole is not None:
        web.answers[ROWS.path("ns")] = [whole]
    cache = cache if cache is not None else Cache(lambda _: None)
    cache.put(ROWS, rows("a"))
    cache.put(ROWS, rows("b"))
    async with asyncio.timeout(20):
        await Resync(api, cache, load(["--namespaces", "ns"], {}), lambda _: None, lambda _: None).first()
    return {key.name for key in cache.job_keys()}


async def test_what_no_page_has_is_gone(web: Web, api: Api) -> None:
    assert await listed(web, api, further=page("c")) == {"a", "c"}


async def test_what_a_later_page_has_is_not(web: Web, api: Api) -> None:
    assert await listed(web, api, further=page("b", "c")) == {"a", "b", "c"}


async def test_what_a_watch_told_of_meanwhile_was_not_missed(
    web: Web, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    def meanwhile(key: Key) -> None:
        if key == JobKey("MetadataJob", "ns", "c"):
            cache.drop(ROWS, "b")

    caplog.set_level("INFO")
    cache = Cache(meanwhile)
    assert await listed(web, api, further=page("c"), cache=cache) == {"a", "c"}
    assert "deletion was not seen" not in caplog.text


async def test_a_list_that_begins_anew_says_all_of_it(web: Web, api: Api) -> None:
    """`a` was in a page, and is gone in the version of which the rest is."""
    assert await listed(web, api, further=EXPIRED, whole=page("b")) == {"b"}
