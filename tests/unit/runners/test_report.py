"""What a run says through the directory channel: throttled progress, inputs, and the wait for their echo."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.core.channel import ChannelAway, DirectoryChannel, NoChannel
from mintworks_runners.core.errors import InputChanged, Stopped, Waiting
from mintworks_runners.core.report import Items, Reporter
from mintworks_runners.core.stop import StopSignal


def messages(directory: Path) -> list[dict[str, Any]]:
    path = directory / "messages.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def echo(directory: Path, inputs: dict[str, Any]) -> None:
    part = directory / "inputs.part"
    part.write_text(json.dumps(inputs))
    part.replace(directory / "inputs.json")


async def test_progress_is_throttled_and_the_last_is_said(tmp_path: Path) -> None:
    begin = time.monotonic()
    async with Reporter(DirectoryChannel(tmp_path), run=4, interval=0.05) as reporter:
        for done in range(1001):
            reporter.progress(done / 10, "mint", f"{done}", Items(1000, done, already=1))
            await asyncio.sleep(0.0001)
    said = messages(tmp_path)
    assert said[-1] == {
        "type": "progress",
        "run": 4,
        "percent": 100,
        "step": "mint",
        "message": "1000",
        "items": {"total": 1000, "done": 1000, "failed": 0, "already": 1},
    }
    assert 2 <= len(said) <= (time.monotonic() - begin) / 0.05 + 2


async def test_inputs_add_up(tmp_path: Path) -> None:
    async with Reporter(DirectoryChannel(tmp_path), run=1) as reporter:
        reporter.report_inputs({"genesis": "g"})
        reporter.report_inputs({"firstSlot": 5})
        await reporter.settle()
        assert messages(tmp_path)[-1] == {"type": "inputs", "run": 1, "inputs": {"genesis": "g", "firstSlot": 5}}


async def test_a_channel_that_comes_back_gets_everything(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    async with Reporter(DirectoryChannel(directory), run=1, interval=0.01) as reporter:
        reporter.report_inputs({"items": 3})
        reporter.progress(50, "generate")
        await reporter.settle(within=0.05)
        directory.mkdir()
        await reporter.settle(within=10)
    assert [message["type"] for message in messages(directory)] == ["inputs", "progress"]


async def test_a_last_word_that_nobody_hears_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However short the run was: here the task that speaks never had its turn."""
    async with Reporter(DirectoryChannel(tmp_path / "nowhere"), run=1) as reporter:
        reporter.progress(100, "done")
    assert "channel away" in caplog.text


async def test_a_last_word_that_takes_too_long_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(NoChannel):
        async def send(self, message: Mapping[str, Any]) -> None:
            await asyncio.Event().wait()

    async with Reporter(Deaf(), run=1) as reporter:
        reporter.progress(100, "done")
    assert "channel away" in caplog.text


async def test_wait_for_echo_returns_when_all_is_there(tmp_path: Path) -> None:
    async with Reporter(DirectoryChannel(tmp_path), run=1, interval=0.01) as reporter:
        waiting = asyncio.ensure_future(reporter.wait_for_echo({"genesis": "g", "firstSlot": 5}, stop=StopSignal()))
        echo(tmp_path, {"genesis": "g"})
        await asyncio.sleep(0.3)
        assert not waiting.done()
        echo(tmp_path, {"genesis": "g", "firstSlot": 5, "cid": "bafy"})
        await asyncio.wait_for(waiting, 5)
    assert messages(tmp_path)[0]["inputs"] == {"genesis": "g", "firstSlot": 5}


async def test_another_echo_means_changed_inputs(tmp_path: Path) -> None:
    echo(tmp_path, {"genesis": "other"})
    async with Reporter(DirectoryChannel(tmp_path), run=1) as reporter:
        with pytest.raises(InputChanged, match="genesis"):
            await reporter.wait_for_echo({"genesis": "g"}, stop=StopSignal())


async def test_no_echo_is_redis_away(tmp_path: Path) -> None:
    async with Reporter(DirectoryChannel(tmp_path), run=1) as reporter:
        with pytest.raises(Waiting) as caught:
            await reporter.wait_for_echo({"genesis": "g"}, stop=StopSignal(), within=0.3)
    assert (caught.value.reason, caught.value.exit_code) == ("RedisAway", 75)


async def test_without_a_channel_nothing_is_waited_for() -> None:
    async with Reporter(NoChannel(), run=1) as reporter:
        reporter.progress(1, "x")
        reporter.report_inputs({"items": 1})
        await asyncio.wait_for(reporter.settle(within=3600), 5)
        with pytest.raises(Waiting):
            await reporter.wait_for_echo({"genesis": "g"}, stop=StopSignal())


async def test_a_stop_ends_the_wait_for_the_echo(tmp_path: Path) -> None:
    stop = StopSignal()
    async with Reporter(DirectoryChannel(tmp_path), run=1) as reporter:
        asyncio.get_running_loop().call_later(0.05, stop.set)
        with pytest.raises(Stopped):
            await reporter.wait_for_echo({"genesis": "g"}, stop=stop)


class _Deaf(NoChannel):
    """A channel that takes the first cancellation of a send for an error of its own, as redis-py does."""

    connected = True

    def __init__(self) -> None:
        self.sending = asyncio.Event()
        self.cancelled = False

    async def send(self, message: Mapping[str, Any]) -> None:
        self.sending.set()
        try:
            await asyncio.sleep(0 if self.cancelled else 3600)
        except asyncio.CancelledError as error:
            self.cancelled = True
            raise ChannelAway("connection closed") from error


async def test_a_swallowed_cancellation_does_not_hold_the_end_up() -> None:
    channel = _Deaf()

    async def run() -> None:
        async with Reporter(channel, run=1, interval=0.01) as reporter:
            reporter.progress(1, "work")
            await channel.sending.wait()

    ended, late = await asyncio.wait({asyncio.ensure_future(run())}, timeout=5)
    for task in late:
        task.cancel()
    assert ended
    assert channel.cancelled
