"""A table of rows that people, spreadsheets and programs get wrong: each ends in one clear message, or is carried
unharmed into its document; never a traceback, and the memory stays bounded.
"""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from mintworks_runners.core.reasons import TABLE
from mintworks_runners.ipfs.blocks import RAW
from mintworks_runners.ipfs.car import read_blocks
from support.badrows import BAD, CARRIED
from support.runs import Run
from support.specs import METADATA

MEMORY = 96 << 20
"""Bytes that a file of bad rows may take at most, whatever its size."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, "MetadataJob", {**METADATA, "storage": None})


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_file_ends_in_one_clear_message(run: Run, case: str) -> None:
    content, reason, said = BAD[case]
    run.mount("rows/rows.csv", content)
    tracemalloc.start()
    try:
        assert await run.here() == 64
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    told = run.termination
    assert told["reason"] == reason
    assert said in " ".join([told["message"], *(error["message"] for error in told["errors"])])
    assert told["message"].endswith(TABLE[reason].todo)
    assert "Traceback" not in told["message"]
    assert all(error["field"].startswith("rows") for error in told["errors"])


@pytest.mark.parametrize("case", CARRIED)
async def test_what_is_odd_but_right_is_carried_unharmed(run: Run, case: str) -> None:
    content, holds = CARRIED[case]
    run.mount("rows/rows.csv", content)
    assert await run.here() == 0
    (car,) = (run.root / "state" / "cars").iterdir()
    (document,) = (json.loads(block) for cid, block in read_blocks(car) if cid.startswith(RAW))
    assert holds(document), document


def test_the_table_is_long_enough() -> None:
    assert len(BAD) >= 60
