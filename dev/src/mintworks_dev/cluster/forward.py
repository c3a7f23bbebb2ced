"""A Service's port on 127.0.0.1, by `kubectl port-forward`: it works on every kind of cluster."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from mintworks_dev import golang
from mintworks_dev.cluster.choice import AnyCluster

_LISTENING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(tools: AnyCluster, namespace: str, service: str, port: int) -> Iterator[str]:
    """`http://127.0.0.1:PORT` of a port that leads to `service`, for as long as the block runs.

    Raises RuntimeError with kubectl's words when it cannot be had.
    """
    kubectl = golang.ensure(golang.KUBERNETES).with_name("kubectl")
    command = [str(kubectl), "-n", namespace, "port-forward", "--address=127.0.0.1", f"service/{service}", f":{port}"]
    with subprocess.Popen(
        command,
        env={**os.environ, "KUBECONFIG": str(tools.kubeconfig)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            found = _LISTENING.search(said)
            if found is None:
                raise RuntimeError(f"port-forward to {namespace}/{service}: {said.strip()}")
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
