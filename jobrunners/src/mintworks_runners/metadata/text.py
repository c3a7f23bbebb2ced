"""UTF-8 text as lines, with an error that says where the first wrong byte is, and no line that fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mintworks_runners.core.errors import InvalidInput

LINE_LIMIT: Final = 1 << 20
"""Characters of one line. Longer ones are no rows that a person wrote, and would be read into memory whole."""

_CHUNK: Final = 1 << 20
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


def lines(path: Path, field: str) -> Iterator[str]:
    r"""The file's lines with their ends (\n, \r\n or \r), without a byte order mark.

    InvalidInput `NotUtf8` naming the offset and line of the first wrong byte, `LineTooLong` past LINE_LIMIT.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(LINE_LIMIT)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, field) from error
            if not line:
                return
            if len(line) == LINE_LIMIT and not line.endswith(("\n", "\r")):
                raise InvalidInput.one(
                    "LineTooLong", f"line {number} has more than {LINE_LIMIT} characters", field=field
                )
            yield line


def _not_utf8(path: Path, field: str) -> InvalidInput:
    """The error with the place of the first byte that is not UTF-8; the text layer knows it only within its buffer."""
    with path.open("rb") as file:
        head = file.read(2)
        if head in _UTF16:
            return InvalidInput.one("NotUtf8", "the file is UTF-16; save it as UTF-8", field=field)
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
                    return InvalidInput.one("NotUtf8", message, field=field)
            line += data.count(b"\n", 0, good)
            base += good
            carry = data[good:]
    return InvalidInput.one("NotUtf8", f"the file ends inside a character, at offset {base}", field=field)
