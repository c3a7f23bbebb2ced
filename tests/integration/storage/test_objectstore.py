"""A CAR in a real object store: in parts, of which none is sent twice, and whatever a store may say instead."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from mintworks_dev.s3 import Versity
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import FileBody, opened, untold
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.s3.client import Bucket, RefusedError
from mintworks_runners.s3.signing import Credentials
from mintworks_runners.storage.base import Car, Stored
from mintworks_runners.storage.carobject import CarObject
from support.faulty import Fault, Faulty, Rule

from .conftest import PART, bucket_of, object_at

KEY = "out/folder.car"


def on_disk(store: Versity, key: str = KEY) -> str:
    return hashlib.sha256((store.folder / key).read_bytes()).hexdigest()


def sha256(car: Car) -> str:
    return hashlib.sha256(car.path.read_bytes()).hexdigest()


async def emptied(store: Versity) -> None:
    async with object_at(store, store.url, KEY) as made:
        for upload in await made.bucket.uploads(KEY):
            await made.bucket.abort(KEY, upload)
        await made.bucket.delete(KEY)


async def test_in_parts(store: Versity, large: Car) -> None:
    await emptied(store)
    told: list[int] = []
    async with object_at(store, store.url, KEY) as made:
        assert await made.put(large, lambda done, of: told.append(done)) == Stored(already=False, sent=large.size)
    assert told == sorted(told)
    assert told[-1] == large.size
    assert on_disk(store) == sha256(large)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6, 7, 8, 9])
async def test_killed_and_gone_on_with(store: Versity, large: Car, at: int) -> None:
    """However far it came: what the store has of it is not sent again."""
    await emptied(store)
    async with Faulty(store.url) as proxy:
        async with object_at(store, proxy.url, KEY) as first:
            storing = asyncio.ensure_future(first.put(large, untold))
            proxy.after = lambda number: storing.cancel() if number == at else None
            with pytest.raises(asyncio.CancelledError):
                await storing
        async with object_at(store, proxy.url, KEY) as second:
            await second.put(large, untold)
            assert await second.holds(large.root)
        assert sum(part.size for part in proxy.carried("PUT", "partNumber")) == large.size
    assert on_disk(store) == sha256(large)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.CUT, Fault.LOST])
@pytest.mark.parametrize("part", ["?uploads=", "partNumber=2", "uploadId="])
async def test_faults_between_parts(store: Versity, large: Car, fault: Fault, part: str) -> None:
    await emptied(store)
    method = "PUT" if "part" in part else "POST"
    async with Faulty(store.url) as proxy, object_at(store, proxy.url, KEY) as made:
        proxy.rules = [Rule(fault, method, part)]
        await made.put(large, untold)
        assert sum(part.size for part in proxy.carried("PUT", "partNumber")) == large.size
    assert on_disk(store) == sha256(large)


async def test_an_upload_of_something_else_is_left_alone(store: Versity, car: Car, large: Car) -> None:
    await emptied(store)
    async with object_at(store, store.url, KEY) as made:
        other = await made.bucket.begin(KEY, {})
        digest = hashlib.sha256(large.path.read_bytes()[1 : PART + 1]).hexdigest()
        await made.bucket.put_part(KEY, other, 1, FileBody(large.path, start=1, length=PART), digest)
        assert await made.put(large, untold) == Stored(already=False, sent=large.size)
        assert await made.bucket.uploads(KEY) == [other]
    assert on_disk(store) == sha256(large)


async def test_another_object_under_the_name_is_replaced(store: Versity, car: Car, large: Car) -> None:
    async with object_at(store, store.url, KEY) as made:
        await made.put(large, untold)
        assert not await made.holds(car.root)
        assert not (await made.put(car, untold)).already
        assert [root async for root in made.kept()] == [car.root]
        assert not await made.holds(large.root)


async def test_an_object_of_the_same_size_is_not_taken_for_it(store: Versity, car: Car) -> None:
    await emptied(store)
    fake = replace(car, path=car.path.with_name("fake.car"))
    fake.path.write_bytes(bytes(car.size))
    async with object_at(store, store.url, KEY) as made:
        digest = hashlib.sha256(bytes(car.size)).hexdigest()
        await made.bucket.put(KEY, FileBody(fake.path), digest, {"sha256": digest, "root": car.root})
        assert not (await made.put(car, untold)).already
    assert on_disk(store) == sha256(car)


async def test_a_body_that_is_not_what_was_signed_is_refused(store: Versity, car: Car) -> None:
    async with object_at(store, store.url, KEY) as made:
        with pytest.raises(RefusedError):
            await made.bucket.put("other", FileBody(car.path), "0" * 64, {})
        assert await made.bucket.head("other") is None


@pytest.mark.parametrize(
    ("key", "secret", "bucket"), [("development", "wrong", "content"), ("nobody", "x", "content"), ("", "", "absent")]
)
async def test_refusals_are_told_at_once(store: Versity, car: Car, key: str, secret: str, bucket: str) -> None:
    place = bucket_of(store, store.url, KEY)
    place = place.model_copy(update={"url": f"s3://{bucket}/{KEY}"})
    account = Credentials(key or store.access_key, secret or store.secret_key)
    async with Faulty(store.url) as proxy, opened() as session:
        asked = place.model_copy(update={"endpoint": proxy.url})
        with pytest.raises(AttemptFailed) as caught:
            await CarObject(Bucket(asked, account, session), asked, StopSignal()).put(car, untold)
        assert caught.value.reason == "StorageRefused"
        assert len(proxy.asked) <= 2
        assert "wrong" not in caught.value.message


async def test_a_clock_that_is_off_is_told(store: Versity, car: Car) -> None:
    place = bucket_of(store, store.url, KEY)
    account = Credentials(store.access_key, store.secret_key)
    async with opened() as session:
        late = Bucket(place, account, session, clock=lambda: datetime.now(UTC) - timedelta(hours=1))
        with pytest.raises(RefusedError):
            await late.put(KEY, FileBody(car.path), sha256(car), {})


class Here(AbstractResolver):
    """Whatever the name, it is this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_bucket_in_the_host_s_name(store: Versity, car: Car) -> None:
    place = bucket_of(store, store.url, KEY).model_copy(update={"path_style": False})
    account = Credentials(store.access_key, store.secret_key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Here())) as session:
        made = CarObject(Bucket(place, account, session), place, StopSignal())
        await made.put(car, untold)
        assert await made.holds(car.root)
    assert on_disk(store) == sha256(car)


async def test_a_list_of_more_objects_than_a_page(store: Versity, car: Car) -> None:
    keys = [f"many/{number:04} ä&<.txt" for number in range(1_005)]
    for key in keys:
        (store.folder / key).parent.mkdir(exist_ok=True)
        (store.folder / key).write_bytes(b"x")
    async with object_at(store, store.url, KEY) as made:
        assert [found.key async for found in made.bucket.objects("many/")] == keys
