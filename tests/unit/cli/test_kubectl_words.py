"""What `kubectl mintworks` takes and says: names of objects, errors, columns, ages."""

import json
from datetime import timedelta
from typing import Any

import pytest
from mintworks_api import JOB_KINDS
from mintworks_cli.kubectl.errors import CommandError, refusal
from mintworks_cli.kubectl.find import Answer, Found
from mintworks_cli.kubectl.get import columns
from mintworks_cli.kubectl.kinds import JOBS, KINDS, QUEUES, SUSPENDABLE, Kind, Selection, select
from mintworks_cli.kubectl.layout import elastic, human, one_line, safe, table
from support.plugin import run

MINT = JOB_KINDS["MintJob"]
METADATA = JOB_KINDS["MetadataJob"]
(QUEUE,) = QUEUES


def named(*arguments: str, allowed: tuple[Kind, ...] = KINDS) -> list[tuple[str, list[str]]]:
    return [(n.name, [kind.singular for kind in n.kinds]) for n in select(arguments, allowed).names]


# --- objects ---


def test_kinds_are_those_of_the_models() -> None:
    assert {kind.kind for kind in JOBS} == set(JOB_KINDS)
    assert {kind.kind for kind in KINDS} >= {*JOB_KINDS, "JobQueue"}
    assert [kind.plural for kind in KINDS] == sorted(kind.plural for kind in KINDS)
    assert set(SUSPENDABLE) >= set(JOBS)
    assert QUEUE not in SUSPENDABLE


@pytest.mark.parametrize(
    "word", ["mintjobs", "mintjob", "MintJob", "mj", "mintjobs.mintworks.dev", "mintjob.v1alpha1.mintworks.dev"]
)
def test_a_kind_has_many_names(word: str) -> None:
    assert select([word], KINDS).kinds == (MINT,)
    assert named(word, "a", "b") == [("a", ["mintjob"]), ("b", ["mintjob"])]
    assert named(f"{word}/a") == [("a", ["mintjob"])]


def test_what_arguments_select() -> None:
    assert select([], KINDS) == Selection(KINDS, prefixed=True)
    assert select(["mintworks"], KINDS) == Selection(KINDS, prefixed=True)
    assert select(["mj,metadatajob,mj"], KINDS) == Selection((MINT, METADATA), prefixed=True)
    assert named("genesis", allowed=(MINT, METADATA)) == [("genesis", ["mintjob", "metadatajob"])]
    assert named("mj/a", "jq/q") == [("a", ["mintjob"]), ("q", ["jobqueue"])]
    assert named("mj,mdj", "a") == [("a", ["mintjob"]), ("a", ["metadatajob"])]
    # Where a command is about one kind alone, names may be any word.
    assert named("mintjob", "jobqueue/q", allowed=QUEUES) == [("mintjob", ["jobqueue"]), ("q", ["jobqueue"])]


@pytest.mark.parametrize(
    ("arguments", "allowed", "words"),
    [
        (["pods/a"], KINDS, 'the server doesn\'t have a resource type "pods"'),
        (["mj/"], KINDS, "must have a single resource and name"),
        (["/a"], KINDS, "must have a single resource and name"),
        (["mj/a/b"], KINDS, "may not have more than one slash"),
        (["mj", "mj/a"], KINDS, "there is no need to specify a resource type as a separate argument"),
        (["jobqueue", "q"], JOBS, "not about jobqueues.mintworks.dev"),
        (["mj/a"], QUEUES, "this command is about jobqueues, not about mintjobs.mintworks.dev"),
    ],
)
def test_what_arguments_cannot_mean(arguments: list[str], allowed: tuple[Kind, ...], words: str) -> None:
    with pytest.raises(CommandError, match=r"^error: ") as caught:
        select(arguments, allowed)
    assert words in str(caught.value)


# --- errors ---


