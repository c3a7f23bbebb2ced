"""A real Kubo on a disk that is too small for what it is sent, until the disk grows."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_dev.ipfs import Kubo
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import untold
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.storage.base import Car
from mintworks_runners.storage.kubo import open_kubo
from support.cars import pack


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "mintworks-test", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)


@pytest.fixture
def car(tmp_path: Path) -> Car:
    """20 MiB, of which no two blocks are alike."""
    files = tmp_path / "files"
    files.mkdir()
    for number in range(20):
        (files / f"{number}.bin").write_bytes(random.Random(number).randbytes(1 << 20))
    return Car(tmp_path / "folder.car", pack(files, tmp_path / "folder.car"))


async def test_a_full_disk_is_told_and_nothing_is_said_to_be_there(disk: Path, car: Car) -> None:
    with Kubo(disk) as node:
        async with open_kubo(node.api, StopSignal()) as storage:
            with pytest.raises(AttemptFailed, match="no space left on device") as caught:
                await storage.put(car, untold)
            assert caught.value.reason == "StorageFull"
            assert not await storage.holds(car.root)
            await asyncio.to_thread(grow, disk)
            assert not (await storage.put(car, untold)).already
            assert await storage.holds(car.root)
