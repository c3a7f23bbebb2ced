"""Where an item's image is: a folder's CID and a file name, or the CID that a map gives for the name."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from mintworks_api.base import Cid
from pydantic import TypeAdapter, ValidationError

from mintworks_runners.core.errors import Findings, InvalidInput

from .csvfile import delimiter_of

MAP_LIMIT: Final = 256 << 20
"""Bytes of a map: about two million names."""

_SAFE: Final = "/!$&'()*+,;=:@~"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./-]+")
_CID: Final = TypeAdapter[str](Cid)
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


@dataclass(frozen=True, slots=True)
class ImageMap:
    """Images each with a CID of its own."""

    cids: Mapping[str, str] = field(default_factory=dict)
    what: ClassVar[str] = "the image map"

    def uri(self, name: str) -> str | None:
        """`ipfs://CID` of the name, or None where the map does not have it."""
        cid = self.cids.get(name)
        return None if cid is None else f"ipfs://{cid}"


ImageSource = ImageFolder | ImageMap


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


def read_map(path: Path, source_field: str) -> ImageMap:
    """The map in a file: a JSON object {name: CID}, or a CSV with the columns file and cid. InvalidInput if neither."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        pairs = _json_pairs(text) if text.lstrip().startswith("{") else _csv_pairs(text)
    except (ValueError, csv.Error, RecursionError) as error:
        message = f"neither a JSON object nor a CSV with the columns file and cid: {error}"
        raise InvalidInput.one("MalformedMap", message, field=source_field) from error
    findings = Findings()
    cids: dict[str, str] = {}
    for row, name, cid in pairs:
        if name in cids:
            findings.add("DuplicateImage", f"{name} is there twice", field=source_field, row=row)
        elif not _is_cid(cid):
            findings.add("InvalidCid", f"{name}: {str(cid)[:80]!r} is not a CID", field=source_field, row=row)
        else:
            cids[name] = str(cid)
    findings.raise_if_any()
    return ImageMap(cids)


def _json_pairs(text: str) -> list[tuple[int | None, str, object]]:
    pairs: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
    return [(None, name, cid) for name, cid in pairs]


def _csv_pairs(text: str) -> list[tuple[int | None, str, object]]:
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of([header]), strict=True)
    if not {"file", "cid"} <= set(reader.fieldnames or ()):
        raise ValueError(f"the header is {header[:80]!r}")
    found = [(row, record["file"], record["cid"]) for row, record in enumerate(reader, start=2)]
    return [(row, (name or "").strip(), (cid or "").strip()) for row, name, cid in found]


def _is_cid(value: object) -> bool:
    try:
        _CID.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True
