"""What the operator knows of the cluster: filled by watches, LISTs and answers to its own writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mintworks_api import FINISHED, Phase

from .api import JOBS, PODS, Resource
from .asked import slim
from .followers import Followers
from .keys import JobKey, Key, QueuesKey, ScheduleKey
from .names import JOB, KIND, KINDS, QUEUES, SCHEDULES, UID, label
from .offspring import Offspring
from .runs import Runs
from .sharing import Sharing
from .store import Store
from .tally import Tally, phase_of, queue_of
from .views import as_dict, as_list

Json = dict[str, Any]

_OF_RUNS = frozenset({JOBS, PODS})


def _name(obj: Json) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


class Cache:
    """The stores, and which passes a change calls for.

    `wake` is called with each key whose snapshot may have changed.
    """

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self.jobs = {kind: Store(_name) for kind in KINDS}
        self.queues = Store(_name)
        self.schedules = Store(_name)
        self.offspring = Offspring()
        self.tally = Tally()
        self._sharing = Sharing()
        self.runs = Runs(self.uid_known)
        self.followers = Followers()
        self.stores: dict[Resource, Store] = {QUEUES: self.queues, SCHEDULES: self.schedules}
        self.stores |= {JOBS: self.runs.jobs, PODS: self.runs.pods}
        self.stores |= {resource: self.jobs[kind] for kind, resource in KINDS.items()}
        self._kinds = {resource: kind for kind, resource in KINDS.items()}

    def put(self, resource: Resource, obj: Json) -> None:
        """A version of an object was seen."""
        store = self.stores[resource]
        # First: each LIST and each watch begins with what the cache has.
        if not store.news(obj):
            return
        if resource in _OF_RUNS:
            if self.runs.put(resource, slim(obj)):
                self._run_changed(obj)
            return
        old = store.get(obj["metadata"]["uid"])
        obj = self._compact(resource, slim(obj), old)
        store.put(obj)
        self._changed(resource, obj, old)

    def _compact(self, resource: Resource, obj: Json, old: Json | None) -> Json:
        """The object, with the spec of its older version where that is the same: it is held, and parsed, once.

        A job that stands by shares what it can with all others. One that runs is on its way to another status.
        """
        if resource not in self._kinds:
            return obj
        made = dict(obj)
        if old is not None and "spec" in made and made["spec"] == old.get("spec"):
            made["spec"] = old["spec"]
        elif "spec" in made:
            made["spec"] = self._sharing.shared(made["spec"])
        if phase_of(obj) != Phase.RUNNING and "status" in made:
            made["status"] = self._sharing.shared(made["status"])
        made["metadata"] = {sys.intern(name): value for name, value in made["metadata"].items()}
        return {sys.intern(name): value for name, value in made.items()}

    def drop(self, resource: Resource, uid: str, last: Json | None = None) -> None:
        """An object is gone; `last` is its last version, where that was seen."""
        if resource in _OF_RUNS:
            if (run := self.runs.drop(resource, uid, last)) is not None:
                self._run_changed(run)
            return
        old = self.stores[resource].drop(uid)
        if old is None:
            return
        if resource in self._kinds:
            self.runs.forget(uid)
        self._changed(resource, None, old)

    def job(self, key: JobKey) -> Json | None:
        """The job of that name."""
        return self.jobs[key.kind].one((key.namespace, key.name))

    def queue(self, namespace: str, name: str) -> Json | None:
        """The JobQueue of that name."""
        return self.queues.one((namespace, name))

    def schedule(self, key: ScheduleKey) -> Json | None:
        """The JobSchedule of that name."""
        return self.schedules.one((key.namespace, key.name))

    def schedule_keys(self, namespace: str) -> list[ScheduleKey]:
        """Every JobSchedule of a namespace."""
        return [ScheduleKey(*_name(obj)) for obj in self.schedules.all() if obj["metadata"]["namespace"] == namespace]

    def queue_jobs(self, namespace: str, queue: str) -> list[JobKey]:
        """Jobs of a namespace that are admitted by that queue."""
        return [
            JobKey(kind, namespace, obj["metadata"]["name"])
            for kind, obj in self._each_job()
            if obj["metadata"]["namespace"] == namespace and queue_of(obj) == queue
        ]

    def neighbours(self, namespace: str, uid: str) -> list[tuple[str, Json]]:
        """The other jobs of a namespace, each with its kind."""
        return [
            (kind, obj)
            for kind, obj in self._each_job()
            if obj["metadata"]["namespace"] == namespace and obj["metadata"]["uid"] != uid
        ]

    def job_keys(self) -> list[JobKey]:
        """Every job."""
        return [JobKey(kind, *_name(obj)) for kind, obj in self._each_job()]

    def unfinished(self) -> list[JobKey]:
        """Every job that has not come to its end."""
        return [JobKey(kind, *_name(obj)) for kind, obj in self._each_job() if phase_of(obj) not in FINISHED]

    def uid_living(self, uid: str) -> bool:
        """Whether a job of that uid exists, or a pod of one that is gone."""
        return self.uid_known(uid) or self.runs.linger(uid)

    def uid_known(self, uid: str) -> bool:
        """Whether a job of that uid exists."""
        return any(store.get(uid) is not None for store in self.jobs.values())

    def _each_job(self) -> list[tuple[str, Json]]:
        return [(kind, obj) for kind, store in self.jobs.items() for obj in store.all()]

    def _changed(self, resource: Resource, new: Json | None, old: Json | None) -> None:
        obj = new or old
        if obj is None:
            return
        if resource in self._kinds:
            self._job_changed(JobKey(self._kinds[resource], *_name(obj)), new, old)
        elif resource == QUEUES:
            self._queue_changed(obj, new, old)
        else:
            if new is None:
                self.offspring.forget(obj["metadata"]["uid"])
            self._wake(ScheduleKey(*_name(obj)))

    def _run_changed(self, obj: Json) -> None:
        """A Job or a pod of a run, which says by its labels whose it is."""
        namespace = obj["metadata"]["namespace"]
        if label(obj, KIND) in self.jobs:
            self._wake(JobKey(label(obj, KIND), namespace, label(obj, JOB)))
        store = self.jobs.get(label(obj, KIND))
        job = store.get(label(obj, UID)) if store is not None else None
        if job is None or not as_dict(job.get("status")).get("active"):
            # No pass over the job frees the slot: it is free once nothing of its runs lives.
            self._wake(QueuesKey(namespace))

    def _job_changed(self, key: JobKey, new: Json | None, old: Json | None) -> None:
        self.tally.change(key.kind, old, new)
        self._wake(key)
        maker = self.offspring.change(key, old, new)
        if maker is not None:
            self._wake(maker)
        if new is None or old is None or _standing(new) != _standing(old):
            for follower in self.followers.of(key):
                self._wake(follower)

    def _queue_changed(self, obj: Json, new: Json | None, old: Json | None) -> None:
        namespace, name = _name(obj)
        self._wake(QueuesKey(namespace))
        if new is None or old is None or _asks(new) != _asks(old):
            for key in self.queue_jobs(namespace, name):
                self._wake(key)


def _asks(queue: Json) -> tuple[object, object]:
    """What of a queue concerns its jobs: its spec, and its commands."""
    return queue["metadata"].get("generation"), as_dict(queue.get("status")).get("commands")


def _standing(obj: Json) -> tuple[str, str]:
    """What of a job shows in those that build on it: its phase, and why it does not go on."""
    conditions = (as_dict(c) for c in as_list(as_dict(obj.get("status")).get("conditions")))
    return phase_of(obj), next((str(c.get("reason")) for c in conditions if c.get("type") == "Progressing"), "")
