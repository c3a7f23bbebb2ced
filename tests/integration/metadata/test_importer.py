"""The folder of documents against npm's ipfs-unixfs-importer: two pipelines, one CID, documents and all."""

from __future__ import annotations

from pathlib import Path

import pytest
from mintworks_api.metadatajob import CollectionData
from mintworks_runners.metadata.folder import Collection, FolderMaker
from mintworks_runners.metadata.images import ImageFolder
from support import importer, rowfiles
from support.specs import CID

#: Kubo shards past 256 KiB of names and CIDs: 5850.json is the document too many.
SIZES = [1, 2, 255, 5_000, 5_500, 5_849, 5_850, 5_851, 5_852, 6_000, 6_500, 7_000, 7_500, 8_000, 100_000]


def made(path: Path) -> str:
    data = CollectionData.model_validate(importer.COLLECTION)
    with FolderMaker(Collection(path, data, ImageFolder(CID)), path.with_suffix(".car")) as maker:
        assert sum(maker.chunks()) > 0
        return maker.finish().cid


# Node makes some 170,000 documents here.
@pytest.mark.timeout(600)
def test_cids_are_those_of_the_importer(tmp_path: Path) -> None:
    files = [rowfiles.plain(tmp_path / f"{size}.csv", size) for size in SIZES]
    files.append(rowfiles.large(tmp_path / "large.csv", 3))
    told = importer.make(files, tmp_path)
    assert [one.items for one in told] == [*SIZES, 3]
    assert {path.stem: made(path) for path in files} == {
        path.stem: one.cid for path, one in zip(files, told, strict=True)
    }
