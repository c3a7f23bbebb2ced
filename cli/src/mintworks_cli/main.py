"""The `mintworks` command."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from mintworks_dev.cluster.waiting import NotReadyError
from rich.console import Console

from .engine import Engine
from .localjob import LocalJob
from .localnet import PORT, development_chain, place
from .problems import BadInput, Problem
from .processes import OrphanStays
from .references import Supplies, check
from .report import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, exit_code, print_table, refusal, report
from .running import Place, check_jobs, load, take_up, work
from .show import display
from .state import StateDamaged, StateFolder, StateInUse

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Mintworks: jobs as Kubernetes resources, or here.")

#: Typer's own exit code for arguments that it does not understand.
_USAGE: Final = 2


class Output(StrEnum):
    """How the end is told."""

    TEXT = "text"
    JSON = "json"


Files = Annotated[list[str], typer.Option("--file", "-f", help="A manifest, a folder of manifests, or - (stdin).")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="PATH=VALUE over the manifests, e.g. NAME.spec.maxCost=2.")
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text, or one JSON object on stdout.")]


@app.command()
def run(
    *,
    file: Files,
    sets: Sets = None,
    state: Annotated[Path, typer.Option(help="Folder that remembers the jobs.")] = Path(".mintworks"),
    output: OutputOption = Output.TEXT,
    volume: Annotated[list[str] | None, typer.Option(help="CLAIM=DIR: the folder that stands for a claim.")] = None,
    localnet: Annotated[bool, typer.Option(help="Use the development chain; start it if none listens.")] = False,
    localnet_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it listens, unless it runs already.")
    ] = PORT,
) -> None:
    """Run the manifests' jobs on this machine, without a cluster. Run it again to go on where it was ended.

    Exit codes: 0 every job succeeded, 1 a job failed, 64 bad input, 128+N ended by signal N.
    """
    with _refusals(output):
        supplies = Supplies(load(file, sets or ()), _volumes(volume or ()))
        check_jobs(supplies.resources)
        check(supplies)
        placed = place(development_chain(localnet_port, _tell), _tell) if localnet else None
        jobs, ended_by = _run(supplies, state, output, placed)
    code = exit_code(jobs) if ended_by is None else 128 + ended_by
    if output is Output.JSON:
        _print_json(report(jobs, state.resolve(), code))
    else:
        print_table(_console(sys.stdout), jobs)
    raise typer.Exit(code)


@app.command()
def validate(
    *,
    file: Files,
    sets: Sets = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Hold manifests to the schema, without running anything. Exit code 64 where something is wrong."""
    with _refusals(output):
        resources = load(file, sets or ())
        if not resources.queues:
            check_jobs(resources)
    names = [job.manifest for job in resources.jobs.values()] + list(resources.queues.values())
    if output is Output.JSON:
        _print_json({"ok": True, "exitCode": 0, "valid": [f"{m.kind}/{m.name}" for m in names]})
    else:
        print("\n".join(f"{m.kind}/{m.name}: valid" for m in names))


@app.command(
    "localnet", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def localnet_command(context: typer.Context) -> None:
    """The development chain: `mintworks localnet start|stop|status|run`; --help tells more."""
    # Another process: importing a whole chain would double the start of every other command.
    os.execv(sys.executable, [sys.executable, "-m", "mintworks_dev.localnet", *context.args])  # noqa: S606


@app.command()
def version() -> None:
    """Print the version."""
    print(importlib.metadata.version("mintworks-cli"))


def _run(supplies: Supplies, folder: Path, output: Output, placed: Place | None) -> tuple[list[LocalJob], int | None]:
    state = StateFolder(folder)
    try:
        jobs = take_up(supplies, state, placed, datetime.now(UTC))
        shown = display(_console(sys.stderr if output is Output.JSON else sys.stdout))
        return jobs, work(Engine(jobs, supplies, state, shown), shown)
    finally:
        state.close()


def _volumes(arguments: Iterable[str]) -> dict[str, Path]:
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
def _refusals(output: Output) -> Iterator[None]:
    """Bad input ends the command with 64, whatever of this machine is in the way with 1."""
    try:
        yield
    except BadInput as error:
        _refuse(error.problems, EXIT_BAD_INPUT, output)
    except (StateInUse, StateDamaged, OrphanStays, NotReadyError, OSError) as error:
        _refuse([Problem(str(error))], EXIT_FAILED, output)


def _refuse(problems: Iterable[Problem], code: int, output: Output) -> NoReturn:
    if output is Output.JSON:
        _print_json(refusal(problems, code))
    else:
        print("\n".join(map(str, problems)), file=sys.stderr)
    raise typer.Exit(code)


def _console(stream: Any) -> Console:
    # Where nobody looks at a terminal, a table must not be folded to 80 columns.
    return Console(file=stream, width=None if stream.isatty() else 200)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=2))


def main() -> NoReturn:
    """The entry point: bad arguments are bad input too, and exit with 64."""
    try:
        app(prog_name="mintworks")
    except SystemExit as error:
        sys.exit(EXIT_BAD_INPUT if error.code == _USAGE else error.code)
    sys.exit(EXIT_DONE)
