"""-f: which files are read, and what is said of those that cannot be."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mintworks_cli.problems import BadInput
from mintworks_cli.sources import read


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who is not root, since root reads everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def refusals(*names: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read(names)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_brings_its_own_manifests(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.json", "c.yml", "d.txt", "sub/e.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[1]")
    assert [Path(d.file).name for d in read([str(tmp_path)])] == ["a.json", "b.yaml", "c.yml"]


def test_a_name_that_is_empty_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    monkeypatch.chdir(tmp_path)
    assert refusals("") == ["-f: a name is expected, of a file or a folder, or - (stdin)"]


def test_what_cannot_be_read_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut" / "a.yaml").write_text("a: 1")
    (tmp_path / "shut.yaml").write_text("a: 1")
    # Relative names: nobody may not even enter the folders above.
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    (tmp_path / "shut").chmod(0o444)
    with nobody():
        assert refusals("shut", "shut/a.yaml") == ["shut/a.yaml: Permission denied"] * 2
    for name in ("shut", "shut.yaml"):
        (tmp_path / name).chmod(0)
    try:
        with nobody():
            assert refusals("shut", "shut/a.yaml", "shut.yaml", "none.yaml") == [
                "shut: Permission denied",
                "shut/a.yaml: Permission denied",
                "shut.yaml: Permission denied",
                "none.yaml: No such file or directory",
            ]
    finally:
        (tmp_path / "shut").chmod(0o700)
    assert refusals("x" * 300) == [f"{'x' * 300}: File name too long"]


def test_stdin_is_utf_8_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("﻿a: ü".encode()), encoding="ascii"))
    assert [d.content for d in read(["-"])] == [{"a": "ü"}]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: \xff"), encoding="latin-1"))
    assert refusals("-") == ["<stdin>: not UTF-8"]
