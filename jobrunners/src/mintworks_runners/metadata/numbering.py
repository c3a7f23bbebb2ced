"""The items' numbers: row order, or a column that numbers them without gaps and doubles. 8 bytes a row are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from mintworks_runners.core.errors import Findings

from .columns import INDEX

INDEX_LIMIT: Final = 1 << 30
"""A tree has at most 2^30 leaves."""

_NAMED: Final = 5


class Numbering:
    """Gives each row its number, and says at the end what only the whole file shows."""

    def __init__(self, field: str, findings: Findings) -> None:
        self._field, self._findings = field, findings
        self.rows = 0
        self._explicit: bool | None = None
        self._whole = True
        self._numbers, self._places = array("I"), array("Q")

    def without(self, row: int) -> int | None:
        """The number of a row that names none; None, and a finding, where others do."""
        self.rows += 1
        if self._is(row, explicit=False):
            return self.rows - 1
        return None

    def number(self, row: int, number: int) -> int | None:
        """The number that a row names; None, and a finding, where others name none."""
        self.rows += 1
        if not self._is(row, explicit=True):
            return None
        self._numbers.append(number)
        self._places.append(row)
        return number

    def broken(self, row: int) -> None:
        """A row names something that is no number: gaps cannot be told any more."""
        self.rows += 1
        self._whole = False
        self._is(row, explicit=True)

    def close(self) -> None:
        """Add what is wrong with the numbers as a whole: those that are there twice, those that are missing."""
        numbers = self._numbers
        if not numbers or all(number == numbers[0] + position for position, number in enumerate(numbers)):
            return
        order = sorted(range(len(numbers)), key=lambda position: (numbers[position], position))
        doubles = [
            (order[at], order[at - 1]) for at in range(1, len(order)) if numbers[order[at]] == numbers[order[at - 1]]
        ]
        for position, before in sorted(doubles):
            message = f"{numbers[position]} is already the index of row {self._places[before]}"
            self._add("DuplicateIndex", message, self._places[position])
        first, last = numbers[order[0]], numbers[order[-1]]
        gaps = last - first + 1 - (len(order) - len(doubles))
        if gaps and self._whole:
            named = [str(number) for number in self._missing(order)]
            more = f" and {gaps - len(named)} more" if gaps > len(named) else ""
            self._add("IndexGap", f"between {first} and {last} the numbers {', '.join(named)}{more} are missing")

    def _is(self, row: int, *, explicit: bool) -> bool:
        if self._explicit is None:
            self._explicit = explicit
        if explicit == self._explicit:
            return True
        self._whole = False
        self._add("InvalidIndex", "either every row has an index or none has", row)
        return False

    def _missing(self, order: list[int]) -> list[int]:
        """The lowest numbers that are missing, at most _NAMED."""

        def gaps() -> Iterator[int]:
            for before, after in pairwise(order):
                yield from range(self._numbers[before] + 1, self._numbers[after])

        return [number for number, _ in zip(gaps(), range(_NAMED), strict=False)]

    def _add(self, reason: str, message: str, row: int | None = None) -> None:
        self._findings.add(reason, message, field=self._field, row=row, column=INDEX)
