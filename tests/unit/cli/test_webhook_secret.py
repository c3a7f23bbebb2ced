"""`mintworks webhook-secret` without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mintworks_cli.main import app
from mintworks_operator.webhooks.signing import Keys
from typer.testing import CliRunner, Result

SEED = "a-seed-of-webhooks"
KEYS = Keys(SEED, "genesis")


def said(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["webhook-secret", *arguments])


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed"
    path.write_text(f"{SEED}\n")
    return path


def test_it_prints_what_the_operator_signs_with(seed: Path) -> None:
    found = said("genesis", "--seed-file", str(seed))
    assert (found.exit_code, found.stdout.split()) == (0, [KEYS.secret, KEYS.public])
    found = said("-n", "genesis", "--seed-file", str(seed), "-o", "json")
    assert json.loads(found.stdout) == {"namespace": "genesis", "secret": KEYS.secret, "publicKey": KEYS.public}


def test_a_seed_that_is_too_short_or_not_there(seed: Path) -> None:
    seed.write_text("short")
    found = said("genesis", "--seed-file", str(seed))
    assert (found.exit_code, "at least 16" in found.stderr) == (1, True)
    seed.unlink()
    found = said("genesis", "--seed-file", str(seed))
    assert (found.exit_code, str(seed) in found.stderr) == (1, True)
    found = said("--seed-file", str(seed))
    assert (found.exit_code, "must be named" in found.stderr) == (1, True)


def test_a_cluster_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    found = said("genesis")
    assert (found.exit_code, "there is no kubeconfig" in found.stderr) == (1, True)
