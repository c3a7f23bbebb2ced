"""A Redis client that is opened anew after every failure: its password may have been rotated meanwhile."""

from __future__ import annotations

import asyncio

import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from mintworks_runners.core.channel import open_redis
from mintworks_runners.core.protocol import Environment

AWAY = (RedisError, OSError)
"""What using Redis may raise; call `lost` then."""


class RedisLink:
    """Redis as this run's environment names it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._client: redis.asyncio.Redis | None = None

    async def client(self) -> redis.asyncio.Redis:
        """The present client; connects when used."""
        if self._client is None:
            self._client = await asyncio.to_thread(open_redis, self._environment)
        if self._client is None:
            raise RedisConnectionError(f"no file {self._environment.redis_file}")
        return self._client

    async def lost(self) -> None:
        """Forget the client after an error."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
