"""A CSV to a verified CAR, on one core: what a MetadataJob does apart from the network; and Node doing the same."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from mintworks_api.metadatajob import CollectionData
from mintworks_runners.metadata.folder import Collection, FolderMaker
from mintworks_runners.metadata.images import ImageFolder
from support import importer
from support.runs import Run
from support.specs import CID, METADATA

ROWS = 100_000
MILLION = 1_000_000
TURNS = 3
_TESTS = Path(__file__).parents[1]


def measure() -> Mapping[str, float]:
    """`rows_per_second`: rows read, checked, written as documents, packed and verified, for each second of the
    processor; `node_rows_per_second` is Node's rate of the same, with the same CID, and `vs_node` ours over it.

    Each run is a process of its own on one core, and its processor time counts, so that what else the machine does
    counts little; they take turns, and each one's best of three counts. `rss_mb_1m` is the largest resident size (MB
    of 2^20 bytes) of the whole runner over a million rows, whose rate all of its processor's time is in.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.csv"
        write_rows(rows, ROWS)
        turns = [(_ours(rows), _nodes(rows)) for _ in range(TURNS)]
        if len({one.cid for turn in turns for one in turn}) != 1:
            raise RuntimeError("Node's folder is another")
        ours, nodes = (ROWS / min(one.seconds for one in column) for column in zip(*turns, strict=True))
        seconds, rss = _million(Path(scratch))
    return {
        "rows_per_second": ours,
        "node_rows_per_second": nodes,
        "vs_node": ours / nodes,
        "rows_per_second_1m": MILLION / seconds,
        "rss_mb_1m": rss,
    }


def write_rows(path: Path, rows: int) -> None:
    """A collection as people write it: a line or two of description, three attributes."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "description", "image_filename", "Colour", "Height", "Mood"])
        for index in range(rows):
            writer.writerow(
                [
                    f"Bench #{index}",
                    "A row, as long as people write them. " * 3 + "One of them",
                    f"{index}.png",
                    "red",
                    index,
                    "calm",
                ]
            )


def _ours(rows: Path) -> importer.Told:
    command = [*_one_core(), sys.executable, "-m", "bench.metadata", str(rows)]
    done = subprocess.run(command, cwd=_TESTS, check=True, capture_output=True, text=True)
    return importer.Told(**json.loads(done.stdout.splitlines()[-1]))


def _million(scratch: Path) -> tuple[float, float]:
    """A MetadataJob as a pod runs it, its CAR left in the state directory: seconds of the processor, MB."""
    run = Run(scratch, "MetadataJob", {**METADATA, "storage": None})
    source = METADATA["rows"]["configMap"]["key"]
    write_rows(run.mount(f"rows/{source}", ""), MILLION)
    process = run.start()
    _, status, used = os.wait4(process.pid, 0)
    if status or run.termination["result"]["items"] != MILLION:
        raise RuntimeError(f"the run ended with {status}: {run.termination}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _nodes(rows: Path) -> importer.Told:
    (told,) = importer.make([rows], rows.parent, _one_core())
    return told


def _one_core() -> list[str]:
    """What lets a command run on the first core that this process may use, and no other."""
    return ["taskset", "-c", str(min(os.sched_getaffinity(0)))]


def main(rows: Path) -> None:
    """Make one folder; print what Node's pipeline prints."""
    collection = Collection(rows, CollectionData.model_validate(importer.COLLECTION), ImageFolder(CID))
    started = time.process_time()
    with FolderMaker(collection, rows.with_suffix(".car")) as maker:
        for _ in maker.chunks():
            pass
        made = maker.finish()
    seconds = time.process_time() - started
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cid": made.cid, "items": made.items, "seconds": seconds, "rss_mb": rss}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
