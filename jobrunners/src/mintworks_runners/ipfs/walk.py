"""A file of IPFS from its blocks: a path is resolved and the file's bytes come in order, each block held to its CID."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final

import mmh3

from .nodes import BlockId, Kind, Link, Malformed, Node, decode

AHEAD: Final = 8
"""Blocks that are asked for before they are needed: some 2 MiB, at most 16."""

_DEEPEST: Final = 64

Fetch = Callable[[BlockId], Awaitable[bytes]]
"""The block of this name, checked against it."""


class NotThere(LookupError):  # noqa: N818 - says what a thing is
    """The path leads nowhere; the message says where it ends."""


async def resolve(fetch: Fetch, root: BlockId, path: str) -> BlockId:
    """The block at a path below the root. NotThere where there is none, Malformed where a block is no UnixFS."""
    at = root
    for step in path.split("/") if path else ():
        node = decode(at, await fetch(at))
        if node.kind is Kind.SHARD:
            found = await _in_shard(fetch, node, step)
        elif node.kind is Kind.DIRECTORY:
            found = next((link.to for link in node.links if link.name == step), None)
        else:
            raise NotThere(f"{step} is looked for in something that is no folder")
        if found is None:
            raise NotThere(f"the folder has no {step}")
        at = found
    return at


async def content(fetch: Fetch, file: BlockId) -> AsyncGenerator[bytes, None]:
    """The bytes of a file, in order. NotThere where it is no file, Malformed where its blocks contradict each other."""
    node = decode(file, await fetch(file))
    if node.kind in (Kind.DIRECTORY, Kind.SHARD):
        raise NotThere("it is a folder")
    async with aclosing(_parts(fetch, node, 0)) as parts:
        async for part in parts:
            yield part


async def _parts(fetch: Fetch, node: Node, depth: int) -> AsyncGenerator[bytes, None]:
    if node.kind not in (Kind.FILE, Kind.RAW) or depth > _DEEPEST:
        raise Malformed("a part of a file that is none")
    if node.data:
        yield node.data
    if len(node.sizes) != len(node.links) or 0 in node.sizes:
        raise Malformed("a file whose sizes are not those of its parts")
    sizes = iter(node.sizes)
    async with aclosing(_ahead(fetch, node.links)) as children:
        async for to, block in children:
            size, wanted = 0, next(sizes)
            async with aclosing(_parts(fetch, decode(to, block), depth + 1)) as parts:
                async for part in parts:
                    size += len(part)
                    yield part
            if size != wanted:
                raise Malformed(f"a part of {size} bytes in place of {wanted}")


async def _ahead(fetch: Fetch, links: Iterable[Link]) -> AsyncGenerator[tuple[BlockId, bytes], None]:
    """The links' blocks in order, some of them fetched before their turn."""
    waiting: deque[tuple[BlockId, asyncio.Task[bytes]]] = deque()
    try:
        for link in links:
            waiting.append((link.to, asyncio.ensure_future(fetch(link.to))))
            if len(waiting) >= AHEAD:
                to, task = waiting.popleft()
                yield to, await task
        while waiting:
            to, task = waiting.popleft()
            yield to, await task
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


async def _in_shard(fetch: Fetch, node: Node, name: str) -> BlockId | None:
    """The entry of a sharded folder: its hash says which slot of each level to look in."""
    left, hashed = 64, mmh3.hash64(name.encode(errors="surrogateescape"), signed=False)[0]
    while True:
        bits = node.fanout.bit_length() - 1
        if node.kind is not Kind.SHARD or node.fanout != 1 << bits or not 3 <= bits <= 10 or left < bits:
            raise Malformed("a sharded folder of an unknown form")
        left -= bits
        digits = len(f"{node.fanout - 1:X}")
        slot = f"{(hashed >> left) & (node.fanout - 1):0{digits}X}"
        found = next((link for link in node.links if link.name[:digits] == slot), None)
        if found is None or found.name[digits:] == name:
            return None if found is None else found.to
        if found.name != slot:
            return None
        node = decode(found.to, await fetch(found.to))
