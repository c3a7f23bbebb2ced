"""Warnings: what is odd about rows that are right; and that a job with warnings succeeds and says them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mintworks_runners.core.errors import Findings
from mintworks_runners.metadata.consistency import VALUES, Consistency
from mintworks_runners.metadata.rows import read_rows
from mintworks_runners.metadata.text import TextFile
from support.runs import Run
from support.specs import METADATA


def warnings(tmp_path: Path, content: str) -> list[tuple[str, int | None, str | None]]:
    path = tmp_path / "rows"
    path.write_text(content)
    consistency = Consistency("rows")
    for _ in read_rows(TextFile(path, "rows"), findings=Findings(), images=False, consistency=consistency):
        pass
    found = consistency.close()
    assert all(one.message and one.field == "rows" for one in found.kept)
    return [(one.reason, one.row, one.column) for one in found.kept]


def table(rows: int, **others: str) -> str:
    """Rows that nothing is odd about, but those whose text is given by their number."""
    lines = [others.get(f"r{number}", f"Item {number},{number}.png,red") for number in range(rows)]
    return "\n".join(["name,image_filename,Colour", *lines])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (table(200), []),
        (table(200, r7="Item 3,7.png,red"), [("RepeatedName", 9, "name")]),
        (table(200, r7="Item 7,3.png,red", r9="Item 9,3.png,red"), [("RepeatedImage", 9, "image_filename")]),
        (table(200, r7="Item 7,7.xcf,red"), [("UnknownType", 9, "image_filename")]),
        (table(200, r7="Item 7,7.png,Red", r8="Item 8,8.png,re  d"), [("TwoSpellings", None, "Colour")]),
        (table(200, r7="Item 7,7.png,"), [("RareGap", None, "Colour")]),
        # Missing in one row of fifty or more often, it is meant.
        (table(50, r7="Item 7,7.png,"), []),
        ('{"name": "A", "Level": 3}\n{"name": "B", "Level": "four"}\n', [("MixedTypes", None, "Level")]),
        # Past so many values nobody asks for their spelling.
        ("name,C\n" + "".join(f"N{n},v{n}\n" for n in range(VALUES + 1)) + "x,V0\n", []),
    ],
)
def test_what_is_odd(tmp_path: Path, content: str, expected: list[tuple[str, int | None, str | None]]) -> None:
    assert warnings(tmp_path, content) == expected


async def test_a_job_with_warnings_succeeds_and_says_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(tmp_path, "MetadataJob", {**METADATA, "storage": None})
    run.mount("rows/rows.csv", table(3, r2="Item 0,2.png,Red"))
    with caplog.at_level(logging.WARNING):
        assert await run.here() == 0
    assert run.termination["result"]["warnings"] == 2
    assert run.messages[-1]["message"].endswith("; 2 warnings in the log")
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == [
        "RepeatedName: rows, row 4, column name: 1 row has the name of an earlier row",
        "TwoSpellings: rows, column Colour: 'red' and 'Red' are two values",
    ]
