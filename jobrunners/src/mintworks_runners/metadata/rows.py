"""Rows of a MetadataJob or a manifest: read as a stream, checked against what the chain and the documents can hold.

All problems of a file are told together; nothing outside this process has changed by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.pubkey import Pubkey

from mintworks_runners.core.errors import Findings

from .csvfile import Cells, Record, read_csv
from .jsonl import read_jsonl
from .text import lines

NAME: Final = "name"
DESCRIPTION: Final = "description"
IMAGE: Final = "image_filename"
RECIPIENT: Final = "recipient_wallet"
INDEX: Final = "index"
ATTRIBUTE_PREFIX: Final = "attr:"
_RESERVED: Final = frozenset({NAME, DESCRIPTION, IMAGE, RECIPIENT, INDEX})

NAME_BYTES: Final = 32
SYMBOL_BYTES: Final = 10
URI_BYTES: Final = 200
"""Bubblegum's bounds (MetadataArgs), in bytes of UTF-8."""

IMAGE_NAME_BYTES: Final = 1024
INDEX_LIMIT: Final = 1 << 30
"""A tree has at most 2^30 leaves."""

_INTEGER: Final = re.compile(r"[0-9]{1,10}")

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Row:
    """One item as its author wrote it, checked. `row` is where it stands in the file, `index` its number.

    Text is stripped of surrounding white space. `attributes` are (trait_type, value) in column order, without empty
    cells; from a CSV every value is text.
    """

    row: int
    index: int
    name: str
    description: str
    image: str | None
    recipient: str | None
    attributes: tuple[tuple[str, Value], ...]


def read_rows(path: Path, *, field: str, findings: Findings, images: bool) -> Iterator[Row]:
    """The rows of a CSV or JSONL file (JSONL where its first character is `{`), one after the other.

    `images`: every row must name one. Rows with a problem are not yielded; what is wrong is added to `findings`, and
    once the file has ended, InvalidInput is raised with all that `findings` holds by then, the caller's own included.
    So: take every row before anything outside is changed.
    """
    if _is_jsonl(path, field):
        records = read_jsonl(path, field, findings)
    else:
        records = read_csv(path, field, findings, (NAME, IMAGE) if images else (NAME,))
    reader = _Reader(field, findings, images)
    for record in records:
        row = reader.row(record)
        if row is not None:
            yield row
    reader.close()
    findings.raise_if_any()


def _is_jsonl(path: Path, field: str) -> bool:
    for line in lines(path, field):
        if text := line.strip():
            return text.startswith("{")
    return False


class _Reader:
    """Turns records into rows and remembers what only the whole file shows: numbering."""

    def __init__(self, field: str, findings: Findings, images: bool) -> None:
        self._field, self._findings, self._images = field, findings, images
        self._records = 0
        self._seen: dict[int, int] = {}
        self._explicit: bool | None = None
        self._numbered = True

    def row(self, record: Record) -> Row | None:
        """The row, or None where something is wrong with it."""
        before = self._findings.total
        index = self._index(record)
        self._records += 1
        cells = record.cells
        name = self._text(record, NAME, NAME_BYTES, required=True)
        description = self._text(record, DESCRIPTION)
        image = self._text(record, IMAGE, IMAGE_NAME_BYTES, required=self._images)
        if image and not _is_inside(image):
            self._add("InvalidImageName", "an image is a relative path without empty, . or .. parts", record, IMAGE)
        recipient = self._text(record, RECIPIENT)
        if recipient and not is_address(recipient):
            self._add("InvalidAddress", f"{_short(recipient)} is not a Solana address", record, RECIPIENT)
        attributes = self._attributes(record, cells)
        if self._findings.total > before or index is None:
            return None
        return Row(record.row, index, name, description, image or None, recipient or None, attributes)

    def close(self) -> None:
        """What the end of the file shows: no rows at all, or numbers left out."""
        if not self._records and not self._findings.total:
            self._findings.add("EmptyInput", "the file has no rows", field=self._field)
        if not self._explicit or not self._numbered or not self._seen:
            return
        first, last = min(self._seen), max(self._seen)
        gaps = last - first + 1 - len(self._seen)
        if gaps:
            missing = [str(number) for number in _missing(self._seen, first, 5)][:gaps]
            more = f" and {gaps - len(missing)} more" if gaps > len(missing) else ""
            message = f"between {first} and {last} the numbers {', '.join(missing)}{more} are missing"
            self._findings.add("IndexGap", message, field=self._field, column=INDEX)

    def _index(self, record: Record) -> int | None:
        value = record.cells.get(INDEX)
        explicit = value is not None
        if self._explicit is None:
            self._explicit = explicit
        if explicit != self._explicit:
            self._numbered = False
            self._add("InvalidIndex", "either every row has an index or none has", record, INDEX)
            return None
        if not explicit:
            return self._records
        number = _number(value)
        if number is None:
            self._numbered = False
            message = f"{_short(str(value))} is not a whole number from 0 to {INDEX_LIMIT - 1}"
            self._add("InvalidIndex", message, record, INDEX)
        elif number in self._seen:
            message = f"{number} is already the index of row {self._seen[number]}"
            self._add("DuplicateIndex", message, record, INDEX)
        else:
            self._seen[number] = record.row
        return number

    def _text(self, record: Record, column: str, limit: int | None = None, *, required: bool = False) -> str:
        value = record.cells.get(column, "")
        if not isinstance(value, str):
            self._add("NotText", f"{value!r} is not text", record, column)
        elif not value and required:
            self._add("MissingValue", "empty, but required", record, column)
        elif not _is_encodable(value):
            self._add("MalformedText", "holds half of a surrogate pair", record, column)
        elif limit is not None and (size := len(value.encode())) > limit:
            self._add("TooLong", f"{size} bytes of UTF-8, at most {limit} are possible", record, column)
        else:
            return value
        return ""

    def _attributes(self, record: Record, cells: Cells) -> tuple[tuple[str, Value], ...]:
        found: dict[str, Value] = {}
        for column, value in cells.items():
            if column in _RESERVED:
                continue
            trait = column.removeprefix(ATTRIBUTE_PREFIX).strip()
            if not trait or not _is_encodable(trait):
                self._add("UnnamedColumn", "the attribute has no usable name", record, column)
            elif trait in found:
                self._add("DuplicateColumn", f"a second value for the attribute {trait}", record, column)
            elif isinstance(value, str) and not _is_encodable(value):
                self._add("MalformedText", "holds half of a surrogate pair", record, column)
            elif isinstance(value, str | int | float):
                found[trait] = value
        return tuple(found.items())

    def _add(self, reason: str, message: str, record: Record, column: str) -> None:
        self._findings.add(reason, message + record.note, field=self._field, row=record.row, column=column)


def is_address(text: str) -> bool:
    """Whether the text is base58 of 32 bytes."""
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True


def _number(value: object) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < INDEX_LIMIT:
        return value
    return None


def _missing(seen: dict[int, int], first: int, limit: int) -> Iterator[int]:
    number = first
    while limit:
        if number not in seen:
            limit -= 1
            yield number
        number += 1


def _is_inside(path: str) -> bool:
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
