"""What the names of columns mean: the known ones, and attributes with their types. JSONL has keys in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

NAME: Final = "name"
DESCRIPTION: Final = "description"
IMAGE: Final = "image_filename"
RECIPIENT: Final = "recipient_wallet"
INDEX: Final = "index"
ANIMATION: Final = "animation_url"
EXTERNAL: Final = "external_url"
KNOWN: Final = (NAME, DESCRIPTION, IMAGE, RECIPIENT, INDEX, ANIMATION, EXTERNAL)

ATTRIBUTE_PREFIX: Final = "attr:"
TEXT: Final = "text"
DATE: Final = "date"
DISPLAY_TYPES: Final = {
    "number": "number",
    DATE: DATE,
    "boost": "boost_number",
    "boost_number": "boost_number",
    "boost_percentage": "boost_percentage",
}
"""What may stand behind `attr:NAME:`, and the `display_type` that marketplaces know it by."""

COLUMN_LIMIT: Final = 1000

Problem = tuple[str, str, str | None]
"""Reason, message, column."""


class AttributeColumn(NamedTuple):
    """An attribute: where its value stands in a record, the column's name, what documents say.

    `display` is its display_type, or None where the value is text (in JSONL: what it is). `guarded`: its author has
    not said `attr:`, so that what looks private in it is an error.
    """

    position: int
    column: str
    trait: str
    display: str | None
    guarded: bool


class Columns:
    """The columns of a file (of an object in JSONL). Positions are -1 where a column is not there."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        at = {name: position for position, name in enumerate(names)}
        self.name, self.description, self.image = at.get(NAME, -1), at.get(DESCRIPTION, -1), at.get(IMAGE, -1)
        self.recipient, self.index = at.get(RECIPIENT, -1), at.get(INDEX, -1)
        self.animation, self.external = at.get(ANIMATION, -1), at.get(EXTERNAL, -1)
        self.unnamed = [position for position, name in enumerate(names) if not name]
        self._problems: list[Problem] = []
        self.attributes = tuple(self._attributes())

    def missing(self, required: Sequence[str]) -> list[str]:
        """Those of `required` that are not there."""
        return [name for name in required if name not in self.names]

    def problems(self, required: Sequence[str] = ()) -> Iterator[Problem]:
        """What is wrong with the names alone."""
        seen: set[str] = set()
        for name in self.names:
            if name and name in seen:
                yield "DuplicateColumn", "the header has this column twice", name
            seen.add(name)
        missing = self.missing(required)
        for name in missing:
            alike = next((other for other in self.names if _plain(other) == name), None)
            hint = f"; {alike} has to be written {name}" if alike else f"; it has {', '.join(filter(None, self.names))}"
            yield "MissingColumn", f"the header has no column {name}{hint[:300]}", name
        for reason, message, column in self._problems:
            if reason != "MisspeltColumn" or _plain(column or "") not in missing:
                yield reason, message, column

    def _attributes(self) -> Iterator[AttributeColumn]:
        traits: set[str] = set()
        for position, column in enumerate(self.names):
            if not column or column in KNOWN:
                continue
            guarded = not column.startswith(ATTRIBUTE_PREFIX)
            trait, display = (column, None) if guarded else self._typed(column)
            if guarded and (known := _plain(column)) in KNOWN and known not in self.names:
                message = f"has to be written {known}; the attribute of this name, attr:{column}"
                self._problems.append(("MisspeltColumn", message, column))
            if not trait or not is_encodable(trait):
                self._problems.append(("UnnamedColumn", "the attribute has no usable name", column))
            elif trait in traits and self.names.index(column) == position:
                self._problems.append(("DuplicateColumn", f"a second value for the attribute {trait}", column))
            else:
                traits.add(trait)
                yield AttributeColumn(position, column, trait, display, guarded)

    def _typed(self, column: str) -> tuple[str, str | None]:
        """The trait and display_type of `attr:NAME` and `attr:NAME:TYPE`."""
        text = column.removeprefix(ATTRIBUTE_PREFIX).strip()
        trait, colon, kind = text.rpartition(":")
        kind = kind.strip()
        if not colon or kind == TEXT:
            return (trait if colon else text).strip(), None
        if kind not in DISPLAY_TYPES:
            types = ", ".join(DISPLAY_TYPES)
            message = f"{kind[:40]!r} is no type ({types}); for a colon in a name write :text behind it"
            self._problems.append(("UnknownColumnType", message, column))
        return trait.strip(), DISPLAY_TYPES.get(kind)


class Record(NamedTuple):
    """One row: its number as a spreadsheet shows it (JSONL: as an editor does), and a value for each column.

    Empty text, or None, stands where there is no value. `line` is where in the file the row ends.
    """

    row: int
    columns: Columns
    values: Sequence[object]
    line: int

    @property
    def note(self) -> str:
        """Where in the file the row is, where that is another number: a quoted cell may span several lines."""
        return f" (line {self.line} of the file)" if self.line != self.row else ""


def is_encodable(text: str) -> bool:
    """Whether the text can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")
