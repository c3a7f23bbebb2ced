"""`mintworks estimate` on the development chain, and the same manifests run dry and then for real."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.mintworks import Command, mintworks

EXAMPLE = Path(__file__).parents[3] / "examples" / "genesis"
DRY = "genesis-mint.spec.dryRun=true"


@pytest.fixture
async def localnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """This test's own development chain."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert (await (await Command.start("localnet", "start", "--port", "0", "--slot-ms", "25")).end())[0] == 0
    yield
    assert (await (await Command.start("localnet", "stop")).end())[0] == 0


@pytest.mark.usefixtures("localnet")
async def test_what_is_estimated_is_what_it_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    code, told, lines = await mintworks("estimate", "-f", EXAMPLE, "--localnet")
    assert code == 0, (told, lines)
    (estimate,) = (job["result"] for job in told["jobs"] if job["kind"] == "MintJob")
    assert (estimate["dryRun"], estimate["items"], estimate["already"]) == (True, 100, 0)
    assert told["total"]["transactions"] == estimate["transactions"]
    assert list(scratch.iterdir()) == []

    state = tmp_path / "state"
    run = ("run", "-f", EXAMPLE, "--localnet", "--state", state)
    code, report, lines = await mintworks(*run, "--set", DRY)
    dry = report["jobs"][1]
    assert (code, dry["result"]["dryRun"]) == (0, True), (report, lines)
    # Once it is no longer dry the same job begins for real.
    code, report, lines = await mintworks(*run)
    real = report["jobs"][1]
    assert code == 0, (report, lines)
    assert real["uid"] == dry["uid"]
    result = real["result"]
    assert (result["minted"], result["tree"]) == (100, estimate["tree"])
    assert (result["feesLamports"], result["rentLamports"]) == (estimate["feesLamports"], estimate["rentLamports"])
    code, report, _ = await mintworks(*run, "--set", DRY)
    assert (code, report["problems"][0]["field"]) == (64, "spec.dryRun")

    command = await Command.start("estimate", "-f", EXAMPLE, "--localnet")
    code, text = await command.end()
    assert code == 0, command.lines
    row = next(line.split() for line in text.splitlines() if line.startswith("MintJob/genesis-mint "))
    assert row[1:8] == ["100", "100", "0", "0", "0", "0", "0"]
    assert "the wallet holds" in text


@pytest.mark.usefixtures("localnet")
async def test_what_is_wrong_is_told_and_ends_with_64() -> None:
    code, told, _ = await mintworks("estimate", "-f", EXAMPLE, "--localnet", "--set", "spec.maxCost=0.000001")
    (mint,) = (job for job in told["jobs"] if job["kind"] == "MintJob")
    assert (code, mint["phase"], mint["errors"][0]["reason"]) == (64, "Failed", "MaxCostTooLow")
    assert "spec.maxCost" in mint["errors"][0]["field"]
