"""What archives and volumes are read into: members, one after the other, and the errors that end the reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mintworks_runners.core.errors import InvalidInput

CHUNK: Final = 1 << 18
"""Most bytes of a member that are in memory at once."""

ENTRIES_A_FILE: Final = 4
SPARE_ENTRIES: Final = 1000
"""Of folders, headers and what systems leave behind, an archive may have so many beside its files."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of an upload: files, bytes of one and of all, pixels and frames of an image."""

    files: int
    file_size: int
    total_size: int
    pixels: int
    frames: int

    @property
    def entries(self) -> int:
        """Most entries of an archive, whatever they are."""
        return self.files * ENTRIES_A_FILE + SPARE_ENTRIES


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its path as the archive has it, its size in bytes as it is said, and its content in chunks.

    `wrong` is why it cannot be read, as reason and message; it then has no content. Members of a stream are read before
    the next one is asked for, or never. Reading raises BrokenMember where the content is not what was said.
    """

    path: bytes
    size: int
    content: Callable[[], Iterable[bytes]]
    wrong: tuple[str, str] | None = None


Members = Iterator[Member]


class BrokenMember(Exception):  # noqa: N818 - what is found, in words
    """The file's content is not what the archive says, or cannot be read; others may be whole."""


def refused(path: bytes, reason: str, message: str) -> Member:
    """A member that cannot be taken."""
    return Member(path, 0, tuple, (reason, message))


def broken(message: str, field: str) -> InvalidInput:
    """The archive itself is damaged: nothing that comes after it can be trusted."""
    return InvalidInput.one("BrokenArchive", message, field=field)


def too_many(limit: int, field: str) -> InvalidInput:
    """There are more entries than limits.files allows."""
    return InvalidInput.one("TooManyFiles", f"there are more than {limit} files (limits.files)", field=field)


def shown(path: bytes | str) -> str:
    """A path for people: at most 80 characters, nothing in it that a terminal obeys or that hides what it is."""
    text = path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else path
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return text if len(text) <= 80 else f"{text[:50]}…{text[-29:]}"
