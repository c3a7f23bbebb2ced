"""The folder of documents on local disk, and its CID: computed here, as Kubo computes it (CIDv1, raw leaves, HAMT)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import aleph_cid
from mintworks_api.metadatajob import CollectionData

from mintworks_runners.core.errors import Findings

from .documents import document, document_name, symbol_problem
from .images import ImageSource
from .rows import Row, read_rows

CHUNK_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Collection:
    """What a folder is made of: rows on disk (spooled), what every document says, and where the images are.

    `rows_field`, `map_field` and `collection_field` are the places in a spec that findings name.
    """

    rows: Path
    data: CollectionData
    images: ImageSource
    rows_field: str = "rows"
    collection_field: str = "collection"

    def read(self) -> Iterator[Row]:
        """The rows, checked, each with an image that exists in the map where there is one; see `read_rows`."""
        findings = Findings()
        if problem := symbol_problem(self.data):
            findings.add("TooLong", problem, field=f"{self.collection_field}.symbol")
        for row in read_rows(self.rows, field=self.rows_field, findings=findings, images=True):
            if self.image(row) is None:
                findings.add(
                    "ImageMissing",
                    f"the image map has no {row.image}",
                    field=self.rows_field,
                    row=row.row,
                    column="image_filename",
                )
            else:
                yield row

    def chunks(self) -> Iterator[list[Row]]:
        """The rows in lists of CHUNK_ROWS."""
        rows = self.read()
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield chunk

    def image(self, row: Row) -> str | None:
        """The URI of the row's image, or None where it has none."""
        return self.images.uri(row.image) if row.image else None


def new_folder(path: Path) -> Path:
    """An empty directory at `path`; what an earlier run left there is removed."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def write_documents(collection: Collection, rows: Sequence[Row], folder: Path) -> int:
    """Write the rows' documents into the folder; answers their size in bytes."""
    size = 0
    for row in rows:
        data = document(row, collection.data, collection.image(row) or "")
        with (folder / document_name(row.index)).open("wb", buffering=0) as file:
            file.write(data)
        size += len(data)
    return size


def folder_cid(folder: Path) -> str:
    """The folder's CID. Releases the GIL while it hashes."""
    return str(aleph_cid.hash_folder(folder, cid_version=1, follow_symlinks=False))


def write_car(folder: Path, car: Path) -> str:
    """Pack the folder into a CARv1 file (replaced at once when complete); answers the folder's CID."""
    part = car.with_name(f".{car.name}.part")
    cid = str(aleph_cid.write_folder_car(folder, part, cid_version=1, follow_symlinks=False))
    part.replace(car)
    return cid
