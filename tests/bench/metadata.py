"""A CSV to a verified CAR, on one core: what a MetadataJob does apart from the network."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from mintworks_api.metadatajob import CollectionData
from mintworks_runners.metadata.folder import Collection, new_folder, write_car, write_documents
from mintworks_runners.metadata.images import ImageFolder

ROWS = 20_000
_CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


def measure() -> Mapping[str, float]:
    """`rows_per_second`: rows read, checked, written as documents and packed, for each second of one process."""
    with tempfile.TemporaryDirectory() as scratch:
        rows = Path(scratch) / "rows.csv"
        _write_rows(rows)
        collection = Collection(rows, CollectionData(name="Bench", symbol="BENCH"), ImageFolder(_CID))
        folder = new_folder(Path(scratch) / "folder")
        started = time.perf_counter()
        for chunk in collection.chunks():
            write_documents(collection, chunk, folder)
        write_car(folder, Path(scratch) / "folder.car")
        elapsed = time.perf_counter() - started
    return {"rows_per_second": ROWS / elapsed}


def _write_rows(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "description", "image_filename", "Colour", "Height", "Mood"])
        for index in range(ROWS):
            writer.writerow(
                [f"Bench #{index}", "A row, as long as people write them. " * 4, f"{index}.png", "red", index, "calm"]
            )
