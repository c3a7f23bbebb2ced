"""A real Kubo takes the CARs, answers the same root, and serves every document back byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from mintworks_api.metadatajob import CollectionData
from mintworks_dev.ipfs import Kubo
from mintworks_runners.core.errors import Findings
from mintworks_runners.core.http import untold
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.metadata.documents import Documents
from mintworks_runners.metadata.folder import Collection, FolderMaker
from mintworks_runners.metadata.images import ImageFolder
from mintworks_runners.metadata.rows import read_rows
from mintworks_runners.metadata.text import TextFile
from mintworks_runners.storage.base import Car
from mintworks_runners.storage.kubo import open_kubo
from support import rowfiles
from support.specs import CID

DATA = CollectionData(name="Genesis", symbol="GEN")
#: Of larger folders so many documents are asked for, spread over all of it.
ASKED = 300


def documents(rows: Path) -> dict[int, bytes]:
    made, images = Documents(DATA), ImageFolder(CID)
    found = read_rows(TextFile(rows, "rows"), findings=Findings(), images=True)
    return {row.index: made.document(row, images.uri(row.image or "") or "") for row in found}


@pytest.mark.parametrize(
    ("write", "size"),
    [
        (rowfiles.plain, 1),
        (rowfiles.plain, 255),
        (rowfiles.plain, 5_850),
        (rowfiles.plain, 5_851),
        (rowfiles.plain, 100_000),
        (rowfiles.large, 3),
    ],
)
async def test_documents_come_back(kubo: Kubo, tmp_path: Path, write: Callable[[Path, int], Path], size: int) -> None:
    rows, car = write(tmp_path / "rows.csv", size), tmp_path / "folder.car"
    with FolderMaker(Collection(rows, DATA, ImageFolder(CID)), car) as maker:
        assert sum(maker.chunks()) == size
        made = maker.finish()
    async with open_kubo(kubo.api, StopSignal()) as node:
        # Raises where Kubo names another root.
        assert not (await node.put(Car(car, made.cid), untold)).already
        assert await node.holds(made.cid)
    expected = documents(rows)
    assert made.size == sum(map(len, expected.values()))
    async with httpx.AsyncClient(base_url=kubo.gateway, trust_env=False) as client:
        for number in range(0, size, max(1, size // ASKED)):
            answer = await client.get(f"/ipfs/{made.cid}/{number}.json")
            assert answer.raise_for_status().content == expected[number]
        assert (await client.get(f"/ipfs/{made.cid}/{size}.json")).status_code == httpx.codes.NOT_FOUND
