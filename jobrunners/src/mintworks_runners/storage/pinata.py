"""Pinata by its Files API, version 3: the CAR goes to the public network; the CID that Pinata names must be its root.

https://docs.pinata.cloud/api-reference/endpoint/upload-a-file, …/list-files, …/delete-file-by-id. Resumable uploads,
which files above 100 MB take, are TUS 1.0.0 (https://tus.io/protocols/resumable-upload) with the metadata of Pinata's
own SDK.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
from yarl import URL

from mintworks_runners.core.errors import AttemptFailed, InvalidInput
from mintworks_runners.core.http import (
    CREATED,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    PASSING,
    FileBody,
    Told,
    asked,
    json_object,
    opened,
    said,
    wait_asked,
)
from mintworks_runners.core.redaction import conceal
from mintworks_runners.core.retry import Backoff, Passing
from mintworks_runners.core.stop import StopSignal

from .base import Car, Stored
from .trying import mismatch, persist, refused

log = logging.getLogger(__name__)

API: Final = "https://api.pinata.cloud"
UPLOADS: Final = "https://uploads.pinata.cloud"

LARGEST_FORM: Final = 90 << 20
"""Bytes up to which a file goes as a form, as Pinata's SDK has it; the documented limit is 100 MB."""

CHUNK: Final = 50 << 20
"""Bytes of one request of a resumable upload, as Pinata's SDK has it."""

PACE: Final = 1.0
"""Seconds between requests: the smallest plan has 60 a minute."""

_TRIES: Final = Backoff(tries=6, delay=1.0, cap=30.0)
_TOO_MANY: Final = 429
_WAIT: Final = 15
"""Requests' worth of time to wait after a 429 that says none: a quarter of the minute that is counted."""
_CONFLICT: Final = 409
_GONE: Final = frozenset({NOT_FOUND, 403, 410})
_LISTED_WITHIN: Final = 60
"""Seconds from an upload to its place in the list, in which the CID may be pending."""
_PAGE: Final = 1000
_TUS: Final = {"Tus-Resumable": "1.0.0"}

Answer = TypeVar("Answer")


