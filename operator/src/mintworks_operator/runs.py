"""The runs of jobs: the Kubernetes Jobs and pods that are there, and as what `decide` sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api import JOBS, PODS, Resource
from .core import RunView, Trouble
from .endings import ended_of, over, stopping
from .names import UID, controller, is_run, label, run_number
from .store import Store
from .views import orphan_view, run_view

Json = dict[str, Any]


class Runs:
    """By the uid of the job that they belong to. Labels are anyone's: what counts is the controller.

    `known` answers whether a job of a uid exists: of one that is gone nobody asks what it lost.
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self.jobs = Store(lambda o: label(o, UID))
        self.pods = Store(lambda o: label(o, UID))
        #: Numbers of runs whose Kubernetes Job was seen and is gone, by uid of the job.
        self._lost: dict[str, set[int]] = {}
        #: The last version of a pod that is gone and whose runner had ended, by uid of its Kubernetes Job, while that
        #: exists: what the runner said with its last words must not go with a drained node.
        self.departed: dict[str, Json] = {}
        #: The Kubernetes Job of each pod, by uids: `kubectl delete job --cascade=orphan` takes it off the pod.
        self._parents: dict[str, str] = {}
        #: What `of` and `lost` answer, by uid of the job, where they answer anything.
        self._views: dict[str, tuple[list[RunView], frozenset[int]]] = {}

    def put(self, resource: Resource, obj: Json) -> bool:
        """Takes in a newer version of a Kubernetes Job or of a pod. Answers whether `decide` sees anything else now.

        Most of what a Job's controller counts in its status, and of what becomes of a pod, it does not.
        """
        store, uid = self._store(resource), obj["metadata"]["uid"]
        if resource == PODS and (owner := controller(obj, "Job")):
            self._parents[uid] = owner
        old = store.get(uid)
        store.put(obj)
        # Anybody can change a label.
        changed = [self._look(whose) for whose in {label(each, UID) for each in (old, obj) if each is not None}]
        return any(changed)

    def drop(self, resource: Resource, uid: str, last: Json | None) -> Json | None:
        """One is gone; `last` is its last version, where that was seen. Answers the version that was known before."""
        old = self._store(resource).drop(uid)
        if old is None:
            return None
        if resource == JOBS:
            if is_run(old, label(old, UID)):
                self._lose(old)
            self.departed.pop(uid, None)
        else:
            self._depart(old if last is None else last)
            self._parents.pop(uid, None)
        self._look(label(old, UID))
        return old

    def forget(self, uid: str) -> None:
        """The job of that uid is gone."""
        self._lost.pop(uid, None)
        self._look(uid)

    def of(self, uid: str) -> list[RunView]:
        """Every run of the job of that uid, whether or not the job exists."""
        return self._views.get(uid, ([], frozenset()))[0]

    def lost(self, uid: str) -> frozenset[int]:
        """Numbers of runs whose Job was there and is gone: it was seen, or its pod says so.

        Without the pod, an operator that starts now could not tell such a run from one that was never created.
        """
        return self._views.get(uid, ([], frozenset()))[1]

    def alive(self, uid: str) -> bool:
        """Whether a process of that job lives."""
        return any(run.alive for run in self.of(uid))

    def linger(self, uid: str) -> bool:
        """Whether a pod of that job is there, living or not."""
        return bool(self.pods.group(uid))

    def jobs_of(self, uid: str) -> list[Json]:
        """The Kubernetes Jobs of the runs of the job of that uid."""
        return [o for o in self.jobs.group(uid) if is_run(o, uid)]

    def pods_of(self, job: Json, uid: str) -> list[Json]:
        """The pods of a Kubernetes Job of the job of that uid."""
        return [p for p in self.pods.group(uid) if self._parent(p) == job["metadata"]["uid"]]

    def view(self, job: Json, uid: str, trouble: Trouble | None = None) -> RunView:
        """A run that has a Kubernetes Job. What its pod said last is remembered when the pod is gone."""
        departed = self.departed.get(job["metadata"]["uid"])
        # One that was not over is followed by another, unless the Job makes no more.
        last = [departed] if departed is not None and (over(departed) or stopping(job)) else []
        return run_view(job, self.pods_of(job, uid) or last, trouble)

    def unseen(self, uid: str, run: int) -> set[str]:
        """Uids of Kubernetes Jobs that pods of that run name, and that were seen neither to be there nor to be gone."""
        parents = {self._parent(pod) for pod in self._orphans(uid) if run_number(pod) == run}
        return {parent for parent in parents if not self.jobs.gone(parent)}

    def _store(self, resource: Resource) -> Store:
        return self.jobs if resource == JOBS else self.pods

    def _look(self, uid: str) -> bool:
        """Sees the runs of a job as they are now. Answers whether that is anything else than before."""
        before = self._views.get(uid, ([], frozenset()))
        orphans = self._orphans(uid)
        runs = [*(self.view(job, uid) for job in self.jobs_of(uid)), *_outlived(orphans)]
        numbers = {run_number(pod) for pod in orphans} | self._lost.get(uid, set())
        now = (runs, frozenset(number for number in numbers if number is not None))
        if any(now):
            self._views[uid] = now
        else:
            self._views.pop(uid, None)
        return now != before

    def _parent(self, pod: Json) -> str:
        """The uid of the Kubernetes Job that made a pod, still there or not; empty where none is known."""
        return controller(pod, "Job") or self._parents.get(pod["metadata"]["uid"], "")

    def _orphans(self, uid: str) -> list[Json]:
        """Pods of Kubernetes Jobs that are not there."""
        return [p for p in self.pods.group(uid) if (parent := self._parent(p)) and self.jobs.get(parent) is None]

    def _lose(self, run: Json) -> None:
        uid, number = label(run, UID), run_number(run)
        if number is not None and self._known(uid):
            self._lost.setdefault(uid, set()).add(number)

    def _depart(self, pod: Json) -> None:
        """A run's pod is gone: of the run's Job that is gone too, it was the last trace."""
        owner = self._parent(pod)
        job = self.jobs.get(owner)
        if job is None and owner:
            self._lose(pod)
        elif job is not None and (over(pod) or ended_of(pod)):
            self.departed[owner] = pod


def _outlived(orphans: list[Json]) -> list[RunView]:
    """Runs whose pods have outlived their Job: it was deleted, and the garbage collector ends them, unless the Job was
    deleted so that they stay.
    """
    living = {run_number(p): orphan_view(p) for p in orphans if not over(p) and run_number(p) is not None}
    return sorted(living.values(), key=lambda run: run.run)
