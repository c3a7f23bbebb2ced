"""Umi itself mints into the localnet, and what it minted is found, listed and audited like mints of our own."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.solana.tree import cheapest_size
from support import umi
from support.minting import DONE, Minter, MintRuns, rows
from support.mintworks import mintworks

FIRST, ALL = 12, 20


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    umi.install()


@pytest.mark.parametrize("public", [False, True], ids=["into a collection", "into a public tree"])
async def test_what_umi_minted_is_counted_and_the_rest_is_minted(tmp_path: Path, *, public: bool) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        told = await asyncio.to_thread(
            umi.mint, net.url, minter, cheapest_size(ALL), FIRST, in_flight=5, public=public, plain=public
        )
        assert (told.failed, told.error) == (0, "")
        tree: dict[str, Any] = {"address": told.tree} | ({"allowPublic": True} if public else {})
        job = MintRuns(tmp_path / "job", minter, [net.url], ALL, tree=tree, hurry=net)
        if public:
            del job.run.spec["collection"]

        found = await ledger(tmp_path, job, minter)
        assert found["summary"] == f"{FIRST} of {ALL} items are minted; not minted: {FIRST}-{ALL - 1}"
        assert sorted(row["nonce"] for row in found["ledger"][:FIRST]) == [*range(FIRST)]

        assert await job.here() == DONE, job.run.termination
        result = job.run.termination["result"]
        assert (result["already"], result["minted"], result["audit"]) == (FIRST, ALL - FIRST, "ok")
        await job.check(net.url)
        found = await ledger(tmp_path, job, minter)
        assert (found["minted"], [row["index"] for row in found["ledger"]]) == (ALL, [*range(ALL)])


async def ledger(folder: Path, job: MintRuns, minter: Minter) -> dict[str, Any]:
    """What `mintworks ledger` reports of the job."""
    key = base64.b64encode(json.dumps(list(bytes(minter.wallet))).encode()).decode()
    items = [
        {"apiVersion": "mintworks.dev/v1alpha1", "kind": "MintJob", "metadata": {"name": "job"}, "spec": job.run.spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}, "data": {"rows.csv": rows(job.items)}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "minter"}, "data": {"id.json": key}},
    ]
    file = folder / "jobs.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    _, report, lines = await mintworks("ledger", "-f", file)
    assert "ledger" in report, lines
    return dict(report)
