"""examples/devnet: refused as long as something is to be filled in, each place by name; whole once that is done."""

import re
from pathlib import Path

import pytest
from mintworks_cli.problems import BadInput
from mintworks_cli.references import Supplies, check
from mintworks_cli.running import load
from support.devnet import FIELDS, FOLDER, filled_in


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
    check(Supplies(load([str(filled_in(tmp_path / "devnet"))])))


def test_the_key_cannot_be_committed_by_accident() -> None:
    assert {"wallet-secret.yaml", "id.json"} <= set((FOLDER / ".gitignore").read_text().split())


def test_the_key_lies_outside_the_folder() -> None:
    # Inside it `run -f` and `kubectl apply -f` would read it as a manifest, as they do with every *.json.
    told = (FOLDER / "README.md").read_text() + (FOLDER / "wallet-secret.yaml.example").read_text()
    places = re.findall(r"(?:--outfile|--keypair|--from-file=id\.json=) ?([^\s`]+)", told)
    assert len(places) >= 4
    assert set(places) == {"~/devnet-minter.json", "$HOME/devnet-minter.json"}
