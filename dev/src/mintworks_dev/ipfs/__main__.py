"""`python -m mintworks_dev ipfs …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mintworks_dev.ipfs.kubo import local

SUMMARY = "Kubo on this machine, offline: up, down"


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev ipfs", description=SUMMARY)
    parser.add_argument("action", choices=("up", "down"))
    kubo = local()
    if parser.parse_args(argv).action == "up":
        kubo.up()
        print(f"api {kubo.api}\ngateway {kubo.gateway}")
    else:
        kubo.down()
    return 0
