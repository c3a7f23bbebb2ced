"""One JSON-RPC endpoint: a request, its answer, and whether it is worth asking at all."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from solders.hash import ParseHashError
from yarl import URL

from mintworks_runners.core.http import proxy_for

log = logging.getLogger(__name__)

TIMEOUT = ClientTimeout(total=30.0, sock_connect=5.0, sock_read=10.0)
OK = 200
TOO_MANY_REQUESTS = 429
MAX_CONNECTIONS = 64
MAX_PAUSE_SECONDS = 60.0
PASSING_CODES = frozenset({-32004, -32005, -32014, -32016, -32019, -32603})
"""Block not available, node unhealthy or rate-limited, block status not available yet, minContextSlot not reached,
long-term storage unreachable, internal error: another node, or the same one later, may answer."""

NO_HISTORY_CODE = -32011
BATCH_REFUSED = frozenset({400, 403, 405, 413, 415, 422, 501})
"""HTTP statuses with which gateways refuse several requests in one message."""

REFUSALS = frozenset({400, 403, 404, 405, 410, 422, 501})
"""HTTP statuses that providers put on a JSON-RPC error about one method: a plan that lacks it, and so on."""

GARBLED = (ValueError, LookupError, TypeError, AttributeError, OverflowError, ParseHashError)
"""What making sense of an answer raises where it makes none."""

Read = TypeVar("Read")


class RpcError(Exception):
    """The node understood and refused: a JSON-RPC error that another node would answer too."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.code = code
        self.message = message


class EndpointAwayError(Exception):
    """No usable answer came: timeout, connection, HTTP status, rate limit, or a node that is behind."""


class Endpoint:
    """An endpoint with what we know of its health. `name` is fit to be shown: it holds no credentials."""

    def __init__(self, url: str, *, secret: bool) -> None:
        """ValueError where nothing can be asked there."""
        parts = URL(url)
        self.name = (
            f"{parts.scheme}://{parts.host}{f':{parts.explicit_port}' if parts.explicit_port else ''}"
            if secret
            else url
        )
        self._url = url
        self.digest = hashlib.sha256(url.encode()).hexdigest()[:32]
        """What stands for the URL where others may read it."""
        self._session: ClientSession | None = None
        self._ids = itertools.count(1)
        self._failures = 0
        self._paused_until = 0.0
        self._told_until = 0.0
        self._takes_batches = True
        self.trusted = False
        """Whether its genesis hash was asked and is the job's."""
        self.slot: int | None = None
        """The finalized slot that it answered last."""
        self.lagging = False

    def usable(self, now: float) -> bool:
        """Whether requests should go here now."""
        return self.trusted and not self.lagging and now >= self._paused_until

    def paused_for(self, now: float) -> float:
        """Seconds until it may be tried again."""
        return max(0.0, self._paused_until - now)

    def pause(self, seconds: float, now: float) -> None:
        """Ask nothing for this long, at most a minute."""
        self._paused_until = max(self._paused_until, now + min(seconds, MAX_PAUSE_SECONDS))

    def told_to_wait(self, now: float) -> float:
        """Seconds left of those for which it told us itself to ask nothing, by 429 or Retry-After."""
        return max(0.0, self._told_until - now)

    async def call(self, method: str, params: list[Any], read: Callable[[Any], Read]) -> Read:
        """One request and its result as `read` makes sense of it. RpcError where the node refuses; EndpointAwayError
        where no usable answer came: one that `read` cannot make sense of is none.
        """
        return self._result(method, await self._post(method, self._request(method, params)), read)

    async def tell(self, method: str, many: Sequence[list[Any]]) -> list[RpcError]:
        """Several requests whose results do not matter, in one message where the node takes that; answers what it
        refused. EndpointAwayError as in `call`, where any of them had no usable answer.
        """
        if len(many) > 1 and self._takes_batches:
            answers = await self._post(method, [self._request(method, params) for params in many])
            if isinstance(answers, list):
                return self._refusals(method, answers)
            log.info("%s takes one request a message", self.name)
            self._takes_batches = False
        singly = (self._post(method, self._request(method, params)) for params in many)
        return self._refusals(method, await asyncio.gather(*singly))

    def _request(self, method: str, params: list[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}

    async def _post(self, method: str, body: Any) -> Any:
        """The JSON that the node answers to one message."""
        if self._session is None:
            connector = TCPConnector(limit=MAX_CONNECTIONS)
            self._session = ClientSession(timeout=TIMEOUT, connector=connector, proxy=proxy_for(self._url))
        try:
            async with self._session.post(self._url, json=body, allow_redirects=False) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(method, type(error).__name__, pause=self._backoff()) from error
        if isinstance(body, list) and response.status in BATCH_REFUSED:
            return None
        if response.status in REFUSALS and (refusal := _refusal(content)) is not None:
            return refusal
        if response.status != OK:
            told = _retry_after(response.status, response.headers)
            raise self._away(method, f"HTTP status {response.status}", pause=told or self._backoff(), told=told)
        try:
            return json.loads(content)
        except ValueError as error:
            raise self._away(method, "an answer that makes no sense", pause=self._backoff()) from error

    def _refusals(self, method: str, answers: Sequence[Any]) -> list[RpcError]:
        refused = []
        for answer in answers:
            try:
                self._result(method, answer, lambda result: result)
            except RpcError as error:
                refused.append(error)
        return refused

    def _result(self, method: str, answer: Any, read: Callable[[Any], Read]) -> Read:
        try:
            failure = answer.get("error")
            if failure is None:
                result = read(answer["result"])
                self._failures = 0
                return result
            code, message = int(failure["code"]), str(failure["message"])
        except GARBLED as error:
            raise self._away(method, "an answer that makes no sense", pause=self._backoff()) from error
        if code == TOO_MANY_REQUESTS or code in PASSING_CODES:
            # A node that is behind for one question may be right for the next: no pause, only another node.
            told = 1.0 if code == TOO_MANY_REQUESTS else None
            raise self._away(method, f"{message} ({code})", pause=told or 0.0, told=told)
        self._failures = 0
        raise RpcError(method, code, message)

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    def _backoff(self) -> float:
        """Seconds to leave an endpoint alone after this many failures in a row."""
        return min(MAX_PAUSE_SECONDS, 0.25 * 2.0 ** min(self._failures, 10))

    def _away(self, method: str, why: str, *, pause: float, told: float | None = None) -> EndpointAwayError:
        now = time.monotonic()
        if now >= self._paused_until:
            # Requests that fail together are one failure.
            self._failures += 1
        self.pause(pause, now)
        if told is not None:
            self._told_until = max(self._told_until, now + min(told, MAX_PAUSE_SECONDS))
        log.info("%s: %s: %s", self.name, method, why)
        return EndpointAwayError(f"{self.name}: {method}: {why}")


def _refusal(content: bytes) -> dict[str, Any] | None:
    """The JSON-RPC error in an answer, if it is one."""
    try:
        answer = json.loads(content)
        return answer if {"code", "message"} <= answer["error"].keys() else None
    except GARBLED:
        return None


def _retry_after(status: int, headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return 1.0 if status == TOO_MANY_REQUESTS else None
