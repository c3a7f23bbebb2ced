"""From rows to the folder of documents: its CID, computed here as Kubo computes it, and its blocks as a CAR file.

One pass: a row is checked, becomes a document, and the document a block in the CAR. Of an item there remain its CID
and name (some 70 bytes), from which the folder's nodes are made at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from mintworks_api.metadatajob import CollectionData

from mintworks_runners.core.errors import AttemptFailed, Findings
from mintworks_runners.ipfs import blocks
from mintworks_runners.ipfs.car import BrokenCar, CarWriter, verify
from mintworks_runners.ipfs.unixfs import CHUNK_BYTES, Folder, put_file, put_small

from .columns import ANIMATION, IMAGE
from .consistency import Consistency
from .documents import Documents, document_name, symbol_problem
from .imagemap import ImageMap
from .images import ImageFolder
from .rows import Row, is_url, read_rows
from .text import TextFile

CHUNK_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Collection:
    """What a folder is made of: rows on disk (spooled), what every document says, and where the images are.

    `rows_field` and `collection_field` are the places in a spec that findings name.
    """

    rows: Path
    data: CollectionData
    images: ImageFolder | ImageMap
    rows_field: str = "rows"
    collection_field: str = "collection"


class Made(NamedTuple):
    """A folder: its CID, how many documents, their bytes, and what is odd about the rows."""

    cid: str
    items: int
    size: int
    warnings: Findings


class FolderMaker:
    """Makes the folder of a collection: take all `chunks`, then `finish`. Without a `car` only its CID is computed.

    As a context manager it leaves no part of a CAR behind.
    """

    def __init__(self, collection: Collection, car: Path | None) -> None:
        self._collection, self._car = collection, car
        self._text = TextFile(collection.rows, collection.rows_field)
        self._consistency = Consistency(collection.rows_field)
        self._findings = Findings()
        self._documents = Documents(collection.data)
        self._writer = CarWriter(car) if car is not None else None
        self._put = self._writer.put if self._writer is not None else _nowhere
        self._folder = Folder()
        self._bytes = 0

    @property
    def share(self) -> float:
        """How much of the rows has been read: 0 to 1."""
        return self._text.share

    def chunks(self) -> Iterator[int]:
        """Make the documents, up to CHUNK_ROWS at a time: how many. InvalidInput at the end, with all problems."""
        rows = self._rows()
        while made := sum(map(self._add, islice(rows, CHUNK_ROWS))):
            yield made

    def finish(self) -> Made:
        """Make the folder's own nodes; read the CAR back and hold each block against its CID.

        AttemptFailed `CarBroken` where the disk does not give back what was written.
        """
        root = self._folder.close(self._put)
        if self._writer is not None and self._car is not None:
            self._writer.finish(root.cid)
            try:
                verify(self._car, root.cid)
            except BrokenCar as error:
                raise AttemptFailed("CarBroken", f"what was written is not what is read: {error}") from error
        return Made(blocks.text(root.cid), len(self._folder), self._bytes, self._consistency.close())

    def __enter__(self) -> Self:
        """The maker itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Remove a CAR that was not finished."""
        if self._writer is not None:
            self._writer.__exit__(kind, value, at)

    def _rows(self) -> Iterator[Row]:
        if problem := symbol_problem(self._collection.data):
            self._findings.add("TooLong", problem, field=f"{self._collection.collection_field}.symbol")
        return read_rows(self._text, findings=self._findings, images=True, consistency=self._consistency)

    def _add(self, row: Row) -> int:
        """Make the row's document: 1 in any case."""
        image = self._uri(row, row.image or "", IMAGE)
        animation = row.animation
        if animation is not None and not is_url(animation):
            animation = self._uri(row, animation, ANIMATION)
        # Where anything is wrong, the file is read to its end for the rest of its problems, and nothing made of it.
        if not self._findings.total:
            data = self._documents.document(row, image, animation)
            self._bytes += len(data)
            if len(data) <= CHUNK_BYTES:
                entry = put_small(data, self._put)
            else:
                parts = (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))
                entry = put_file(parts, self._put)
            self._folder.add(document_name(row.index).encode(), entry)
        return 1

    def _uri(self, row: Row, name: str, column: str) -> str:
        uri = self._collection.images.uri(name)
        if uri is None:
            message = f"{self._collection.images.what} has no {name}"
            self._findings.add("ImageMissing", message, field=self._text.field, row=row.row, column=column)
        return uri or ""


def _nowhere(cid: bytes, block: bytes) -> None:
    """Takes the blocks of a folder of which only the CID is asked."""
