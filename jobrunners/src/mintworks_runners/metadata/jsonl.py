"""JSONL: one object a line, its keys as CSV's columns. Values are text, numbers, true, false; null is an empty cell."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Final, NoReturn

from mintworks_runners.core.errors import Findings

from .columns import COLUMN_LIMIT, Columns, Record, is_encodable
from .text import TextFile

SAFE_INTEGER: Final = (1 << 53) - 1
"""The largest whole number that every reader of JSON keeps as it is."""

_PLANS: Final = 256
"""So many sets of keys are remembered; a file has one or few."""


class _DuplicateKeyError(ValueError):
    pass


def read_jsonl(text: TextFile, findings: Findings) -> Iterator[Record]:
    """The records of the file; blank lines are skipped. A line that is no flat object goes to `findings`.

    Raises InvalidInput as `TextFile.lines` does.
    """
    objects = _Objects(text.field, findings)
    for number, line in enumerate(text.lines(), start=1):
        if line.strip():
            record = objects.record(line, number)
            if record is not None:
                yield record


class _Objects:
    def __init__(self, field: str, findings: Findings) -> None:
        self._field, self._findings = field, findings
        self._plans: dict[tuple[str, ...], Columns] = {}

    def record(self, line: str, row: int) -> Record | None:
        """The record of a line, or None where something is wrong with it."""
        try:
            value = json.loads(line, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
        except _DuplicateKeyError as error:
            self._add("DuplicateColumn", "the object has this key twice", row, str(error))
            return None
        except RecursionError:
            self._add("MalformedJson", "not a JSON object: nested too deeply", row)
            return None
        except ValueError as error:
            self._add("MalformedJson", f"not a JSON object: {error}", row)
            return None
        if not isinstance(value, dict):
            self._add("MalformedJson", "the line is not a JSON object", row)
            return None
        columns = self._columns(tuple(value), row)
        values = None if columns is None else self._values(value, row)
        return None if columns is None or values is None else Record(row, columns, values, row)

    def _columns(self, keys: tuple[str, ...], row: int) -> Columns | None:
        """What the keys mean; None where something is wrong with them, told with every row that has them."""
        columns = self._plans.get(keys)
        if columns is not None:
            return columns
        if len(keys) > COLUMN_LIMIT:
            self._add("TooManyColumns", f"the object has {len(keys)} keys, at most {COLUMN_LIMIT} are possible", row)
            return None
        names = [key.strip() for key in keys]
        found = Columns(names)
        problems = list(found.problems())
        if not all(names):
            problems.append(("UnnamedColumn", "a key is empty", None))
        if not all(map(is_encodable, names)):
            problems = [("MalformedText", "a key holds half of a surrogate pair", None)]
        for reason, message, column in problems:
            self._add(reason, message, row, column)
        if problems:
            return None
        if len(self._plans) < _PLANS:
            self._plans[keys] = found
        return found

    def _values(self, value: dict[str, object], row: int) -> list[object] | None:
        values: list[object] = []
        for key, content in value.items():
            problem = _problem(content)
            if problem is not None:
                self._add(*problem, row, key.strip())
                return None
            values.append(content.strip() if isinstance(content, str) else content)
        return values

    def _add(self, reason: str, message: str, row: int, column: str | None = None) -> None:
        self._findings.add(reason, message, field=self._field, row=row, column=column)


def _problem(content: object) -> tuple[str, str] | None:
    if isinstance(content, str):
        if "\0" in content:
            return "MalformedText", "holds a NUL character"
        return None if is_encodable(content) else ("MalformedText", "holds half of a surrogate pair")
    if isinstance(content, dict | list):
        return "NestedValue", "a cell is text, a number, true or false; lists and objects have no column"
    if isinstance(content, int | float) and not (math.isfinite(content) and abs(content) <= _limit(content)):
        return "InvalidNumber", "the number is too large for readers of JSON; write it as text"
    return None


def _limit(number: float) -> float:
    return SAFE_INTEGER if isinstance(number, int) else math.inf


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _DuplicateKeyError(next(key for key, count in counts.items() if count > 1))
    return found


def _integer(digits: str) -> int:
    if len(digits) > 20:
        # Python itself refuses to read more than 4,300 digits, with a message about its settings.
        return SAFE_INTEGER + 1
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
