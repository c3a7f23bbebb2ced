"""How `kubectl mintworks watch` follows jobs: what it hears, and what it shows of it."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from mintworks_api import JOB_KINDS
from mintworks_cli.kubectl.errors import NoAnswerError
from mintworks_cli.kubectl.find import Object
from mintworks_cli.kubectl.watching import Collection, News, Watched, collections, take
from mintworks_cli.report import print_table
from mintworks_cli.show import Bars, Lines
from rich.console import Console

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MINT, METADATA = JOB_KINDS["MintJob"], JOB_KINDS["MetadataJob"]


def content(name: str, namespace: str = "demo", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"}, "status": status}


def job(name: str, namespace: str = "demo", **status: Any) -> Watched:
    return Watched(Object(MINT, content(name, namespace, **status)), f"mintjob/{name}")


def test_a_watch_for_each_kind_and_namespace_and_for_one_job_alone() -> None:
    two = [Object(MINT, content("a")), Object(MINT, content("b"))]
    found = collections([*two, Object(MINT, content("a", "other")), Object(METADATA, content("a"))])
    assert [(c.kind.kind, c.namespace, c.query) for c in found] == [
        ("MintJob", "demo", {}),
        ("MintJob", "other", {"fieldSelector": "metadata.name=a"}),
        ("MetadataJob", "demo", {"fieldSelector": "metadata.name=a"}),
    ]


@pytest.mark.parametrize(
    ("phase", "ended", "succeeded"),
    [(None, False, False), ("Running", False, False), ("Succeeded", True, True), ("Cancelled", True, False)],
)
def test_when_a_job_has_ended(phase: str | None, ended: bool, succeeded: bool) -> None:
    watched = job("a", **({} if phase is None else {"phase": phase}))
    assert (watched.ended, watched.succeeded, watched.alive) == (ended, succeeded, phase == "Running")
    watched.deleted = True
    assert (watched.ended, watched.succeeded, watched.alive) == (True, False, False)


def test_a_status_that_cannot_be_read_is_none() -> None:
    assert job("a", phase="Thinking").status.phase is None


def test_what_is_heard_of_jobs() -> None:
    watched = {w.found.uid: w for w in (job("a"), job("b"), job("a", "other"))}
    take(watched, News([content("a", phase="Running"), content("stranger", phase="Failed")]))
    assert [w.status.phase for w in watched.values()] == ["Running", None, None]
    take(watched, News(deleted="demo-nobody"))
    # A list of what is there tells which are gone: of that kind, in that namespace.
    take(watched, News(there=frozenset({"demo-a"}), collection=Collection(MINT, "demo", None)))
    assert [w.deleted for w in watched.values()] == [False, True, False]
    take(watched, News(deleted="demo-a"))
    assert watched["demo-a"].deleted
    with pytest.raises(NoAnswerError):
        take(watched, News(problem=NoAnswerError("away")))


def test_it_is_shown_without_what_steers_a_terminal() -> None:
    progress = {"percent": 60, "summary": "60/100", "step": "mint", "message": "\x1b]0;owned\x07 slot 7"}
    running = job("a", phase="Running", progress=progress)
    ended = job("b", phase="Succeeded", result={"tree": "t\x1b[2J"}, attempts={"summary": "1/5"})
    lines = io.StringIO()
    with Lines(Console(file=lines, width=200)) as display:
        display.show([running, ended], NOW)
    assert lines.getvalue() == "mintjob/a: Running 60% 60/100  mint: ^[]0;owned^G slot 7\n"
    bars = io.StringIO()
    console = Console(file=bars, force_terminal=True, color_system=None, width=200)
    with Bars(console) as display:
        display.show([running, ended], NOW)
    assert "60/100" in bars.getvalue()
    assert "\x1b]0" not in bars.getvalue()
    table = io.StringIO()
    print_table(Console(file=table, width=200), [ended])
    assert [line.split() for line in table.getvalue().splitlines()] == [
        ["JOB", "PHASE", "ATTEMPT", "RESULT"],
        ["mintjob/b", "Succeeded", "1/5", "tree:", "t^[[2J"],
    ]
