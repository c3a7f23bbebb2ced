"""A script that makes the requests that the operator made, for the same jobs, and knows the answers.

It decides nothing, reads no object and keeps no cache: bodies are made by putting names into texts.
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

from .person import MERGE, PARALLEL, PATIENCE

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
    """A job under way. `ended` is set once its run's Kubernetes Job is complete."""

    uid: str
    version: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Space:
    """One namespace. `bodies` are templates by step, `played` what is asked for there, as `score` says."""

    def __init__(self, session: aiohttp.ClientSession, name: str, played: Json, bodies: Json, slots: int) -> None:
        self._session = session
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

    async def follow(self, watched: list[list[str]], ready: asyncio.Barrier) -> None:
        """Lists and watches what the operator does (paths and label selectors), and plays each job that comes."""
        async with asyncio.TaskGroup() as group:
            for path, chosen in watched:
                group.create_task(self._watch(path, chosen, ready, group))

    async def _watch(self, path: str, chosen: str, ready: asyncio.Barrier, group: asyncio.TaskGroup) -> None:
        resource = path.rpartition("/")[2]
        version = json.loads(await self._ask("GET", f"{path}?{chosen}"))["metadata"]["resourceVersion"]
        await ready.wait()
        query = f"{chosen}&watch=true&resourceVersion={version}&timeoutSeconds={int(PATIENCE)}"
        async with self._session.get(f"{path}?{query}", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                if resource == "mintjobs" and line.startswith(b'{"type":"ADDED"'):
                    name, job = _of(_NAME, line), Job(_of(_UID, line), _of(_VERSION, line))
                    self._jobs[name] = job
                    group.create_task(self._play(name, job))
                elif resource == "jobs" and b'"type":"Complete"' in line:
                    self._jobs[_of(_JOB, line)].ended.set()

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
    watches = asyncio.Barrier(sum(map(len, plan["watched"].values())) + 1)
    async with (
        aiohttp.ClientSession(plan["server"], connector=connector, headers=headers, read_bufsize=1 << 22) as session,
        asyncio.TaskGroup() as group,
    ):
        for name, played in plan["spaces"].items():
            space = Space(session, name, played, plan["bodies"], plan["slots"][name])
            group.create_task(space.follow(plan["watched"][name], watches))
        await watches.wait()
        print(READY, flush=True)


if __name__ == "__main__":
    asyncio.run(play(json.loads(Path(sys.argv[1]).read_text())))
