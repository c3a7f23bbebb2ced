"""A minute of coverage-guided fuzzing; `make fuzz` goes on for an hour."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SECONDS = 60
_TESTS = Path(__file__).parents[2]


def test_any_bytes_are_rows_or_findings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz.rows", str(SECONDS), str(tmp_path)]
    done = subprocess.run(command, cwd=_TESTS, check=False, capture_output=True, text=True)
    left = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(("crash", "oom", "timeout"))]
    assert (done.returncode, left) == (0, []), done.stderr[-3000:]
    executed = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None
    assert int(executed[1]) > 1000
