"""What a MetadataJob makes of an UploadJob's files, and a MintJob of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.core.errors import InputChanged
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.ipfs.blocks import RAW
from mintworks_runners.ipfs.car import read_blocks
from mintworks_runners.metadata.recompute import from_dependency
from support.archives import PNG, SVG, zipped
from support.runs import Run
from support.specs import METADATA, UPLOAD

ROWS = "name,image_filename\nOne,1.png\nTwo,2.svg\n"
FILES = zipped([("art/1.png", PNG), ("art/2.svg", SVG)])
MOUNT = "dependencies/pictures/files.archive/images.zip"


@pytest.fixture
async def upload(tmp_path: Path) -> dict[str, Any]:
    """The finished UploadJob, as a document has it."""
    run = Run(tmp_path / "upload", "UploadJob", {**UPLOAD, "storage": None})
    run.mount("files.archive/images.zip", FILES)
    assert await run.here() == 0
    return {"kind": "UploadJob", "uid": "u", "spec": run.spec, "inputs": {}, "result": run.termination["result"]}


@pytest.fixture
def run(tmp_path: Path, upload: dict[str, Any]) -> Run:
    spec = {**METADATA, "storage": None, "images": {"job": "pictures"}}
    made = Run(tmp_path / "metadata", "MetadataJob", spec, {"imagesCid": upload["result"]["cid"]})
    made.dependencies = {"pictures": upload}
    made.mount("rows/rows.csv", ROWS)
    made.mount(MOUNT, FILES)
    return made


async def test_documents_name_the_uploaded_files(run: Run, upload: dict[str, Any]) -> None:
    assert await run.here() == 0, run.termination
    (car,) = (run.root / "state" / "cars").iterdir()
    documents = [json.loads(block) for cid, block in read_blocks(car) if cid.startswith(RAW)]
    cid = upload["result"]["cid"]
    assert [document["image"] for document in documents] == [f"ipfs://{cid}/1.png", f"ipfs://{cid}/2.svg"]
    assert [document["properties"]["files"][0]["type"] for document in documents] == ["image/png", "image/svg+xml"]


async def test_an_image_that_was_not_uploaded(run: Run) -> None:
    run.mount("rows/rows.csv", ROWS + "Three,3.png\n")
    assert await run.here() == 64
    (error,) = run.termination["errors"]
    assert (error["reason"], error["row"], error["column"]) == ("ImageMissing", 4, "image_filename")
    assert "the UploadJob's folder has no 3.png" in error["message"]


@pytest.mark.parametrize("files", [zipped([("1.png", PNG), ("2.svg", SVG + b"\n")]), FILES[:-30]], ids=["other", "bad"])
async def test_files_that_changed_since_do_nothing(run: Run, files: bytes) -> None:
    run.mount(MOUNT, files)
    assert await run.here() == 75
    assert run.termination["reason"] == "InputChanged"
    assert not list(run.root.glob("state/**/*.car"))


async def test_a_result_that_someone_edited(run: Run, upload: dict[str, Any]) -> None:
    upload["result"] = {**upload["result"], "cid": "b" + "a" * 58}
    run.dependencies = {"pictures": upload}
    assert await run.here() == 75
    assert run.termination["reason"] == "InputChanged"


async def test_a_mint_job_needs_the_rows_alone(run: Run) -> None:
    """What the folder of the images was shows in the CID of the documents."""
    assert await run.here() == 0
    (run.environment.mounts / MOUNT).unlink()
    run.mount("dependencies/meta/rows/rows.csv", ROWS)
    made = Dependency("meta", "MetadataJob", "m", run.spec, run.inputs, run.termination["result"])
    items = await from_dependency(run.context(), made)
    assert (items.cid, items.items) == (run.termination["result"]["cid"], 2)
    other = Dependency("meta", "MetadataJob", "m", run.spec, {"imagesCid": "b" + "a" * 58}, run.termination["result"])
    with pytest.raises(InputChanged, match="cid of MetadataJob meta"):
        await from_dependency(run.context(), other)
