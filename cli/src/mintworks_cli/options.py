"""What several commands have in common: their options, and how they refuse."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from mintworks_dev.cluster.waiting import NotReadyError

from .localnet import PORT
from .problems import BadInput, Problem
from .processes import OrphanStays
from .report import EXIT_BAD_INPUT, EXIT_FAILED, refusal
from .state import StateDamaged, StateInUse


class Output(StrEnum):
    """How the end is told."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"

    @property
    def whole(self) -> bool:
        """Whether stdout is one object, for machines."""
        return self is not Output.TEXT


Files = Annotated[list[str], typer.Option("--file", "-f", help="A manifest, a folder of manifests, or - (stdin).")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="PATH=VALUE over the manifests, e.g. NAME.spec.maxCost=2.")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text, or one object on stdout.")]
Volumes = Annotated[list[str] | None, typer.Option(help="CLAIM=DIR: the folder that stands for a claim.")]
OnLocalnet = Annotated[bool, typer.Option("--localnet", help="Use the development chain; start it if none listens.")]
LocalnetPort = Annotated[int, typer.Option(min=0, max=65535, help="Where it listens, unless it runs already.")]
DEFAULT_PORT = PORT


def volumes(arguments: Iterable[str]) -> dict[str, Path]:
    """Claim to folder, from --volume.

    Raises:
        BadInput: another form, or no such folder.
    """
    found, problems = dict[str, Path](), list[Problem]()
    for text in arguments:
        claim, separator, folder = text.partition("=")
        if not (claim and separator and Path(folder).is_dir()):
            problems.append(Problem("expected CLAIM=DIR with a folder that exists", field=f"--volume {text}"))
        found[claim] = Path(folder)
    if problems:
        raise BadInput(problems)
    return found


@contextmanager
def refusals(output: Output) -> Iterator[None]:
    """Bad input ends the command with 64, whatever of this machine is in the way with 1."""
    try:
        yield
    except BadInput as error:
        refuse(error.problems, EXIT_BAD_INPUT, output)
    except (StateInUse, StateDamaged, OrphanStays, NotReadyError, OSError) as error:
        refuse([Problem(str(error))], EXIT_FAILED, output)


def refuse(problems: Iterable[Problem], code: int, output: Output) -> NoReturn:
    """Ends the command with this code and says why."""
    if output.whole:
        print_whole(refusal(problems, code), output)
    else:
        print("\n".join(map(str, problems)), file=sys.stderr)
    raise typer.Exit(code)


def tell(text: str) -> None:
    """Says something beside the result."""
    print(text, file=sys.stderr, flush=True)


def print_whole(content: dict[str, Any], output: Output) -> None:
    """The result as one object."""
    if output is Output.YAML:
        print(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10**6), end="")
    else:
        print(json.dumps(content, ensure_ascii=False, indent=2))
