"""What is sent beside the passes: each try once, so many at once, and nothing forgotten before it is written down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from mintworks_api import JobStatus, Notification
from mintworks_operator.core import Delivery, Notify
from mintworks_operator.keys import JobKey
from mintworks_operator.webhooks.notifier import ALL, SHARE, Notifier
from prometheus_client import REGISTRY

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(namespace: str = "a") -> JobKey:
    return JobKey("MintJob", namespace, "m")


def notify(id_: str = "msg_1", attempt: int = 1) -> Notify:
    return Notify(id_, attempt, "https://hooks.example", {})


class Line:
    """A receiver that answers when it is let."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.leads = asyncio.Event()
        self.leads.set()
        self.woken: list[Any] = []
        self.sent: list[tuple[str, str, int]] = []
        self.busy: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def send(self, namespace: str, what: Notify) -> Delivery:
        self.sent.append((namespace, what.id, what.attempt))
        self.busy[namespace] += 1
        self.most |= self.busy
        self.most["all"] = max(self.most["all"], self.busy.total())
        await self.open.wait()
        self.busy[namespace] -= 1
        return Delivery(what.id, what.attempt, NOW, 204)

    @asynccontextmanager
    async def notifier(self) -> AsyncIterator[Notifier]:
        made = Notifier(self.send, self.woken.append, self.leads.wait)
        task = asyncio.create_task(made.run())
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_try_is_sent_once_however_often_passes_ask() -> None:
    line = Line()
    async with line.notifier() as notifier:
        for _ in range(3):
            notifier.notify(key(), "u", notify())
            await settle()
        line.open.set()
        await settle()
        # The pass that writes it down has not come to its end.
        notifier.notify(key(), "u", notify())
        await settle()
        assert line.sent == [("a", "msg_1", 1)]
        assert line.woken == [key()]
        assert [(d.id, d.attempt, d.code) for d in notifier.deliveries("u")] == [("msg_1", 1, 204)]
        notifier.notify(key(), "u", notify(attempt=2))
        await settle()
        assert line.sent[1:] == [("a", "msg_1", 2)]


async def test_a_delivery_is_kept_until_the_status_knows_it() -> None:
    line = Line()
    line.open.set()
    entry = Notification(id="msg_1", url="https://hooks.example", outcome="Failed", reason="Bad", time=NOW)
    async with line.notifier() as notifier:
        notifier.notify(key(), "u", notify())
        await settle()
        notifier.written("u", JobStatus(notifications=[entry]))
        assert len(notifier.deliveries("u")) == 1
        notifier.written("u", JobStatus(notifications=[entry.model_copy(update={"attempts": 1})]))
        assert notifier.deliveries("u") == ()


async def test_namespaces_whose_receivers_hang_hold_up_no_other() -> None:
    line = Line()
    async with line.notifier() as notifier:
        for number in range(50):
            notifier.notify(key("slow"), f"u{number}", notify())
        await settle()
        assert len(line.sent) == SHARE
        assert REGISTRY.get_sample_value("mintworks_webhooks_waiting") == 50 - SHARE
        notifier.notify(key("quick"), "q", notify())
        await settle()
        assert line.sent[-1][0] == "quick"
        for number in range(20):
            for turn in range(SHARE + 3):
                notifier.notify(key(f"ns{number}"), f"u{number}-{turn}", notify())
        await settle()
        assert line.most["all"] == ALL
        assert max(count for name, count in line.most.items() if name != "all") == SHARE
        line.open.set()
        for _ in range(20):
            await settle()
        assert len(line.sent) == 50 + 1 + 20 * (SHARE + 3)
        assert REGISTRY.get_sample_value("mintworks_webhooks_waiting") == 0


async def test_what_waits_for_a_job_that_is_gone_is_not_sent() -> None:
    line = Line()
    async with line.notifier() as notifier:
        for number in range(SHARE + 2):
            notifier.notify(key(), f"u{number}", notify())
        await settle()
        notifier.forget(f"u{SHARE}")
        line.open.set()
        for _ in range(5):
            await settle()
        assert len(line.sent) == SHARE + 1


async def test_who_does_not_lead_sends_nothing() -> None:
    line = Line()
    line.leads.clear()
    line.open.set()
    async with line.notifier() as notifier:
        notifier.notify(key(), "u", notify())
        await settle()
        assert line.sent == []
        line.leads.set()
        await settle()
        assert line.sent == [("a", "msg_1", 1)]
