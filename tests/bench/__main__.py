"""Runs groups of measurements, prints a table, and writes {"group.figure": number}."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from . import metadata, mint, operator, queue

#: Group → what it measures: figure → number. Figures of one group come from one run, and are named after the first
#: word of its name.
GROUPS: dict[str, Callable[[], Mapping[str, float]]] = {
    "metadata": metadata.measure,
    "mint": mint.measure,
    "mint-million": mint.measure_million,
    "operator": operator.measure,
    "queue": queue.measure,
}

LONG = frozenset({"mint-million"})
"""Groups that take half an hour or more; they are measured only where they are asked for."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--group", choices=sorted(GROUPS), help="only this group")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="where the figures are written")
    options = parser.parse_args()
    chosen = [options.group] if options.group else sorted(GROUPS.keys() - LONG)
    figures = {
        f"{group.partition('-')[0]}.{name}": value for group in chosen for name, value in GROUPS[group]().items()
    }
    for name, value in figures.items():
        print(f"{name:<36} {value:>14,.2f}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.group and options.out.exists():
        # Groups that are measured one by one stand in one file in the end.
        figures = json.loads(options.out.read_text()) | figures
    options.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
