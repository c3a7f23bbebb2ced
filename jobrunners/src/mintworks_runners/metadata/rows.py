"""Rows of a MetadataJob or a manifest: read as a stream, checked against what the chain and the documents can hold.

All problems of a file are told together; nothing outside this process has changed by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from mintworks_runners.core.errors import Findings
from mintworks_runners.solana.metadata import MAX_NAME_BYTES

from .columns import ANIMATION, DESCRIPTION, EXTERNAL, IMAGE, INDEX, NAME, RECIPIENT, AttributeColumn, Record
from .consistency import Consistency
from .csvfile import read_csv
from .jsonl import read_jsonl
from .numbering import INDEX_LIMIT, Numbering
from .text import TextFile
from .values import Value, is_address, is_private, typed

IMAGE_NAME_BYTES: Final = 1024

_INTEGER: Final = re.compile(r"[0-9]{1,10}")
_WEB: Final = re.compile(r"https?://[^\s/?#]+\S*")
_CONTENT: Final = re.compile(r"(https?|ipfs|ar)://[^\s/?#]+\S*")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Attribute(NamedTuple):
    """An attribute as documents show it; `display` is its display_type, where it has one."""

    trait: str
    value: Value
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One item as its author wrote it, checked. `row` is where it stands in the file, `index` its number.

    Text is stripped of surrounding white space. `attributes` are in column order, without empty cells; from a CSV
    they are text where their column names no type. `animation` is a URL, or a file beside the images.
    """

    row: int
    index: int
    name: str
    description: str
    image: str | None
    recipient: str | None
    attributes: tuple[Attribute, ...]
    animation: str | None = None
    external_url: str | None = None


def read_rows(
    text: TextFile, *, findings: Findings, images: bool, consistency: Consistency | None = None
) -> Iterator[Row]:
    """The rows of a CSV or JSONL file (JSONL where its first character is `{`), one after the other.

    `images`: every row must name one. Rows with a problem are not yielded; what is wrong is added to `findings`, and
    once the file has ended, InvalidInput is raised with all that `findings` holds by then, the caller's own included.
    So: take every row before anything outside is changed. `consistency` is shown every row that is yielded.
    """
    if _is_jsonl(text):
        records = read_jsonl(text, findings)
    else:
        records = read_csv(text, findings, (NAME, IMAGE) if images else (NAME,))
    reader = _Reader(text.field, findings, images)
    for record in records:
        row = reader.row(record)
        if row is not None:
            if consistency is not None:
                consistency.see(row)
            yield row
    reader.close()
    findings.raise_if_any()


def is_url(text: str) -> bool:
    """Whether an animation's place is a URL rather than a file beside the images."""
    return "://" in text


def _is_jsonl(text: TextFile) -> bool:
    return next((line for line in text.lines() if line.strip()), "").lstrip().startswith("{")


