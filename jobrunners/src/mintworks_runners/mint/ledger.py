"""The ledger cache: finalized facts kept between attempts, so that a replay need not begin at the tree's birth.

It is a set of lines, each with its own checksum, in any order: a truncated, restored or missing cache holds fewer
facts and never wrong ones. What it lacks is read from the chain again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from solders.pubkey import Pubkey

from .facts import MintFact, TxFact
from .redislink import AWAY, RedisLink

log = logging.getLogger(__name__)

TTL_SECONDS = 30 * 24 * 3600
_PAGE = 2000


class LedgerCache(Protocol):
    """Keeps facts of one tree. Losing it costs time and nothing else, so no method ever raises."""

    def load(self) -> AsyncIterator[list[TxFact]]:
        """All facts that were kept and are whole, in portions."""

    async def append(self, facts: Sequence[TxFact]) -> None:
        """Keep more facts."""

    async def forget(self) -> None:
        """Drop all facts: they were of a chain that is no more."""


class NoLedger:
    """No cache: every attempt replays from the beginning."""

    async def load(self) -> AsyncIterator[list[TxFact]]:
        """Nothing."""
        return
        yield

    async def append(self, facts: Sequence[TxFact]) -> None:
        """Nothing."""

    async def forget(self) -> None:
        """Nothing."""


class ReadOnly(NoLedger):
    """Another cache that is only read: without the lease of its tree nobody may write to it."""

    def __init__(self, cache: LedgerCache) -> None:
        self._cache = cache

    def load(self) -> AsyncIterator[list[TxFact]]:
        """What the other one keeps."""
        return self._cache.load()


class FileLedger:
    """A file in the state directory of a run without a cluster."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> AsyncIterator[list[TxFact]]:
        """The whole lines of the file."""
        try:
            with self._path.open(errors="replace") as file:
                while lines := await asyncio.to_thread(list, islice(file, _PAGE)):
                    yield decode_lines(line.rstrip("\n") for line in lines)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("ledger cache %s: %s", self._path, error)

    async def append(self, facts: Sequence[TxFact]) -> None:
        """Lines at the end of the file; a crash in the middle leaves a line that is not whole."""
        if not facts:
            return
        text = "".join(f"{encode_line(fact)}\n" for fact in facts)
        try:
            await asyncio.to_thread(self._write, text)
        except OSError as error:
            log.warning("ledger cache %s: %s", self._path, error)

    async def forget(self) -> None:
        """Without the file."""
        try:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        except OSError as error:
            log.warning("ledger cache %s: %s", self._path, error)

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            # The newline ends what a crash may have left behind.
            file.write("\n" + text)


class RedisLedger:
    """A Redis list."""

    def __init__(self, link: RedisLink, key: str) -> None:
        self._link = link
        self._key = key

    async def load(self) -> AsyncIterator[list[TxFact]]:
        """The whole entries of the list."""
        start = 0
        try:
            client = await self._link.client()
            while page := await client.lrange(self._key, start, start + _PAGE - 1):
                yield decode_lines(map(str, page))
                start += _PAGE
        except AWAY as error:
            await self._link.lost()
            log.warning("ledger cache: %s", error)

    async def append(self, facts: Sequence[TxFact]) -> None:
        """Entries at the end of the list."""
        if not facts:
            return
        try:
            client = await self._link.client()
            for start in range(0, len(facts), _PAGE):
                await client.rpush(self._key, *map(encode_line, facts[start : start + _PAGE]))
            await client.expire(self._key, TTL_SECONDS)
        except AWAY as error:
            await self._link.lost()
            log.warning("ledger cache: %s", error)

    async def forget(self) -> None:
        """Without the list."""
        try:
            await (await self._link.client()).delete(self._key)
        except AWAY as error:
            await self._link.lost()
            log.warning("ledger cache: %s", error)


def encode_line(fact: TxFact) -> str:
    """A fact as one line: checksum, space, JSON."""
    mints = [
        [m.nonce, m.uri, str(m.owner), m.data_hash.hex(), m.leaf_hash.hex(), str(m.tree_delegate)] for m in fact.mints
    ]
    values = [fact.signature, fact.slot, str(fact.payer), fact.fee, fact.rent, fact.error, mints]
    if fact.table is not None:
        values.append(str(fact.table))
    body = json.dumps(values, separators=(",", ":"))
    return f"{zlib.crc32(body.encode()):08x} {body}"


def decode_lines(lines: Iterable[str]) -> list[TxFact]:
    """The facts of those lines that are whole; others are passed over."""
    facts = []
    for line in lines:
        checksum, _, body = line.partition(" ")
        if body and checksum == f"{zlib.crc32(body.encode()):08x}":
            # A whole line of another version's format is of no use, and no harm.
            with contextlib.suppress(ValueError, TypeError):
                facts.append(_fact(json.loads(body)))
    return facts


def _fact(values: Sequence[Any]) -> TxFact:
    signature, slot, payer, fee, rent, error, mints, *table = values
    return TxFact(
        signature=signature,
        slot=slot,
        payer=Pubkey.from_string(payer),
        fee=fee,
        rent=rent,
        error=error,
        mints=tuple(
            MintFact(
                nonce, uri, Pubkey.from_string(owner), bytes.fromhex(data), bytes.fromhex(leaf), Pubkey.from_string(by)
            )
            for nonce, uri, owner, data, leaf, by in mints
        ),
        table=Pubkey.from_string(table[0]) if table else None,
    )
