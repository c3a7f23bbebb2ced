"""The operator's own parts, all but its event loop: passes stop at each request, and somebody else lets them go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from mintworks_operator.admitter import Admitter
from mintworks_operator.api import EVENTS, Api, ApiError, Page, Resource
from mintworks_operator.apply import Applier
from mintworks_operator.cache import Cache
from mintworks_operator.config import load
from mintworks_operator.events import Events
from mintworks_operator.gather import Gatherer
from mintworks_operator.health import Health
from mintworks_operator.keys import JobKey, Key
from mintworks_operator.progress import Progress
from mintworks_operator.reconcile import Reconciler
from mintworks_operator.resync import Resync
from mintworks_operator.scheduler import Scheduler
from mintworks_operator.slots import Slots
from mintworks_operator.watching import RESOURCES
from mintworks_operator.webhooks.notifier import Notifier
from mintworks_operator.work import FIRST_DELAY, LONGEST_DELAY
from mintworks_operator.writes import StaleError

from .server import NAMESPACE, Request, Server

Json = dict[str, Any]

CONFIG = load(["--namespaces", NAMESPACE], {})


class _Sent:
    """A request under way."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __await__(self) -> Generator[Request, Any, Any]:
        return (yield self._request)


class Wire(Api):
    """The way to the API server."""

    def __init__(self) -> None:
        super().__init__(cast(Any, None))

    async def get(self, resource: Resource, namespace: str, name: str) -> Json:
        return cast(Json, await _Sent(Request("get", resource, name)))

    async def pages(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[Page]:
        yield Page(await _Sent(Request("list", resource, query=query or {})), first=True)

    async def create(self, resource: Resource, namespace: str, body: Json) -> Json:
        return cast(Json, await _Sent(Request("create", resource, body=body)))

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        return cast(Json, await _Sent(Request("patch", resource, name, body)))

    async def delete(self, resource: Resource, namespace: str, name: str, options: Json) -> None:
        await _Sent(Request("delete", resource, name, options))


@dataclass
class Pass:
    """A pass that waits for the answer to its request."""

    key: Key
    work: Coroutine[Any, Any, None]
    request: Request


class Process:
    """One process. `clock` is in seconds; `sends` is called with each request when it is sent."""

    def __init__(
        self,
        server: Server,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        sends: Callable[[Process, Request], None],
    ) -> None:
        self._server, self._clock, self._sends = server, clock, sends
        self.due: dict[Key, float] = {}
        self.under_way: list[Pass] = []
        self.woken = 0
        #: Whether what only a LIST can tell was lost.
        self.missed = False
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._filling = True
        self.cache = Cache(self._seen)
        self.slots = Slots()
        self._wire(now)
        self._first = {resource: len(told) for resource, told in server.told.items()}
        self._position = dict(self._first)
        self._run(self._resync.first())
        self._filling = False
        self._reconciler.begin()

    def _wire(self, now: Callable[[], datetime]) -> None:
        """As `Operator` does."""
        api, health = Wire(), Health(self._clock)
        progress = Progress(Path("/nonexistent"), self.wake, self._clock, lambda: None)
        notifier = Notifier(cast(Any, None), self.wake, cast(Any, None))
        gatherer = Gatherer(self.cache, api, CONFIG, progress.news, notifier.deliveries)
        self._resync = Resync(api, self.cache, CONFIG, lambda _: None, self.wake)
        listed = self._resync.listed
        self._reconciler = Reconciler(
            cache=self.cache,
            gatherer=gatherer,
            applier=Applier(api, self.cache, CONFIG, gatherer, notify=notifier.notify, clock=self._clock),
            admitter=Admitter(
                api,
                self.cache,
                self.slots,
                self.wake,
                lambda: None,
                events=Events(api, CONFIG.identity, self._clock),
                listed=listed,
            ),
            scheduler=Scheduler(api, self.cache, CONFIG.identity, self._clock),
            slots=self.slots,
            progress=progress,
            notifier=notifier,
            health=health,
            listed=listed,
            wake=self.wake,
            spare=self.wake,
            clock=self._clock,
            now=now,
        )

    # --- its work queue -----------------------------------------------------------------------------------------------

    def _seen(self, key: Key) -> None:
        if not self._filling or not isinstance(key, JobKey):
            self.woken += 1
            self.wake(key)

    def wake(self, key: Key, delay: float = 0.0) -> None:
        """As WorkQueue has it; the order of what is due is anybody's."""
        if delay <= 0 and key in self._busy:
            self._again.add(key)
        else:
            self.due[key] = min(self.due.get(key, float("inf")), self._clock() + max(0.0, delay))

    def ready(self) -> list[Key]:
        """What may be worked on now."""
        return sorted((k for k, at in self.due.items() if at <= self._clock() and k not in self._busy), key=repr)

    # --- passes -------------------------------------------------------------------------------------------------------

    def begin(self, key: Key) -> Pass | None:
        """Begins a pass. Answers it where it waits for an answer, and is not over."""
        del self.due[key]
        self._busy.add(key)
        return self._go_on(key, work := self._reconciler.reconcile(key), lambda: work.send(None))

    def goes_on(self, each: Pass, answer: Any) -> Pass | None:
        """A pass goes on with that answer."""
        self.under_way.remove(each)
        if isinstance(answer, ApiError):
            return self._go_on(each.key, each.work, lambda: each.work.throw(answer))
        return self._go_on(each.key, each.work, lambda: each.work.send(answer))

    def _go_on(self, key: Key, work: Coroutine[Any, Any, None], resume: Callable[[], Request | None]) -> Pass | None:
        try:
            request = resume()
            while request is None or request.resource == EVENTS:
                request = work.send({} if request is None or request.verb != "list" else [])
        except StopIteration:
            self._failures.pop(key, None)
            self._done(key)
            return None
        except (StaleError, ApiError):
            self._done(key)
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self.wake(key, min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (failures - 1)))
            return None
        self._sends(self, request)
        self.under_way.append(made := Pass(key, work, request))
        return made

    def _done(self, key: Key) -> None:
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.wake(key)

    def carry_out(self, each: Pass) -> Pass | None:
        """A request arrives, and its answer."""
        try:
            answer = self._server.answer(each.request)
        except ApiError as error:
            answer = error
        return self.goes_on(each, answer)

    def dies(self) -> list[Request]:
        """Answers what is under way."""
        left, self.under_way = self.under_way, []
        for each in left:
            each.work.close()
        return [each.request for each in left]

    # --- what it hears ------------------------------------------------------------------------------------------------

    def deliver(self, resource: Resource, most: int | None = None) -> bool:
        """So many changes arrive, in order. Answers whether there were any."""
        told = self._server.told[resource][self._position[resource] :][:most]
        self._position[resource] += len(told)
        for each in told:
            self._hear(resource, each.type, each.obj)
        return bool(told)

    def cut_off(self, resource: Resource) -> None:
        """A watch starts anew, and with it goes what it had not told yet: it tells of all that is there, and never of
        what went meanwhile.
        """
        told = self._server.told[resource]
        self.missed = self.missed or any(each.type == "DELETED" for each in told[self._position[resource] :])
        self._position[resource] = len(told)
        for obj in self._server.all(resource):
            self._hear(resource, "ADDED", obj)

    def deliver_all(self) -> bool:
        """Every change arrives."""
        return sum(self.deliver(resource) for resource in RESOURCES) > 0

    def hear_again(self, resource: Resource, pick: int) -> None:
        """Something that was told, or lost, long ago arrives now: nothing goes back to what it was."""
        past = self._server.told[resource][self._first[resource] : self._position[resource]]
        if not past:
            return
        each, store = past[pick % len(past)], self.cache.stores[resource]
        uid, woken = each.obj["metadata"]["uid"], self.woken
        before, gone = store.get(uid), store.gone(uid)
        self._hear(resource, each.type, each.obj)
        after = store.get(uid)
        if gone or (before is not None and _version(before) >= _version(each.obj)):
            assert after is before, "what is old was taken for new"
            assert self.woken == woken, "what is known already is looked at again"

    def _hear(self, resource: Resource, type_: str, obj: Json) -> None:
        self._resync.told(resource, obj["metadata"]["uid"])
        if type_ == "DELETED":
            self.cache.drop(resource, obj["metadata"]["uid"], obj)
        else:
            self.cache.put(resource, obj)

    def list_all(self) -> None:
        """The LISTs of every few minutes."""
        self._run(self._resync.first())
        for key in self.cache.unfinished():
            self.wake(key)
        self.missed = False

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """At once, to its end."""
        answer: Any = None
        while True:
            try:
                request = work.send(answer)
            except StopIteration:
                return
            answer = None if request is None else self._server.answer(request)


def _version(obj: Json) -> int:
    return int(obj["metadata"]["resourceVersion"])
