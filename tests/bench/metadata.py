"""A CSV to a verified CAR, on one core: what a MetadataJob does apart from the network; and Node doing the same."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mintworks_api.metadatajob import CollectionData
from mintworks_runners.metadata.folder import Collection, FolderMaker
from mintworks_runners.metadata.images import ImageFolder
from support.specs import CID

ROWS = 100_000
MILLION = 1_000_000
_TESTS = Path(__file__).parents[1]


def measure() -> Mapping[str, float]:
    """`rows_per_second`: rows read, checked, written as documents and packed, for each second of the processor.

    Each run is a process of its own on one core; its processor time counts, so that what else the machine does does
    not. `rss_mb_1m` is the largest resident size (MB of 2^20 bytes) over a million rows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.csv"
        write_rows(rows, ROWS)
        ours = _ours(rows, Path(scratch))
        write_rows(rows, MILLION)
        million = _ours(rows, Path(scratch))
    return {
        "rows_per_second": ROWS / ours["seconds"],
        "rows_per_second_1m": MILLION / million["seconds"],
        "rss_mb_1m": million["rss_mb"],
    }


def write_rows(path: Path, rows: int) -> None:
    """A collection as people write it: two lines of description, six attributes, a wallet."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "description", "image_filename", "Colour", "Height", "Mood"])
        for index in range(rows):
            writer.writerow(
                [f"Bench #{index}", "A row, as long as people write them. " * 4, f"{index}.png", "red", index, "calm"]
            )


def _ours(rows: Path, scratch: Path) -> dict[str, float]:
    return _one_core([sys.executable, "-m", "bench.metadata", str(rows), str(scratch / "folder.car")])


def _one_core(command: list[str], cwd: Path = _TESTS) -> dict[str, float]:
    """What the process says of itself, on the first core that this one may use."""
    core = min(os.sched_getaffinity(0))
    done = subprocess.run(["taskset", "-c", str(core), *command], cwd=cwd, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(rows: Path, car: Path) -> None:
    """Make one folder; print {"cid", "items", "seconds" of the processor, "rss_mb"}."""
    import resource  # noqa: PLC0415
    import time  # noqa: PLC0415

    collection = Collection(rows, CollectionData(name="Bench", symbol="BENCH"), ImageFolder(CID))
    started = time.process_time()
    with FolderMaker(collection, car) as maker:
        for _ in maker.chunks():
            pass
        made = maker.finish()
    seconds = time.process_time() - started
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cid": made.cid, "items": made.items, "seconds": seconds, "rss_mb": rss}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
