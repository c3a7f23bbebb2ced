"""A thin client of the S3 API: what reading one object and writing one CAR take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree

import aiohttp
from mintworks_api.refs import ObjectStore
from yarl import URL

from mintworks_runners.core.http import NO_CONTENT, NOT_FOUND, OK, FileBody, asked, body
from mintworks_runners.core.retry import Passing

from .signing import EMPTY, Credentials, encoded_path, encoded_query, signed

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_DONE: Final = frozenset({OK, NO_CONTENT})


@dataclass(frozen=True, slots=True)
class Head:
    """An object as HEAD tells it: bytes, ETag without quotes, metadata by lower-case name."""

    size: int
    etag: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload: its number from 1 on, ETag without quotes, bytes."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An object of a bucket's list."""

    key: str
    size: int
    etag: str


class RefusedError(Exception):
    """The store refused a request: its status and words, for the caller to make sense of."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"status {status}: {words}".rstrip(": "))
        self.status = status
        self.words = words


class Bucket:
    """One bucket. Every method raises Passing where another try may help, RefusedError where it will not."""

    def __init__(
        self,
        place: ObjectStore,
        credentials: Credentials | None,
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base, self._prefix = _address(place)
        self._host = self._base.host_port_subcomponent or ""
        self._region = place.region
        self._credentials = credentials
        self._session = session
        self._clock = clock

    async def head(self, key: str) -> Head | None:
        """The object, or None where there is none."""
        async with self._ask("HEAD", key, welcome={OK, NOT_FOUND}) as response:
            if response.status == NOT_FOUND:
                return None
            names = [name for name in response.headers if name.lower().startswith("x-amz-meta-")]
            metadata = {name.lower().removeprefix("x-amz-meta-"): response.headers[name] for name in names}
            etag = response.headers.get("ETag", "").strip('"')
            return Head(int(response.headers.get("Content-Length", "-1")), etag, metadata)

    @asynccontextmanager
    async def get(self, key: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The object's content, or part of it as `headers` ask; the caller looks at the status."""
        asked_for = {"x-amz-checksum-mode": "ENABLED", **headers}
        async with self._ask("GET", key, headers=asked_for, welcome=None) as response:
            yield response

    async def put(self, key: str, content: FileBody, sha256: str, metadata: Mapping[str, str]) -> None:
        """Write an object of up to 5 GiB in one request. `sha256` is the body's: the store refuses any other."""
        headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        async with self._ask("PUT", key, headers=headers, data=content, sha256=sha256):
            return

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is none."""
        async with self._ask("DELETE", key, welcome={OK, NO_CONTENT, NOT_FOUND}):
            return

    async def begin(self, key: str, metadata: Mapping[str, str]) -> str:
        """Begin a multipart upload; its id."""
        headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
        async with self._ask("POST", key, {"uploads": ""}, headers=headers) as response:
            found = _text(_xml(await body(response)), "UploadId")
        if not found:
            raise Passing("the answer names no upload")
        return found

    async def uploads(self, key: str) -> list[str]:
        """Ids of the multipart uploads of this very key that were begun and not ended, at most 1,000."""
        async with self._ask("GET", "", {"uploads": "", "prefix": key}) as response:
            tree = _xml(await body(response))
        return [_text(found, "UploadId") for found in tree.iter("Upload") if _text(found, "Key") == key]

    async def parts(self, key: str, upload: str) -> list[Part] | None:
        """The parts that an upload has; None where there is no such upload."""
        found: list[Part] = []
        after = ""
        while True:
            query = {"uploadId": upload, **({"part-number-marker": after} if after else {})}
            async with self._ask("GET", key, query, welcome={OK, NOT_FOUND}) as response:
                if response.status == NOT_FOUND:
                    return None
                tree = _xml(await body(response))
            for part in tree.iter("Part"):
                number, size = _text(part, "PartNumber"), _text(part, "Size")
                found.append(Part(int(number), _text(part, "ETag").strip('"'), int(size)))
            last, after = after, _text(tree, "NextPartNumberMarker")
            if _text(tree, "IsTruncated") != "true" or after in ("", last):
                return found

    async def put_part(self, key: str, upload: str, number: int, content: FileBody, sha256: str) -> str:
        """Write a part (5 MiB to 5 GiB, but the last); its ETag."""
        query = {"partNumber": str(number), "uploadId": upload}
        async with self._ask("PUT", key, query, data=content, sha256=sha256) as response:
            return response.headers.get("ETag", "").strip('"')

    async def abort(self, key: str, upload: str) -> None:
        """Give an upload up, and the parts that it has."""
        async with self._ask("DELETE", key, {"uploadId": upload}, welcome={OK, NO_CONTENT, NOT_FOUND}):
            return

    async def complete(self, key: str, upload: str, parts: list[Part]) -> None:
        """Make the object of the parts."""
        lines = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{part.etag}&quot;</ETag></Part>" for part in parts
        )
        text = f"<CompleteMultipartUpload>{lines}</CompleteMultipartUpload>".encode()
        async with self._ask("POST", key, {"uploadId": upload}, data=text, sha256=UNSIGNED) as response:
            # The store may say 200 and only then find that it cannot.
            tree = _xml(await body(response))
        if tree.tag == "Error":
            raise Passing(f"{_text(tree, 'Code')}: {_text(tree, 'Message')}")

    async def objects(self, prefix: str) -> AsyncIterator[Listed]:
        """The objects whose keys begin with `prefix`, in the order of their keys."""
        after = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": after} if after else {})}
            async with self._ask("GET", "", query) as response:
                tree = _xml(await body(response))
            for found in tree.iter("Contents"):
                yield Listed(_text(found, "Key"), int(_text(found, "Size")), _text(found, "ETag").strip('"'))
            after = _text(tree, "NextContinuationToken")
            if not after:
                return

    @asynccontextmanager
    async def _ask(
        self,
        method: str,
        key: str,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        sha256: str = EMPTY,
        welcome: Set[int] | None = _DONE,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        path, asking = encoded_path(f"{self._prefix}{key}"), encoded_query(query or {})
        sent = dict(headers or {})
        if self._credentials is not None:
            sent = signed(
                method,
                self._host,
                path,
                asking,
                sent,
                sha256=sha256,
                credentials=self._credentials,
                region=self._region,
                now=self._clock(),
            )
        url = URL(f"{self._base}{path}{'?' if asking else ''}{asking}", encoded=True)
        async with asked(self._session, method, str(url), data=data, headers=sent) as response:
            if welcome is not None and response.status not in welcome:
                raise RefusedError(response.status, await _words(response))
            yield response


def _address(place: ObjectStore) -> tuple[URL, str]:
    """The API's address, and what stands before a key in a path."""
    # A dot in a bucket's name would make a host that no certificate of the store is for.
    plain = place.path_style if place.path_style is not None else (place.endpoint is not None or "." in place.bucket)
    base = URL(place.endpoint or f"https://s3.{place.region}.amazonaws.com").origin()
    if plain:
        return base, f"{place.bucket}/"
    return base.with_host(f"{place.bucket}.{base.host}"), ""


async def _words(response: aiohttp.ClientResponse) -> str:
    """What an error's answer says: its code and message where it is S3's."""
    content = await body(response)
    try:
        tree = _xml(content)
    except Passing:
        return content[:200].decode(errors="replace").strip()
    return f"{_text(tree, 'Code')}: {_text(tree, 'Message')}".strip(": ")


def _xml(content: bytes) -> ElementTree.Element:
    """The answer without namespaces. Passing where it is no XML."""
    try:
        # At most 4 MiB, and expat bounds what entities make of it.
        tree = ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise Passing(f"the answer is not XML: {content[:100]!r}") from error
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""
