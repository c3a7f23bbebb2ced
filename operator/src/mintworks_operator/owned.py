"""The runs of a job among the cached Kubernetes Jobs and pods. Labels are anyone's: what counts is the controller."""

from __future__ import annotations

from typing import Any

from .cache import Cache
from .core import RunState, RunView, Trouble
from .names import controller, run_number
from .views import run_view

Json = dict[str, Any]

#: Phases of a pod none of whose containers runs or will run.
_ENDED = frozenset({"Succeeded", "Failed"})


def jobs_of(cache: Cache, uid: str) -> list[Json]:
    """The Kubernetes Jobs of the runs of the job of that uid."""
    return [o for o in cache.runs.group(uid) if controller(o) == uid and run_number(o) is not None]


def pods_of(cache: Cache, job: Json, uid: str) -> list[Json]:
    """The pods of a Kubernetes Job of the job of that uid."""
    return [p for p in cache.pods.group(uid) if controller(p) == job["metadata"]["uid"]]


def run_of(cache: Cache, job: Json, uid: str, trouble: Trouble | None = None) -> RunView:
    """A run that has a Kubernetes Job."""
    return run_view(job, pods_of(cache, job, uid), trouble)


def runs_of(cache: Cache, uid: str) -> list[RunView]:
    """Every run of the job of that uid, whether or not the job exists."""
    return [*(run_of(cache, o, uid) for o in jobs_of(cache, uid)), *_outlived(cache, uid)]


def _outlived(cache: Cache, uid: str) -> list[RunView]:
    """Runs whose pods have outlived their Job: it was deleted, and the garbage collector ends them."""
    numbers = {
        run_number(p)
        for p in cache.pods.group(uid)
        if cache.runs.get(controller(p, "Job")) is None
        and controller(p, "Job")
        and (p.get("status") or {}).get("phase") not in _ENDED
    }
    return [RunView(n, RunState.RUNNING, stopping=True) for n in sorted(n for n in numbers if n is not None)]
