"""What end-to-end tests do with a cluster: apply, read, and wait with a bound."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import yaml
from mintworks_dev.cluster import AnyCluster
from mintworks_dev.commands import CommandError
from mintworks_dev.stack.values import RESOURCES

T = TypeVar("T")


class NeverCameError(AssertionError):
    """What was waited for did not come in time; the text says what there was instead."""


def until(what: str, probe: Callable[[], T | None], timeout: float = 60, interval: float = 0.3) -> T:
    """The first answer of `probe` that is not None and not False, within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise NeverCameError(f"{what}: not within {timeout:.0f} s")
        time.sleep(interval)


class Space:
    """One namespace of a cluster."""

    def __init__(self, tools: AnyCluster, namespace: str) -> None:
        self.tools = tools
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """kubectl in this namespace."""
        return self.tools.kubectl("-n", self.namespace, *arguments, stdin=stdin, timeout=timeout)

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """An object, or None where it is not there."""
        try:
            found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        except CommandError as error:
            if "NotFound" in error.output:
                return None
            raise
        return found

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a kind."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-l", selector, "-o", "json"))["items"]
        return items

    def status(self, kind: str, name: str) -> dict[str, Any]:
        """An object's status, empty where it has none."""
        found = self.get(kind, name)
        status: dict[str, Any] = (found or {}).get("status", {})
        return status

    def wait(self, what: str, probe: Callable[[], Any], timeout: float = 60) -> Any:
        """`until`, with the namespace's jobs, pods and last events in what a failure says."""
        try:
            return until(what, probe, timeout)
        except NeverCameError as error:
            raise NeverCameError(f"{error}\n{self.describe()}") from None

    def finished(self, kind: str, name: str, timeout: float = 240) -> dict[str, Any]:
        """The status of a job once it is Succeeded or Failed."""

        def probe() -> dict[str, Any] | None:
            status = self.status(kind, name)
            return status if status.get("phase") in ("Succeeded", "Failed") else None

        status: dict[str, Any] = self.wait(f"{kind}/{name} finished", probe, timeout)
        return status

    def describe(self) -> str:
        """What a person would look at first."""
        parts = [
            self.kubectl("get", f"{RESOURCES},jobs,pods", "-o", "wide"),
            self.kubectl(
                "get", "mintjobs,metadatajobs", "-o", "jsonpath={range .items[*]}{.metadata.name}: {.status}\n{end}"
            ),
            self.kubectl("get", "events", "--sort-by=.lastTimestamp"),
        ]
        for pod in self.list("pods", "app.kubernetes.io/managed-by=mintworks"):
            name = pod["metadata"]["name"]
            try:
                parts.append(f"--- {name}\n" + self.kubectl("logs", name, "--tail=20"))
            except CommandError as error:
                parts.append(f"--- {name}: {error.output}")
        return "\n".join(parts)


def condition(status: dict[str, Any], type_: str) -> dict[str, Any]:
    """A condition by its type; empty where there is none."""
    return next((c for c in status.get("conditions", []) if c["type"] == type_), {})
