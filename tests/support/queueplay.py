"""The scenarios of support.bullmq, played by the operator on a real API server. Pods end as a kubelet would say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from support.bullmq import Outcome, Scenario
from support.kubelet import Kubelet, eventually
from support.specs import CID, METADATA

JOB = "MetadataJob"
RESULT = {"result": {"cid": CID, "items": 3, "bytes": 900, "rowsSha256": "0" * 64}}
BAD, FAILED = 64, 1
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
        self._runs: dict[str, dict[int, float]] = {}
        self._open: dict[tuple[str, int], str] = {}
        self._released: set[str] = set()
        self._quiet: list[int] = []
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

    def _add(self, name: str, asked: dict[str, Any]) -> None:
        self._asked[name] = asked
        policy: dict[str, Any] = {"priority": asked.get("priority", 0), "maxAttempts": asked.get("attempts", 1)}
        if "delay" in asked:
            policy["delay"] = f"{asked['delay']}s"
        backoff = asked.get("backoff", {"type": "fixed", "delay": 1})
        policy["backoff"] = {"type": backoff["type"], "delay": f"{backoff['delay']}s", "jitter": 0}
        self._space.apply(JOB, name, {**METADATA, "queue": "q", **policy})

    def _pause(self) -> None:
        self._change({"paused": True})

    def _resume(self) -> None:
        # BullMQ's `add` returns when a job is in line; here the operator has to see it first.
        self._until("all are in line", lambda: all(map(self._phase, self._asked)))
        self._change({"paused": False})

    def _change(self, spec: dict[str, Any]) -> None:
        self._space.change("JobQueue", "q", spec)
        wanted = self._space.get("JobQueue", "q")["metadata"]["generation"]
        self._until("the queue is seen", lambda: self._queue().get("observedGeneration") == wanted)

    def _drain(self) -> None:
        token = self._token("JobQueue", "q", "drain")
        self._until("drained", lambda: any(c["token"] == token for c in self._queue().get("commands") or []))

    def _promote(self, name: str) -> None:
        self._command(name, "promote")

    def _retry(self, name: str) -> None:
        self._command(name, "retry")

    def _priority(self, name: str, priority: int) -> None:
        self._space.change(JOB, name, {"priority": priority})
        wanted = self._space.get(JOB, name)["metadata"]["generation"]
        self._until(f"{name} is seen", lambda: self._space.status(JOB, name).get("observedGeneration") == wanted)

    def _started(self, name: str) -> None:
        self._until(f"{name} runs", lambda: bool(self._runs.get(name)))

    def _finish(self, name: str) -> None:
        self._released.add(name)

    def _ended(self, *names: str) -> None:
        self._until(f"{names} have ended", lambda: all(self._phase(name) in ENDS for name in names))

    def _passed(self, seconds: float) -> None:
        time.sleep(seconds)

    def _idle(self, seconds: float) -> None:
        before = sum(map(len, self._runs.values()))
        time.sleep(seconds)
        self._quiet.append(sum(map(len, self._runs.values())) - before)

    # --- what came of it ----------------------------------------------------------------------------------------------

    def _outcome(self) -> Outcome:
        self._ended(*self._asked)
        starts = [(at, name) for name, runs in self._runs.items() for at in runs.values()]
        return Outcome(
            starts=[{"job": name, "at": at} for at, name in sorted(starts)],
            quiet=self._quiet,
            ends={name: ENDS[self._phase(name)] for name in self._asked},
            attempts={
                name: (self._space.status(JOB, name).get("attempts") or {}).get("made", 0) for name in self._asked
            },
        )

    def _made(self, name: str) -> int:
        return int((self._space.status(JOB, name).get("attempts") or {}).get("made", 0))

    def _phase(self, name: str) -> str:
        return str(self._space.status(JOB, name).get("phase") or "")

    def _queue(self) -> dict[str, Any]:
        return self._space.status("JobQueue", "q")

    def _token(self, kind: str, name: str, command: str) -> str:
        self._tokens += 1
        self._space.mark(kind, name, {f"mintworks.dev/{command}": f"t{self._tokens}"})
        return f"t{self._tokens}"

    def _command(self, name: str, command: str) -> None:
        token = self._token(JOB, name, command)
        self._until(command, lambda: (self._space.status(JOB, name).get("commands") or {}).get(command) == token)

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
            self._node.end(name, run, 0, RESULT)
