"""UTF-8 text as lines, with an error that says where the first wrong byte is, and no line that fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Final

from mintworks_runners.core.errors import InvalidInput

LINE_LIMIT: Final = 1 << 20
"""Characters of one line. Longer ones are no rows that a person wrote, and would be read into memory whole."""

_CHUNK: Final = 1 << 20
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_SAVE: Final = 'save it as UTF-8 (in Excel: "CSV UTF-8")'


class TextFile:
    """A file of rows; `field` is the place in the spec that named it."""

    def __init__(self, path: Path, field: str) -> None:
        self.path, self.field = path, field
        self._size = path.stat().st_size
        self._open: BufferedReader | None = None

    @property
    def share(self) -> float:
        """How much of the file the newest reader of lines has read: 0 to 1."""
        if self._open is None or self._open.closed or not self._size:
            return 0.0 if self._open is None else 1.0
        return min(1.0, self._open.tell() / self._size)

    def lines(self) -> Iterator[str]:
        r"""The file's lines with their ends (\n, \r\n or \r), without a byte order mark.

        InvalidInput `NotUtf8` naming the offset and line of the first wrong byte, `LineTooLong` past LINE_LIMIT,
        `MalformedText` at a NUL character, which no spreadsheet writes.
        """
        with self.path.open("rb") as self._open, _decoded(self._open) as file:
            number = 0
            while True:
                number += 1
                try:
                    line = file.readline(LINE_LIMIT)
                except UnicodeDecodeError as error:
                    raise _not_utf8(self.path, self.field) from error
                if not line:
                    return
                if "\0" in line:
                    message = f"line {number} holds a NUL character: this is no text, or not UTF-8; {_SAVE}"
                    raise InvalidInput.one("MalformedText", message, field=self.field)
                if len(line) == LINE_LIMIT and not line.endswith(("\n", "\r")):
                    message = f"line {number} has more than {LINE_LIMIT} characters"
                    raise InvalidInput.one("LineTooLong", message, field=self.field)
                yield line


def _decoded(file: BufferedReader) -> TextIOWrapper:
    return TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _not_utf8(path: Path, field: str) -> InvalidInput:
    """The error with the place of the first byte that is not UTF-8; the text layer knows it only within its buffer."""
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return InvalidInput.one("NotUtf8", f"the file is {name}; {_SAVE}", field=field)
        file.seek(0)
        base, line, carry = 0, 1, b""
        while chunk := file.read(_CHUNK):
            data = carry + chunk
            try:
                data.decode()
                good = len(data)
            except UnicodeDecodeError as error:
                good = error.start
                # A character cut by the end of the chunk is not wrong yet.
                if len(data) - good > 3 or error.reason != "unexpected end of data":
                    line += data.count(b"\n", 0, good)
                    message = f"byte 0x{data[good]:02x} at offset {base + good} (line {line}) is not UTF-8"
                    return InvalidInput.one("NotUtf8", f"{message}{_guess(data[good:])}; {_SAVE}", field=field)
            line += data.count(b"\n", 0, good)
            base += good
            carry = data[good:]
    return InvalidInput.one("NotUtf8", f"the file ends inside a character, at offset {base}", field=field)


def _guess(data: bytes) -> str:
    """What the bytes from the first wrong one on are likely to be: text without control characters in the code page
    that spreadsheets write in western countries, where it has the byte.
    """
    try:
        char = data[:1].decode("cp1252")
    except UnicodeDecodeError:
        return ""
    if data[0] < 0x80 or b"\0" in data:
        return ""
    return f"; in Windows-1252 it would be {char!r}, so that may be the file's encoding"
