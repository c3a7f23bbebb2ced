"""`python -m mintworks_dev demo …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mintworks_dev import paths
from mintworks_dev.cluster import CHOICES, REGISTRY_HELP, AnyCluster, choose
from mintworks_dev.progress import to_stderr

from . import demo
from .install import install, uninstall

_BEFORE = """\
make demo: a real Kubernetes on this machine, Mintworks in it by Helm, and examples/genesis run to its end.
  time    about 20 minutes the first time on two cores (most of it building Kubernetes and Kubo), then under 3
  disk    about 6 GB in build/, and Go's and uv's caches
  rights  root: a network namespace, mounts and control groups
  changes a network link and two routes, until `make demo-down`; Debian packages only unpacked below build/
"""


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev demo", description=demo.__doc__)
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--cluster", choices=CHOICES, default="local", help="where it runs")
    parser.add_argument("--registry", help=REGISTRY_HELP)
    options = parser.parse_args(argv)
    cluster = choose(options.cluster, registry=options.registry)
    return _up(cluster, options.cluster) if options.action == "up" else _down(cluster, options.cluster)


def _up(cluster: AnyCluster, kind: str) -> int:
    if kind == "local":
        to_stderr(_BEFORE)
    install(cluster, [demo.NAMESPACE])
    last_line = demo.run(cluster)
    to_stderr(
        f"Look around:\n"
        f"  export KUBECONFIG={cluster.environment['KUBECONFIG']} PATH={paths.binaries()}:$PATH\n"
        f"  kubectl get mintworks -A\n"
        f"  kubectl describe -n {demo.NAMESPACE} mintjob {demo.MINT_JOB}\n"
        f"`make demo-down` takes all of it away."
    )
    print(last_line)
    return 0


def _down(cluster: AnyCluster, kind: str) -> int:
    if kind == "current":
        uninstall(cluster)
    cluster.down()
    leftovers = cluster.leftovers()
    for line in leftovers:
        to_stderr(f"still there: {line}")
    return 1 if leftovers else 0
