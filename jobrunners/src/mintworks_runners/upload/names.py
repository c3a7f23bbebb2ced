"""Which names files may have in the folder: those of one folder of the archive, each once, that do no harm anywhere."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

from .members import shown

NAME_BYTES: Final = 255
"""Bytes of UTF-8: what file systems, and with them IPFS gateways, take."""

_LEFT_BEHIND: Final = frozenset({b".DS_Store", b"Thumbs.db", b"desktop.ini"})
_HIDING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def left_behind(path: bytes) -> bool:
    """Whether a system put it there, and nobody wants it: macOS' and Windows' own files."""
    parts = path.split(b"/")
    return parts[-1] in _LEFT_BEHIND or parts[-1].startswith(b"._") or b"__MACOSX" in parts[:-1]


class BadName(Exception):  # noqa: N818 - what is found, in words
    """A name that is not taken: `reason`, and the text says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Names:
    """The names taken so far. A name is kept as a hash: there may be very many."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._exact: set[bytes] = set()
        self._folded: set[bytes] = set()

    def take(self, path: bytes) -> str:
        """The name in the folder, in Unicode's composed form (NFC).

        Raises:
            BadName: it is refused.
        """
        try:
            text = path.decode()
        except UnicodeDecodeError as error:
            raise BadName("NameNotUtf8", "the name is not UTF-8") from error
        folder, _, name = unicodedata.normalize("NFC", text.removeprefix("./")).rpartition("/")
        if problem := _unsafe(folder, name, text):
            raise BadName("UnsafeName", problem)
        if self._folder is None:
            self._folder = folder
        if folder != self._folder:
            here = f"{shown(self._folder)}/" if self._folder else "no folder"
            raise BadName("NestedFolder", f"all files must be in one folder, and the first is in {here}")
        exact, folded = _hash(name), _hash(unicodedata.normalize("NFKC", name).casefold())
        if exact in self._exact:
            raise BadName("DuplicateFile", "the name is there twice")
        if folded in self._folded:
            message = "another name differs from it in nothing but case or form: some systems take them for one"
            raise BadName("CaseCollision", message)
        self._exact.add(exact)
        self._folded.add(folded)
        return name


def _unsafe(folder: str, name: str, given: str) -> str | None:
    path = f"{folder}/{name}" if folder else name
    if given.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "an absolute path"
    if "\\" in path:
        return "a backslash in the name"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "the path leads out of the archive, or has empty parts"
    if any(unicodedata.category(c) in _HIDING for c in path):
        return "characters in the name that cannot be seen"
    if name != name.strip():
        return "a space at an end of the name"
    return f"a name of more than {NAME_BYTES} bytes" if len(name.encode()) > NAME_BYTES else None


def _hash(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()
