"""JSONL: one object a line, its keys as CSV's columns. Values are text, numbers, true, false; null is an empty cell."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from mintworks_runners.core.errors import Findings

from .csvfile import Cells, Record
from .text import lines


class _DuplicateKeyError(ValueError):
    pass


def read_jsonl(path: Path, field: str, findings: Findings) -> Iterator[Record]:
    """The records of the file; blank lines are skipped. A line that is no flat object goes to `findings`.

    Raises InvalidInput where the file is no UTF-8 text.
    """
    for number, line in enumerate(lines(path, field), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_object, parse_constant=_no_constant)
        except _DuplicateKeyError as error:
            findings.add("DuplicateColumn", "the object has this key twice", field=field, row=number, column=str(error))
            continue
        except (ValueError, RecursionError) as error:
            findings.add("MalformedJson", f"not a JSON object: {error}", field=field, row=number)
            continue
        if not isinstance(value, dict):
            findings.add("MalformedJson", "the line is not a JSON object", field=field, row=number)
            continue
        record = _record(value, number, field, findings)
        if record is not None:
            yield record


def _record(value: dict[str, object], row: int, field: str, findings: Findings) -> Record | None:
    cells: Cells = {}
    for key, content in value.items():
        name = key.strip()
        cell = content.strip() if isinstance(content, str) else content
        if isinstance(cell, float) and not math.isfinite(cell):
            findings.add("MalformedJson", "the number is too large", field=field, row=row, column=name)
            return None
        if isinstance(cell, dict | list):
            message = "a cell is text, a number, true or false; lists and objects have no column"
            findings.add("NestedValue", message, field=field, row=row, column=name)
            return None
        if not name:
            findings.add("UnnamedColumn", "a key is empty", field=field, row=row)
        elif name in cells:
            findings.add("DuplicateColumn", "two keys differ only by spaces", field=field, row=row, column=name)
        elif cell not in (None, ""):
            cells[name] = cell
    return Record(row, cells)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
