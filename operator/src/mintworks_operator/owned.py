"""The runs of a job among the cached Kubernetes Jobs and pods. Labels are anyone's: what counts is the controller."""

from __future__ import annotations

from typing import Any

from .cache import ENDED, Cache
from .core import RunView, Trouble
from .names import is_run, run_number
from .views import orphan_view, run_view

Json = dict[str, Any]


def jobs_of(cache: Cache, uid: str) -> list[Json]:
    """The Kubernetes Jobs of the runs of the job of that uid."""
    return [o for o in cache.runs.group(uid) if is_run(o, uid)]


def pods_of(cache: Cache, job: Json, uid: str) -> list[Json]:
    """The pods of a Kubernetes Job of the job of that uid."""
    return [p for p in cache.pods.group(uid) if cache.parent(p) == job["metadata"]["uid"]]


def run_of(cache: Cache, job: Json, uid: str, trouble: Trouble | None = None) -> RunView:
    """A run that has a Kubernetes Job. What its pod said last is remembered when the pod is gone."""
    departed = cache.departed.get(job["metadata"]["uid"])
    return run_view(job, pods_of(cache, job, uid) or ([] if departed is None else [departed]), trouble)


def runs_of(cache: Cache, uid: str) -> list[RunView]:
    """Every run of the job of that uid, whether or not the job exists."""
    return [*(run_of(cache, o, uid) for o in jobs_of(cache, uid)), *_outlived(cache, uid)]


def lost_of(cache: Cache, uid: str) -> frozenset[int]:
    """Numbers of runs whose Job was there and is gone: it was seen, or its pod says so.

    Without the pod, an operator that starts now could not tell such a run from one that was never created.
    """
    orphans = {run_number(pod) for pod in _orphans(cache, uid)}
    return frozenset(cache.lost.get(uid, set()) | {n for n in orphans if n is not None})


def unseen_jobs(cache: Cache, uid: str, run: int) -> set[str]:
    """Uids of Kubernetes Jobs that pods of that run name, and that were seen neither to be there nor to be gone."""
    parents = {cache.parent(pod) for pod in _orphans(cache, uid) if run_number(pod) == run}
    return {parent for parent in parents if not cache.runs.gone(parent)}


def _outlived(cache: Cache, uid: str) -> list[RunView]:
    """Runs whose pods have outlived their Job: it was deleted, and the garbage collector ends them, unless the Job was
    deleted so that they stay.
    """
    living = {
        run_number(p): orphan_view(p)
        for p in _orphans(cache, uid)
        if (p.get("status") or {}).get("phase") not in ENDED and run_number(p) is not None
    }
    return sorted(living.values(), key=lambda run: run.run)


def _orphans(cache: Cache, uid: str) -> list[Json]:
    """Pods of Kubernetes Jobs that are not there."""
    return [p for p in cache.pods.group(uid) if cache.parent(p) and cache.runs.get(cache.parent(p)) is None]
