"""Reading a namespace's warnings: one LIST for all who ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from mintworks_operator.warned import APART, Warned
from support.connection import connected
from support.web import Answer, Web, serve

PATH = "/apis/events.k8s.io/v1/namespaces/{}/events?limit=250&fieldSelector=type%3DWarning"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUOTA = ("FailedCreate", "exceeded quota: none")
MOUNT = ("FailedMount", "no such volume")


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as found:
        yield found


def answer(**warnings: tuple[str, str]) -> Answer:
    """One warning about each object, by its uid: reason and text."""
    items: list[dict[str, Any]] = [
        {"type": "Warning", "reason": reason, "note": note, "regarding": {"uid": uid}}
        for uid, (reason, note) in warnings.items()
    ]
    return Answer(200, json.dumps({"metadata": {}, "items": items}).encode())


async def test_all_that_start_slowly_are_looked_up_by_one_request(web: Web) -> None:
    web.answers[PATH.format("ns")] = [answer(a=QUOTA, b=MOUNT)]
    async with connected(web.url) as api:
        warned = Warned(api)
        found = [await warned.of("ns", uid, NOW) for uid in ("a", "b", "c")]
    assert [t.reason if t is not None else None for t in found] == ["QuotaExceeded", "MountFailed", None]
    assert web.asked == [PATH.format("ns")]


async def test_they_are_read_again_after_a_while(web: Web) -> None:
    """What is no longer said no longer counts."""
    web.answers[PATH.format("ns")] = [answer(a=QUOTA), answer(a=MOUNT), answer()]
    async with connected(web.url) as api:
        warned = Warned(api)
        found = [await warned.of("ns", "a", NOW + passes * APART / 2) for passes in range(5)]
    reasons = [t.reason if t is not None else None for t in found]
    assert reasons == ["QuotaExceeded", "QuotaExceeded", "MountFailed", "MountFailed", None]


async def test_each_namespace_has_warnings_of_its_own(web: Web) -> None:
    web.answers = {PATH.format("one"): [answer(a=QUOTA)], PATH.format("other"): [answer(a=MOUNT)]}
    async with connected(web.url) as api:
        warned = Warned(api)
        found = [await warned.of(namespace, "a", NOW) for namespace in ("one", "other")]
    assert [t.reason for t in found if t is not None] == ["QuotaExceeded", "MountFailed"]


async def test_events_that_cannot_be_read_take_nothing_back(web: Web) -> None:
    web.answers[PATH.format("ns")] = [answer(a=QUOTA), Answer(403, b"{}")]
    async with connected(web.url) as api:
        warned = Warned(api)
        found = [await warned.of("ns", "a", NOW + passes * APART) for passes in range(2)]
    assert [t.reason for t in found if t is not None] == ["QuotaExceeded", "QuotaExceeded"]
    assert len(web.asked) == 2
