"""Redis as the operator sees it: a TCP proxy at which the operator is killed when it writes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

from .asked import Write
from .kills import Kills, Moment

_COMMANDS = ((re.compile(rb"\$3\r\nSET\r\n"), Write.ECHO), (re.compile(rb"\$6\r\nUNLINK\r\n"), Write.CLEAN))


class RedisLink:
    """Forwards to the Redis on `port` of 127.0.0.1."""

    def __init__(self, port: int, kills: Kills, kill: Callable[[], None]) -> None:
        self._to = port
        self._kills = kills
        self._kill = kill
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> RedisLink:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._tasks.add(own)
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        answers = asyncio.create_task(_copy(there, writer))
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(1 << 16):
                    last = self._last(data)
                    if last is Moment.BEFORE:
                        self._kill()
                        return
                    if last is Moment.AFTER:
                        # Its answer would go to nobody: the answer is what says that it was carried out.
                        answers.cancel()
                        await asyncio.gather(answers, return_exceptions=True)
                    back.write(data)
                    await back.drain()
                    if last is Moment.AFTER:
                        await there.read(1 << 16)
                        self._kill()
                        return
        finally:
            answers.cancel()
            for each in (writer, back):
                each.close()
            self._tasks.discard(own)

    def _last(self, data: bytes) -> Moment | None:
        for pattern, write in _COMMANDS:
            if pattern.search(data):
                return self._kills.due(write)
        return None


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
