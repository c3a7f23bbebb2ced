"""A CAR as a file: whole or not at all, written once, and nothing left behind where it cannot be."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aleph_cid
import pytest
from mintworks_runners.core.errors import AttemptFailed, Stopped
from mintworks_runners.core.http import untold
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.storage.base import Car, Stored
from mintworks_runners.storage.carfile import CarFile

MIB = 1 << 20


def packed(folder: Path, size: int = 3 * MIB) -> Car:
    folder.mkdir()
    (folder / "file").write_bytes(folder.name.encode().ljust(size, b"."))
    path = folder.with_suffix(".car")
    return Car(path, str(aleph_cid.write_folder_car(folder, path, cid_version=1, follow_symlinks=False)))


@pytest.fixture
def car(tmp_path: Path) -> Car:
    return packed(tmp_path / "one")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


def place(volume: Path, path: str = "out/folder.car", stop: StopSignal | None = None) -> CarFile:
    return CarFile(volume, path, "claim cars", stop or StopSignal())


def files(volume: Path) -> list[str]:
    return sorted(str(p.relative_to(volume)) for p in volume.rglob("*") if not p.is_dir())


async def failure(made: CarFile, car: Car) -> AttemptFailed:
    with pytest.raises(AttemptFailed) as caught:
        await made.put(car, untold)
    return caught.value


async def test_it_is_written_once(volume: Path, car: Car) -> None:
    assert not await place(volume).holds(car.root)
    told: list[tuple[int, int]] = []
    assert await place(volume).put(car, lambda *p: told.append(p)) == Stored(already=False, sent=car.size)
    assert (volume / "out/folder.car").read_bytes() == car.path.read_bytes()
    assert told[-1] == (car.size, car.size)
    before = (volume / "out/folder.car").stat()
    assert await place(volume).put(car, untold) == Stored(already=True)
    assert (volume / "out/folder.car").stat() == before
    assert await place(volume).holds(car.root)
    assert [root async for root in place(volume).kept()] == [car.root]


@pytest.mark.parametrize("there", [b"", b"half a CAR", None])
async def test_what_is_there_and_is_something_else_is_replaced(volume: Path, car: Car, there: bytes | None) -> None:
    target = volume / "out" / "folder.car"
    target.parent.mkdir()
    target.write_bytes(car.path.read_bytes()[:-1] + b"?" if there is None else there)
    if there is not None:
        assert not await place(volume).holds(car.root)
    assert not (await place(volume).put(car, untold)).already
    assert target.read_bytes() == car.path.read_bytes()


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The system refuses to let any file grow beyond this, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_volume_keeps_what_it_had_and_no_half_file(volume: Path, tmp_path: Path, car: Car) -> None:
    small = packed(tmp_path / "small", 10)
    await place(volume).put(small, untold)
    with no_file_above(2 * MIB):
        error = await failure(place(volume), car)
    assert (error.reason, error.exit_code) == ("StorageFull", 1)
    assert files(volume) == ["out/folder.car"]
    assert await place(volume).holds(small.root)
    assert not await place(volume).holds(car.root)


async def test_half_a_file_of_a_killed_pod_is_no_obstacle(volume: Path, car: Car) -> None:
    (volume / "out").mkdir()
    (volume / "out" / ".folder.car.part").write_bytes(b"half")
    await place(volume).put(car, untold)
    assert files(volume) == ["out/folder.car"]


async def test_a_folder_in_its_place_is_told(volume: Path, car: Car) -> None:
    (volume / "out" / "folder.car").mkdir(parents=True)
    assert (await failure(place(volume), car)).reason == "StorageUnavailable"
    assert files(volume) == []


async def test_links_out_of_the_volume_are_not_followed(volume: Path, tmp_path: Path, car: Car) -> None:
    (tmp_path / "elsewhere").mkdir()
    (volume / "out").symlink_to(tmp_path / "elsewhere")
    error = await failure(place(volume), car)
    assert (error.reason, "leads out" in error.message) == ("StorageRefused", True)
    (volume / ".folder.car.part").symlink_to(tmp_path / "elsewhere" / "file")
    await place(volume, "folder.car").put(car, untold)
    assert files(tmp_path / "elsewhere") == []


async def test_a_stop_leaves_nothing(volume: Path, car: Car) -> None:
    stop = StopSignal()
    stop.set()
    with pytest.raises(Stopped):
        await place(volume, stop=stop).put(car, untold)
    assert files(volume) == []


async def test_only_its_own_root_is_unpinned(volume: Path, tmp_path: Path, car: Car) -> None:
    other = packed(tmp_path / "other")
    await place(volume).put(car, untold)
    assert not await place(volume).unpin(other.root)
    assert files(volume) == ["out/folder.car"]
    assert await place(volume).unpin(car.root)
    assert not await place(volume).unpin(car.root)
    assert files(volume) == []