class Pinata:
    """One account. Open it with `open_pinata`."""

    name = "Pinata"

    def __init__(
        self, jwt: str, session: aiohttp.ClientSession, stop: StopSignal, *, api: str, uploads: str, pace: float
    ) -> None:
        self._api = f"{api.rstrip('/')}/v3/files/public"
        self._uploads = URL(f"{uploads.rstrip('/')}/v3/files")
        self._session = session
        self._stop = stop
        self._own = {"Authorization": f"Bearer {jwt}"}
        self._pace = pace
        self._next = 0.0
        self._upload: URL | None = None
        """The resumable upload that was begun and not ended."""

    async def put(self, car: Car, told: Told) -> Stored:
        """See `Storage.put`. Within an attempt a large upload goes on where it was cut."""
        return await self._persist("uploading the CAR", lambda: self._put(car, told))

    async def holds(self, cid: str) -> bool:
        """See `Storage.holds`."""
        return bool(await self._persist("asking for the CID", lambda: self._ids(cid)))

    async def kept(self) -> AsyncIterator[str]:
        """See `Storage.kept`: of the account's public files; a CID may come twice."""
        token = ""
        while True:
            query = {"limit": str(_PAGE), **({"pageToken": token} if token else {})}
            page = await self._persist("listing files", partial(self._list, query))
            for file in page.get("files") or ():
                if cid := _cid(file):
                    yield cid
            token = str(page.get("next_page_token") or "")
            if not token:
                return

    async def unpin(self, cid: str) -> bool:
        """See `Storage.unpin`: every public file of the account with this CID is deleted."""
        ids = await self._persist("asking for the CID", lambda: self._ids(cid))
        for id_ in ids:
            await self._persist("deleting a file", partial(self._delete, id_))
        return bool(ids)

    async def _put(self, car: Car, told: Told) -> Stored:
        # Before every try: the last one may have been carried out though its answer was lost.
        if await self._ids(car.root):
            return Stored(already=True)
        if car.size <= LARGEST_FORM:
            found = await self._as_form(car, told)
        else:
            found = await self._resumably(car, told)
        # A resumable upload may name none.
        if found and found != car.root:
            raise mismatch(self.name, found, car.root)
        await self._listed(car.root)
        return Stored(already=False, sent=car.size)

    async def _as_form(self, car: Car, told: Told) -> str:
        """Upload it in one request; the CID that Pinata names."""
        form = aiohttp.MultipartWriter("form-data")
        for name, value in (("network", "public"), ("name", f"{car.root}.car"), ("car", "true")):
            form.append(value).set_content_disposition("form-data", name=name)
        part = form.append_payload(FileBody(car.path, told))
        part.set_content_disposition("form-data", name="file", filename=f"{car.root}.car")
        async with self._ask("POST", self._uploads, data=form) as response:
            if response.status not in (OK, CREATED):
                raise await refused(self.name, response)
            data = (await json_object(response)).get("data")
        cid = _cid(data)
        if not cid:
            raise Passing("the answer names no CID")
        return cid

    async def _resumably(self, car: Car, told: Told) -> str:
        """Upload it in chunks; the CID that Pinata names, empty where it does not."""
        offset = await self._offset() if self._upload is not None else None
        if offset is None or self._upload is None:
            self._upload, offset = await self._begin(car), 0
        cid = ""
        while offset < car.size:
            length = min(CHUNK, car.size - offset)
            headers = {**_TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            content = FileBody(car.path, told, start=offset, length=length)
            async with self._ask("PATCH", self._upload, headers=headers, data=content) as response:
                if response.status != NO_CONTENT:
                    raise await self._interrupted(response)
                at = response.headers.get("Upload-Offset", str(offset + length))
                cid = response.headers.get("upload-cid", "")
            if not at.isdecimal() or not offset < int(at) <= car.size:
                raise Passing(f"the upload is at {at[:20]!r} after {offset + length} bytes")
            offset = int(at)
        self._upload = None
        return cid

    async def _interrupted(self, response: aiohttp.ClientResponse) -> Exception:
        if response.status in {*_GONE, _CONFLICT}:
            # The upload is gone, or at another offset: the next try asks.
            return Passing(await said(response))
        return await refused(self.name, response)

    async def _begin(self, car: Car) -> URL:
        metadata = {
            "filename": f"{car.root}.car",
            "filetype": "application/vnd.ipld.car",
            "network": "public",
            "car": "true",
        }
        told = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())
        headers = {**_TUS, "Upload-Length": str(car.size), "Upload-Metadata": told}
        async with self._ask("POST", self._uploads, headers=headers) as response:
            if response.status not in (OK, CREATED):
                raise await refused(self.name, response)
            place = self._uploads.join(URL(response.headers.get("Location", "")))
        if place.origin() != self._uploads.origin() or place == self._uploads:
            # The token goes along with every request.
            raise AttemptFailed("StorageRefused", f"{self.name}: an upload at another host: {place.host}")
        return place

    async def _offset(self) -> int | None:
        """The bytes that the begun upload has; None where there is no such upload any more."""
        if self._upload is None:
            return None
        async with self._ask("HEAD", self._upload, headers=_TUS) as response:
            if response.status in _GONE:
                return None
            at = response.headers.get("Upload-Offset", "")
            if response.status not in (OK, NO_CONTENT) or not at.isdecimal():
                raise Passing(f"status {response.status} to a question for an upload's offset")
            return int(at)

    async def _listed(self, root: str) -> None:
        """Wait until the account has it. AttemptFailed where it does not come: another upload would be in vain."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _LISTED_WITHIN
        while not await self._ids(root):
            if loop.time() >= end:
                raise AttemptFailed(
                    "StorageUnavailable", f"{self.name}: uploaded, but the account does not list {root}"
                )
            await self._stop.sleep(self._pace)

    async def _ids(self, cid: str) -> list[str]:
        """The ids of the account's public files with this CID."""
        page = await self._list({"cid": cid, "limit": str(_PAGE)})
        # What a filter lets through is looked at: another API would answer all files.
        return [str(file["id"]) for file in page.get("files") or () if _cid(file) == cid and "id" in file]

    async def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        async with self._ask("GET", URL(self._api).with_query(dict(query))) as response:
            if response.status != OK:
                raise await refused(self.name, response)
            data = (await json_object(response)).get("data")
        if not isinstance(data, dict):
            raise Passing("the answer has no data")
        return data

    async def _delete(self, id_: str) -> None:
        async with self._ask("DELETE", URL(self._api) / id_) as response:
            if response.status not in (OK, NO_CONTENT, NOT_FOUND):
                raise await refused(self.name, response)

    @asynccontextmanager
    async def _ask(
        self, method: str, url: URL, *, headers: Mapping[str, str] | None = None, data: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        loop = asyncio.get_running_loop()
        await self._stop.sleep(max(0.0, self._next - loop.time()))
        self._next = loop.time() + self._pace
        sent = {**self._own, **(headers or {})}
        passing = PASSING - {_TOO_MANY}
        async with asked(self._session, method, str(url), passing=passing, headers=sent, data=data) as response:
            if response.status == _TOO_MANY:
                raise Passing(await said(response), wait_asked(response.headers) or _WAIT * self._pace)
            yield response

    async def _persist(self, what: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        return await persist(work, name=self.name, what=what, stop=self._stop, backoff=_TRIES)


def _cid(file: object) -> str:
    """The CID of a file as Pinata describes it; empty while it is pending."""
    cid = str(file.get("cid") or "") if isinstance(file, dict) else ""
    return "" if cid == "pending" else cid


def read_jwt(path: Path, field: str) -> str:
    """The JWT in a Secret's entry. InvalidInput `MissingSecret` or `InvalidSecret`; never quotes it."""
    try:
        jwt = path.read_bytes()[:16384].decode().strip()
    except FileNotFoundError as error:
        raise InvalidInput.one("MissingSecret", f"the Secret has no entry {path.name}", field=field) from error
    except ValueError:
        jwt = ""
    conceal(jwt)
    if not jwt.isascii() or not jwt.isprintable() or " " in jwt or jwt.count(".") != 2:
        raise InvalidInput.one("InvalidSecret", f"the entry {path.name} holds no JWT", field=field)
    return jwt


@asynccontextmanager
async def open_pinata(
    jwt: str, stop: StopSignal, *, api: str | None = None, uploads: str | None = None, pace: float = PACE
) -> AsyncIterator[Pinata]:
    """The account that the JWT is of; other addresses than Pinata's own for tests and proxies."""
    async with opened(read=300.0) as session:
        yield Pinata(jwt, session, stop, api=api or API, uploads=uploads or UPLOADS, pace=pace)
