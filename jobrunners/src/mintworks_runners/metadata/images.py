"""Where an item's image is in a folder, and of which type a file is by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote

_SAFE: Final = "/!$&'()*+,;=:@~"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./-]+")
_EXTENSION: Final = re.compile(r"\.([A-Za-z0-9]+)$")
_TYPES: Final = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "webp": "image/webp",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "html": "text/html",
    "htm": "text/html",
    "pdf": "application/pdf",
}
"""A table of our own: the standard library's one depends on files of the machine, and with it the CID would."""

UNKNOWN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Images in one folder of IPFS. `names` are those that it holds; None where that is not known here."""

    cid: str
    names: frozenset[str] | None = None
    what: ClassVar[str] = "the UploadJob's folder"

    def uri(self, name: str) -> str | None:
        """`ipfs://CID/name`, percent-encoded where a URI needs it; None where the folder does not have it."""
        if self.names is not None and name not in self.names:
            return None
        # Most names need no encoding, and asking costs a fifth of looking for it.
        return f"ipfs://{self.cid}/{name if _PLAIN.fullmatch(name) else quote(name, safe=_SAFE)}"


def mime_type(name: str) -> str:
    """The MIME type by the name's extension, `application/octet-stream` where it tells nothing."""
    match = _EXTENSION.search(name)
    return _TYPES.get(match[1].lower() if match else "", UNKNOWN_TYPE)


def category(mime: str) -> str:
    """Metaplex's category of a file: image, video, audio, vr or html; image where the type tells nothing."""
    if mime == "text/html":
        return "html"
    kind = mime.partition("/")[0]
    return {"video": "video", "audio": "audio", "model": "vr"}.get(kind, "image")
