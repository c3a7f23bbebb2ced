"""Types of files: the endings of their names, and how their content begins."""

from __future__ import annotations

import re
from typing import Final

EXTENSIONS: Final = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "gif": "gif",
    "webp": "webp",
    "avif": "avif",
    "svg": "svg",
    "mp4": "mp4",
    "webm": "webm",
    "mp3": "mp3",
    "wav": "wav",
    "ogg": "ogg",
    "flac": "flac",
    "glb": "glb",
}
"""Ending of a name, in small letters, to type: those of UploadJob's `types`."""

DECODED: Final = frozenset({"png", "jpeg", "gif", "webp", "avif"})
"""Types whose content is decoded whole."""

HEAD: Final = 4096
"""Bytes of a file's beginning that its type is told by."""

_MAGIC: Final = {
    "png": rb"\x89PNG\r\n\x1a\n",
    "jpeg": rb"\xff\xd8\xff",
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF....WEBP",
    "avif": rb"....ftypavi[fs]",
    "mp4": rb"....ftyp(?!avi[fs])",
    "webm": rb"\x1a\x45\xdf\xa3",
    "mp3": rb"ID3|\xff[\xf2\xf3\xfa\xfb]",
    "wav": rb"RIFF....WAVE",
    "ogg": rb"OggS",
    "flac": rb"fLaC",
    "glb": rb"glTF",
    # The parser of SVG looks closer.
    "svg": rb"(\xef\xbb\xbf)?\s*<(\?xml|!--|!DOCTYPE|([A-Za-z][\w.-]*:)?svg)",
}
_PATTERNS: Final = {name: re.compile(pattern, re.DOTALL) for name, pattern in _MAGIC.items()}


def by_name(name: str) -> str | None:
    """The type that a name's ending says; None where it says none that is known."""
    return EXTENSIONS.get(name.rpartition(".")[2].lower()) if "." in name else None


def by_content(head: bytes) -> str | None:
    """The type that a file's beginning says; None where it says none that is known."""
    return next((name for name, pattern in _PATTERNS.items() if pattern.match(head)), None)
