"""Jobs whose runners wait at a gate: started, interrupted while they work, let go, and what their status then says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from mintworks_api import API_VERSION

from support.kube import Space
from support.rows import HeldRows

Json = dict[str, Any]

JOBS = "metadatajobs"
#: No wait worth the name, and always the same one.
QUICK = {"type": "fixed", "delay": "1s", "jitter": 0}


@dataclass(frozen=True)
class Gated:
    """Jobs of one namespace."""

    space: Space
    rows: HeldRows

    def widened(self) -> Self:
        """With a queue that lets all jobs run at once."""
        queue = {"apiVersion": API_VERSION, "kind": "JobQueue", "metadata": {"name": "default"}}
        self.space.apply({**queue, "spec": {"concurrency": 50}})
        return self

    def start(self, name: str, **spec: Any) -> Json:
        """Apply a job; its pod, once the runner works."""
        self.apply(name, **spec)
        return self.working(name, 1)

    def apply(self, name: str, **spec: Any) -> None:
        """Apply a job."""
        self.space.apply(self.rows.job(name, **{"backoff": QUICK, **spec}))

    def working(self, name: str, run: int) -> Json:
        """The pod of that run, once its runner has come to the gate."""

        def probe() -> Json | None:
            found = [p for p in self.pods(name, run) if p["status"]["phase"] == "Running"]
            return found[0] if found and self.rows.asked(name) >= run else None

        pod: Json = self.space.wait(f"run {run} of {name} works", probe, 120)
        return pod

    def pods(self, name: str, run: int | None = None) -> list[Json]:
        """The pods of a job, or of one of its runs."""
        chosen = f"mintworks.dev/job={name}" + (f",mintworks.dev/run={run}" if run else "")
        return self.space.list("pods", chosen)

    def status(self, name: str) -> Json:
        """A job's status."""
        return self.space.status(JOBS, name)

    def attempts(self, name: str) -> Json:
        """Its counters."""
        attempts: Json = self.status(name).get("attempts") or {}
        return attempts

    def ended(self, name: str, run: int, seconds: float = 90) -> Json:
        """The record of a run, once it is in the job's status."""

        def probe() -> Json | None:
            return next((r for r in self.attempts(name).get("last") or [] if r["run"] == run), None)

        record: Json = self.space.wait(f"the end of run {run} of {name}", probe, seconds)
        return record

    def succeeds(self, name: str) -> Json:
        """Its status, once it was let go and has succeeded."""
        self.rows.open(name)
        status = self.space.finished(JOBS, name)
        assert status["phase"] == "Succeeded", status
        return status

    def reason(self, name: str, *, of: str = "Progressing") -> str:
        """The reason of a condition; empty where it is not set."""
        found = (c["reason"] for c in self.status(name).get("conditions") or [] if c["type"] == of)
        return next(found, "")

    def event(self, name: str, words: str) -> None:
        """Wait until an Event that `kubectl describe` shows has these words: they come after the status."""

        def probe() -> bool:
            return words in self.space.kubectl("describe", "metadatajob", name).partition("Events:")[2]

        self.space.wait(f"an Event of {name} with {words}", probe)

    def told(self, name: str, reason: str, seconds: float = 90) -> None:
        """Wait until the condition Progressing has that reason."""
        self.space.wait(f"{name} tells {reason}", lambda: self.reason(name) == reason, seconds)


def apart(record: Json, following: Json) -> bool:
    """Whether a run began only when the one before it had ended."""
    return bool(following["started"] >= record["finished"])


def counts(status: Mapping[str, Any]) -> tuple[int, int, int]:
    """Attempts, stalls and runs."""
    attempts = status["attempts"]
    return attempts["made"], attempts.get("stalls", 0), attempts["runs"]


def side_by_side(cases: Mapping[str, Callable[[], None]]) -> None:
    """Run all cases at once; whatever fails is told with its name."""
    with ThreadPoolExecutor(max_workers=len(cases)) as pool:
        under_way = {name: pool.submit(case) for name, case in cases.items()}
    failures = []
    for name, case in under_way.items():
        error = case.exception()
        if isinstance(error, Exception):
            error.add_note(f"case: {name}")
            failures.append(error)
    if failures:
        raise ExceptionGroup("some cases failed", failures)
