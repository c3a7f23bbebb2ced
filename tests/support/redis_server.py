"""A real redis-server on a free port of 127.0.0.1: the machine's own, else the one unpacked from the distribution."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from mintworks_dev import debian

_START_SECONDS = 20
TENANT_COMMANDS = "+ping +select +get +set +del +expire +xadd +lrange +rpush +watch +unwatch +multi +exec"
"""What the chart lets a tenant's user send."""


PASSWORD = "s3cret"


class RedisServer:
    """Start, stop and start again on the same port; what was stored goes with each stop, unless it was saved: then what
    was there at that moment is back after the next start.

    With a `namespace` the user of `url` is confined to that namespace's keys, as a tenant's is in a cluster.
    """

    def __init__(self, folder: Path, namespace: str | None = None, password: str = PASSWORD) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._namespace = namespace
        self._password = password
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that a runner is given."""
        user = "" if self._namespace is None else f"tenant:{self._password}@"
        return f"redis://{user}127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A client with all rights."""
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> RedisServer:
        """Start the server and return when it answers."""
        program, environment = _program()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        if self._namespace is not None:
            rights = f"resetkeys resetchannels -@all ~mw:{self._namespace}:* {TENANT_COMMANDS}"
            users = f"user default on nopass ~* &* +@all\nuser tenant on >{self._password} {rights}\n"
            (self._folder / "users.acl").write_text(users)
            options += ["--aclfile", str(self._folder / "users.acl")]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([program, *options], env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError((self._folder / "redis.log").read_text()[-2000:])
            time.sleep(0.05)
        return self

    def save(self) -> None:
        """Save what is stored now."""
        self.client.save()

    def stop(self) -> None:
        """Kill the server, as a node's failure would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


def _program() -> tuple[str, Mapping[str, str] | None]:
    """The program and the environment that it runs in (None: this process's own)."""
    found = shutil.which("redis-server")
    if found:
        return found, None
    debian.ensure()
    return str(debian.program("redis-server")), debian.environment()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
