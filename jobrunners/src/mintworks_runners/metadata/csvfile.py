"""CSV as people and spreadsheets write it, streamed as records: quoted commas and line breaks, any of , ; and tab."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from mintworks_runners.core.errors import Findings, InvalidInput

from .columns import COLUMN_LIMIT, Columns, Record
from .text import LINE_LIMIT, TextFile

DELIMITERS: Final = (",", ";", "\t")

RECORD_LIMIT: Final = 4 * LINE_LIMIT
"""Characters of one row, whose quoted cells may hold any number of lines."""

_DECLARATION: Final = "sep="


def delimiter_of(header: Sequence[str]) -> str:
    """The delimiter that splits the header's lines into the most columns; a comma where none does.

    Only the header is asked: rows may hold any of the three in quoted or plain text.
    """
    return max(DELIMITERS, key=lambda mark: _width(header, mark))


def _width(header: Sequence[str], delimiter: str) -> int:
    try:
        return len(next(csv.reader(header, delimiter=delimiter), []))
    except csv.Error:
        return 0


def read_csv(text: TextFile, findings: Findings, required: Sequence[str] = ()) -> Iterator[Record]:
    """The records of the file. Row 1 is the header; blank rows count as a spreadsheet counts them, and are skipped.

    What is wrong with the header or a row's shape goes to `findings` and that row is left out; after broken quoting,
    or where the header is not usable, reading ends. Raises InvalidInput as `TextFile.lines` does.
    """
    rows = _Rows(text, findings)
    yield from rows.read(required)


class _Rows:
    """Reads one file's rows; `row` counts as a spreadsheet does, `_line` are the lines read so far."""

    def __init__(self, text: TextFile, findings: Findings) -> None:
        self._text, self._findings = text, findings
        self._row = self._line = self._length = 0

    def read(self, required: Sequence[str]) -> Iterator[Record]:
        lines = self._lines()
        delimiter, header = self._start(lines)
        if not header:
            self._findings.add("EmptyInput", "the file has no header", field=self._text.field)
            return
        reader = csv.reader(chain(header, lines), delimiter=delimiter, strict=True)
        try:
            columns = self._header(next(reader), required)
            if columns is None:
                return
            width = len(columns.names)
            for cells in reader:
                self._row += 1
                self._length = 0
                values = [cell.strip() for cell in cells]
                if any(values):
                    if len(values) != width and not self._fits(values, width):
                        continue
                    yield Record(self._row, columns, values, self._line)
        except csv.Error as error:
            self._row += 1
            where = f"{error} at line {self._line} of the file"
            self._add("MalformedCsv", f"{where}; is a quote missing? What follows was not read")

    def _lines(self) -> Iterator[str]:
        """The lines, as long as the row that they belong to does not fill the memory."""
        for line in self._text.lines():
            self._line += 1
            self._length += len(line)
            if self._length > RECORD_LIMIT:
                message = f"a row has more than {RECORD_LIMIT} characters at line {self._line}; is a quote missing?"
                raise InvalidInput.one("LineTooLong", message, field=self._text.field, row=self._row + 1)
            yield line

    def _start(self, lines: Iterator[str]) -> tuple[str, list[str]]:
        """The delimiter and the header's lines: several where a quoted name holds line breaks; none in a blank file.

        A first line `sep=;` is the way to tell Excel the delimiter, and does not count as a row there either.
        """
        declared, quotes = "", 0
        header: list[str] = []
        for line in lines:
            text = line.rstrip("\r\n")
            if self._line == 1 and text.lower().startswith(_DECLARATION) and len(text) == len(_DECLARATION) + 1:
                declared = text[-1]
            elif not header and not text.strip():
                self._row += 1
            else:
                header.append(line)
                quotes += line.count('"')
                if quotes % 2 == 0:
                    break
        return declared or delimiter_of(header), header

    def _header(self, cells: Sequence[str], required: Sequence[str]) -> Columns | None:
        """The columns; None where they cannot be used, for then every row would tell the same."""
        self._row += 1
        self._length = 0
        if len(cells) > COLUMN_LIMIT:
            self._add("TooManyColumns", f"the header has {len(cells)} columns, at most {COLUMN_LIMIT} are possible")
            return None
        columns = Columns([cell.strip() for cell in cells])
        for reason, message, column in columns.problems(required):
            self._add(reason, message, column)
        return None if columns.missing(required) else columns

    def _fits(self, values: list[str], width: int) -> bool:
        """Cut empty cells beyond the header; False, and a finding, where the row has another shape."""
        if any(values[width:]) or len(values) < width:
            note = f" (line {self._line} of the file)" if self._line != self._row else ""
            counts = f"{len(values)} cells where the header has {width} columns"
            self._add("WrongCellCount", f"{counts}{note}; a cell that holds a delimiter or line break needs quotes")
            return False
        del values[width:]
        return True

    def _add(self, reason: str, message: str, column: str | None = None) -> None:
        self._findings.add(reason, message, field=self._text.field, row=self._row, column=column)
