"""A gateway of IPFS, asked for single blocks: whatever it answers is held to the CID that was asked for.

https://specs.ipfs.tech/http-gateways/trustless-gateway/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from mintworks_runners.core.errors import AttemptFailed, InvalidInput
from mintworks_runners.core.http import OK, asked, body, said
from mintworks_runners.core.retry import Backoff, Passing, retry
from mintworks_runners.core.stop import StopSignal

from .nodes import BlockId, Malformed
from .walk import NotThere, content, resolve

BLOCK_LIMIT = 4 << 20
"""Bytes of a block. Nodes of IPFS exchange at most 2 MiB."""


class Gateway:
    """One gateway, for one source at `field` of the spec."""

    def __init__(
        self, url: str, session: aiohttp.ClientSession, stop: StopSignal, backoff: Backoff, field: str
    ) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._stop = stop
        self._backoff = backoff
        self._field = field

    async def file(self, cid: str, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of the file at a path below a root, in order.

        InvalidInput where the CID is of a form that cannot be verified, or leads to no file; AttemptFailed
        `GatewayMismatch` where the gateway answers something else, `SourceUnavailable` where it does not answer.
        """
        try:
            root = BlockId.parse(cid)
        except Malformed as error:
            raise InvalidInput.one("UnknownCid", f"{cid}: {error}", field=self._field) from error
        name = f"{cid}/{path}".rstrip("/")
        try:
            async with aclosing(content(self._block, await resolve(self._block, root, path))) as chunks:
                async for chunk in chunks:
                    yield chunk
        except NotThere as error:
            raise InvalidInput.one("SourceMissing", f"ipfs://{name}: {error}", field=self._field) from error
        except Malformed as error:
            # Every block was the one that was asked for: this is what the CID says.
            raise InvalidInput.one("UnknownCid", f"ipfs://{name}: {error}", field=self._field) from error

    async def _block(self, of: BlockId) -> bytes:
        try:
            return await retry(
                lambda: self._stop.race(self._once(of)),
                on=(Passing,),
                stop=self._stop,
                what=f"fetching block {of}",
                backoff=self._backoff,
            )
        except Passing as error:
            raise AttemptFailed("SourceUnavailable", f"{self._field}: {self._url}: block {of}: {error}") from error

    async def _once(self, of: BlockId) -> bytes:
        accept = {"Accept": "application/vnd.ipld.raw"}
        async with asked(self._session, "GET", f"{self._url}/ipfs/{of}?format=raw", headers=accept) as response:
            if response.status != OK:
                words = f"{self._field}: {self._url}: block {of}: {await said(response)}"
                raise AttemptFailed("SourceUnavailable", words)
            block = await body(response, BLOCK_LIMIT)
        if not of.matches(block):
            message = f"{self._field}: {self._url} answers something else than block {of}"
            raise AttemptFailed("GatewayMismatch", message)
        return block
