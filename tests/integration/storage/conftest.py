"""Real places that keep content: Kubo, an object store, and a server that speaks Pinata's API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mintworks_api.refs import ObjectStore
from mintworks_dev.ipfs import Kubo
from mintworks_dev.s3 import Versity
from mintworks_runners.core.http import opened
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.s3.client import Bucket
from mintworks_runners.s3.signing import Credentials
from mintworks_runners.storage import pinata, trying
from mintworks_runners.storage.base import Car, Storage
from mintworks_runners.storage.carobject import CarObject
from mintworks_runners.storage.kubo import open_kubo
from mintworks_runners.storage.pinata import open_pinata
from support.cars import pack
from support.faulty import Faulty
from support.pinata import JWT, PinataServer

PART = 5 << 20
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def store() -> Iterator[Versity]:
    """An object store on 127.0.0.1 with one bucket."""
    with Versity() as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other quickly; their number is the real one."""
    for module, name in ((trying, "TRIES"), (pinata, "_TRIES")):
        rule = getattr(module, name)
        monkeypatch.setattr(module, name, type(rule)(tries=rule.tries, delay=0.01, cap=0.05))


@dataclass
class Place:
    """A storage behind a proxy that misbehaves as told; each opening is as a new pod's."""

    proxy: Faulty
    opened: Callable[[], AbstractAsyncContextManager[Storage]]


Places = Callable[[str], AbstractAsyncContextManager[Place]]


def bucket_of(store: Versity, endpoint: str, key: str) -> ObjectStore:
    return ObjectStore(url=f"s3://{store.bucket}/{key}", endpoint=endpoint, region=REGION)


@asynccontextmanager
async def object_at(store: Versity, endpoint: str, key: str) -> AsyncIterator[CarObject]:
    place = bucket_of(store, endpoint, key)
    async with opened() as session:
        account = Credentials(store.access_key, store.secret_key)
        yield CarObject(Bucket(place, account, session), place, StopSignal(), part=PART)


@pytest.fixture
def places(kubo: Kubo, store: Versity, tmp_path: Path) -> Places:
    """The storages by name: kubo, pinata, objectStore."""
    key = f"{tmp_path.name}/folder.car"

    @asynccontextmanager
    async def made(name: str) -> AsyncIterator[Place]:
        async with PinataServer() as account, Faulty("") as proxy:
            proxy.upstream = {"kubo": kubo.api, "pinata": account.url, "objectStore": store.url}[name]
            openings: dict[str, Callable[[], AbstractAsyncContextManager[Storage]]] = {
                "kubo": lambda: open_kubo(proxy.url, StopSignal()),
                "pinata": lambda: open_pinata(JWT, StopSignal(), api=proxy.url, uploads=proxy.url, pace=0.001),
                "objectStore": lambda: object_at(store, proxy.url, key),
            }
            yield Place(proxy, openings[name])

    return made


def packed(folder: Path, files: int, size: int = 20) -> Car:
    """A CAR of so many files of so many bytes, with a root that only this folder has."""
    made = folder / "files"
    made.mkdir(parents=True)
    for number in range(files):
        (made / f"{number}.json").write_bytes(f"{folder}/{number}/".encode().ljust(size, b"."))
    return Car(folder / "folder.car", pack(made, folder / "folder.car"))


@pytest.fixture
def car(tmp_path: Path) -> Car:
    return packed(tmp_path / "small", 3)


@pytest.fixture
def large(tmp_path: Path) -> Car:
    """Of four parts and a bit."""
    return packed(tmp_path / "large", 21, 1 << 20)
