"""Who may sign for a tree: one process at a time. A second line of defence; the first is the wait of a new attempt.

In a cluster with Redis the lease is a key with a random session; without a cluster it is a lock on a file, which the
kernel lets go of when the process dies; with neither, Kubernetes' own rule holds (no new pod before the old one has
ended).
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redis.exceptions import WatchError

from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal

from .redislink import AWAY, RedisLink

log = logging.getLogger(__name__)

LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0
MAX_NEWER_BLOCKS = 50
RENEW_BLOCKS = 20
REDIS_PATIENCE_SECONDS = 300.0
LOCK_PATIENCE_SECONDS = 3.0


class LeaseLapsed(Exception):  # noqa: N818 - a state, not an error of this program
    """Our own clock says that the lease may have passed on: what follows is a new attempt in this same process."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The last renewal: when it was sent (own monotonic clock, seconds) and the block height known then."""

    at: float
    height: int


def is_due(renewal: Renewal, now: float, height: int) -> bool:
    """Whether to renew now. By height too: where blocks come fast, 5 seconds are many blocks."""
    return now - renewal.at >= RENEW_SECONDS or height - renewal.height >= RENEW_BLOCKS


def has_lapsed(renewal: Renewal, now: float) -> bool:
    """Whether somebody else may hold the lease by now."""
    return now - renewal.at >= LEASE_SECONDS


def may_sign(renewal: Renewal, now: float, blockhash_height: int) -> bool:
    """Whether a transaction with a blockhash of this height may be signed: a suspended machine wakes up with an old
    lease
    and fetches a new blockhash, which would live longer than any successor waits.
    """
    return not has_lapsed(renewal, now) and blockhash_height <= renewal.height + MAX_NEWER_BLOCKS


class Lease(Protocol):
    """The right to sign for one tree."""

    @property
    def wait_seconds(self) -> float:
        """What a new holder waits before it measures anything: its predecessor may sign for that long."""

    async def acquire(self, height: int, stop: StopSignal) -> None:
        """Take it. Waiting `LeaseHeld`, `RedisAway`."""

    async def renew(self, height: int) -> None:
        """Keep it, if that is due. LeaseLapsed; Waiting `LeaseHeld` where another process has it: for good."""

    def may_sign(self, blockhash_height: int) -> bool:
        """Whether a transaction with a blockhash of this height may be signed now."""

    async def release(self) -> None:
        """Let go of it, if it is still ours."""


class NoLease:
    """Nothing to hold."""

    @property
    def wait_seconds(self) -> float:
        """There is nothing to wait out."""
        return 0.0

    async def acquire(self, height: int, stop: StopSignal) -> None:
        """Always."""

    async def renew(self, height: int) -> None:
        """Always."""

    def may_sign(self, blockhash_height: int) -> bool:
        """Always."""
        del blockhash_height
        return True

    async def release(self) -> None:
        """Nothing."""


class FileLease(NoLease):
    """A lock on a file of the state directory: gone with the process, so there is nothing to wait out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    async def acquire(self, height: int, stop: StopSignal) -> None:
        """Lock the file; Waiting `LeaseHeld` where another process keeps it for 3 s."""
        del height
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            await self._lock(self._file, stop)
        except BaseException:
            await self.release()
            raise

    async def _lock(self, file: int, stop: StopSignal) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ended("LeaseHeld", f"another process mints into this tree ({self._path})") from error
                await stop.sleep(0.2)
            else:
                return

    async def release(self) -> None:
        """Unlock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class RedisLease:
    """A key that holds our random session; renewed by compare-and-set."""

    def __init__(self, link: RedisLink, key: str) -> None:
        self._link = link
        self._key = key
        self._session = ""
        self._renewal = Renewal(float("-inf"), 0)
        self._tried_at = float("-inf")

    @property
    def wait_seconds(self) -> float:
        """A whole lease."""
        return LEASE_SECONDS

    async def acquire(self, height: int, stop: StopSignal) -> None:
        """Take the key; a dead predecessor's is waited for, a living one's ends this run."""
        self._session = secrets.token_hex(16)
        started = time.monotonic()
        answered = started
        while True:
            sent = time.monotonic()
            try:
                if await self._swap():
                    self._renewal = Renewal(sent, height)
                    return
                answered = sent
                if sent - started > LEASE_SECONDS + RENEW_SECONDS:
                    raise ended("LeaseHeld", "another process mints into this tree and keeps its lease")
            except AWAY as error:
                await self._link.lost()
                if sent - answered > REDIS_PATIENCE_SECONDS:
                    raise ended("RedisAway", f"no lease without Redis: {type(error).__name__}") from error
            await stop.sleep(0.5)

    async def renew(self, height: int) -> None:
        """Renew where it is due. Redis being away is no news until the lease lapses."""
        now = time.monotonic()
        if has_lapsed(self._renewal, now):
            raise LeaseLapsed
        if not is_due(self._renewal, now, height) or now - self._tried_at < 0.5:
            return
        self._tried_at = now
        try:
            # Absent is a wiped Redis. Whoever took the key after that and let go of it again cannot have signed:
            # it had to wait out a whole lease first, and ours has not lapsed.
            renewed = await self._swap()
        except AWAY as error:
            await self._link.lost()
            log.warning("the lease could not be renewed: %s", type(error).__name__)
            return
        if not renewed:
            self._renewal = Renewal(float("-inf"), 0)
            raise ended("LeaseHeld", "another process has taken this tree's lease; this one signs no more")
        self._renewal = Renewal(now, height)

    def may_sign(self, blockhash_height: int) -> bool:
        """See the function of this name."""
        return may_sign(self._renewal, time.monotonic(), blockhash_height)

    async def release(self) -> None:
        """Delete the key if it is ours; else it ends by itself."""
        self._renewal = Renewal(float("-inf"), 0)
        try:
            async with (await self._link.client()).pipeline(transaction=True) as pipe:
                await pipe.watch(self._key)
                if await pipe.get(self._key) == self._session:
                    pipe.multi()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                    pipe.delete(self._key)
                    await pipe.execute()
        except AWAY as error:
            await self._link.lost()
            log.info("the lease was not released: %s", type(error).__name__)

    async def _swap(self) -> bool:
        """Sets the key to our session for another 20 s if it is ours or absent; False where it is another's."""
        while True:
            async with (await self._link.client()).pipeline(transaction=True) as pipe:
                await pipe.watch(self._key)
                if await pipe.get(self._key) not in (None, self._session):
                    return False
                pipe.multi()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                pipe.set(self._key, self._session, px=int(LEASE_SECONDS * 1000))
                try:
                    await pipe.execute()
                except WatchError:
                    continue
                return True


def lease_name(genesis: str, tree: str) -> str:
    """What lease and ledger cache of a tree are called: a hash, because a key must not tell who mints what."""
    return hashlib.sha256(f"{genesis}\n{tree}".encode()).hexdigest()[:32]
