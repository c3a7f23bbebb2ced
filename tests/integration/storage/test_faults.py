"""Storages that fail end in the right state: nothing is sent twice in vain, nothing reported that is not there."""

from __future__ import annotations

import asyncio

import pytest
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import untold
from mintworks_runners.storage.base import Car, Storage, Stored
from support.faulty import Fault, Rule

from .conftest import Place, Places

NAMES = ["kubo", "pinata", "objectStore"]
UPLOADS = {"kubo": ("POST", "dag/import"), "pinata": ("POST", "/v3/files"), "objectStore": ("PUT", "folder.car")}
"""How each of them is sent a small CAR."""


async def put(place: Place, car: Car) -> Stored:
    """As a new pod does it."""
    async with place.opened() as storage:
        return await storage.put(car, untold)


async def holds(place: Place, car: Car) -> bool:
    place.proxy.rules.clear()
    async with place.opened() as storage:
        return await storage.holds(car.root)


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_there_is_not_sent_again(places: Places, car: Car, name: str) -> None:
    method, part = UPLOADS[name]
    async with places(name) as place:
        assert not await holds(place, car)
        assert await put(place, car) == Stored(already=False, sent=car.size)
        assert await holds(place, car)
        assert await put(place, car) == Stored(already=True)
        assert len(place.proxy.carried(method, part)) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_progress_is_in_bytes_and_ends_with_all(places: Places, car: Car, name: str) -> None:
    told: list[tuple[int, int]] = []
    async with places(name) as place, place.opened() as storage:
        await storage.put(car, lambda done, of: told.append((done, of)))
    assert told[-1] == (car.size, car.size)
    assert told == sorted(told)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN, Fault.CUT])
async def test_a_fault_that_passes(places: Places, car: Car, name: str, fault: Fault) -> None:
    method, part = UPLOADS[name]
    async with places(name) as place:
        place.proxy.rules = [Rule(fault), Rule(fault, method, part)]
        assert not (await put(place, car)).already
        assert await holds(place, car)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.TRUNCATED])
async def test_a_lost_answer_does_not_send_it_twice(places: Places, car: Car, name: str, fault: Fault) -> None:
    method, part = UPLOADS[name]
    async with places(name) as place:
        place.proxy.rules = [Rule(Fault.LOST if name == "objectStore" else fault, method, part)]
        await put(place, car)
        assert len(place.proxy.carried(method, part)) == 1
        assert await holds(place, car)


@pytest.mark.parametrize("name", NAMES)
async def test_a_fault_that_stays_is_told_and_claims_nothing(places: Places, car: Car, name: str) -> None:
    method, part = UPLOADS[name]
    async with places(name) as place:
        place.proxy.rules = [Rule(Fault.CUT, method, part, times=100)]
        with pytest.raises(AttemptFailed) as caught:
            await put(place, car)
        assert caught.value.reason == "StorageUnavailable"
        assert not await holds(place, car)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("carried_out", [False, True])
async def test_a_pod_that_is_killed_at_any_request(places: Places, car: Car, name: str, carried_out: bool) -> None:
    async with places(name) as place:
        for at in range(10):
            async with place.opened() as storage:
                await storage.unpin(car.root)
            place.proxy.asked.clear()
            place.proxy.passed.clear()
            if not await killed(place, car, at, carried_out):
                break
            # What was carried out before the end counts; what was not is done now.
            await put(place, car)
            assert len(place.proxy.carried(*UPLOADS[name])) == 1
            assert await holds(place, car)
        assert at >= 3


async def killed(place: Place, car: Car, at: int, carried_out: bool) -> bool:
    """Put it, and end that at request number `at`, before or after it is carried out; whether it came to that."""
    storing: asyncio.Task[Stored] = asyncio.ensure_future(put(place, car))

    def kill(number: int) -> bool:
        if number == at:
            storing.cancel()
        return number != at

    if carried_out:
        place.proxy.after = kill
    else:
        place.proxy.before = kill
    try:
        await storing
    except asyncio.CancelledError:
        return True
    finally:
        place.proxy.before, place.proxy.after = lambda number: True, lambda number: None
    return False


@pytest.mark.parametrize("name", NAMES)
async def test_unpinning_touches_that_root_alone(places: Places, car: Car, large: Car, name: str) -> None:
    async with places(name) as place, place.opened() as storage:
        await storage.put(car, untold)
        assert not await storage.unpin(large.root)
        assert car.root in await _kept(storage)
        assert await storage.unpin(car.root)
        assert not await storage.unpin(car.root)
        assert car.root not in await _kept(storage)
        assert not await storage.holds(car.root)


async def _kept(storage: Storage) -> set[str]:
    return {root async for root in storage.kept()}
