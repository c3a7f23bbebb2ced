"""Coverage-guided fuzzing for as long as a test may take; `make fuzz` goes on for an hour."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(("reader", "seconds"), [("rows", 60), ("archives", 30)])
def test_any_bytes_are_content_or_findings(tmp_path: Path, reader: str, seconds: int) -> None:
    command = [sys.executable, "-m", f"fuzz.{reader}", str(seconds), str(tmp_path)]
    done = subprocess.run(command, cwd=_TESTS, check=False, capture_output=True, text=True)
    left = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(("crash", "oom", "timeout"))]
    assert (done.returncode, left) == (0, []), done.stderr[-3000:]
    executed = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None
    assert int(executed[1]) > 1000
