"""A localnet in the background: it outlives the command that started it, and its state folder names it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from mintworks_dev.cluster.processes import Parts
from mintworks_dev.cluster.waiting import until
from mintworks_dev.localnet.place import PORT, default_state

__all__ = ["PORT", "Daemon", "answers", "default_state"]

_TIMEOUT = 120.0
_PART = "localnet"


class Daemon:
    """The localnet of a state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state.absolute()
        self._parts = Parts(self._state / "parts", self._state / "logs")

    def start(self, arguments: Sequence[str] = ()) -> str:
        """Starts it with the arguments of `localnet run` unless it runs already, and returns its URL once it answers.

        Raises NotReadyError with the end of its log where it does not come up: a taken port, most often.
        """
        running = self.url()
        if running:
            return running
        self._endpoint.unlink(missing_ok=True)
        command = [sys.executable, "-m", "mintworks_dev.localnet", "run", *arguments]
        self._parts.start(_PART, [*command, "--state", str(self._state)])
        until(lambda: self.url() is not None, "localnet", _TIMEOUT, broken=self._parts.obituary)
        return self.url() or ""

    def stop(self) -> bool:
        """Ends it; False where none ran."""
        process = self._parts.get(_PART)
        running = process is not None and process.alive
        self._parts.stop(_PART)
        return running

    def url(self) -> str | None:
        """Its URL while it runs and answers, else nothing."""
        process = self._parts.get(_PART)
        if process is None or not process.alive or not self._endpoint.is_file():
            return None
        url = str(json.loads(self._endpoint.read_text())["url"])
        return url if answers(url) else None

    @property
    def _endpoint(self) -> Path:
        return self._state / "endpoint.json"


def answers(url: str) -> bool:
    """Whether a chain answers there (any: a person's own test validator will do as well)."""
    request = {"jsonrpc": "2.0", "id": 1, "method": "getGenesisHash"}
    try:
        reply = httpx.post(url, json=request, timeout=5, trust_env=False)
        return reply.is_success and "result" in reply.json()
    except (httpx.HTTPError, ValueError):
        return False