class _Reader:
    """Turns records into rows."""

    def __init__(self, field: str, findings: Findings, images: bool) -> None:
        self._field, self._findings, self._images = field, findings, images
        self._numbering = Numbering(field, findings)
        self._private: set[str] = set()

    def row(self, record: Record) -> Row | None:
        """The row, or None where something is wrong with it."""
        before = self._findings.total
        columns = record.columns
        if columns.unnamed:
            self._unnamed(record)
        index = self._index(record, columns.index)
        name = self._text(record, columns.name, NAME, MAX_NAME_BYTES, required=True)
        description = self._text(record, columns.description, DESCRIPTION)
        image = self._text(record, columns.image, IMAGE, IMAGE_NAME_BYTES, required=self._images)
        if image and not _is_inside(image):
            self._add("InvalidImageName", "an image is a relative path without empty, . or .. parts", record, IMAGE)
        recipient = self._text(record, columns.recipient, RECIPIENT)
        if recipient and not is_address(recipient):
            self._add("InvalidAddress", f"{_short(recipient)} is not a Solana address", record, RECIPIENT)
        animation = self._animation(record) if columns.animation >= 0 else ""
        external = self._external(record) if columns.external >= 0 else ""
        attributes = tuple([found for column in columns.attributes if (found := self._attribute(record, column))])
        if self._findings.total > before or index is None:
            return None
        return Row(
            record.row,
            index,
            name,
            description,
            image or None,
            recipient or None,
            attributes,
            animation or None,
            external or None,
        )

    def close(self) -> None:
        """What the end of the file shows: no rows at all, or numbers twice or left out."""
        if not self._numbering.rows and not self._findings.total:
            self._findings.add("EmptyInput", "the file has no rows", field=self._field)
        self._numbering.close()

    def _index(self, record: Record, position: int) -> int | None:
        value = record.values[position] if position >= 0 else None
        if value in (None, ""):
            return self._numbering.without(record.row)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < INDEX_LIMIT:
            message = f"{_short(str(value))} is not a whole number from 0 to {INDEX_LIMIT - 1}"
            self._add("InvalidIndex", message, record, INDEX)
            self._numbering.broken(record.row)
            return None
        return self._numbering.number(record.row, value)

    def _text(
        self, record: Record, position: int, column: str, limit: int | None = None, *, required: bool = False
    ) -> str:
        value = record.values[position] if position >= 0 else ""
        if not value and value in (None, ""):
            if required:
                self._add("MissingValue", "empty, but required", record, column)
        elif not isinstance(value, str):
            self._add("NotText", f"{value!r} is not text", record, column)
        elif limit is not None and len(value) * 4 > limit and (size := len(value.encode())) > limit:
            self._add("TooLong", f"{size} bytes of UTF-8, at most {limit} are possible", record, column)
        else:
            return value
        return ""

    def _animation(self, record: Record) -> str:
        value = self._text(record, record.columns.animation, ANIMATION)
        if not value or _CONTENT.fullmatch(value):
            return value
        if is_url(value) or _SCHEME.match(value):
            self._add("InvalidUrl", f"{_short(value)} is no http, https, ipfs or ar URL", record, ANIMATION)
        elif not _is_inside(value):
            message = "a URL, or a file beside the images: a relative path without empty, . or .. parts"
            self._add("InvalidImageName", message, record, ANIMATION)
        return value

    def _external(self, record: Record) -> str:
        value = self._text(record, record.columns.external, EXTERNAL)
        if value and not _WEB.fullmatch(value):
            self._add("InvalidUrl", f"{_short(value)} is no http or https URL", record, EXTERNAL)
        return value

    def _attribute(self, record: Record, column: AttributeColumn) -> Attribute | None:
        value = record.values[column.position]
        if value is None or value == "":
            return None
        if column.guarded and isinstance(value, str) and is_private(value):
            self._is_private(record, column)
            return None
        if column.display is None:
            return Attribute(column.trait, value) if isinstance(value, str | int | float) else None
        try:
            return Attribute(column.trait, typed(value, column.display), column.display)
        except ValueError as error:
            self._add("InvalidNumber", f"{_short(str(value))} {error}", record, column.column)
            return None

    def _is_private(self, record: Record, column: AttributeColumn) -> None:
        """Told once a column: with the first row, all rows of it are to be looked at."""
        if column.column not in self._private:
            self._private.add(column.column)
            message = "an e-mail or wallet address would be published as an attribute; remove the column"
            hint = (
                f"{message}, call it {RECIPIENT} where it says who receives the item, or attr:{column.trait} to publish"
            )
            self._add("PrivateColumn", hint, record, column.column)

    def _unnamed(self, record: Record) -> None:
        for position in record.columns.unnamed:
            if record.values[position] not in (None, ""):
                message = f"column {position + 1} has a value but no name{record.note}"
                self._findings.add("UnnamedColumn", message, field=self._field, row=record.row)

    def _add(self, reason: str, message: str, record: Record, column: str) -> None:
        self._findings.add(reason, message + record.note, field=self._field, row=record.row, column=column)


def _is_inside(path: str) -> bool:
    return "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")
