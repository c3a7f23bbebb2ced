"""--localnet: the development chain, started where none listens; and what of the world around the jobs is reachable."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import httpx
from mintworks_api import JobSpec
from mintworks_dev.localnet.daemon import PORT, Daemon, answers, default_state

from .running import Place

__all__ = ["PORT", "development_chain", "place", "stop_command"]

_TIMEOUT = 2.0


def development_chain(port: int, tell: Callable[[str], None]) -> str:
    """The URL of the development chain: this user's, else whatever chain answers at `port`, else a new one there.

    A new one outlives this command, which tells what ends it.

    Raises:
        NotReadyError: it does not come up.
    """
    state = default_state()
    daemon = Daemon(state)
    url = daemon.url()
    if url is None and answers(found := f"http://127.0.0.1:{port}"):
        url = found
    if url is not None:
        tell(f"localnet: {url}")
        return url
    tell("localnet: starting")
    url = daemon.start([f"--port={port}"])
    tell(f"localnet: {url} (it goes on after this command; `{stop_command(state)}` ends it)")
    return url


def stop_command(state: Path) -> str:
    """What ends the chain of `state`, in whatever shell it is given: XDG_STATE_HOME may be set in this one alone."""
    named = ["--state", str(state.absolute())] if os.environ.get("XDG_STATE_HOME") else []
    return shlex.join(["mintworks", "localnet", "stop", *named])


def place(rpc_url: str, tell: Callable[[str], None]) -> Place:
    """Changes a spec for the chain at `rpc_url`, without services that do not answer."""

    @lru_cache
    def reachable(url: str) -> bool:
        found = _answers(url)
        if not found:
            tell(f"{url} does not answer: going on without it")
        return found

    def change(spec: JobSpec) -> JobSpec:
        return spec.on_development_chain(rpc_url, reachable)

    return change


def _answers(url: str) -> bool:
    """Whether Kubo's RPC, the one service that a spec can name besides the chain, answers there."""
    try:
        return httpx.post(f"{url.rstrip('/')}/api/v0/version", timeout=_TIMEOUT, trust_env=False).is_success
    except httpx.HTTPError:
        return False
