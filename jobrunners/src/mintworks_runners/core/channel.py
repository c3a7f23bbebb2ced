"""How a run talks to the operator: messages out (progress, inputs), one echo back. Redis, a directory, or nothing.

A channel only carries; what is said, how often, and what happens while it is away is decided in `report`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from .protocol import Environment, RunSpec
from .redaction import conceal_url

STREAM_LENGTH: Final = 100
TTL_SECONDS: Final = 7 * 24 * 3600
_TIMEOUT_SECONDS: Final = 2.0


class ChannelAway(Exception):  # noqa: N818 - a state of the outside, not an error of this program
    """The other side cannot be reached now; it may come back."""


class Channel(Protocol):
    """Carries messages to the operator and its echo back. Both raise ChannelAway and may be tried again."""

    @property
    def connected(self) -> bool:
        """False where there is no other side at all, and never will be in this run."""

    async def send(self, message: Mapping[str, Any]) -> None:
        """Hand one message over."""

    async def echo(self) -> Mapping[str, Any] | None:
        """status.inputs as the operator has stored it, or None where it has echoed nothing yet."""

    async def close(self) -> None:
        """Let go of connections."""


class NoChannel:
    """A run without Redis: nothing is shown while it runs, and nothing is echoed."""

    connected = False

    async def send(self, message: Mapping[str, Any]) -> None:
        """Nothing to hand it to."""

    async def echo(self) -> Mapping[str, Any] | None:
        """Never anything."""
        return None

    async def close(self) -> None:
        """Nothing to let go of."""


class DirectoryChannel:
    """A run without a cluster: `messages.jsonl` is appended to, `inputs.json` is the echo (replaced by rename)."""

    connected = True

    def __init__(self, directory: Path) -> None:
        self._messages = directory / "messages.jsonl"
        self._inputs = directory / "inputs.json"

    async def send(self, message: Mapping[str, Any]) -> None:
        """Append one line; a single write of O_APPEND, so that a reader never sees half of two."""
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n"
        try:
            with self._messages.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            raise ChannelAway(str(error)) from error

    async def echo(self) -> Mapping[str, Any] | None:
        """The content of inputs.json, if it is there."""
        try:
            return _mapping(self._inputs.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ChannelAway(str(error)) from error

    async def close(self) -> None:
        """Nothing is held open."""


def open_redis(environment: Environment) -> redis.asyncio.Redis | None:
    """A Redis client for the URL in the environment's file, or None where there is no such file. Connects when used.

    It fails fast (2 s) and does not retry by itself: whoever uses it knows better whether to wait. A file that holds no
    URL may be put right: that is redis.ConnectionError, too.
    """
    try:
        url = environment.redis_file.read_text().strip()
    except FileNotFoundError:
        return None
    except ValueError:
        raise RedisConnectionError(f"{environment.redis_file} holds no text") from None
    conceal_url(url)
    try:
        return redis.asyncio.Redis.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, decode_responses=True
        )
    except ValueError:
        # The parser's message could quote the password.
        raise RedisConnectionError(f"{environment.redis_file} holds no Redis URL") from None


class RedisChannel:
    """Messages go to the stream `mw:NAMESPACE:UID:progress`, the echo is the key `mw:NAMESPACE:UID:inputs`."""

    connected = True

    def __init__(self, environment: Environment, run: RunSpec) -> None:
        self._environment = environment
        self._prefix = f"mw:{run.namespace}:{run.uid}"
        self._client: redis.asyncio.Redis | None = None

    async def send(self, message: Mapping[str, Any]) -> None:
        """XADD with a bounded stream, and the key's time to live with it."""
        key = f"{self._prefix}:progress"
        data = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        try:
            async with (await self._open()).pipeline(transaction=False) as pipe:
                pipe.xadd(key, {"data": data}, maxlen=STREAM_LENGTH, approximate=True)
                pipe.expire(key, TTL_SECONDS)
                await pipe.execute()
        except (RedisError, OSError) as error:
            await self._lost(error)

    async def echo(self) -> Mapping[str, Any] | None:
        """The echo key's content."""
        try:
            data = await (await self._open()).get(f"{self._prefix}:inputs")
        except (RedisError, OSError) as error:
            await self._lost(error)
        return None if data is None else _mapping(data)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _open(self) -> redis.asyncio.Redis:
        if self._client is None:
            self._client = await asyncio.to_thread(open_redis, self._environment)
        if self._client is None:
            raise ChannelAway(f"no file {self._environment.redis_file}")
        return self._client

    async def _lost(self, error: Exception) -> NoReturn:
        # A new client next time reads the URL again: its password changes when the installer rotates it.
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
        raise ChannelAway(f"{type(error).__name__}: {error}") from error


def open_channel(environment: Environment, run: RunSpec) -> Channel:
    """The channel that this environment has: a directory without a cluster, else Redis, else none."""
    if environment.channel is not None:
        return DirectoryChannel(environment.channel)
    if environment.redis_file.exists():
        return RedisChannel(environment, run)
    return NoChannel()


def _mapping(data: bytes | str) -> Mapping[str, Any]:
    """The JSON object in `data`; ChannelAway where it is none (the next echo may be whole)."""
    try:
        value = json.loads(data)
    except ValueError as error:
        raise ChannelAway(f"the echo is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ChannelAway("the echo is not a JSON object")
    return value
