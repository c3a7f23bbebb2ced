"""examples/genesis: what is derived is up to date, the rows are as hard as people's, every reference resolves."""

import csv
import io
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from mintworks_api import JOB_KINDS, JobQueueSpec
from mintworks_dev.examples.__main__ import stale
from mintworks_dev.examples.genesis import collection, folder_cid, minter
from mintworks_dev.paths import repository
from solders.keypair import Keypair
from solders.pubkey import Pubkey

FOLDER = repository() / "examples" / "genesis"


def manifest(name: str) -> dict[str, Any]:
    document = yaml.safe_load((FOLDER / name).read_text())
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((FOLDER / "rows.csv").read_bytes().decode(), newline="")))


def test_derived_files_are_up_to_date() -> None:
    assert stale(FOLDER) == {}


def test_stale_tells_what_differs_and_what_is_too_much(tmp_path: Path) -> None:
    for name in ("rows.csv", "metadatajob.yaml", "mintjob.yaml"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "stray.png").write_bytes(b"x")
    found = stale(tmp_path)
    assert found[tmp_path / "images" / "stray.png"] is None
    assert tmp_path / "rows-configmap.yaml" in found
    assert tmp_path / "metadatajob.yaml" not in found


def test_a_hundred_rows_as_people_write_them(rows: list[dict[str, str]]) -> None:
    assert len(rows) == 100
    assert len({row["name"] for row in rows}) == 100
    assert all(0 < len(row["name"].encode()) <= 32 for row in rows)
    assert any(len(row["name"]) < len(row["name"].encode()) for row in rows)
    cells = [cell for row in rows for cell in row.values()]
    assert all(any(mark in cell for cell in cells) for mark in ('"', ",", "\n", "🌫"))
    wallets = [row["recipient_wallet"] for row in rows if row["recipient_wallet"]]
    assert 0 < len(wallets) < 100
    assert all(Pubkey.from_string(wallet).is_on_curve() for wallet in wallets)


def test_every_image_is_named_and_every_name_is_there(rows: list[dict[str, str]]) -> None:
    files = {path.name: path.read_bytes() for path in (FOLDER / "images").iterdir()}
    assert {row["image_filename"] for row in rows} == set(files)
    assert len(set(files.values())) == len(files) == 30
    assert sum(map(len, files.values())) < 100_000
    assert manifest("metadatajob.yaml")["spec"]["images"]["cid"] == folder_cid(files)


def test_pictures_are_whole_pngs() -> None:
    for path in (FOLDER / "images").glob("*.png"):
        data = path.read_bytes()
        size = int.from_bytes(data[33:37], "big")
        idat = data.index(b"IDAT")
        pixels = zlib.decompress(data[idat + 4 : idat + 4 + int.from_bytes(data[idat - 4 : idat], "big")])
        assert (len(pixels), size) == (64 * 33, 24)


def test_the_manifests_fit_their_models_and_each_other() -> None:
    JobQueueSpec.model_validate(manifest("queue.yaml")["spec"])
    for name in ("metadatajob.yaml", "mintjob.yaml"):
        document = manifest(name)
        JOB_KINDS[document["kind"]].parse(document["spec"])
    text = (FOLDER / "mintjob.yaml").read_text() + (FOLDER / "metadatajob.yaml").read_text()
    for path in ("rows-configmap.yaml", "wallet-secret.yaml", "queue.yaml"):
        assert manifest(path)["metadata"]["name"] in text
    assert str(collection().pubkey()) in text
    assert str(minter().pubkey()) in text


def test_the_secret_is_the_published_key() -> None:
    data = manifest("wallet-secret.yaml")["stringData"]
    assert Keypair.from_json(data["id.json"]) == minter()


def test_kubectl_reads_the_folder_both_ways() -> None:
    # `apply -f` takes every *.yaml; `apply -k` takes what Kustomization lists.
    assert sorted(yaml.safe_load((FOLDER / "Kustomization").read_text())["resources"]) == sorted(
        path.name for path in FOLDER.glob("*.yaml")
    )
