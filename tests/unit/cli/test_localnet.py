"""What is said of the development chain holds in the shell of whoever reads it."""

from pathlib import Path

import pytest
from mintworks_cli.localnet import stop_command
from mintworks_dev.localnet.place import default_state


def test_the_usual_folder_needs_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert stop_command(default_state()) == "mintworks localnet stop"


def test_a_folder_by_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # `make try` sets it, and a person's own shell does not.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "my state"))
    assert stop_command(default_state()) == f"mintworks localnet stop --state '{tmp_path}/my state/mintworks/localnet'"


def test_a_relative_one_holds_in_other_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert stop_command(default_state()) == f"mintworks localnet stop --state {tmp_path}/state/mintworks/localnet"
