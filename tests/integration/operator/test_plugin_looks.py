"""What `kubectl mintworks` shows of jobs under way: describe, watch, logs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.gate import Gate, choice
from support.kubelet import Kubelet
from support.plugin import Plugin
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Launcher

JOB = "MetadataJob"


@contextmanager
def begun(plugin: Plugin, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that has shown its first line."""
    process = plugin.start(*arguments)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("metadatajob/")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_described(space: Kubelet, plugin: Plugin) -> None:
    space.apply(JOB, "a", {**METADATA, "maxAttempts": 1})
    space.end("a", 1, 64, {"reason": "RowsInvalid", "message": "row 3: \x1b[31mbad\x1b[0m"})
    space.phase(JOB, "a", "Failed")
    eventually("the Event", lambda: space.events("a"))
    page = plugin.done("describe", "mdj", "a")
    assert page.lines[:2] == ["Name:          a", f"Namespace:     {space.namespace}"]
    for words in (
        "Phase:         Failed",
        "Attempts:      1/1 (0 stalled)",
        "Conditions:",
        "Runs:",
        "Spec:",
        "Events:",
    ):
        assert any(line.startswith(words) for line in page.lines), words
    (run,) = [line for line in page.lines if line.startswith("  1 ")]
    assert run.split()[1] == "Failed"
    assert "RowsInvalid" in run
    assert "\x1b" not in page.out
    assert any(line.split()[:2] == ["Warning", "RowsInvalid"] for line in page.lines)

    queue = plugin.done("describe", "jobqueue/default").out
    assert "Kind:         JobQueue\n" in queue
    assert "Concurrency" not in queue.partition("Status:")[0]
    both = plugin.done("describe", "mintworks").out
    assert both.count("API Version:") == 2
    nobody = plugin("describe", "mdj", "nobody")
    missing = 'Error from server (NotFound): metadatajobs.mintworks.dev "nobody" not found\n'
    assert (nobody.code, nobody.out, nobody.err) == (1, "", missing)


def test_watched_to_the_end(space: Kubelet, plugin: Plugin) -> None:
    for name in ("a", "b"):
        space.apply(JOB, name, METADATA)
        space.start(name, 1)
        space.phase(JOB, name, "Running")
    slow = plugin("watch", "a", "--timeout", "1s")
    assert (slow.code, slow.err) == (1, "error: timed out waiting for metadatajob/a\n")
    with begun(plugin, "watch") as process:
        space.end("a", 1, 0, {"result": RESULT})
        space.phase(JOB, "a", "Succeeded")
        space.end("b", 1, 64, {"reason": "RowsInvalid", "message": "row 3: nothing is right"})
        shown, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (1, "")
    ends = {line.split()[0]: line.split()[1] for line in shown.splitlines() if line.startswith("metadatajob/")}
    assert {name: ends.get(name) for name in ("metadatajob/a", "metadatajob/b")} == {
        "metadatajob/a": "Succeeded",
        "metadatajob/b": "Failed",
    }
    assert "row 3: nothing is right" in shown
    assert plugin.done("watch", "mdj/a").lines[0].split() == ["JOB", "PHASE", "ATTEMPT", "RESULT"]
    assert plugin("watch", "metadatajobs").code == 1


def test_a_watch_outlives_its_connections(
    space: Kubelet, launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mintworks_cli.kubectl.connection.WATCH", 1)
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    asked = choice("GET", "metadatajobs")
    with Gate(launcher.plane.kubeconfig, tmp_path) as gate, ThreadPoolExecutor() as pool:
        plugin = Plugin(gate.kubeconfig, space.namespace)
        watched = pool.submit(plugin, "watch", "mdj/a", "--timeout", "2m")
        eventually("it lists and watches again", lambda: gate.count(asked) >= 5)
        gate.refuse(asked, 503)
        seen = gate.count(asked)
        eventually("it tries again", lambda: gate.count(asked) >= seen + 2)
        gate.relent()
        space.end("a", 1, 0, {"result": RESULT})
        found = watched.result(60)
    assert (found.code, found.err) == (0, "")
    assert any(line.split()[:2] == ["metadatajob/a", "Succeeded"] for line in found.lines)


def test_watched_and_deleted(space: Kubelet, plugin: Plugin) -> None:
    space.apply(JOB, "a", {**METADATA, "suspend": True})
    space.phase(JOB, "a", "Suspended")
    with begun(plugin, "watch", "mdj/a") as process:
        space.delete(JOB, "a")
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (1, "error: metadatajob/a was deleted\n")


def test_logs_that_are_not_there(space: Kubelet, plugin: Plugin) -> None:
    space.apply(JOB, "a", {**METADATA, "suspend": True})
    space.phase(JOB, "a", "Suspended")
    named = 'metadatajobs.mintworks.dev "a"'
    assert plugin("logs", "a").err.startswith(f"error: {named} has no run yet (Suspended: ")
    space.change(JOB, "a", {"suspend": None})
    space.start("a", 1)
    space.phase(JOB, "a", "Running")
    assert plugin("logs", "a", "--run", "7").err == f"error: {named} has no run 7: the last one is 1\n"
    assert plugin("logs", "a", "--previous").err == f"error: {named} has no earlier run" + "\n"
