"""A real redis-server with the configuration and the users that the chart renders, and a user of the test's own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from mintworks_dev import debian
from mintworks_dev.cluster.controlplane import free_ports

Manifest = dict[str, Any]

_START_SECONDS = 20
_ADMIN = "user admin on >admin ~* &* +@all\n"
"""Not the chart's: by it a test looks at what there is."""


class ChartRedis:
    """The chart's Redis on a port of 127.0.0.1. What it holds stays from one start to the next, as on a claim."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._secrets: dict[str, str] = {}

    def start(self, manifests: list[Manifest]) -> ChartRedis:
        """Start what was rendered; returns when it answers."""
        acl = self._folder / "users.acl"
        acl.write_text(_only(manifests, "Secret", "users.acl") + _ADMIN)
        text = _only(manifests, "ConfigMap", "redis.conf")
        # Only where it listens and where its files are differ from the pod's.
        for old, new in (
            ("/mintworks/acl/users.acl", str(acl)),
            ("dir /data", f"dir {self._folder}"),
            ("port 6379", f"port {self.port}"),
            ("bind * -::*", "bind 127.0.0.1"),
        ):
            assert old in text
            text = text.replace(old, new)
        configuration = self._folder / "redis.conf"
        configuration.write_text(text)
        self._secrets = {m["metadata"]["namespace"]: m["stringData"]["url"] for m in manifests if _holds(m, "url")}
        debian.ensure()
        command = [str(debian.program("redis-server")), str(configuration)]
        with (self._folder / "redis.log").open("ab") as log:
            environment = {**os.environ, **debian.environment()}
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._await()
        return self

    def stop(self) -> None:
        """End it in good order."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(20)

    def url(self, namespace: str) -> str:
        """The URL in the Secret that the chart made in a namespace: the operator's in the release's own."""
        head, _, tail = self._secrets[namespace].partition("@")
        return f"{head}@127.0.0.1:{self.port}/{tail.partition('/')[2]}"

    def client(self, namespace: str) -> redis.Redis:
        """A client with the rights of that namespace's URL."""
        return redis.Redis.from_url(self.url(namespace), decode_responses=True)

    @property
    def admin(self) -> redis.Redis:
        """A client with all rights."""
        return redis.Redis(port=self.port, username="admin", password="admin", decode_responses=True)

    @property
    def namespaces(self) -> set[str]:
        """Where the chart put a URL."""
        return set(self._secrets)

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process is not None
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "redis.log").read_text()[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        # As the pod's readiness probe asks.
        try:
            return bool(redis.Redis(port=self.port, username="probe", password="probe").ping())
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False


def _holds(manifest: Manifest, entry: str) -> bool:
    return entry in (manifest.get("stringData") or manifest.get("data") or {})


def _only(manifests: list[Manifest], kind: str, entry: str) -> str:
    (found,) = (m for m in manifests if m["kind"] == kind and _holds(m, entry))
    return str((found.get("stringData") or found["data"])[entry])
