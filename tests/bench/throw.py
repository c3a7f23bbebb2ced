"""Throws messages that were written beforehand at an endpoint, several at once, and heeds no answer: `python -m
bench.throw URL FILE`, a message a line.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

TOGETHER = 8
_HEADERS = {"Content-Type": "application/json"}


async def throw(url: str, messages: Iterator[bytes]) -> None:
    """Returns once every message has an answer."""
    async with ClientSession(connector=TCPConnector(limit=TOGETHER)) as session:

        async def one_after_another() -> None:
            for message in messages:
                async with session.post(url, data=message, headers=_HEADERS) as response:
                    await response.read()

        await asyncio.gather(*(one_after_another() for _ in range(TOGETHER)))


if __name__ == "__main__":
    asyncio.run(throw(sys.argv[1], iter(Path(sys.argv[2]).read_bytes().splitlines())))
