"""The MetadataJob runner without a cluster: results, order of effects, frozen inputs, and the mint runner's list."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import aleph_cid
import pytest
from mintworks_api import MintJobSpec
from mintworks_runners.core.errors import InputChanged, InvalidInput
from mintworks_runners.core.protocol import Dependency
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.ipfs.blocks import RAW
from mintworks_runners.ipfs.car import CarWriter, read_blocks
from mintworks_runners.metadata.recompute import MintItem, MintList, from_dependency, from_manifest
from support.runs import Run
from support.specs import ADDRESS, CID, METADATA, MINT

ROWS = f"name,image_filename,recipient_wallet,Colour\nOne,1.png,{ADDRESS},red\nTwo,2.png,,\n"
GOLDEN = "bafybeieicf6f4mv6x3mss3w6vrcrhpox7awgmroot6lyhzbtt6t3h5vm2q"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path, "MetadataJob", {**METADATA, "storage": None})
    made.mount("rows/rows.csv", ROWS)
    return made


def cars(run: Run) -> list[str]:
    return sorted(path.name for path in (run.root / "state" / "cars").glob("*"))


def documents(car: Path) -> list[bytes]:
    """The documents in a CAR, in row order."""
    return [block for cid, block in read_blocks(car) if cid.startswith(RAW)]


async def test_a_job_leaves_a_car_in_the_state_directory(run: Run) -> None:
    assert await run.here() == 0
    result = run.termination["result"]
    made = documents(run.root / "state" / "cars" / f"{GOLDEN}.car")
    assert result == {
        "cid": GOLDEN,
        "items": 2,
        "bytes": sum(map(len, made)),
        "rowsSha256": hashlib.sha256(ROWS.encode()).hexdigest(),
    }
    assert [json.loads(one)["name"] for one in made] == ["One", "Two"]
    assert cars(run) == [f"{GOLDEN}.car"]
    assert aleph_cid.read_carv1_root(run.root / "state" / "cars" / f"{GOLDEN}.car") == GOLDEN


async def test_a_car_that_the_disk_gives_back_otherwise_is_not_stored(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = CarWriter.finish

    def spoiled(writer: CarWriter, root: bytes) -> None:
        finish(writer, root)
        car = run.root / "work" / "metadata.car"
        car.write_bytes(car.read_bytes().replace(b'"name":"Two"', b'"name":"Too"'))

    monkeypatch.setattr(CarWriter, "finish", spoiled)
    assert await run.here() == 1
    assert run.termination["reason"] == "CarBroken"
    assert not cars(run)


async def test_inputs_are_told_before_the_end_and_progress_ends_at_100(run: Run) -> None:
    await run.here()
    result = run.termination["result"]
    told = [message["inputs"] for message in run.messages if message["type"] == "inputs"]
    assert told == [{name: result[name] for name in ("rowsSha256", "items", "cid")}]
    assert run.messages[-1]["percent"] == 100
    assert run.messages[-1]["items"] == {"total": 2, "done": 2, "failed": 0, "already": 0}


async def test_the_same_input_gives_the_same_folder(run: Run) -> None:
    await run.here()
    first = run.termination
    run.inputs = {name: first["result"][name] for name in ("rowsSha256", "items", "cid")}
    assert await run.here() == 0
    assert run.termination == first


@pytest.mark.parametrize("frozen", [{"rowsSha256": "0" * 64}, {"items": 3}, {"cid": CID}])
async def test_frozen_inputs_that_differ_stop_before_any_effect(run: Run, frozen: dict[str, Any]) -> None:
    run.inputs = frozen
    assert await run.here() == 75
    assert run.termination["reason"] == "InputChanged"
    assert not cars(run)
    assert not [message for message in run.messages if message["type"] == "inputs"]


async def test_sources_that_were_good_when_frozen_have_changed(run: Run) -> None:
    await run.here()
    result = run.termination["result"]
    run.inputs = {name: result[name] for name in ("rowsSha256", "items", "cid")}
    (run.environment.mounts / "rows" / "rows.csv").unlink()
    assert await run.here() == 75
    assert run.termination["reason"] == "InputChanged"


async def test_bad_rows_name_row_and_column(run: Run) -> None:
    run.mount("rows/rows.csv", "name,image_filename\nOne,1.png\n,2.png\n" + "x" * 40 + ",3.png\n")
    assert await run.here() == 64
    places = [(error["reason"], error["row"], error["column"]) for error in run.termination["errors"]]
    assert places == [("MissingValue", 3, "name"), ("TooLong", 4, "name")]
    assert not cars(run)


async def test_images_from_a_map(run: Run) -> None:
    run.spec = {**run.spec, "images": {"map": {"configMap": {"name": "m", "key": "map.json"}}}}
    run.mount("images.map/map.json", json.dumps({"1.png": CID, "2.png": CID}))
    assert await run.here() == 0
    value = json.loads(documents(run.root / "work" / "metadata.car")[0])
    assert value["image"] == f"ipfs://{CID}"
    run.mount("images.map/map.json", json.dumps({"1.png": CID}))
    assert await run.here() == 64
    (error,) = run.termination["errors"]
    assert (error["reason"], error["row"], error["column"]) == ("ImageMissing", 3, "image_filename")


async def test_a_symbol_too_long_in_bytes(run: Run) -> None:
    run.spec = {**run.spec, "collection": {"name": "G", "symbol": "é" * 6}}
    assert await run.here() == 64
    assert run.termination["errors"][0]["field"] == "collection.symbol"


async def test_a_car_on_a_volume(run: Run) -> None:
    run.spec = {**run.spec, "storage": {"car": {"volume": {"claim": "out", "path": "cars/genesis.car"}}}}
    (run.environment.mounts / "storage.car.volume").mkdir()
    assert await run.here() == 0
    target = run.environment.mounts / "storage.car.volume" / "cars"
    assert [path.name for path in target.iterdir()] == ["genesis.car"]
    assert aleph_cid.read_carv1_root(target / "genesis.car") == run.termination["result"]["cid"]
    assert not cars(run)


async def test_a_volume_that_cannot_be_written_is_tried_again(run: Run) -> None:
    run.spec = {**run.spec, "storage": {"car": {"volume": {"claim": "out", "path": "genesis.car"}}}}
    run.mount("storage.car.volume", "a file where a directory should be")
    assert await run.here() == 1
    assert run.termination["reason"] == "StorageUnavailable"


async def test_a_storage_that_nobody_answers_at(run: Run) -> None:
    run.spec = {**run.spec, "storage": {"kubo": {"url": "http://127.0.0.1:9"}}}
    assert await run.here() == 1
    assert run.termination["reason"] == "StorageUnavailable"
    assert run.messages[-1]["step"] == "upload"


async def test_a_stop_before_the_work(run: Run) -> None:
    stop = StopSignal()
    stop.set()
    assert await run.here(stop) == 75
    assert not cars(run)


async def dependency(run: Run) -> Dependency:
    """The finished job as a MintJob sees it, its rows mounted again."""
    await run.here()
    run.mount("dependencies/meta/rows/rows.csv", ROWS)
    return Dependency("meta", "MetadataJob", "uid-1", run.spec, {}, run.termination["result"])


async def test_the_mint_list_of_a_metadata_job(run: Run) -> None:
    made = await dependency(run)
    items = await from_dependency(run.context(), made)
    assert (items.cid, items.items, items.rows_sha256) == (GOLDEN, 2, made.result["rowsSha256"])
    expected = [
        MintItem(0, "One", f"ipfs://{GOLDEN}/0.json", ADDRESS, 2),
        MintItem(1, "Two", f"ipfs://{GOLDEN}/1.json", None, 3),
    ]
    assert list(items) == expected
    assert list(items) == expected


@pytest.mark.parametrize("name", ["cid", "items", "rowsSha256"])
async def test_a_result_that_is_not_that_of_the_rows(run: Run, name: str) -> None:
    made = await dependency(run)
    other = Dependency(made.name, made.kind, made.uid, made.spec, {}, {**made.result, name: "other"})
    with pytest.raises(InputChanged, match=name):
        await from_dependency(run.context(), other)


async def test_rows_edited_meanwhile(run: Run) -> None:
    made = await dependency(run)
    run.mount("dependencies/meta/rows/rows.csv", ROWS.replace("red", "blue"))
    with pytest.raises(InputChanged, match="rowsSha256"):
        await from_dependency(run.context(), made)


async def test_an_image_map_edited_meanwhile(run: Run) -> None:
    source = {"configMap": {"name": "m", "key": "map.json"}}
    run.spec = {**run.spec, "images": {"map": source}}
    run.mount("images.map/map.json", json.dumps({"1.png": CID, "2.png": CID}))
    made = await dependency(run)
    run.mount("dependencies/meta/images.map/map.json", json.dumps({"1.png": CID}))
    with pytest.raises(InputChanged, match=r"no 2\.png"):
        await from_dependency(run.context(), made)


async def manifest(run: Run, content: str) -> MintList:
    run.mount("metadataFrom.manifest/m.csv", content)
    source = {"configMap": {"name": "m", "key": "m.csv"}}
    run.kind, run.spec = "MintJob", {**MINT, "metadataFrom": {"cid": CID, "manifest": source}}
    spec = MintJobSpec.model_validate(run.spec).metadata_from
    assert spec.manifest is not None
    return await from_manifest(run.context(), spec.manifest, CID, "metadataFrom.manifest")


async def test_the_mint_list_of_a_manifest(run: Run) -> None:
    items = await manifest(run, f"index,name,recipient_wallet\n5,Five,{ADDRESS}\n4,Four,\n")
    assert (items.cid, items.items) == (CID, 2)
    assert [(item.index, item.uri, item.recipient) for item in items] == [
        (5, f"ipfs://{CID}/5.json", ADDRESS),
        (4, f"ipfs://{CID}/4.json", None),
    ]


async def test_a_bad_manifest_names_its_field(run: Run) -> None:
    with pytest.raises(InvalidInput) as caught:
        await manifest(run, "name,recipient_wallet\nOne,nobody\n")
    assert caught.value.findings[0].field == "metadataFrom.manifest"


async def test_a_manifest_that_was_good_when_frozen_has_changed(run: Run) -> None:
    run.inputs = {"rowsSha256": "0" * 64}
    with pytest.raises(InputChanged):
        await manifest(run, "name,recipient_wallet\nOne,nobody\n")
