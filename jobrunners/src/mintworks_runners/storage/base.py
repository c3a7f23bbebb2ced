"""What every storage does. A runner computes a folder's CID and CAR itself, then hands both to one of these."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mintworks_runners.core.http import Told


@dataclass(frozen=True, slots=True)
class Car:
    """A CARv1 file on local disk whose root CID `root` was computed here."""

    path: Path
    root: str

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Stored:
    """What `put` did: `already` where nothing had to be sent, else the bytes that were."""

    already: bool
    sent: int = 0


class Storage(Protocol):
    """A place that keeps content by its CID. Every method may be called again, after any crash of the last call.

    They raise AttemptFailed: `StorageUnavailable` where the place cannot be used now (after tries of their own),
    `StorageRefused` where it refuses us, `CidMismatch` where it names another root. Stopped where the stop comes first.
    """

    name: str
    """What it is, for messages; holds no secret."""

    async def put(self, car: Car, told: Told) -> Stored:
        """Have the CAR kept, and return once the place itself says that it has it whole, under the root `car.root`.

        Asks first: what is there already is not sent again. `told` gets bytes sent and bytes in all.
        """

    async def holds(self, cid: str) -> bool:
        """Whether the place keeps the whole content of this root."""

    def kept(self) -> AsyncIterator[str]:
        """The roots that the place keeps, in no order; a storage of one CAR file has at most one."""

    async def unpin(self, cid: str) -> bool:
        """Keep this root no longer; whether it was kept. Never touches another root, nor what others keep of it."""
