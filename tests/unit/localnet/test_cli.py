"""The arguments of `localnet`: what cannot be is refused with exit code 64."""

import pytest
from mintworks_dev.localnet.cli import main


@pytest.mark.parametrize("command", ["run", "start"])
@pytest.mark.parametrize("option", ["--port", "--twin-port"])
@pytest.mark.parametrize("port", ["99999", "-1", "x"])
def test_a_port_that_is_none(command: str, option: str, port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, f"{option}={port}"]) == 64
    assert f"argument {option}: {port!r} is no port: 0 to 65535" in capsys.readouterr().err
