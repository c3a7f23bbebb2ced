"""What stands in front of a service, or in its place: an aiohttp application with a client of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, ClassVar, Self

from aiohttp import ClientSession, web


class StandIn(ABC):
    """Use it as an async context manager. `RUNNER` goes to aiohttp's AppRunner, `CLIENT` to its ClientSession."""

    RUNNER: ClassVar[dict[str, Any]] = {}
    CLIENT: ClassVar[dict[str, Any]] = {}
    _runner: web.AppRunner
    _session: ClientSession

    @abstractmethod
    def application(self) -> web.Application:
        """What it serves."""

    @property
    def address(self) -> str:
        """Host and port, once it was started."""
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Self:
        """Starts it."""
        self._session = ClientSession(**self.CLIENT)
        self._runner = web.AppRunner(self.application(), access_log=None, **self.RUNNER)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        await self._runner.cleanup()
        await self._session.close()
