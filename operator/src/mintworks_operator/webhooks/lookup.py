"""Names of receivers become addresses, and only such as may be called."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from threading import Thread
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from .networks import Networks

log = logging.getLogger(__name__)

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
#: As getaddrinfo answers and aiohttp asks for a socket: family, type, protocol, canonical name, address.
Info = tuple[Any, Any, int, str, tuple[Any, ...]]


class RefusedError(Exception):
    """The receiver's address may not be called. What it is stands in the log alone: names inside a network are not for
    whoever may write jobs.
    """


class Lookup(AbstractResolver):
    """Resolves a name for one connection. Who answers with several addresses of which one may not be called is not
    called at all.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses. Raises RefusedError, and OSError where there are none."""
        found = await _getaddrinfo(host, port, family)
        for info in found:
            self.check(host, info)
        return [
            ResolveResult(hostname=host, host=str(info[4][0]), port=port, family=info[0], proto=info[2], flags=_NUMERIC)
            for info in found
        ]

    def socket(self, info: Info) -> socket.socket:
        """The socket for a connection to that very address: the last look, whatever the address came from."""
        self.check("a webhook", info)
        return socket.socket(family=info[0], type=info[1], proto=info[2])

    def check(self, host: str, info: Info) -> None:
        """Raises RefusedError where that address may not be called."""
        objection = self._networks.objection(str(info[4][0]))
        if objection:
            log.warning("%s is not called: %s is %s", host, info[4][0], objection)
            raise RefusedError("its address is not of the internet: webhooks.allowedNetworks of the chart can allow it")

    async def close(self) -> None:
        """Nothing is held."""


async def _getaddrinfo(host: str, port: int, family: socket.AddressFamily) -> list[Info]:
    """In a thread of its own: a name server that hangs must hold up no other lookup of this process, nor its end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Info]] = loop.create_future()

    def tell(found: list[Info] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found: list[Info] | OSError
        try:
            found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        except OSError as error:
            found = error
        except UnicodeError:
            found = OSError("the name cannot be looked up")
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, found)

    Thread(target=ask, name="webhook lookup", daemon=True).start()
    return await answer
