"""npm's ipfs-unixfs-importer, in a pipeline that does what a MetadataJob does apart from the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support import node
from support.specs import CID

_SOURCE = Path(__file__).parent / "importer_js"
COLLECTION = {"name": "Genesis", "symbol": "GEN"}


@dataclass(frozen=True)
class Told:
    """What the pipeline says of a folder: its CID, how many documents, seconds of the processor, MB of 2^20 bytes."""

    cid: str
    items: int
    seconds: float
    rss_mb: float


def make(rows: Sequence[Path], scratch: Path, before: Sequence[str] = ()) -> list[Told]:
    """The folders of these rows (CSV: name, description, image_filename and attributes; nothing needs trimming), their
    images in the folder CID, their documents those of COLLECTION, their CARs in `scratch`.
    """
    asked = [
        {**COLLECTION, "rows": str(path), "car": str(scratch / f"{path.stem}.node.car"), "cid": CID} for path in rows
    ]
    return [Told(**told) for told in node.run(node.install("importer", _SOURCE), "pipeline.mjs", asked, before)]
