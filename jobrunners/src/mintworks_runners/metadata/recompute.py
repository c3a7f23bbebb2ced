"""For the mint runner: the items of a MetadataJob, proved to be those of its folder by making the folder again.

No manifest has to be stored anywhere: the same rows and the same spec give the same CID, or nothing is minted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mintworks_api import MetadataJobSpec, Source

from mintworks_runners.core.context import JobContext, parse_spec
from mintworks_runners.core.errors import Findings, InputChanged, changed_where
from mintworks_runners.core.protocol import Dependency

from .documents import document_uri
from .folder import FolderMaker
from .gather import gather
from .images import ImageFolder
from .rows import read_rows
from .text import TextFile


@dataclass(frozen=True, slots=True)
class MintItem:
    """What the chain shall hold of an item: its number, name and uri, and who the row says receives it (if it does).

    `row` is where it stands in the rows, for messages.
    """

    index: int
    name: str
    uri: str
    recipient: str | None
    row: int


@dataclass(frozen=True, slots=True)
class MintList:
    """A checked list of items: the folder's CID, how many, and the SHA-256 of the rows. Iterate it as often as needed.

    It reads the spooled rows anew each time and keeps none, in row order.
    """

    cid: str
    items: int
    rows_sha256: str
    rows: Path
    field: str

    def __iter__(self) -> Iterator[MintItem]:
        """The items in row order."""
        for row in read_rows(TextFile(self.rows, self.field), findings=Findings(), images=False):
            yield MintItem(row.index, row.name, document_uri(self.cid, row.index), row.recipient, row.row)


async def from_dependency(context: JobContext, dependency: Dependency) -> MintList:
    """The items of the MetadataJob that this job depends on.

    Spools the same sources, makes all documents and computes the folder's CID, and keeps neither. InputChanged
    where the sources are bad now, or give other rows, another number or another CID than the job's result names.
    """
    spec = parse_spec(dependency.kind, dependency.spec)
    if not isinstance(spec, MetadataJobSpec):
        raise TypeError(f"{dependency.kind} is not a MetadataJob")
    # The dependency has succeeded with these very sources.
    with changed_where(frozen=True):
        found = partial(_same, dependency)
        return await recomputed(context, dependency.name, spec, found, dependency.inputs.get("imagesCid"))


async def recomputed(
    context: JobContext,
    name: str,
    spec: MetadataJobSpec,
    found: Callable[[str, object], None],
    images_cid: str | None = None,
) -> MintList:
    """The items of the MetadataJob `name`, whose sources lie among the mounts as a dependency's.

    `found` is told rowsSha256, items and cid as soon as each is known; `images_cid` is the folder of the UploadJob that
    the spec names, which shows in the CID. InvalidInput, AttemptFailed as sources and
    rows raise them.
    """
    uploaded = None if images_cid is None else ImageFolder(images_cid)
    collection, rows = await gather(context.sources, spec, f"dependencies/{name}/", uploaded)
    found("rowsSha256", rows.sha256)
    maker, items = FolderMaker(collection, None), 0
    for made in maker.chunks():
        items += made
        await context.stop.breathe()
    found("items", items)
    cid = (await context.stop.race(asyncio.to_thread(maker.finish))).cid
    found("cid", cid)
    return MintList(cid, items, rows.sha256, rows.path, collection.rows_field)


async def from_manifest(context: JobContext, manifest: Source, cid: str, field: str) -> MintList:
    """The items of a manifest for a folder that exists. What the folder holds is its author's word.

    InvalidInput where the rows are bad, InputChanged where they were good when an earlier attempt froze them.
    """
    items = 0
    with changed_where("rowsSha256" in context.run.inputs):
        rows = await context.sources.spool(manifest, field)
        for _ in read_rows(TextFile(rows.path, field), findings=Findings(), images=False):
            items += 1
            if items % 1000 == 0:
                await context.stop.breathe()
    return MintList(cid, items, rows.sha256, rows.path, field)


def _same(dependency: Dependency, name: str, value: object) -> None:
    said = dependency.result.get(name)
    if said != value:
        raise InputChanged(f"{name} of {dependency.kind} {dependency.name} is {said}; its sources now give {value}")
