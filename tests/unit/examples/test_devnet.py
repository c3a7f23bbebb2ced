"""examples/devnet: refused as long as something is to be filled in, each place by name; whole once that is done."""

import re
import shutil
from pathlib import Path

import pytest
from mintworks_cli.problems import BadInput
from mintworks_cli.references import Supplies, check
from mintworks_cli.running import load
from mintworks_dev.examples.genesis import collection, minter
from mintworks_dev.paths import repository

FOLDER = repository() / "examples" / "devnet"
FIELDS = {
    "spec.images.cid": "bafybeihwnohbnpl5alrqczf3wpr5tu27rqbnexa6nz4sj5jp4jsbdjc7zq",
    "spec.collection.creators.0.address": str(minter().pubkey()),
    "spec.collection.mint": str(collection().pubkey()),
}


def test_what_is_to_be_filled_in_is_refused_by_name() -> None:
    with pytest.raises(BadInput) as caught:
        load([str(FOLDER)])
    problems = caught.value.problems
    assert {problem.field for problem in problems} == set(FIELDS)
    for problem in problems:
        assert problem.place is not None
        line = Path(problem.place.file).read_text().splitlines()[problem.place.line - 1]
        assert "FILL IN" in line, "the problem's line is the one to edit"


def test_filled_in_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "devnet"
    shutil.copytree(FOLDER, folder)
    for path, value in zip(("metadatajob.yaml", "metadatajob.yaml", "mintjob.yaml"), FIELDS.values(), strict=True):
        file = folder / path
        file.write_text(re.sub(r'"<[^>]*>"', value, file.read_text(), count=1))
    (folder / "wallet-secret.yaml.example").rename(folder / "wallet-secret.yaml")
    check(Supplies(load([str(folder)])))


def test_the_key_cannot_be_committed_by_accident() -> None:
    assert {"wallet-secret.yaml", "id.json"} <= set((FOLDER / ".gitignore").read_text().split())
