"""The `mintworks` command."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from .engine import Engine
from .estimate import estimate, print_estimate
from .kubectl.app import register
from .kubectl.options import KubectlCommand, Where, flat
from .localjob import LocalJob
from .localnet import development_chain, place
from .making import collection_app, tree_app
from .options import (
    DEFAULT_PORT,
    Files,
    LocalnetPort,
    OnLocalnet,
    Output,
    OutputOption,
    Sets,
    Volumes,
    print_whole,
    refusals,
    refuse,
    tell,
    volumes,
)
from .problems import BadInput, Problem
from .references import Supplies, check
from .report import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, exit_code, print_logs, print_table, report
from .running import Place, check_jobs, load, take_up, work
from .show import display
from .state import StateFolder
from .webhooksecret import webhook_secret

app = typer.Typer(no_args_is_help=True)

PROGRAM: Final = "mintworks"

#: Typer's own exit code for arguments that it does not understand.
_USAGE: Final = 2


@app.callback()
@flat
def program(*, where: Where) -> None:
    """Mintworks: jobs as Kubernetes resources, or here."""
    # Flags before the command's name; the commands about a cluster find them in their context.
    del where


register(app)
app.add_typer(tree_app, name="tree")
app.add_typer(collection_app, name="collection")
app.command("webhook-secret", cls=KubectlCommand)(flat(webhook_secret))


@app.command()
def run(
    *,
    file: Files,
    sets: Sets = None,
    state: Annotated[Path, typer.Option(help="Folder that remembers the jobs.")] = Path(".mintworks"),
    output: OutputOption = Output.TEXT,
    volume: Volumes = None,
    localnet: OnLocalnet = False,
    localnet_port: LocalnetPort = DEFAULT_PORT,
) -> None:
    """Run the manifests' jobs on this machine, without a cluster. Run it again to go on where it was ended.

    Exit codes: 0 every job succeeded, 1 a job failed, 64 bad input, 128+N ended by signal N.
    """
    with refusals(output):
        supplies = Supplies(load(file, sets or ()), volumes(volume or ()))
        check_jobs(supplies.resources)
        check(supplies)
        placed = place(development_chain(localnet_port, tell), tell) if localnet else None
        jobs, ended_by = _run(supplies, state, output, placed)
    code = exit_code(jobs) if ended_by is None else 128 + ended_by
    if output.whole:
        print_whole(report(jobs, state.resolve(), code), output)
    else:
        print_table(_console(sys.stdout), jobs)
        print_logs(_console(sys.stdout), jobs)
    raise typer.Exit(code)


@app.command("estimate")
def estimate_command(
    *,
    file: Files,
    sets: Sets = None,
    output: OutputOption = Output.TEXT,
    volume: Volumes = None,
    localnet: OnLocalnet = False,
    localnet_port: LocalnetPort = DEFAULT_PORT,
) -> None:
    """Tell what the manifests' jobs will cost and how long they will take. Nothing is signed, and nothing is kept.

    Exit codes: 0 estimated, 1 not to be estimated now, 64 bad input, 128+N ended by signal N.
    """
    with refusals(output):
        supplies = Supplies(load(file, sets or ()), volumes(volume or ()))
        check_jobs(supplies.resources)
        check(supplies)
        placed = place(development_chain(localnet_port, tell), tell) if localnet else None
        jobs, told = estimate(supplies, placed, display(_console(sys.stderr)))
    if output.whole:
        print_whole(told, output)
    else:
        print_estimate(_console(sys.stdout), jobs)
    raise typer.Exit(told["exitCode"])


@app.command()
def validate(
    *,
    file: Files,
    sets: Sets = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Hold manifests to the schema, without running anything. Exit code 64 where something is wrong."""
    with refusals(output):
        resources = load(file, sets or ())
        if not resources.queues:
            check_jobs(resources)
    names = [job.manifest for job in resources.jobs.values()] + list(resources.queues.values())
    if output.whole:
        print_whole({"ok": True, "exitCode": 0, "valid": [f"{m.kind}/{m.name}" for m in names]}, output)
    else:
        print("\n".join(f"{m.kind}/{m.name}: valid" for m in names))


@app.command()
def ledger(
    *,
    file: Files,
    sets: Sets = None,
    job: Annotated[str | None, typer.Option(help="Which MintJob, where the manifests hold several.")] = None,
    wallet: Annotated[str | None, typer.Option(help="The wallet's address, where its Secret is not at hand.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="csv, or one JSON object.")] = "csv",
    volume: Volumes = None,
    localnet: OnLocalnet = False,
    localnet_port: LocalnetPort = DEFAULT_PORT,
) -> None:
    """What became of every item of a MintJob, read from the chain alone: no cluster, no signature, no key.

    Exit codes: 0 every item is minted, 1 some are not, 64 bad input, 75 the chain cannot be read now.
    """
    from .ledger import Format, LedgerStopped, rebuild  # noqa: PLC0415 - see there

    shown = Output.JSON if output == "json" else Output.TEXT
    with refusals(shown):
        if output not in list(Format):
            raise BadInput([Problem("csv or json is expected", field="--output")])
        supplies = Supplies(load(file, sets or ()), volumes(volume or ()))
        placed = place(development_chain(localnet_port, tell), tell) if localnet else None
        try:
            done = rebuild(supplies, job, wallet, placed, Format(output))
        except LedgerStopped as error:
            refuse(error.problems, error.code, shown)
    raise typer.Exit(EXIT_DONE if done else EXIT_FAILED)


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
        shown = display(_console(sys.stderr if output.whole else sys.stdout))
        return jobs, work(Engine(jobs, supplies, state, shown), shown)
    finally:
        state.close()


def _console(stream: Any) -> Console:
    # Where nobody looks at a terminal, a table must not be folded to 80 columns.
    return Console(file=stream, width=None if stream.isatty() else 200)


def main() -> NoReturn:
    """The entry point: bad arguments are bad input too, and exit with 64; as a plugin of kubectl with 1, as kubectl."""
    plugin = Path(sys.argv[0]).name.startswith("kubectl-")
    try:
        app(prog_name=f"kubectl {PROGRAM}" if plugin else PROGRAM)
    except SystemExit as error:
        bad = EXIT_FAILED if plugin else EXIT_BAD_INPUT
        sys.exit(bad if error.code == _USAGE else error.code)
    sys.exit(EXIT_DONE)
