"""The CleanupJob runner against a real Kubo: what it unpins, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from mintworks_dev.ipfs import Kubo
from support.runs import Run


def call(kubo: Kubo, command: str, **request: Any) -> httpx.Response:
    return httpx.post(f"{kubo.api}/api/v0/{command}", trust_env=False, **request)


def pins(kubo: Kubo) -> set[str]:
    return set(json.loads(call(kubo, "pin/ls", params={"type": "recursive"}).text).get("Keys", {}))


@pytest.fixture
def cids(kubo: Kubo, request: pytest.FixtureRequest) -> list[str]:
    """Three files of this test, two of them pinned."""
    found = []
    for number in range(3):
        file = {"file": (f"{number}", f"{request.node.name} {number}".encode())}
        options = {"cid-version": "1", "pin": str(number != 2).lower()}
        found.append(str(call(kubo, "add", params=options, files=file).json()["Hash"]))
    return found


@pytest.fixture
def run(tmp_path: Path, kubo: Kubo, cids: list[str]) -> Run:
    spec = {"content": {"cids": cids, "storage": {"kubo": {"url": kubo.api}}}}
    return Run(tmp_path, "CleanupJob", spec, {"kept": []})


async def test_a_dry_run_is_the_default_and_unpins_nothing(run: Run, kubo: Kubo, cids: list[str]) -> None:
    assert await run.here() == 0
    assert run.termination["result"] == {
        "dryRun": True,
        "checked": 3,
        "unpinned": 2,
        "kept": 0,
        "absent": 1,
        "cids": cids[:2],
    }
    assert pins(kubo) >= set(cids[:2])


async def test_pins_go_once_and_what_others_name_stays(run: Run, kubo: Kubo, cids: list[str]) -> None:
    before = pins(kubo)
    run.spec, run.inputs = {**run.spec, "dryRun": False}, {"kept": [cids[1]]}
    assert await run.here() == 0
    counts = {"checked": 3, "unpinned": 1, "kept": 1, "absent": 1}
    assert run.termination["result"] == {**counts, "cids": [cids[0]]}
    assert pins(kubo) == before - {cids[0]}
    # Killed and run again, it finds the work done.
    assert await run.here() == 0
    assert run.termination["result"] == {**counts, "unpinned": 0, "absent": 2, "cids": []}


async def test_nothing_goes_without_the_operators_word(run: Run, kubo: Kubo, cids: list[str]) -> None:
    run.spec, run.inputs = {**run.spec, "dryRun": False}, {}
    assert await run.here() == 1
    assert run.termination["reason"] == "NothingSpared"
    assert pins(kubo) >= set(cids[:2])


async def test_a_long_list_is_cut_in_the_result(run: Run, kubo: Kubo) -> None:
    found = []
    for number in range(20):
        file = {"file": ("x", f"long {number}".encode())}
        found.append(str(call(kubo, "add", params={"cid-version": "1"}, files=file).json()["Hash"]))
    run.spec = {"content": {**run.spec["content"], "cids": found}}
    assert await run.here() == 0
    result = run.termination["result"]
    assert (result["unpinned"], result["cids"]) == (20, found[:6])