def status(reason: str, message: str = "it is so", **details: Any) -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": message, "details": details}).encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (status("Forbidden"), "Error from server (Forbidden): it is so"),
        (status(""), "Error from server: it is so"),
        (b"<html>gateway</html>", "Error from server: <html>gateway</html>"),
        (b"", "Error from server: the server answered 500"),
        (b"[1]", "Error from server: [1]"),
        (status("Unauthorized"), "error: You must be logged in to the server (Unauthorized)"),
        (status("Invalid"), "The request is invalid: it is so"),
        (
            status("Invalid", kind="MintJob", name="a", causes=[{"field": "spec", "message": "no"}]),
            'The MintJob "a" is invalid: spec: no',
        ),
        (
            status("Invalid", kind="MintJob", name="a", causes=[{"field": f, "message": "no"} for f in "xy"]),
            'The MintJob "a" is invalid: \n* x: no\n* y: no',
        ),
    ],
)
def test_refusals_in_kubectls_words(body: bytes, words: str) -> None:
    assert str(refusal(500, body)) == words


def test_what_is_missing_the_object_or_its_kind() -> None:
    gone = refusal(404, status("NotFound", name="a"))
    assert (gone.missing, gone.unserved) == (True, False)
    unserved = refusal(404, b"404 page not found")
    assert (unserved.missing, unserved.unserved) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "--what"], "error: unknown flag: --what\nSee 'kubectl mintworks get --help' for usage.\n"),
        (["get", "-o", "jsonpath"], "allowed formats are: json,name,wide,yaml\n"),
        (["queue", "stats", "-o", "name"], "allowed formats are: json,wide,yaml\n"),
        (["cancel", "a", "--timeout", "soon"], "'soon' is not a duration such as 30s, 10m, 1h30m or 7d\n"),
        (["describe"], "error: You must specify the type of resource to describe, or a name\n"),
        (["logs"], "error: You must specify a name\n"),
    ],
)
def test_bad_flags_end_as_kubectls_do(arguments: list[str], words: str) -> None:
    said = run(*arguments)
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith(words)


# --- columns ---


def test_columns_are_as_wide_as_their_cells() -> None:
    assert table([["NAME", "PHASE", "AGE"], ["a", "Running", "5m"]]) == "NAME   PHASE     AGE\na      Running   5m\n"
    # A column ends where a line has no cell in it.
    lines = [["Name:", "a"], ["Events:"], ["  Type", "Reason"], ["  Warning", "X"]]
    assert elastic(lines, 0, 2) == "Name:  a\nEvents:\n  Type     Reason\n  Warning  X\n"
    assert elastic([], 0, 2) == ""


def test_no_cell_steers_a_terminal() -> None:
    assert safe("a\x1b[31m\x07\u202eb\tü\n") == "a^[[31m^G\ufffdb\tü\n"
    assert one_line("first\nsecond") == "first..."
    assert one_line("") == ""
    assert "\x1b" not in table([["\x1b[2J"]])


TABLE = {
    "columnDefinitions": [{"name": "Name"}, {"name": "Phase"}, {"name": "Queue", "priority": 1}],
    "rows": [{"cells": ["a", None, True], "object": {"metadata": {"namespace": "demo"}}}],
}


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({}, "NAME   PHASE\na      \n"),
        ({"wide": True}, "NAME   PHASE   QUEUE\na              true\n"),
        ({"namespaces": True}, "NAMESPACE   NAME   PHASE\ndemo        a      \n"),
        ({"headers": False}, "a     \n"),
    ],
)
def test_the_servers_columns(flags: dict[str, bool], text: str) -> None:
    found = Found(Selection((MINT,)), [Answer(MINT, TABLE, False)])
    assert columns(found, **({"wide": False, "namespaces": False, "headers": True} | flags)) == text


def test_a_table_for_each_kind() -> None:
    answers = [Answer(QUEUE, TABLE, False), Answer(METADATA, {**TABLE, "rows": []}, False), Answer(MINT, TABLE, True)]
    found = Found(Selection(KINDS, prefixed=True), answers)
    assert columns(found, wide=False, namespaces=False, headers=True).splitlines() == [
        "NAME                       PHASE",
        "jobqueue.mintworks.dev/a   ",
        "",
        "NAME                      PHASE",
        "mintjob.mintworks.dev/a   ",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (119, "119s"),
        (120, "2m"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert human(timedelta(seconds=seconds)) == text
