"""`watch`: jobs followed to their end through watches of the API server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from mintworks_api import FINISHED, JobStatus, Phase
from pydantic import ValidationError

from ..references import Key
from ..show import Display
from .errors import CommandError, NoAnswerError, ServerError, error
from .find import Object
from .kinds import Kind, path
from .layout import safe

if TYPE_CHECKING:
    from .connection import Connection

Json = dict[str, Any]

#: Seconds between two looks of the display, and before a watch that was lost is begun again.
TICK: Final = 0.5
AGAIN: Final = 1.0
_GONE: Final = 410


@dataclass
class Watched:
    """A job as it was seen last."""

    found: Object
    label: str
    deleted: bool = False

    @property
    def key(self) -> Key:
        """(namespace, kind, name)."""
        return (self.found.namespace, self.found.kind.kind, self.found.name)

    @property
    def status(self) -> JobStatus:
        """Its status; an empty one where there is none, or none that can be read."""
        try:
            return JobStatus.parse(harmless(self.found.status))
        except ValidationError:
            return JobStatus.parse({})

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What came of it."""
        result: Mapping[str, Any] | None = harmless(self.found.status.get("result"))
        return result

    @property
    def alive(self) -> bool:
        """Whether a run of it is under way."""
        return self.status.phase is Phase.RUNNING and not self.deleted

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.deleted or self.status.phase in FINISHED

    @property
    def succeeded(self) -> bool:
        """Whether it came to a good end."""
        return not self.deleted and self.status.phase is Phase.SUCCEEDED


@dataclass(frozen=True)
class Collection:
    """Objects of one kind in one namespace; one of them alone where a name is given."""

    kind: Kind
    namespace: str
    name: str | None

    @property
    def query(self) -> dict[str, str]:
        """For its LIST and watch."""
        return {} if self.name is None else {"fieldSelector": f"metadata.name={self.name}"}


@dataclass(frozen=True)
class News:
    """What was heard: objects, and for a whole collection which uids are there; or what went wrong."""

    objects: Sequence[Json] = ()
    there: frozenset[str] | None = None
    deleted: str | None = None
    collection: Collection | None = None
    problem: CommandError | None = None


def follow(
    connection: Connection,
    objects: Sequence[Object],
    label: Callable[[Object], str],
    display: Display,
    wait: float | None,
) -> list[Watched]:
    """Show the jobs until each has ended.

    Raises:
        CommandError: it took longer than `wait` seconds, or the API server refuses to tell.
    """
    watched = {found.uid: Watched(found, label(found)) for found in objects}
    until = None if wait is None else time.monotonic() + wait
    news: SimpleQueue[News] = SimpleQueue()
    for collection in collections(objects):
        # They end with the process, and hold nothing that would have to be put away.
        threading.Thread(target=_listen, args=(connection, collection, news), daemon=True).start()
    with display:
        while True:
            display.show(watched.values(), datetime.now(UTC))
            if all(job.ended for job in watched.values()):
                return [*watched.values()]
            if until is not None and time.monotonic() > until:
                raise error("timed out waiting for " + ", ".join(j.label for j in watched.values() if not j.ended))
            try:
                take(watched, news.get(timeout=TICK))
            except Empty:
                continue


def changes(connection: Connection, collection: Collection) -> Iterator[News]:
    """What happens to a collection, from what is there now on. It ends by itself now and then. Raises CommandError."""
    where = path(collection.kind, collection.namespace)
    listed = connection.list(where, collection.query)
    items = listed.get("items") or []
    yield News(items, frozenset(item["metadata"]["uid"] for item in items), collection=collection)
    query = {**collection.query, "resourceVersion": listed["metadata"]["resourceVersion"]}
    for event in connection.watch(where, query):
        content = event["object"]
        if event["type"] == "DELETED":
            yield News(deleted=content["metadata"]["uid"])
        elif event["type"] in {"ADDED", "MODIFIED"}:
            yield News([content])
        elif event["type"] == "ERROR":
            return


def harmless(content: Any) -> Any:
    """The content with texts that steer no terminal: what tenants and runners wrote is shown to others."""
    if isinstance(content, str):
        return safe(content)
    if isinstance(content, Mapping):
        return {name: harmless(value) for name, value in content.items()}
    return [harmless(value) for value in content] if isinstance(content, list) else content


def _listen(connection: Connection, collection: Collection, news: SimpleQueue[News]) -> None:
    while True:
        try:
            for heard in changes(connection, collection):
                news.put(heard)
        except NoAnswerError:
            # The API server may be restarting; people see the last state meanwhile.
            pass
        except ServerError as problem:
            if problem.status < 500 and problem.status not in {_GONE, 429}:
                news.put(News(problem=problem))
                return
        time.sleep(AGAIN)


def take(watched: Mapping[str, Watched], news: News) -> None:
    """Note what was heard of the jobs, which are by their uids. Raises CommandError where that went wrong."""
    if news.problem is not None:
        raise news.problem
    for content in news.objects:
        if (job := watched.get(content["metadata"]["uid"])) is not None:
            job.found = Object(job.found.kind, content)
    if news.deleted is not None and (job := watched.get(news.deleted)) is not None:
        job.deleted = True
    if news.there is not None and (of := news.collection) is not None:
        for uid, job in watched.items():
            if _within(job.found, of) and uid not in news.there:
                job.deleted = True


def _within(found: Object, collection: Collection) -> bool:
    same = found.kind is collection.kind and found.namespace == collection.namespace
    return same and collection.name in {None, found.name}


def collections(objects: Sequence[Object]) -> list[Collection]:
    """What to watch: of each kind and namespace the one job, else all."""
    names: dict[tuple[str, str], list[Object]] = {}
    for found in objects:
        names.setdefault((found.kind.kind, found.namespace), []).append(found)
    return [
        Collection(group[0].kind, group[0].namespace, group[0].name if len(group) == 1 else None)
        for group in names.values()
    ]
