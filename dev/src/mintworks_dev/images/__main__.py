"""`python -m mintworks_dev images …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mintworks_dev.cluster import CHOICES, REGISTRY_HELP, choose
from mintworks_dev.images import RECIPES, building

SUMMARY = "the container images, without an engine or a registry: build, load"


def main(argv: Sequence[str]) -> int:
    """Carry out one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mintworks_dev images", description=SUMMARY)
    parser.add_argument("action", choices=("build", "load"), help="load builds first, and gives them to the cluster")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all by default")
    parser.add_argument(
        "--ca-bundle",
        type=Path,
        help="certificates for the steps that download, behind a proxy of your company's; by default "
        "MINTWORKS_CA_BUNDLE, or this machine's own where it has more than the distribution ships",
    )
    parser.add_argument("--cluster", choices=CHOICES, default="local")
    parser.add_argument("--registry", help=REGISTRY_HELP)
    parser.add_argument("--name", default="dev", help="the local cluster's name")
    arguments = parser.parse_args(argv)
    unknown = set(arguments.names) - set(RECIPES)
    if unknown:
        parser.error(f"no image {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}")
    names = arguments.names or list(RECIPES)
    cluster = choose(arguments.cluster, arguments.name, registry=arguments.registry)
    if arguments.action == "load":
        cluster.check()
    images = building.build(names, ca_bundle=arguments.ca_bundle)
    for image in images.values():
        print(f"{image.reference} {image.tag}")
    if arguments.action == "load":
        building.load(cluster, images.values())
    return 0
