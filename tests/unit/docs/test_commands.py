"""Commands and tests that the documentation names exist: the CLI's own parsers read the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from mintworks_cli.main import app
from mintworks_dev.localnet import cli as localnet
from typer._click.exceptions import UsageError  # typer brings a click of its own
from typer.core import TyperCommand, TyperGroup

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("charts/*/*.md"), *ROOT.glob("examples/*/*.md")]
)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    \S.*\n)+", re.MULTILINE)
INLINE = re.compile(r"`(?:kubectl )?((?:build/venv/bin/)?mintworks [^`]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)?)`((?:, `::\w+`)*)")


def commands(text: str) -> Iterator[list[str]]:
    """Every `mintworks` command of a page's blocks, as words; what a shell would do with the rest is left out."""
    for block in [*BLOCK.findall(text), *INDENTED.findall(text)]:
        for line in block.replace("\\\n", " ").splitlines():
            yield from _of_line(line)


def _of_line(line: str) -> Iterator[list[str]]:
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return
    ends = [place for place, word in enumerate(words) if set(word) <= set("|;&<>")]
    for start, end in zip([-1, *ends], [*ends, len(words)], strict=True):
        command = words[start + 1 : end]
        # A redirection's target is a command of its own by this; it does not begin like ours.
        if command[:2] == ["kubectl", "mintworks"]:
            yield command[2:]
        elif command and "=" not in command[0] and Path(command[0]).name == "mintworks":
            yield command[1:]


def command_of(words: list[str]) -> tuple[TyperCommand | TyperGroup, list[str]]:
    """The command that words name, and the words that are left. UsageError where there is none."""
    command: Any = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        if not words or words[0] not in command.commands:
            raise UsageError(f"no such command: {words[:1]}")
        command, words = command.commands[words[0]], words[1:]
    return command, words


def parse(words: list[str]) -> None:
    """Reads a command as the CLI would, and runs nothing. UsageError; SystemExit by the localnet's parser."""
    if words[:1] == ["localnet"]:
        localnet.parser().parse_args(words[1:])
        return
    command, rest = command_of(words)
    command.make_context("mintworks", rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_are_read_by_the_cli(page: Path) -> None:
    for words in commands(page.read_text()):
        parse(words)


def test_there_are_commands_of_each_kind() -> None:
    found = [words for page in PAGES for words in commands(page.read_text())]
    assert {words[0] for words in found} >= {"run", "estimate", "validate", "ledger", "tree", "collection", "localnet"}
    assert {words[0] for words in found} >= {"get", "describe", "watch", "logs", "retry", "cancel", "hold", "queue"}


def test_what_is_wrong_is_seen() -> None:
    good = "```sh\nmintworks validate -f x   # a comment\nmintworks ledger -f x > ledger.csv\n```\n"
    assert list(commands(good)) == [["validate", "-f", "x"], ["ledger", "-f", "x"]]
    bad: list[list[str]] = [["run"], ["run", "-f", "x", "--dry"], ["mint"], ["tree"], ["tree", "make"], []]
    for words in bad:
        with pytest.raises(UsageError):
            parse(words)


def test_commands_named_in_sentences_exist() -> None:
    """Their options may be cut short there (`-f …`), but not invented."""
    named = {command for page in PAGES for command in INLINE.findall(page.read_text())}
    assert len(named) > 8
    for text in named:
        command, words = command_of(text.split()[1:])
        if command.name != "localnet":
            known = {"--help", *(option for parameter in command.params for option in parameter.opts)}
            assert {word for word in words if word.startswith("-")} <= known, text


def test_tests_that_pages_name_exist() -> None:
    named = 0
    for page in PAGES:
        for file, first, more in TEST.findall(page.read_text()):
            code = (ROOT / file).read_text()
            for function in re.findall(r"::(\w+)", first + more):
                assert re.search(rf"^(?:async )?def {function}\(", code, re.MULTILINE), (page.name, file, function)
                named += 1
    assert named > 50
