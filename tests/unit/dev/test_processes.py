from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from mintworks_dev.cluster.processes import Parts, Process, state, stop, wait_gone
from mintworks_dev.cluster.waiting import NotReadyError, until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"

# Its first thread ends, by the system call exit, while another goes on and holds what the process holds.
HEADLESS = """
import ctypes, platform, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print("headless", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "parts", tmp_path / "logs")


def test_a_part_runs_until_it_is_stopped(parts: Parts) -> None:
    process = parts.start("sleeper", ["sleep", "60"])
    assert process.alive
    assert parts.get("sleeper") == process
    assert parts.obituary() == ""
    parts.stop("sleeper")
    assert not process.alive
    assert parts.names() == []


def test_another_command_finds_the_part_again(parts: Parts, tmp_path: Path) -> None:
    process = parts.start("sleeper", ["sleep", "60"])
    later = Parts(tmp_path / "parts", tmp_path / "logs")
    assert later.get("sleeper") == process
    later.stop("sleeper")
    assert not process.alive


def test_a_process_that_has_the_id_by_chance_is_left_alone(parts: Parts) -> None:
    process = parts.start("sleeper", ["sleep", "60"])
    stranger = Process(process.pid, process.started + 1)
    assert not stranger.alive
    stranger.send(signal.SIGKILL)
    assert process.alive
    parts.stop("sleeper")


def test_who_does_not_listen_is_killed(parts: Parts) -> None:
    process = parts.start("deaf", [sys.executable, "-c", DEAF])
    until(lambda: "deaf" in parts.tail("deaf"), "the deaf one", 10)
    stop([process], timeout=0.2)
    assert not process.alive


def test_who_has_a_thread_left_is_not_gone(parts: Parts) -> None:
    process = parts.start("headless", [sys.executable, "-c", HEADLESS])
    until(lambda: state(process.pid) == "Z", "the end of its first thread", 10)
    assert process.alive
    parts.stop("headless")
    assert not process.alive


def test_the_obituary_names_who_died_and_its_last_words(parts: Parts) -> None:
    process = parts.start("dying", ["sh", "-c", "echo farewell >&2; exit 3"])
    until(lambda: not process.alive, "the end", 10)
    assert parts.obituary() == "dying ended:\nfarewell"


def test_the_obituary_is_of_this_start_and_not_of_an_earlier_one(parts: Parts) -> None:
    for words in ("echo yesterday", "exit 3"):
        assert wait_gone([parts.start("dying", ["sh", "-c", words])], 10) == []
    assert parts.obituary() == "dying ended:\n"


def test_waiting_ends_when_it_has_become_pointless() -> None:
    with pytest.raises(NotReadyError, match="the node: it died"):
        until(lambda: False, "the node", 60, broken=lambda: "it died")


def test_waiting_has_a_bound() -> None:
    with pytest.raises(NotReadyError, match=r"the node: not ready after 0\.1 s"):
        until(lambda: False, "the node", 0.1)
