"""The files of a folder in an object store: the objects right below it, several of them fetched ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from mintworks_api.refs import ObjectStore

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.download import Download
from mintworks_runners.core.errors import AttemptFailed, InvalidInput
from mintworks_runners.core.retry import Backoff, Passing, retry
from mintworks_runners.core.spool import Spool
from mintworks_runners.s3.client import Bucket, Listed, RefusedError
from mintworks_runners.s3.opening import open_bucket

from .members import CHUNK, BrokenMember, Limits, Member, Members, refused, too_many

#: So many files, and bytes of them, may be on disk or on their way before they are asked for.
AHEAD: Final = 8
AHEAD_BYTES: Final = 64 << 20
TRIES: Final = Backoff(tries=4, delay=0.5)
_REFUSED: Final = frozenset({401, 403})


@asynccontextmanager
async def opened(context: JobContext, place: ObjectStore, limits: Limits, field: str) -> AsyncIterator[Members]:
    """The files of the folder, by name; to be read in another thread than this loop's.

    InvalidInput `SourceMissing`, `TooManyFiles`; AttemptFailed where the store cannot be read.
    """
    async with open_bucket(context.environment, place, field) as bucket:
        folder = _Folder(context, bucket, place, limits, field)
        with closing(_members(folder, await folder.objects(), asyncio.get_running_loop())) as members:
            yield members


class _Fetched(NamedTuple):
    """An object on disk, and whether it is the one that was listed."""

    path: Path
    same: bool


@dataclass(frozen=True)
class _Folder:
    """The folder, as the loop sees it."""

    context: JobContext
    bucket: Bucket
    place: ObjectStore
    limits: Limits
    field: str

    async def objects(self) -> Sequence[Listed]:
        """All that is below the folder."""
        stop, url = self.context.stop, self.place.url
        try:
            found = await retry(
                lambda: stop.race(self._list()), on=(Passing,), stop=stop, what=f"list {url}", backoff=TRIES
            )
        except Passing as error:
            raise AttemptFailed("SourceUnavailable", f"{self.field}: {url}: {error}") from error
        except RefusedError as error:
            reason = "SourceRefused" if error.status in _REFUSED else "SourceUnavailable"
            raise AttemptFailed(reason, f"{self.field}: {url}: {error}") from error
        if not found:
            raise InvalidInput.one("SourceMissing", f"the bucket has no folder {self.place.key}", field=self.field)
        return found

    async def _list(self) -> list[Listed]:
        found: list[Listed] = []
        async for listed in self.bucket.objects(f"{self.place.key}/"):
            found.append(listed)
            if len(found) > self.limits.entries:
                raise too_many(self.limits.files, self.field)
        return found

    async def fetch(self, listed: Listed, target: Path) -> _Fetched:
        """One of them on disk."""
        with Spool(target, self.limits.file_size, self.field) as spool:
            request = partial(self.bucket.get, listed.key)
            download = Download(request, spool, f"{self.field}: {listed.key}", guard="If-Match")
            await download.run(self.context.stop, TRIES)
            size = spool.done().size
        etag = download.headers.get("ETag", "").strip('"')
        return _Fetched(target, (size, etag) == (listed.size, listed.etag))

    def name(self, listed: Listed) -> str:
        """An object's name; empty for the mark that some programs put there for the folder itself."""
        return listed.key.removeprefix(f"{self.place.key}/")


_Coming = Future[_Fetched] | None


def _members(folder: _Folder, found: Sequence[Listed], loop: asyncio.AbstractEventLoop) -> Generator[Member]:
    waiting, coming = deque(enumerate(found)), deque[tuple[Listed, _Coming]]()
    nested: set[str] = set()
    try:
        while waiting or coming:
            while waiting and _room(coming, waiting[0][1]):
                number, listed = waiting.popleft()
                fetching: _Coming = None
                if "/" not in (folder.name(listed) or "/") and listed.size <= folder.limits.file_size:
                    task = folder.fetch(listed, folder.context.work / "objects" / str(number))
                    fetching = asyncio.run_coroutine_threadsafe(task, loop)
                coming.append((listed, fetching))
            listed, fetching = coming.popleft()
            name, below, _ = folder.name(listed).partition("/")
            if below and name not in nested:
                nested.add(name)
                yield refused(name.encode(), "NestedFolder", "a folder: all files must be in one")
            elif name and not below:
                yield Member(name.encode(), listed.size, partial(_content, fetching))
                _discard(fetching)
    finally:
        for _, fetching in coming:
            _discard(fetching)


def _room(coming: Sequence[tuple[Listed, object]], listed: Listed) -> bool:
    held = sum(one.size for one, _ in coming)
    return not coming or (len(coming) < AHEAD and held + listed.size <= AHEAD_BYTES)


def _content(fetching: _Coming) -> Iterator[bytes]:
    if fetching is None:  # too large: nobody asks for it
        return
    path, same = fetching.result()
    if not same:
        raise BrokenMember("it changed while the folder was read")
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            yield chunk


def _discard(fetching: _Coming) -> None:
    """The file is not needed any more, whether or not it was read, or is here yet."""
    if fetching is None or fetching.cancel():
        return
    with suppress(Exception):  # why it did not come was told where it was read, or nobody asked
        fetching.result().path.unlink(missing_ok=True)
