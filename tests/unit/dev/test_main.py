"""A part's failure is a line for a person, not a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from mintworks_dev import __main__ as entry

FAILURES = {
    "RuntimeError('no Docker')": "no Docker",
    "httpx.ReadTimeout('timed out')": "timed out",
    "httpx.ReadError('')": "ReadError",
    "httpx.HTTPStatusError('500', request=None, response=None)": "500",
    "subprocess.TimeoutExpired(['kubectl', 'get'], 120)": "timed out after 120 seconds",
}


@pytest.mark.parametrize(("raised", "said"), FAILURES.items())
def test_what_a_part_cannot_do_is_said_in_a_line(
    raised: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = f"failing_part_{list(FAILURES).index(raised)}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / "__main__.py").write_text(
        f"import subprocess\nimport httpx\n\n\ndef main(argv):\n    raise {raised}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(entry.PARTS, "failing", (package, ""))
    assert entry.main(["failing"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("failing: ")
    assert said in error
