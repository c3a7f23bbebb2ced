"""The audit of a MintJob that did not come to its end, on a chain of the test's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.minting import DONE, Minter, MintRuns, rows
from support.runs import Run

ITEMS = 9


def audit(root: Path, job: MintRuns, inputs: dict[str, Any], **asked: Any) -> Run:
    """The CleanupJob's run, with what the operator hands over of the MintJob: its sources and no Secret."""
    run = Run(root, "CleanupJob", {"failedMint": {"job": "drop", **asked}})
    spec = job.run.spec
    run.dependencies = {"drop": {"kind": "MintJob", "uid": "u", "spec": spec, "inputs": inputs, "result": {}}}
    run.mount("dependencies/drop/metadataFrom.manifest/rows.csv", job.rows.read_bytes())
    return run


async def test_what_a_failed_mint_left_undone(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        # Of its rows the last ones came later: what a job looks like that was cut off.
        job = MintRuns(tmp_path / "job", minter, [net.url], ITEMS)
        job.rows.write_text(rows(ITEMS - 4))
        assert await job.here() == DONE, job.run.termination
        tree = job.frozen["trees"][0]
        frozen = {name: job.frozen[name] for name in ("genesis", "wallet", "trees", "cid")}
        job.rows.write_text(rows(ITEMS))

        run = audit(tmp_path / "audit", job, frozen)
        assert await run.here() == 0, run.termination
        result = run.termination["result"]
        assert result.pop("slot") > 0
        assert result == {
            "checked": ITEMS,
            "minted": ITEMS - 4,
            "missing": 4,
            "summary": f"{ITEMS - 4} of {ITEMS} items are minted; not minted: 5-8",
            "tree": tree,
        }
        assert not list((tmp_path / "audit").rglob("id.json"))

        # With its own way to the chain, and rows that are not those that were frozen.
        secret = {"rpcSecret": {"name": "rpc", "key": "urls"}}
        run = audit(tmp_path / "other", job, job.frozen, solana=secret)
        run.mount("failedMint.solana.rpcSecret/urls", net.url)
        assert await run.here() == 75
        assert run.termination["reason"] == "InputChanged"

        run = audit(tmp_path / "elsewhere", job, {**frozen, "genesis": "1" * 44})
        assert await run.here() == 64
        assert run.termination["reason"] == "GenesisMismatch"


@pytest.mark.parametrize(
    ("inputs", "solana", "reason"),
    [({}, None, "NothingSigned"), ({"wallet": "x"}, {"rpcSecret": {"name": "rpc", "key": "urls"}}, "InvalidSpec")],
)
async def test_what_cannot_be_audited(tmp_path: Path, inputs: dict[str, Any], solana: Any, reason: str) -> None:
    job = MintRuns(tmp_path / "job", Minter(), ["http://127.0.0.1:9"], 1, **({"solana": solana} if solana else {}))
    run = audit(tmp_path / "audit", job, inputs)
    assert await run.here() == 64, json.dumps(run.termination)
    assert run.termination["reason"] == reason
