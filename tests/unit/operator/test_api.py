"""Requests to an API server, as far as a plain HTTP server can show them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from mintworks_operator.api import PODS
from support.connection import connected
from support.web import Answer, Web, serve

PATH = "/api/v1/namespaces/ns/pods?limit=250"
FURTHER = f"{PATH}&continue=further"


def page(*names: str, more: str = "") -> Answer:
    items: list[Any] = [{"metadata": {"name": name}} for name in names]
    return Answer(body=json.dumps({"metadata": {"continue": more}, "items": items}).encode())


async def test_the_next_page_is_asked_for_while_one_is_taken_in() -> None:
    with serve() as web:
        web.answers = {PATH: [page("a", more="further")], FURTHER: [page("b")]}
        found: list[tuple[list[str], bool]] = []
        async with connected(web.url) as api:
            async for each in api.pages(PODS, "ns"):
                await taken_in(web, 2)
                found.append(([item["metadata"]["name"] for item in each.items], each.first))
    assert found == [(["a"], True), (["b"], False)]
    assert web.asked == [PATH, FURTHER]


async def taken_in(web: Web, requests: int) -> None:
    """Works for as long as the server was asked less often than that, and lets others run meanwhile."""
    end = time.monotonic() + 10
    while len(web.asked) < requests:
        assert time.monotonic() < end, f"while a page is taken in nothing was asked for: {web.asked}"
        await asyncio.sleep(0)
