"""A script that makes the requests that the operator made, for the same jobs, and knows the answers.

It decides nothing, reads no object and keeps no cache: bodies are made by putting names into texts. It watches by
itself, or lets kopf watch as it does for the operator; that is the most that any operator on kopf can do.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from .on_kopf import on_kopf
from .person import MERGE, PARALLEL, PATIENCE, SUCCEEDED

Json = dict[str, Any]

READY = "it watches"
TOO_MANY = 429
_GROUP = "/apis/mintworks.dev/v1alpha1/namespaces/{}"
_PATHS = {
    "jobqueues": f"{_GROUP}/jobqueues",
    "mintjobs": f"{_GROUP}/mintjobs",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
    "events": "/apis/events.k8s.io/v1/namespaces/{}/events",
}
_VERSION = re.compile(rb'"resourceVersion":"(\d+)"')
_UID = re.compile(rb'"uid":"([0-9a-f-]{36})"')
_NAME = re.compile(rb'"name":"(o-\d{5})"')
_JOB = re.compile(rb'"mintworks.dev/job":"(o-\d{5})"')


@dataclass
class Job:
    """A job under way. `ended` is set once its run's pod has succeeded."""

    uid: str
    version: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Space:
    """One namespace. `bodies` are templates by step, `played` what is asked for there, as `score` says."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        group: asyncio.TaskGroup,
        name: str,
        *,
        played: Json,
        bodies: Json,
        slots: int,
    ) -> None:
        self._session = session
        self._group = group
        self._name = name
        self._steps: dict[str, list[str]] = played["jobs"]
        self._queues: list[int] = list(reversed(played["queues"]))
        self._bodies = {step: _template(template, name) for step, template in bodies.items() if step != "queue"}
        self._queue_body = bodies["queue"]
        self._slots = asyncio.Semaphore(slots)
        self._requests = asyncio.Semaphore(PARALLEL)
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, str] = {}
        self._queue_version = ""
        self._done = 0

    def begin(self, name: str, uid: str, version: str) -> None:
        """Plays a job, unless it is known."""
        if name not in self._jobs:
            self._jobs[name] = job = Job(uid, version)
            self._group.create_task(self._play(name, job))

    def complete(self, name: str) -> None:
        """The pod of that job's run has succeeded."""
        self._jobs[name].ended.set()

    async def watch(self, path: str, chosen: str, ready: asyncio.Barrier) -> None:
        """Lists and watches at a path, with a label selector."""
        resource = path.rpartition("/")[2]
        listed = json.loads(await self._ask("GET", f"{path}?{chosen}"))
        await ready.wait()
        while True:
            version = listed["metadata"]["resourceVersion"]
            query = f"{chosen}&watch=true&resourceVersion={version}&timeoutSeconds={int(PATIENCE)}"
            async with self._session.get(f"{path}?{query}", timeout=aiohttp.ClientTimeout(total=None)) as answer:
                async for line in answer.content:
                    self._see(resource, line)
            # The server ends a watch that is read too slowly.
            listed = json.loads(await self._ask("GET", f"{path}?{chosen}"))
            for each in listed["items"]:
                self._see(resource, json.dumps(each, separators=(",", ":")).encode())

    def _see(self, resource: str, line: bytes) -> None:
        if resource == "mintjobs":
            self.begin(_of(_NAME, line), _of(_UID, line), _of(_VERSION, line))
        elif resource == "pods" and SUCCEEDED in line:
            self.complete(_of(_JOB, line))

    async def _play(self, name: str, job: Job) -> None:
        """A job's requests, in their order: up to its run's creation at once, the others after its end."""
        steps = iter(self._steps[name])
        for step in steps:
            if step == "running":
                await self._slots.acquire()
                self._running[name] = job.uid
            await self._step(step, name, job)
            if step == "run":
                break
        await job.ended.wait()
        for step in steps:
            await self._step(step, name, job)
            if step == "end":
                del self._running[name]
                self._slots.release()

    async def _step(self, step: str, name: str, job: Job) -> None:
        async with self._requests:
            if step == "look":
                await self._ask("GET", f"{self._path('mintjobs')}/{name}")
            elif step == "run-look":
                await self._ask("GET", f"{self._path('jobs')}/{name}-{job.uid[:8]}-1")
            else:
                body = self._bodies[step].replace("@NAME@", name).replace("@UID@", job.uid)
                body = body.replace("@UID8@", job.uid[:8]).replace("@VERSION@", job.version)
                if step in {"run", "event"}:
                    await self._ask("POST", self._path("jobs" if step == "run" else "events"), body)
                else:
                    answer = await self._ask("PATCH", f"{self._path('mintjobs')}/{name}/status", body)
                    job.version = _of(_VERSION, answer)
        self._done += 1
        while self._queues and self._queues[-1] <= self._done:
            self._queues.pop()
            await self._queue()

    async def _queue(self) -> None:
        """A write of the queue, with the slots that are taken now."""
        template = self._queue_body["status"]
        (sample, *_) = template["reservations"]
        taken = [{**sample, "uid": uid} for uid in self._running.values()]
        status = {**template, "reservations": taken, "running": len(taken), "summary": f"{len(taken)}/500"}
        path = f"{self._path('jobqueues')}/bench"
        async with self._requests:
            await self._ask("PATCH", f"{path}/status", json.dumps({"status": status}))

    def _path(self, resource: str) -> str:
        return _PATHS[resource].format(self._name)

    async def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        kind = MERGE if method == "PATCH" else "application/json"
        async with self._session.request(method, path, data=body, headers={"Content-Type": kind}) as answer:
            text = await answer.read()
            if answer.status == TOO_MANY:
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
                return await self._ask(method, path, body)
            if not answer.ok:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r} to {(body or '')[:500]}")
            return text


def _template(template: Json, namespace: str) -> str:
    """The body as a text with places for a job's name, uid and version."""
    body = template["body"]
    if "resourceVersion" in body["metadata"]:
        body["metadata"]["resourceVersion"] = "@VERSION@"
    text = json.dumps(body).replace(template["namespace"], namespace)
    text = text.replace(template["uid"], "@UID@").replace(template["uid"][:8], "@UID8@")
    return text.replace(template["name"], "@NAME@")


def _of(pattern: re.Pattern[bytes], text: bytes) -> str:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"{pattern.pattern!r} is not in {text[:500]!r}")
    return found[1].decode()


async def play(plan: Json) -> None:
    """Plays `plan` until the process is told to end."""
    context = ssl.create_default_context(cafile=plan["ca"])
    # As many connections as the operator has: its requests, and a watch of each kind in each namespace.
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    headers = {"Authorization": f"Bearer {plan['token']}"}
    async with (
        aiohttp.ClientSession(plan["server"], connector=connector, headers=headers, read_bufsize=1 << 22) as session,
        asyncio.TaskGroup() as group,
    ):
        spaces = {
            name: Space(session, group, name, played=played, bodies=plan["bodies"], slots=plan["slots"][name])
            for name, played in plan["spaces"].items()
        }
        if plan["kopf"]:
            await on_kopf(spaces, lambda: print(READY, flush=True))
        else:
            watched = [(spaces[name], *each) for name, places in plan["watched"].items() for each in places]
            ready = asyncio.Barrier(len(watched) + 1)
            for space, path, chosen in watched:
                group.create_task(space.watch(path, chosen, ready))
            await ready.wait()
            print(READY, flush=True)


if __name__ == "__main__":
    asyncio.run(play(json.loads(Path(sys.argv[1]).read_text())))
