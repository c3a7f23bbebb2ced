"""Reads what a MetadataJob's spec names into a Collection: for the job itself, and for a MintJob that depends on it."""

from __future__ import annotations

import asyncio

from mintworks_api import MetadataJobSpec

from mintworks_runners.core.sources import SourceReader, Spooled

from .folder import Collection
from .imagemap import MAP_LIMIT, ImageMap, read_map
from .images import ImageFolder


async def gather(
    sources: SourceReader, spec: MetadataJobSpec, prefix: str = "", uploaded: ImageFolder | None = None
) -> tuple[Collection, Spooled]:
    """The job's collection, and its rows as spooled. `prefix` stands before the spec's fields: `dependencies/NAME/`;
    `uploaded` is the folder of the UploadJob that the spec names.

    InvalidInput and AttemptFailed as `SourceReader.spool` and `read_map` raise them.
    """
    rows_field = f"{prefix}rows"
    rows = await sources.spool(spec.rows, rows_field)
    images = uploaded or await _images(sources, spec, f"{prefix}images.map")
    return Collection(rows.path, spec.collection, images, rows_field, f"{prefix}collection"), rows


async def _images(sources: SourceReader, spec: MetadataJobSpec, field: str) -> ImageFolder | ImageMap:
    if spec.images.map is not None:
        spooled = await sources.spool(spec.images.map, field, limit=MAP_LIMIT)
        return await asyncio.to_thread(read_map, spooled.path, field)
    if spec.images.cid is None:
        raise TypeError("the folder of the UploadJob is not given")
    return ImageFolder(spec.images.cid)
