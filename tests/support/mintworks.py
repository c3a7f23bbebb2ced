"""`mintworks` as a process of its own: started, read while it runs, killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

#: Environment of a command without a terminal and without colours.
QUIET = {"NO_COLOR": "1", "TERM": "dumb"}


@dataclass
class Command:
    """A started command. `lines` is what it printed on stderr so far (with `--output json`, its progress)."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    @classmethod
    async def start(cls, *arguments: str | Path) -> Self:
        """Start `mintworks ARGUMENTS`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mintworks_cli",
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **QUIET},
        )
        return cls(process)

    async def end(self, within: float = 120) -> tuple[int, str]:
        """Its exit code and what it printed on stdout; AssertionError with all it said where it does not end."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(within):
                text, _ = await asyncio.gather(self.process.stdout.read(), self._read(lambda _line: False))
                return await self.process.wait(), text.decode()
        except TimeoutError as error:
            self.process.kill()
            raise AssertionError("it does not end:\n" + "\n".join(self.lines)) from error

    async def until(self, says: str, within: float = 60) -> None:
        """Read on until a line holds `says`."""
        try:
            async with asyncio.timeout(within):
                await self._read(lambda line: says in line)
        except TimeoutError as error:
            raise AssertionError(f"it does not say {says!r}:\n" + "\n".join(self.lines)) from error
        assert says in (self.lines or [""])[-1], self.lines

    async def kill(self) -> None:
        """kill -9, and no more than that: what it started is its own business."""
        if self.process.returncode is None:
            self.process.kill()
        await self.end()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def _read(self, enough: Callable[[str], bool]) -> None:
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode():
            self.lines.append(line.rstrip())
            if enough(line):
                return


async def mintworks(*arguments: str | Path) -> tuple[int, dict[str, Any], list[str]]:
    """Run `mintworks ARGUMENTS --output json` to its end: exit code, its JSON, its lines of progress."""
    command = await Command.start(*arguments, "--output", "json")
    code, text = await command.end()
    report = json.loads(text) if text else {}
    assert isinstance(report, dict)
    return code, report, command.lines
