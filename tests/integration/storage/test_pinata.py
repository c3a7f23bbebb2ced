"""Pinata, by a server that follows its published API: rate limits, large uploads, and what it may say instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from mintworks_runners.core.errors import AttemptFailed, InvalidInput
from mintworks_runners.core.http import untold
from mintworks_runners.core.redaction import redact
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.storage import pinata
from mintworks_runners.storage.base import Car, Stored
from mintworks_runners.storage.pinata import Pinata, open_pinata, read_jwt
from support.faulty import Fault, Faulty, Rule
from support.pinata import JWT, PinataServer
from support.specs import CID


@pytest.fixture
async def account() -> AsyncIterator[PinataServer]:
    async with PinataServer() as server:
        yield server


@pytest.fixture
def resumable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are large from 1 MiB on, and go in chunks of 4."""
    monkeypatch.setattr(pinata, "LARGEST_FORM", 1 << 20)
    monkeypatch.setattr(pinata, "CHUNK", 4 << 20)


def opened(url: str, jwt: str = JWT) -> AbstractAsyncContextManager[Pinata]:
    return open_pinata(jwt, StopSignal(), api=url, uploads=url, pace=0.001)


async def put(url: str, car: Car) -> Stored:
    async with opened(url) as made:
        return await made.put(car, untold)


@pytest.mark.parametrize("retry_after", ["0.3", None])
async def test_too_many_requests_are_waited_out(account: PinataServer, car: Car, retry_after: str | None) -> None:
    account.per_second, account.retry_after = 2, retry_after
    async with open_pinata(JWT, StopSignal(), api=account.url, uploads=account.url, pace=0.02) as made:
        for _ in range(3):
            assert (await made.put(car, untold)) in (Stored(already=True), Stored(already=False, sent=car.size))
    assert account.refusals
    assert len(account.files) == 1


async def test_requests_keep_the_pace(account: PinataServer, car: Car) -> None:
    account.per_second = 5
    async with open_pinata(JWT, StopSignal(), api=account.url, uploads=account.url, pace=0.25) as made:
        await made.put(car, untold)
        for _ in range(4):
            assert await made.holds(car.root)
    assert account.refusals == 0


@pytest.mark.usefixtures("resumable")
async def test_a_large_car_goes_in_chunks(account: PinataServer, large: Car) -> None:
    told: list[int] = []
    async with opened(account.url) as made:
        stored = await made.put(large, lambda done, of: told.append(done))
    assert stored == Stored(already=False, sent=large.size)
    assert (account.received, told[-1]) == (large.size, large.size)
    assert [file["cid"] for file in account.files.values()] == [large.root]
    assert await put(account.url, large) == Stored(already=True)


@pytest.mark.usefixtures("resumable")
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.CUT, Fault.LOST])
async def test_a_large_car_goes_on_where_it_was_cut(account: PinataServer, large: Car, fault: Fault) -> None:
    async with Faulty(account.url) as proxy:
        proxy.rules = [Rule(fault, "PATCH"), Rule(fault, "HEAD"), Rule(fault, "PATCH")]
        await put(proxy.url, large)
    assert account.received == large.size
    assert [file["cid"] for file in account.files.values()] == [large.root]


@pytest.mark.usefixtures("resumable")
async def test_an_upload_that_is_forgotten_is_begun_anew(account: PinataServer, large: Car) -> None:
    async with Faulty(account.url) as proxy:

        def forget(number: int) -> None:
            if number == 3:
                account.uploads.clear()

        proxy.after = forget
        await put(proxy.url, large)
    assert [file["cid"] for file in account.files.values()] == [large.root]


@pytest.mark.usefixtures("resumable")
async def test_the_token_goes_to_no_other_host(account: PinataServer, large: Car) -> None:
    account.other_host = True
    with pytest.raises(AttemptFailed) as caught:
        await put(account.url, large)
    assert caught.value.reason == "StorageRefused"
    assert "another host" in caught.value.message


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.usefixtures("resumable")
async def test_another_cid_is_no_success(account: PinataServer, car: Car, large: Car, size: str) -> None:
    account.wrong_cid = CID
    content = car if size == "small" else large
    with pytest.raises(AttemptFailed) as caught:
        await put(account.url, content)
    assert caught.value.reason == "CidMismatch"
    assert CID in caught.value.message
    assert content.root in caught.value.message
    # Another upload would end in the same way.
    assert account.received == content.size


async def test_a_cid_that_is_pending_is_waited_for(account: PinataServer, car: Car) -> None:
    account.pending = 3
    assert not (await put(account.url, car)).already
    assert account.pending == 0
    assert len(account.files) == 1


async def test_another_token_is_refused_at_once_and_not_told(account: PinataServer, car: Car) -> None:
    other = "aaaa.bbbb.cccc"
    async with Faulty(account.url) as proxy, opened(proxy.url, other) as made:
        with pytest.raises(AttemptFailed) as caught:
            await made.put(car, untold)
        assert len(proxy.asked) == 1
    assert caught.value.reason == "StorageRefused"
    assert other not in caught.value.message


async def test_every_file_of_the_root_is_unpinned(account: PinataServer, car: Car) -> None:
    await put(account.url, car)
    for number in range(3):
        account.files[f"again-{number}"] = {**next(iter(account.files.values())), "id": f"again-{number}"}
    account.files["other"] = {"id": "other", "cid": CID}
    async with opened(account.url) as made:
        assert await made.unpin(car.root)
    assert list(account.files) == ["other"]


async def test_a_list_of_several_pages(account: PinataServer) -> None:
    account.files = {str(n): {"id": str(n), "cid": f"{CID}{n}"} for n in range(2_500)}
    account.files["new"] = {"id": "new", "cid": "pending"}
    async with opened(account.url) as made:
        assert [cid async for cid in made.kept()] == [f"{CID}{n}" for n in range(2_500)]


@pytest.mark.parametrize("content", [b"", b"not a token", b"a.b", b"a.b.c d", b"\xff.\xff.\xff", "ä.b.c".encode()])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "jwt").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_jwt(tmp_path / "jwt", "storage.pinata.secret")
    assert caught.value.reason == "InvalidSecret"


def test_a_token_is_read_and_concealed(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text(f"{JWT}\n")
    assert read_jwt(tmp_path / "jwt", "f") == JWT
    assert JWT not in redact(f"Bearer {JWT}")
    with pytest.raises(InvalidInput):
        read_jwt(tmp_path / "absent", "f")
