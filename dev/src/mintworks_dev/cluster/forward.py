"""The API server, or a Service's port, on 127.0.0.1: kubectl's own tunnels work on every kind of cluster."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from mintworks_dev import golang
from mintworks_dev.cluster.choice import Kubernetes

_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
_PROXYING = re.compile(r"Starting to serve on 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(tools: Kubernetes, namespace: str, service: str, port: int) -> Iterator[str]:
    """`http://127.0.0.1:PORT` of a port that leads to `service`, for as long as the block runs.

    Raises RuntimeError with kubectl's words when it cannot be had.
    """
    words = ["-n", namespace, "port-forward", "--address=127.0.0.1", f"service/{service}", f":{port}"]
    with _tunnel(tools, words, _FORWARDING) as url:
        yield url


@contextmanager
def proxied(tools: Kubernetes) -> Iterator[str]:
    """`http://127.0.0.1:PORT` of the API server with the kubeconfig's rights, for as long as the block runs.

    For whoever asks often: kubectl itself takes longer to start than the API server to answer.
    Raises RuntimeError with kubectl's words when it cannot be had.
    """
    with _tunnel(tools, ["proxy", "--port=0"], _PROXYING) as url:
        yield url


@contextmanager
def _tunnel(tools: Kubernetes, words: list[str], listening: re.Pattern[str]) -> Iterator[str]:
    kubectl = golang.ensure(golang.KUBERNETES).with_name("kubectl")
    with subprocess.Popen(
        [str(kubectl), *words],
        env={**os.environ, **tools.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            found = listening.search(said)
            if found is None:
                raise RuntimeError(f"kubectl {' '.join(words)}: {said.strip()}")
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
