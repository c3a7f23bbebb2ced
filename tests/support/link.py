"""A TCP way to a server of this machine that can be cut, as a network is: nothing arrives, and nobody is told."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Link:
    """Forwards to `port` of 127.0.0.1 while it is not cut. Use it as an async context manager."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.port = 0

    async def __aenter__(self) -> Self:
        """Opens it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks)

    def cut(self) -> None:
        """From now on what is sent is lost; connections stay open."""
        self._cut = True

    def mend(self) -> None:
        """New connections work again; those from before are closed, as something of them may have been lost."""
        self._cut = False
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own is not None
        self._tasks.add(own)
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", self._to)
                self._writers.add(back)
                answers = asyncio.create_task(self._copy(there, writer))
                try:
                    await self._copy(reader, back)
                finally:
                    back.close()
                    self._writers.discard(back)
                    await answers
        finally:
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(own)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not self._cut:
                    writer.write(data)
                    await writer.drain()
            writer.close()
