"""Jobs with a webhook on a real API server, and what their statuses say of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mintworks_cli.main import app
from typer.testing import CliRunner

from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA

JOB = "MetadataJob"


def secret(namespace: str, seed: Path) -> str:
    """What people are told that their receiver needs; `seed` is the mounted Secret."""
    said = CliRunner().invoke(app, ["webhook-secret", namespace, "--seed-file", str(seed / "seed")])
    assert said.exit_code == 0, said.output
    return said.output.split()[0]


def hooked(space: Kubelet, url: str, name: str = "a", **spec: Any) -> None:
    space.apply(JOB, name, {**METADATA, **spec, "notify": {"url": url, **spec.get("notify", {})}})


def cancelled(space: Kubelet, url: str, name: str = "a") -> None:
    """A job that ends without a run."""
    hooked(space, url, name, suspend=True)
    space.phase(JOB, name, "Suspended")
    space.mark(JOB, name, {"mintworks.dev/cancel": "1"})


def notification(space: Kubelet, name: str, done: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The last one in the job's status, once it is so."""

    def found() -> dict[str, Any] | None:
        last: dict[str, Any] = (space.status(JOB, name).get("notifications") or [{}])[-1]
        return last if done(last) else None

    return eventually(f"the webhook of {name}", found)


def delivered(space: Kubelet, name: str = "a") -> dict[str, Any]:
    return notification(space, name, lambda n: n.get("deliveredTime"))
