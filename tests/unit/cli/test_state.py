"""The state folder's files: whole they come back as they were, and damaged ones are named."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mintworks_api import JobStatus, Phase
from mintworks_cli.state import JobFolder, JobRecord, StateDamaged
from mintworks_operator.core import Failure, RunState, RunView

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORD = JobRecord("u", NOW, {"a": 1}, {"a": 2}, {"rows": "0"}, 3, JobStatus(phase=Phase.RUNNING), {"items": 1}, None)
RUN = RunView(1, RunState.FAILED, Failure.STOPPED, NOW, NOW, termination={"reason": "Stopped"}, message="m")
#: What a disk that was full, a hand, or another version can leave.
DAMAGES = [b"", b'{"uid": "u", "sta', b"[]", b"{}", b"\xff", b"\x00" * 64, b"[" * 100_000]


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "job")
    folder.save(RECORD)
    folder.run(1).root.mkdir(parents=True)
    folder.note_end(RUN)
    return folder


def test_what_was_saved_comes_back(folder: JobFolder) -> None:
    assert folder.load() == RECORD
    assert folder.runs() == [1]
    assert folder.ended(1) == RUN


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    assert (folder.load(), folder.runs(), folder.ended(1)) == (None, [], None)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: repr(damage[:8]))
def test_a_damaged_file_is_named(folder: JobFolder, damage: bytes) -> None:
    for path, read in (
        (folder.root / "job.json", folder.load),
        (folder.run(1).root / "run.json", lambda: folder.ended(1)),
    ):
        path.write_bytes(damage)
        with pytest.raises(StateDamaged) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("field", "value"), [("created", "soon"), ("created", 5), ("status", {"phase": "Odd"})])
def test_a_field_that_does_not_fit_is_damage(folder: JobFolder, field: str, value: object) -> None:
    (folder.root / "job.json").write_text(json.dumps(RECORD.wire() | {field: value}))
    with pytest.raises(StateDamaged):
        folder.load()
