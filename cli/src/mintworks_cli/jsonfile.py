"""JSON as any writer of JSON makes it (escaped pairs, tabs: YAML reads neither), strict, with a line for every value.

`json` says whether it is JSON and reads every scalar; only the places are found here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from .document import MAX_DEPTH, MAX_NODES, TOO_MUCH, Document, Path, check_size, check_text, refused
from .problems import BadInput, Place, Problem

#: Tokens of text that is known to be JSON.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def is_json(text: str) -> bool:
    """Whether an object or a list in JSON is all there is."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        _check(text)
    except (ValueError, RecursionError):
        return False
    return True


def parse(text: str, file: str) -> list[Document]:
    """The document of a file; none where it is empty or null.

    Raises:
        BadInput: not JSON, a key twice, too large, or text that is not Unicode; with file and, where known, line.
    """
    check_size(text, file)
    if not text.strip():
        return []
    try:
        _check(text)
    except json.JSONDecodeError as error:
        raise BadInput([Problem(f"not JSON: {error.msg}", Place(file, error.lineno))]) from error
    except ValueError as error:
        raise BadInput([Problem(f"not JSON: {error}", Place(file))]) from error
    except RecursionError as error:
        raise BadInput([Problem(TOO_MUCH, Place(file))]) from error
    reader = _Reader(text, file)
    content = reader.value(())
    return [] if content is None else [Document(content, file, reader.lines)]


def _check(text: str) -> None:
    json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


class _Reader:
    """Reads tokens into a value and notes where each part stands."""

    def __init__(self, text: str, file: str) -> None:
        self.lines: dict[Path, int] = {}
        self._file = file
        self._line = 0
        self._tokens = self._scan(text)

    def value(self, path: Path) -> Any:
        """The next value."""
        return self._value(next(self._tokens), path)

    def _value(self, part: str, path: Path) -> Any:
        self.lines.setdefault(path, self._line)
        if len(self.lines) > MAX_NODES or len(path) > MAX_DEPTH:
            raise self._refused(TOO_MUCH, path)
        if part == "{":
            return self._object(path)
        if part == "[":
            return self._list(path)
        return self._scalar(part, path)

    def _object(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in self._members("}"):
            key = self._scalar(part, path)
            if key in found:
                raise self._refused(f"the key {key!r} stands twice", (*path, key))
            # An editor is sent to the key.
            self.lines[(*path, key)] = self._line
            next(self._tokens)
            found[key] = self.value((*path, key))
        return found

    def _list(self, path: Path) -> list[Any]:
        return [self._value(part, (*path, index)) for index, part in enumerate(self._members("]"))]

    def _members(self, end: str) -> Iterator[str]:
        """The first part of each member, up to the end of the object or list."""
        while (part := next(self._tokens)) != end:
            if part != ",":
                yield part

    def _scalar(self, part: str, path: Path) -> Any:
        value = json.loads(part)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._refused("float values out of range are not allowed here", path)
        if isinstance(value, str):
            try:
                check_text(value)
            except ValueError as error:
                raise self._refused(str(error), path) from error
        return value

    def _scan(self, text: str) -> Iterator[str]:
        self._line, before = 1, 0
        for found in _TOKEN.finditer(text):
            self._line += text.count("\n", before, found.start())
            before = found.start()
            yield found.group()

    def _refused(self, message: str, path: Path) -> BadInput:
        return refused(message, self._file, self._line, path)
