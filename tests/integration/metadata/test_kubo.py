"""The MetadataJob runner against a real Kubo: equal CIDs on both sides of HAMT sharding, import, pin, reading back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from mintworks_dev import paths
from mintworks_dev.ipfs import Kubo
from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import untold
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.storage.base import Car, Stored
from mintworks_runners.storage.kubo import open_kubo
from support.cars import pack
from support.runs import Run
from support.specs import ADDRESS, CID, METADATA

ROWS = f"name,image_filename,recipient_wallet,Colour\nOne,1.png,{ADDRESS},red\nTwo,2.png,,\n"


def added(kubo: Kubo, path: Path) -> str:
    """The CID that Kubo itself gives the folder."""
    host, port = kubo.api.removeprefix("http://").split(":")
    program = str(paths.binaries() / "ipfs")
    options = ["--recursive", "--quieter", "--only-hash", "--cid-version=1"]
    command = [program, f"--api=/ip4/{host}/tcp/{port}", "add", *options, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def call(kubo: Kubo, command: str, **request: Any) -> str:
    """The answer of Kubo's RPC."""
    return httpx.post(f"{kubo.api}/api/v0/{command}", trust_env=False, **request).text


def opened(kubo: Kubo, path: str) -> Any:
    """The JSON document at a path of the gateway."""
    return httpx.get(f"{kubo.gateway}/ipfs/{path}", trust_env=False).raise_for_status().json()


async def put(kubo: Kubo, car: Path, root: str) -> Stored:
    async with open_kubo(kubo.api, StopSignal()) as node:
        return await node.put(Car(car, root), untold)


def pins(kubo: Kubo) -> set[str]:
    return set(json.loads(call(kubo, "pin/ls", params={"type": "recursive"})).get("Keys", {}))


def folder(path: Path, files: int) -> Path:
    path.mkdir()
    for number in range(files):
        (path / f"{number}.json").write_text(json.dumps({"name": f"Genesis #{number}"}))
    return path


# Kubo shards a directory past 256 KiB of names and CIDs: the file 5850.json is the one too many.
@pytest.mark.parametrize("files", [1, 100, 5_850, 5_851, 20_000])
def test_folder_cids_are_kubos(kubo: Kubo, tmp_path: Path, files: int) -> None:
    made = folder(tmp_path / "folder", files)
    expected = added(kubo, made)
    assert pack(made, tmp_path / "folder.car") == expected


def test_files_of_several_blocks_are_kubos(kubo: Kubo, tmp_path: Path) -> None:
    made = folder(tmp_path / "folder", 3)
    (made / "large.json").write_bytes(bytes(range(256)) * 4096)
    assert pack(made, tmp_path / "folder.car") == added(kubo, made)


@pytest.fixture
def run(tmp_path: Path, kubo: Kubo) -> Run:
    made = Run(tmp_path, "MetadataJob", {**METADATA, "storage": {"kubo": {"url": kubo.api}}})
    made.mount("rows/rows.csv", ROWS)
    return made


async def test_a_job_is_pinned_and_opens_at_the_gateway(run: Run, kubo: Kubo) -> None:
    assert await run.here() == 0
    result = run.termination["result"]
    # The value that the unit tests hold is Kubo's own.
    assert result["cid"] == "bafybeieicf6f4mv6x3mss3w6vrcrhpox7awgmroot6lyhzbtt6t3h5vm2q"
    assert result["cid"] in pins(kubo)
    document = opened(kubo, f"{result['cid']}/0.json")
    assert document["name"] == "One"
    assert document["image"] == f"ipfs://{CID}/1.png"


async def test_a_sharded_folder_arrives_whole(run: Run, kubo: Kubo) -> None:
    run.mount("rows/rows.csv", "name,image_filename\n" + "".join(f"Item {n},{n}.png\n" for n in range(10_000)))
    assert await run.here() == 0
    cid = run.termination["result"]["cid"]
    for number in (0, 4_999, 9_999):
        assert opened(kubo, f"{cid}/{number}.json")["name"] == f"Item {number}"


async def test_what_is_pinned_is_not_sent_again(run: Run, kubo: Kubo, tmp_path: Path) -> None:
    assert await run.here() == 0
    first = run.termination
    assert await run.here() == 0
    assert run.termination == first
    # No CAR is there to be sent.
    assert await put(kubo, tmp_path / "absent.car", first["result"]["cid"]) == Stored(already=True)


async def test_another_root_is_refused(kubo: Kubo, tmp_path: Path) -> None:
    pack(folder(tmp_path / "folder", 3), tmp_path / "folder.car")
    with pytest.raises(AttemptFailed) as caught:
        await put(kubo, tmp_path / "folder.car", CID)
    assert caught.value.reason == "CidMismatch"


async def test_a_broken_car_is_told(kubo: Kubo, tmp_path: Path) -> None:
    car = tmp_path / "folder.car"
    cid = pack(folder(tmp_path / "folder", 3), car)
    call(kubo, "pin/rm", params={"arg": cid})
    car.write_bytes(car.read_bytes()[:-10])
    with pytest.raises(AttemptFailed) as caught:
        await put(kubo, car, cid)
    assert caught.value.reason == "StorageUnavailable"
    assert cid not in pins(kubo)


@pytest.mark.parametrize("with_path", [True, False])
async def test_rows_from_ipfs(run: Run, kubo: Kubo, tmp_path: Path, with_path: bool) -> None:
    options = {"cid-version": "1", "wrap-with-directory": str(with_path).lower()}
    answer = call(kubo, "add", params=options, files={"file": ("rows.csv", ROWS.encode())})
    cid = json.loads(answer.splitlines()[-1])["Hash"]
    source = {"cid": cid, "gateway": kubo.gateway, **({"path": "rows.csv"} if with_path else {})}
    run.spec = {**run.spec, "rows": {"ipfs": source}}
    assert await run.here() == 0
    assert run.termination["result"]["items"] == 2
