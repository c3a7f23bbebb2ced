"""Kubo as a process of this machine: IPFS's own implementation, offline, for development and tests."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Self

import httpx

from mintworks_dev import golang, paths
from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import until
from mintworks_dev.lifetime import UpAndDown

TIMEOUT = 60.0
DAEMON = "ipfs"


def url_of(multiaddress: str) -> str:
    """The URL of an address such as `/ip4/127.0.0.1/tcp/5001`. Raises ValueError for other forms."""
    match = re.fullmatch(r"/ip4/([0-9.]+)/tcp/(\d+)", multiaddress.strip())
    if not match:
        raise ValueError(f"not an IPv4 address with a TCP port: {multiaddress!r}")
    return f"http://{match[1]}:{match[2]}"


class Kubo(UpAndDown):
    """One daemon on 127.0.0.1. A port of 0 takes any free one; without `repository` it forgets everything.

    Use it as a context manager, or `up` and `down` from different processes with the same `repository`.
    """

    def __init__(self, repository: Path | None = None, api_port: int = 0, gateway_port: int = 0) -> None:
        self._temporary = repository is None
        self._folder = repository or Path(tempfile.mkdtemp(prefix="mintworks-ipfs-"))
        self._ports = (api_port, gateway_port)
        self._parts = Parts(self._folder / "parts", self._folder / "logs")

    @property
    def _repo(self) -> Path:
        return self._folder / "repo"

    @property
    def running(self) -> bool:
        """Whether the daemon runs and answers."""
        process = self._parts.get(DAEMON)
        return process is not None and process.alive and self._answers()

    @property
    def api(self) -> str:
        """The URL of its RPC API. Raises FileNotFoundError before it is up."""
        return url_of((self._repo / "api").read_text())

    @property
    def gateway(self) -> str:
        """The URL of its HTTP gateway. Raises FileNotFoundError before it is up."""
        return (self._repo / "gateway").read_text().strip()

    def up(self) -> Self:
        """Start the daemon unless it runs, and return when it answers.

        Raises NotReadyError with the end of its log when it does not.
        """
        if self.running:
            return self
        golang.ensure(golang.KUBO)
        for name in ("api", "gateway"):
            # A daemon that was killed leaves its addresses behind.
            (self._repo / name).unlink(missing_ok=True)
        api_port, gateway_port = self._ports
        self._parts.start(
            DAEMON,
            ["sh", str(paths.repository() / "dev" / "images" / "serve-ipfs")],
            env={
                "API_ADDRESS": f"/ip4/127.0.0.1/tcp/{api_port}",
                "GATEWAY_ADDRESS": f"/ip4/127.0.0.1/tcp/{gateway_port}",
                "IPFS_PATH": str(self._repo),
                "PATH": golang.on_path()["PATH"],
                "HOME": str(self._folder),
            },
        )
        until(self._answers, "Kubo", TIMEOUT, broken=self._parts.obituary)
        return self

    def _answers(self) -> bool:
        try:
            url = f"{self.api}/api/v0/version"
            return (self._repo / "gateway").exists() and httpx.post(url, trust_env=False).is_success
        except (FileNotFoundError, ValueError, httpx.TransportError):
            return False

    def down(self) -> None:
        """Stop the daemon; a temporary repository goes with it."""
        # After thousands of blocks it takes long to end in good order, which what is forgotten does not need.
        self._parts.stop(DAEMON, timeout=1.0 if self._temporary else 10.0)
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)


def local() -> Kubo:
    """The daemon of `python -m mintworks_dev ipfs up`, on Kubo's usual ports."""
    folder = paths.build() / "ipfs"
    folder.mkdir(exist_ok=True)
    return Kubo(folder, api_port=5001, gateway_port=8080)
