"""CSV as people and spreadsheets write it, streamed as records: quoted commas and line breaks, any of , ; and tab."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from mintworks_runners.core.errors import Findings

from .text import lines

DELIMITERS: Final = (",", ";", "\t")

Cells = dict[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number as a spreadsheet shows it (JSONL: as an editor does), and column → value without empty ones.

    `note` says where in the file it is, where that is another number: a quoted cell may span several lines.
    """

    row: int
    cells: Cells
    note: str = ""


def delimiter_of(header: str) -> str:
    """The delimiter that splits this header line into the most columns; a comma where none does.

    Only the header is asked: rows may hold any of the three in quoted or plain text.
    """
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def read_csv(path: Path, field: str, findings: Findings, required: Sequence[str] = ()) -> Iterator[Record]:
    """The records of the file. Row 1 is the header; blank rows count as a spreadsheet counts them, and are skipped.

    What is wrong with the header or a row's shape goes to `findings` and that row is left out; after broken quoting,
    or where a `required` column is missing, reading ends. Raises InvalidInput where the file is no UTF-8 text.
    """
    text = lines(path, field)
    for start, line in enumerate(text):
        if line.strip():
            rows = _Rows(field, findings, start)
            yield from rows.read(chain([line], text), delimiter_of(line), required)
            return
    findings.add("EmptyInput", "the file has no header", field=field)


class _Rows:
    """Reads one file's rows; `row` counts as a spreadsheet does, from the `start` blank lines before the header on."""

    def __init__(self, field: str, findings: Findings, start: int) -> None:
        self._field, self._findings, self._start, self._row = field, findings, start, start

    def read(self, text: Iterable[str], delimiter: str, required: Sequence[str]) -> Iterator[Record]:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            names = self._header(next(reader), required)
            for cells in reader if names else ():
                self._row += 1
                if any(cell.strip() for cell in cells):
                    line = self._start + reader.line_num
                    record = self._record(names, cells, f" (line {line} of the file)" if line != self._row else "")
                    if record is not None:
                        yield record
        except csv.Error as error:
            self._row += 1
            line = self._start + reader.line_num
            self._add(
                "MalformedCsv", f"{error} at line {line} of the file; is a quote missing? What follows was not read"
            )

    def _header(self, cells: Sequence[str], required: Sequence[str]) -> Sequence[str]:
        """The columns' names; none where a required one is missing, for then every row would tell the same."""
        self._row += 1
        names = [cell.strip() for cell in cells]
        for name in sorted({name for name in names if name and names.count(name) > 1}):
            self._add("DuplicateColumn", "the header has this column twice", name)
        missing = [name for name in required if name not in names]
        for name in missing:
            alike = next((other for other in names if other.lower().replace(" ", "_") == name), None)
            hint = f"; {alike} has to be written {name}" if alike else f"; it has {', '.join(filter(None, names))}"
            self._add("MissingColumn", f"the header has no column {name}{hint[:300]}", name)
        return [] if missing else names

    def _record(self, names: Sequence[str], cells: Sequence[str], note: str) -> Record | None:
        if any(cell.strip() for cell in cells[len(names) :]) or len(cells) < len(names):
            counts = f"{len(cells)} cells where the header has {len(names)} columns"
            self._add("WrongCellCount", f"{counts}{note}; a cell that holds a delimiter or line break needs quotes")
            return None
        found: Cells = {}
        for position, (name, cell) in enumerate(zip(names, cells, strict=False), start=1):
            value = cell.strip()
            if value and not name:
                self._add("UnnamedColumn", f"column {position} has a value but no name{note}")
            elif value:
                found[name] = value
        return Record(self._row, found, note)

    def _add(self, reason: str, message: str, column: str | None = None) -> None:
        self._findings.add(reason, message, field=self._field, row=self._row, column=column)
