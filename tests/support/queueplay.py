"""The scenarios of support.bullmq, played by the operator on a real API server. Pods end as a kubelet would say."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from support.bullmq import Outcome, Scenario
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA, MINT, RESULTS, UPLOAD

JOB = "MetadataJob"
BAD, FAILED, KILLED = 64, 1, 137
#: BullMQ's word for each count of a queue; a cancelled job is one that it has removed.
COUNTS = {
    "pending": "pending",
    "queued": "queued",
    "delayed": "delayed",
    "backoff": "delayed",
    "running": "running",
    "succeeded": "completed",
    "failed": "failed",
}
#: How long counts must stay the same: a job is Pending for a second before it is called Queued.
STILL = 2.0
ENDS = {"Succeeded": "completed", "Failed": "failed", "Cancelled": "removed"}
#: Seconds within which a step must have come true. Scenarios are played side by side, on machines with few cores.
LIMIT = 120


class QueuePlay:
    """One scenario, in a namespace of its own."""

    def __init__(self, space: Kubelet, scenario: Scenario) -> None:
        self._space = space
        # Its client is not for two threads.
        self._node = Kubelet(space.kubeconfig, space.namespace)
        self._scenario = scenario
        self._began = time.monotonic()
        self._asked: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, str] = {}
        self._runs: dict[str, dict[int, float]] = {}
        self._open: dict[tuple[str, int], str] = {}
        self._released: set[str] = set()
        self._quiet: list[int] = []
        self._counted: list[dict[str, int]] = []
        self._tokens = 0
        self._over = threading.Event()

    def play(self) -> Outcome:
        """All of it."""
        limiter = self._scenario.limiter
        rate = {"rateLimit": {"max": limiter["max"], "per": f"{limiter['per']}s"}} if limiter is not None else {}
        self._space.apply("JobQueue", "q", {"concurrency": self._scenario.concurrency, **rate})
        node = threading.Thread(target=self._pods)
        node.start()
        try:
            for name, *given in self._scenario.steps:
                getattr(self, f"_{name}")(*given)
            return self._outcome()
        finally:
            self._over.set()
            node.join()

    # --- steps --------------------------------------------------------------------------------------------------------

    def _add(self, name: str, asked: dict[str, Any], kind: str = JOB, spec: dict[str, Any] = METADATA) -> None:
        self._asked[name], self._kinds[name] = asked, kind
        policy: dict[str, Any] = {"priority": asked.get("priority", 0), "maxAttempts": asked.get("attempts", 1)}
        if "delay" in asked:
            policy["delay"] = f"{asked['delay']}s"
        backoff = asked.get("backoff", {"type": "fixed", "delay": 1})
        policy["backoff"] = {"type": backoff["type"], "delay": f"{backoff['delay']}s", "jitter": 0}
        self._space.apply(kind, name, {**spec, "queue": "q", **policy})

    def _flow(self, names: list[str], asked: dict[str, dict[str, Any]]) -> None:
        mint, metadata, upload = names
        self._add(mint, asked.get(mint, {}), "MintJob", {**MINT, "metadataFrom": {"job": metadata}})
        self._add(metadata, asked.get(metadata, {}), JOB, {**METADATA, "images": {"job": upload}})
        self._add(upload, asked.get(upload, {}), "UploadJob", UPLOAD)

    def _pause(self) -> None:
        self._change({"paused": True})

    def _limit(self, concurrency: int) -> None:
        self._change({"concurrency": concurrency})

    def _resume(self) -> None:
        # BullMQ's `add` returns when a job is in line; here the operator has to see it first.
        self._until("all are in line", lambda: all(map(self._phase, self._asked)))
        self._change({"paused": False})

    def _change(self, spec: dict[str, Any]) -> None:
        self._space.change("JobQueue", "q", spec)
        wanted = self._space.get("JobQueue", "q")["metadata"]["generation"]
        self._until("the queue is seen", lambda: self._queue().get("observedGeneration") == wanted)

    def _drain(self) -> None:
        self._bulk("drain")

    def _clean(self) -> None:
        self._bulk("clean")

    def _retry_all(self) -> None:
        failed = [name for name in self._asked if self._phase(name) == "Failed"]
        self._bulk("retry-failed")
        self._until("all are retried", lambda: all("retryFailed" in self._commands(name) for name in failed))

    def _bulk(self, command: str) -> None:
        token = self._token("JobQueue", "q", command)
        self._until(command, lambda: any(c["token"] == token for c in self._queue().get("commands") or []))

    def _promote(self, name: str) -> None:
        self._command(name, "promote")

    def _promote_all(self) -> None:
        for name in self._asked:
            self._promote(name)

    def _retry(self, name: str) -> None:
        self._command(name, "retry")

    def _priority(self, name: str, priority: int) -> None:
        self._space.change(self._kinds[name], name, {"priority": priority})
        wanted = self._space.get(self._kinds[name], name)["metadata"]["generation"]
        self._until(f"{name} is seen", lambda: self._status(name).get("observedGeneration") == wanted)

    def _started(self, name: str) -> None:
        self._until(f"{name} runs", lambda: bool(self._runs.get(name)))

    def _finish(self, name: str) -> None:
        self._released.add(name)

    def _stall(self, name: str) -> None:
        run = max(self._runs[name])
        self._until(f"run {run} of {name} is seen", lambda: (name, run) in self._open)
        del self._open[name, run]
        self._space.end(name, run, KILLED, None, conditions=[{"type": "DisruptionTarget", "status": "True"}])

    def _ended(self, *names: str) -> None:
        self._until(f"{names} have ended", lambda: all(self._phase(name) in ENDS for name in names))

    def _counts(self) -> None:
        seen, since = Counter[str](), time.monotonic()

        def still() -> bool:
            nonlocal seen, since
            told = Counter({name: n for name, n in (self._queue().get("counts") or {}).items() if n})
            if told != seen or told != Counter(self._phase(name).lower() for name in self._asked):
                seen, since = told, time.monotonic()
            return time.monotonic() - since > STILL

        self._until("the counts are those of the jobs", still)
        counts = dict.fromkeys(COUNTS.values(), 0)
        for name, word in COUNTS.items():
            counts[word] += seen[name]
        self._counted.append(counts)

    def _passed(self, seconds: float) -> None:
        time.sleep(seconds)

    def _idle(self, seconds: float) -> None:
        before = sum(map(len, self._runs.values()))
        time.sleep(seconds)
        self._quiet.append(sum(map(len, self._runs.values())) - before)

    # --- what came of it ----------------------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        self._ended(*self._asked)
        self._counts()
        starts = [(at, name) for name, runs in self._runs.items() for at in runs.values()]
        return Outcome(
            starts=[{"job": name, "at": at} for at, name in sorted(starts)],
            quiet=self._quiet,
            ends={name: ENDS[self._phase(name)] for name in self._asked},
            counts=self._counted,
            attempts={name: (self._status(name).get("attempts") or {}).get("made", 0) for name in self._asked},
        )

    def _phase(self, name: str) -> str:
        return str(self._status(name).get("phase") or "")

    def _commands(self, name: str) -> dict[str, Any]:
        return self._status(name).get("commands") or {}

    def _status(self, name: str) -> dict[str, Any]:
        return self._space.status(self._kinds[name], name)

    def _queue(self) -> dict[str, Any]:
        return self._space.status("JobQueue", "q")

    def _token(self, kind: str, name: str, command: str) -> str:
        self._tokens += 1
        self._space.mark(kind, name, {f"mintworks.dev/{command}": f"t{self._tokens}"})
        return f"t{self._tokens}"

    def _command(self, name: str, command: str) -> None:
        token = self._token(self._kinds[name], name, command)
        self._until(command, lambda: self._commands(name).get(command) == token)

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        def now() -> bool:
            if done():
                return True
            # Several play side by side on one API server.
            time.sleep(0.2)
            return False

        eventually(f"{self._scenario.name}: {what}", now, LIMIT)

    # --- the node -----------------------------------------------------------------------------------------------------

    def _pods(self) -> None:
        """Starts each pod, and ends it as the scenario says."""
        while not self._over.wait(0.25):
            for pod in self._node.core.list_namespaced_pod(self._space.namespace).items:
                labels = pod.metadata.labels
                name, run = labels["mintworks.dev/job"], int(labels["mintworks.dev/run"])
                if run not in self._runs.setdefault(name, {}):
                    self._runs[name][run] = time.monotonic() - self._began
                    if self._asked[name].get("held"):
                        self._node.start(name, run)
                    self._open[name, run] = pod.metadata.name
                if (name, run) in self._open and (name in self._released or not self._asked[name].get("held")):
                    del self._open[name, run]
                    self._end(name, run)

    def _end(self, name: str, run: int) -> None:
        if self._asked[name].get("bad"):
            self._node.end(name, run, BAD, {"reason": "BadRows", "message": "bad input"})
        elif len(self._runs[name]) <= self._asked[name].get("fails", 0):
            self._node.end(name, run, FAILED, {"reason": "KuboAway", "message": "no luck"})
        else:
            self._node.end(name, run, 0, {"result": RESULTS[self._kinds[name]]})
