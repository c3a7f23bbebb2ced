"""Images that have a CID each: a map from file name to CID, kept on disk, for there may be a million."""

from __future__ import annotations

import codecs
import csv
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from mintworks_api.base import Cid
from pydantic import TypeAdapter, ValidationError

from mintworks_runners.core.errors import Findings, InvalidInput

from .columns import is_encodable
from .csvfile import delimiter_of
from .text import TextFile

MAP_LIMIT: Final = 256 << 20
"""Bytes of a map: about two million names."""

JSON_LIMIT: Final = 16 << 20
"""Bytes of a map in JSON, which has to be read whole: about a hundred thousand names."""

_CID: Final = TypeAdapter[str](Cid)
_COLUMNS: Final = ("file", "cid")
_PEEK: Final = 4096

Pairs = Iterator[tuple[int | None, str, object]]
"""Row (of a CSV), file name, CID."""


class ImageMap:
    """Images each with a CID of its own, in a database at `path` that is made anew."""

    what: ClassVar[str] = "the image map"

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        # It is read in a thread and asked in another, never in both at once.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE images (name TEXT PRIMARY KEY, cid TEXT NOT NULL) WITHOUT ROWID; BEGIN"
        )

    def add(self, name: str, cid: str) -> bool:
        """Add an image; False where the map has the name already."""
        return self._database.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (name, cid)).rowcount == 1

    def uri(self, name: str) -> str | None:
        """`ipfs://CID` of the name, or None where the map does not have it."""
        found = self._database.execute("SELECT cid FROM images WHERE name = ?", (name,)).fetchone()
        return f"ipfs://{found[0]}" if found else None


def read_map(path: Path, source_field: str) -> ImageMap:
    """The map in a file, a JSON object {name: CID} or a CSV with the columns file and cid; beside it its database.

    InvalidInput with all that is wrong where it is neither, or holds a name twice or something that is no CID.
    """
    text = TextFile(path, source_field)
    found, findings = ImageMap(path.with_name(f"{path.name}.sqlite")), Findings()
    try:
        for row, name, cid in _pairs(text, path):
            if not is_encodable(name):
                findings.add("MalformedText", "a name holds half of a surrogate pair", field=source_field, row=row)
            elif not _is_cid(cid):
                findings.add("InvalidCid", f"{name}: {str(cid)[:80]!r} is not a CID", field=source_field, row=row)
            elif not found.add(name, str(cid)):
                findings.add("DuplicateImage", f"{name} is there twice", field=source_field, row=row)
    except (ValueError, csv.Error, RecursionError) as error:
        message = f"neither a JSON object nor a CSV with the columns file and cid: {error}"
        findings.add("MalformedMap", message, field=source_field)
    findings.raise_if_any()
    return found


def _pairs(text: TextFile, path: Path) -> Pairs:
    with path.open("rb") as file:
        first = file.read(_PEEK).removeprefix(codecs.BOM_UTF8).lstrip()
    if not first.startswith(b"{"):
        yield from _csv_pairs(text)
    elif path.stat().st_size > JSON_LIMIT:
        message = f"a map in JSON has at most {JSON_LIMIT >> 20} MiB; write a CSV with the columns file and cid"
        raise InvalidInput.one("SourceTooLarge", message, field=text.field)
    else:
        pairs: list[tuple[str, object]] = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=list)
        yield from ((None, name, cid) for name, cid in pairs)


def _csv_pairs(text: TextFile) -> Pairs:
    header = next(text.lines(), "")
    reader = csv.reader(text.lines(), delimiter=delimiter_of([header]), strict=True)
    names = [name.strip() for name in next(reader, [])]
    if not set(_COLUMNS) <= set(names):
        raise ValueError(f"the header is {header[:80]!r}")
    file, cid = map(names.index, _COLUMNS)
    for row, cells in enumerate(reader, start=2):
        if any(cells):
            padded = [*cells, *[""] * len(names)]
            yield row, padded[file].strip(), padded[cid].strip()


def _is_cid(value: object) -> bool:
    try:
        _CID.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
