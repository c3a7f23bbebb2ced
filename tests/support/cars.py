"""Folders on disk as CAR files, by the runner's own means."""

from __future__ import annotations

from pathlib import Path

from mintworks_runners.ipfs import blocks
from mintworks_runners.ipfs.car import CarWriter
from mintworks_runners.ipfs.unixfs import CHUNK_BYTES, Folder, put_file


def pack(folder: Path, car: Path) -> str:
    """Write a flat folder's files to a CAR; the folder's CID."""
    found = Folder()
    with CarWriter(car) as writer:
        for path in folder.iterdir():
            data = path.read_bytes()
            chunks = (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))
            found.add(path.name.encode(), put_file(chunks, writer.put))
        root = found.close(writer.put)
        writer.finish(root.cid)
    return blocks.text(root.cid)
