"""The local copy of a source: a file that is hashed while it is written, within a limit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import AttemptFailed, InvalidInput

DEFAULT_LIMIT: Final = 1 << 30
"""Bytes that a source may have unless its reader says otherwise."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A source's content on local disk: its size in bytes and the hex SHA-256 of exactly these bytes."""

    path: Path
    sha256: str
    size: int


class Spool:
    """A file being written. Use it as a context manager; `begin` starts it over."""

    def __init__(self, target: Path, limit: int, field: str) -> None:
        self._target, self._limit, self._field = target, limit, field
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Spool:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._target.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()
        self._hash, self.size = hashlib.sha256(), 0

    def announce(self, size: int) -> None:
        """InvalidInput `SourceTooLarge` where so many bytes are too many: known before they are fetched."""
        if size > self._limit:
            raise InvalidInput.one("SourceTooLarge", f"{size} bytes, more than {self._limit}", field=self._field)

    def write(self, chunk: bytes) -> None:
        """Add bytes. InvalidInput past the limit, AttemptFailed `SpoolFull` where the pod's disk has no room."""
        if self.size + len(chunk) > self._limit:
            raise InvalidInput.one("SourceTooLarge", f"more than {self._limit} bytes", field=self._field)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise AttemptFailed("SpoolFull", f"{self._field}: the work directory: {error.strerror}") from error
        self._hash.update(chunk)
        self.size += len(chunk)

    def done(self) -> Spooled:
        """What was written; it is on disk for other readers."""
        try:
            self._file.flush()
        except OSError as error:
            raise AttemptFailed("SpoolFull", f"{self._field}: the work directory: {error.strerror}") from error
        return Spooled(self._target, self._hash.hexdigest(), self.size)
