"""`python -m mintworks_dev PART …`: one entry to the development world's parts."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence

import httpx

PARTS = {
    "cluster": ("mintworks_dev.cluster", "a real Kubernetes: up, down, status, kubeconfig"),
    "demo": ("mintworks_dev.stack", "Mintworks and its example in a cluster: up, down"),
    "images": ("mintworks_dev.images", "the container images: build, load"),
    "ipfs": ("mintworks_dev.ipfs", "Kubo on this machine: up, down"),
    "localnet": ("mintworks_dev.localnet", "a Solana chain for development: run, …"),
}
"""Each part's package, whose `__main__` has `main(argv) -> exit code`, and what it is."""


def _usage() -> str:
    lines = [f"  {name:10} {summary}" for name, (_, summary) in PARTS.items()]
    return "\n".join(["usage: python -m mintworks_dev PART …", *lines])


def main(argv: Sequence[str]) -> int:
    """Hand the rest of the command line to a part; returns its exit code, 2 for an unknown part."""
    if not argv or argv[0] not in PARTS:
        print(_usage(), file=sys.stderr)
        return 2
    package, _ = PARTS[argv[0]]
    # Loaded when asked for: a chain in its image needs nothing of what builds clusters.
    module = importlib.import_module(f"{package}.__main__")
    try:
        return int(module.main(argv[1:]) or 0)
    except (RuntimeError, ValueError, OSError, httpx.HTTPError, subprocess.TimeoutExpired) as error:
        # A connection that breaks off has no words of its own.
        print(f"{argv[0]}: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
