"""What is odd about rows that are right: which stop nothing. What is kept of a million rows is bounded."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mintworks_runners.core.errors import Findings

from .columns import IMAGE, NAME
from .images import UNKNOWN_TYPE, mime_type

if TYPE_CHECKING:
    from .rows import Row

VALUES: Final = 1000
"""So many different values of a trait are kept; a trait that has more is not looked at for spellings."""

TRAITS: Final = 1000
RARE: Final = 0.02
"""What less than this share of the rows lacks was probably forgotten."""


class _Trait:
    def __init__(self) -> None:
        self.rows = self.numbers = 0
        self.values: Counter[str] | None = Counter()

    def see(self, value: object) -> None:
        self.rows += 1
        if not isinstance(value, str):
            self.numbers += 1
        if self.values is not None:
            self.values[str(value)] += 1
            if len(self.values) > VALUES:
                self.values = None


class Consistency:
    """Sees every row, then says what is odd about all of them."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._warnings = Findings()
        self._rows = 0
        self._traits: dict[str, _Trait] = {}
        self._names, self._images = array("q"), array("q")
        self._places = array("Q")
        self._extensions: dict[str, int] = {}

    def see(self, row: Row) -> None:
        """Look at a row."""
        self._rows += 1
        self._places.append(row.row)
        self._names.append(hash(row.name))
        if row.image is not None:
            self._images.append(hash(row.image))
            extension = row.image.rpartition(".")[2]
            if extension not in self._extensions and len(self._extensions) < TRAITS:
                self._extensions[extension] = row.row if mime_type(row.image) == UNKNOWN_TYPE else 0
        for trait, value, _ in row.attributes:
            seen = self._traits.get(trait)
            if seen is None:
                if len(self._traits) >= TRAITS:
                    continue
                seen = self._traits[trait] = _Trait()
            seen.see(value)

    def close(self) -> Findings:
        """The at most a hundred in full."""
        self._repeats(self._names, NAME, "RepeatedName", "name")
        self._repeats(self._images, IMAGE, "RepeatedImage", "image")
        for extension, row in self._extensions.items():
            if row:
                message = f"marketplaces will not know the type of a file .{extension[:20]}"
                self._note("UnknownType", message, IMAGE, row)
        for name, trait in self._traits.items():
            self._trait(name, trait)
        return self._warnings

    def _repeats(self, hashes: array[int], column: str, reason: str, what: str) -> None:
        """One warning for all rows that repeat another's value. Values are told apart by 64 bits of their hash."""
        ordered = sorted(hashes)
        again = [one for one, following in pairwise(ordered) if one == following]
        if not again:
            return
        wanted, seen = set(again), set[int]()
        for position, hashed in enumerate(hashes):
            if hashed in seen:
                row = self._places[position] if len(hashes) == len(self._places) else None
                message = f"{len(again)} {'row has' if len(again) == 1 else 'rows have'} the {what} of an earlier row"
                self._note(reason, message, column, row)
                return
            if hashed in wanted:
                seen.add(hashed)

    def _trait(self, name: str, trait: _Trait) -> None:
        missing = self._rows - trait.rows
        if 0 < missing < self._rows * RARE:
            message = f"{missing} of {self._rows} rows have no value"
            self._note("RareGap", message, name)
        if trait.values is None:
            return
        spellings: dict[str, str] = {}
        for value in trait.values:
            plain = " ".join(value.split()).casefold()
            other = spellings.setdefault(plain, value)
            if other != value:
                message = f"{_quoted(other)} and {_quoted(value)} are two values"
                self._note("TwoSpellings", message, name)
        if 0 < trait.numbers < trait.rows:
            message = f"{trait.numbers} of {trait.rows} values are numbers or truth values, the others are text"
            self._note("MixedTypes", message, name)

    def _note(self, reason: str, message: str, column: str, row: int | None = None) -> None:
        self._warnings.add(reason, message, field=self._field, row=row, column=column)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
