"""What a run tells the operator while it works: progress, at most twice a second, and inputs that it found out.

Telling never holds work up: both calls only note what is to be said, and one task says it. While the channel is
away the newest progress and all inputs are kept and said later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .channel import Channel, ChannelAway
from .errors import InputChanged, Waiting
from .redaction import redact
from .stop import StopSignal
from .tasks import end

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 5.0
REPEAT_SECONDS: Final = 10.0
ECHO_TIMEOUT_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.2
_FLUSH_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Items:
    """Counts of a job's items. `already` are those of `done` that were done before this run."""

    total: int
    done: int = 0
    failed: int = 0
    already: int = 0

    def to_json(self) -> dict[str, int]:
        """As the protocol writes it."""
        return {"total": self.total, "done": self.done, "failed": self.failed, "already": self.already}


class Reporter:
    """The voice of one run. Use as an async context manager: it flushes (bounded by 1.5 s) at the end."""

    def __init__(self, channel: Channel, *, run: int, interval: float = INTERVAL_SECONDS) -> None:
        self._channel = channel
        self._run = run
        self._interval = interval
        self._progress: dict[str, Any] | None = None
        self._inputs: dict[str, Any] = {}
        self._said = asyncio.Event()
        self._said.set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away = False

    async def __aenter__(self) -> Reporter:
        """Start the task that speaks."""
        self._task = asyncio.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say the last word, if the channel is there, and let go of it."""
        if self._task is not None:
            await end(self._task)
        try:
            await asyncio.wait_for(self._flush(), _FLUSH_SECONDS)
        except ChannelAway as error:
            self._note(away=True, why=str(error))
        except TimeoutError:
            self._note(away=True, why=f"no answer within {_FLUSH_SECONDS} s")
        await self._channel.close()

    def progress(self, percent: float, step: str, message: str = "", items: Items | None = None) -> None:
        """Note where the run is: percent 0..100, a step's name, a sentence for people, counts. Cheap."""
        told: dict[str, Any] = {
            "type": "progress",
            "run": self._run,
            "percent": max(0, min(100, int(percent))),
            "step": step,
            "message": redact(message),
        }
        if items is not None:
            told["items"] = items.to_json()
        self._progress = told
        self._wake.set()

    def report_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Note facts that the operator cannot know and shall freeze in status.inputs. Several calls add up."""
        self._inputs.update(inputs)
        self._said.clear()
        self._wake.set()

    async def wait_for_echo(
        self, inputs: Mapping[str, Any], *, stop: StopSignal, within: float = ECHO_TIMEOUT_SECONDS
    ) -> None:
        """Report `inputs` and return once the operator's echo holds every one of them.

        They are said again every 10 s, because a wiped Redis forgets them. An echo with another value raises
        InputChanged: another run of this job came first. Waiting `RedisAway` after `within` seconds, or at once in
        a run without any channel. Stopped where the stop comes first.
        """
        if not self._channel.connected:
            raise Waiting("RedisAway", "there is no channel to the operator, so inputs cannot be frozen")
        deadline = time.monotonic() + within
        repeat = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= repeat:
                self.report_inputs(inputs)
                repeat = now + REPEAT_SECONDS
            if await self._echoed(inputs):
                return
            await stop.sleep(_POLL_SECONDS)
        raise Waiting("RedisAway", f"the operator did not confirm the job's inputs within {within:.0f} s")

    async def settle(self, within: float = _FLUSH_SECONDS) -> None:
        """Return once the inputs noted so far are said, or after `within` seconds: an absent channel stops nobody."""
        if not self._channel.connected:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._said.wait(), within)

    async def _echoed(self, inputs: Mapping[str, Any]) -> bool:
        try:
            echo = await self._channel.echo()
        except ChannelAway:
            return False
        if echo is None:
            return False
        other = {name for name, value in inputs.items() if echo.get(name) not in (None, value)}
        if other:
            raise InputChanged(f"the job's frozen inputs differ from this run's: {', '.join(sorted(other))}")
        return all(echo.get(name) == value for name, value in inputs.items())

    async def _speak(self) -> None:
        pause = self._interval
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._flush()
                pause = self._interval
                self._note(away=False)
            except ChannelAway as error:
                self._wake.set()
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
                self._note(away=True, why=str(error))
            await asyncio.sleep(pause)

    async def _flush(self) -> None:
        if not self._said.is_set():
            inputs = dict(self._inputs)
            await self._channel.send({"type": "inputs", "run": self._run, "inputs": inputs})
            if inputs == self._inputs:
                self._said.set()
        told = self._progress
        if told is not None:
            await self._channel.send(told)
            if self._progress is told:
                self._progress = None

    def _note(self, *, away: bool, why: str = "") -> None:
        if away != self._away:
            self._away = away
            log.log(logging.WARNING if away else logging.INFO, "channel %s", f"away: {why}" if away else "back")
