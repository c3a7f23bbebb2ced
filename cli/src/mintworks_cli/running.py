"""`mintworks run`: from manifests to jobs at their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from mintworks_api import JOB_KINDS, JobSpec

from .adopt import adopt, source_hashes
from .engine import Engine
from .localjob import LocalJob
from .overrides import apply_overrides, parse_override
from .problems import BadInput, Problem
from .references import Supplies, in_order
from .resources import JobManifest, Resources, manifests, sort
from .show import Display
from .signals import Signals
from .sources import read
from .state import StateFolder

#: Pause between two passes, in seconds.
PAUSE: Final = 0.05

#: Changes a spec for where it runs (--localnet).
Place = Callable[[JobSpec], JobSpec]


def load(files: Iterable[str], overrides: Iterable[str] = ()) -> Resources:
    """The manifests in the files, with --set put in, validated.

    Raises:
        BadInput: everything that is wrong with them.
    """
    asked = [parse_override(text) for text in overrides]
    return sort(apply_overrides(manifests(read(files)), asked))


def check_jobs(resources: Resources) -> None:
    """Hold the manifests to having a job: without one, a wrong folder was named most likely.

    Raises:
        BadInput: there is none.
    """
    if resources.jobs:
        return
    others = [*resources.queues.values(), *resources.secrets.values(), *resources.config_maps.values()]
    there = ", ".join([*(f"{m.kind}/{m.name}" for m in others), *resources.ignored]) or "none"
    raise BadInput([Problem(f"no job ({', '.join(sorted(JOB_KINDS))}) among the manifests; there: {there}")])


def take_up(supplies: Supplies, state: StateFolder, place: Place | None, now: datetime) -> list[LocalJob]:
    """The jobs of the manifests, in dependency order, with what the state folder knows of them; each is on disk then.

    Raises:
        BadInput: a job that the state folder knows with other inputs.
    """
    jobs, problems = list[LocalJob](), list[Problem]()
    for manifest in in_order(supplies.resources):
        folder = state.job(*manifest.key)
        known = folder.load()
        spec = _spec(manifest, place)
        record = adopt(manifest, spec, source_hashes(manifest, supplies), known, now)
        if isinstance(record, list):
            problems += record
            continue
        jobs.append(LocalJob(manifest, record, folder))
        if known is not None and known.uid != record.uid:
            folder.forget()
    if problems:
        raise BadInput(problems)
    for job in jobs:
        job.save()
    return jobs


def work(engine: Engine, display: Display, enough: Callable[[], bool] = lambda: False) -> int | None:
    """Run the jobs to their end, or until it is `enough`. Returns the number of the signal that ended it before, if one
    did.

    The first signal asks the runners to stop at a safe point, a second one kills them; either way the state folder
    knows how to go on.

    Raises:
        OrphanStays: a runner of an earlier command does not go.
    """
    asked = False
    with Signals() as signals, display:
        try:
            engine.resume(_now())
            while engine.step(_now()) and signals.count < 2 and not enough():
                if signals.count and not asked:
                    asked = True
                    engine.interrupt(_now())
                time.sleep(PAUSE)
        finally:
            engine.kill()
        return signals.last


def _spec(manifest: JobManifest, place: Place | None) -> Mapping[str, Any]:
    given: Mapping[str, Any] = manifest.manifest.content["spec"]
    placed = manifest.spec if place is None else place(manifest.spec)
    if placed is manifest.spec:
        return given
    return placed.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def _now() -> datetime:
    return datetime.now(UTC)
