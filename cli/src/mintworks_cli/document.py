"""A document of a manifest file, whichever way it was written, and what is asked of every one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from .problems import BadInput, Place, Problem

MAX_BYTES: Final = 16 << 20
MAX_NODES: Final = 200_000
"""Values in one file with every alias written out: far above any real manifest, far below what an alias bomb makes."""

MAX_DEPTH: Final = 64

TOO_MUCH: Final = "too many values or too deep (do aliases repeat it?)"

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """One document: its content, its file, and the line of every value by its path."""

    content: Any
    file: str
    lines: dict[Path, int] = field(repr=False)

    def place(self, path: Path = ()) -> Place:
        """Where the value at `path` stands, or else the nearest value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return Place(self.file, self.lines.get(path, 0))


def refused(message: str, file: str, line: int, path: Path) -> BadInput:
    """What is wrong with the value at `path`."""
    where = ".".join(map(str, path[:8]))
    return BadInput([Problem(message, Place(file, line), field=where or None)])


def check_size(text: str, file: str) -> None:
    """Hold a file's text to its limit.

    Raises:
        BadInput: it is larger.
    """
    if len(text) > MAX_BYTES:
        raise BadInput([Problem(f"larger than {MAX_BYTES >> 20} MiB", Place(file))])


def check_text(text: str) -> None:
    r"""Hold text to Unicode: `"\ud83c"` can be escaped, but no file can hold what that means.

    Raises:
        ValueError: half a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise ValueError(f"{half} is half a surrogate pair, not a character: write the character itself") from error
