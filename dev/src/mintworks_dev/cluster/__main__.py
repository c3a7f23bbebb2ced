"""`python -m mintworks_dev cluster …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mintworks_dev import paths
from mintworks_dev.cluster.choice import CHOICES, AnyCluster, choose

SUMMARY = "a real Kubernetes for development: up, down, status, kubeconfig"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev cluster", description=SUMMARY)
    parser.add_argument("action", choices=("up", "down", "status", "kubeconfig"))
    parser.add_argument(
        "--cluster",
        choices=CHOICES,
        default="local",
        help="local: built from Go modules (needs root); kind: needs Docker; current: the kube context as it is",
    )
    parser.add_argument("--name", default="dev", help="tells local clusters apart (at most 6 letters)")
    parser.add_argument("--slot", type=int, default=0, help="sets a local cluster's addresses: 0 to 63")
    return parser


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    cluster = choose(arguments.cluster, arguments.name, arguments.slot)
    if arguments.action == "up":
        cluster.up()
        print(f"export KUBECONFIG={cluster.environment['KUBECONFIG']} PATH={paths.binaries()}:$PATH")
    elif arguments.action == "kubeconfig":
        print(cluster.environment["KUBECONFIG"])
    elif arguments.action == "status":
        return _status(cluster)
    else:
        cluster.down()
        return _report(cluster.leftovers())
    return 0


def _status(cluster: AnyCluster) -> int:
    """Print each part and how it is; 3 when the cluster is down, as service managers have it."""
    parts = cluster.status()
    for name, state in parts.items():
        print(f"{name:20} {state}")
    if not parts:
        print("down")
    return 0 if parts and set(parts.values()) == {"running"} else 3


def _report(leftovers: Sequence[str]) -> int:
    for line in leftovers:
        print(f"still there: {line}")
    return 1 if leftovers else 0
