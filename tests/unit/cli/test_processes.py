"""The leash: one runner a lock, never unattended; and what a killed command left is ended before anything starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mintworks_cli import processes
from mintworks_cli.processes import OrphanStays, end_orphan

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
#: A parent that starts a command on a leash, tells its id, and waits to be killed.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "mintworks_cli.leash", sys.argv[1], str(os.getpid()), *sys.argv[2:]])
print(child.pid, flush=True)
time.sleep(60)
"""


def leashed(lock: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mintworks_cli.leash", str(lock), str(os.getpid()), *(command or SLEEP)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "run.lock"


@pytest.fixture
def orphan(lock: Path) -> Iterator[subprocess.Popen[str]]:
    with leashed(lock) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


def dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z"
    except FileNotFoundError:
        return True


def test_the_command_takes_the_process_and_the_lock(lock: Path, orphan: subprocess.Popen[str]) -> None:
    assert int(lock.read_text()) == orphan.pid
    assert b"time.sleep" in Path(f"/proc/{orphan.pid}/cmdline").read_bytes()
    with leashed(lock) as second:
        assert second.wait(10) == 75


def test_an_orphan_is_ended(lock: Path, orphan: subprocess.Popen[str]) -> None:
    assert end_orphan(lock)
    assert orphan.wait(10) == -signal.SIGKILL
    assert not end_orphan(lock)


def test_a_lock_that_nobody_holds_ends_nobody(lock: Path) -> None:
    # A process id of the past may be some other process now.
    with subprocess.Popen(SLEEP) as innocent:
        lock.write_text(str(innocent.pid))
        assert not end_orphan(lock)
        assert innocent.poll() is None
        innocent.kill()
    assert not end_orphan(lock.with_name("missing"))


def test_an_orphan_that_stays_is_told(
    lock: Path, orphan: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "ORPHAN_WAIT", 0.1)
    # The holder has not written its id yet: nothing is known that could be ended.
    lock.write_text("")
    with pytest.raises(OrphanStays):
        end_orphan(lock)
    assert orphan.poll() is None


def test_it_dies_with_its_parent(lock: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(lock), *SLEEP], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "up\n"
        parent.kill()
    deadline = time.monotonic() + 10
    while not dead(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_starts_nothing_where_its_parent_is_gone(lock: Path) -> None:
    arguments = [sys.executable, "-m", "mintworks_cli.leash", str(lock), "1", *SLEEP]
    assert subprocess.run(arguments, check=False, timeout=10).returncode == 75
    assert not lock.exists()
