"""The commands that look: get, describe, watch, logs, queue stats."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ..report import print_table
from ..show import display
from .arguments import Jobs, Objects, Queues, end, needed, seconds, tell
from .describe import describe as page
from .errors import CommandError, error
from .events import events_of
from .find import Object, find, one
from .get import as_table, check_format, columns, dump, nothing, whole
from .kinds import JOBS, KINDS, QUEUES
from .options import Anywhere, Format, Headers, NumbersFormat, Selector, Timeout, Where, choose
from .stats import FORMATS as NUMBERS
from .stats import columns as numbers_table
from .stats import stats as numbers
from .watching import follow


def get(
    *,
    where: Where,
    arguments: Objects = None,
    output: Format = None,
    selector: Selector = None,
    anywhere: Anywhere = False,
    no_headers: Headers = False,
) -> None:
    """List jobs and queues, with the columns of their kinds. Without a type, all of ours."""
    check_format(output)
    connection = where.connect()
    found = find(connection, choose(arguments, selector, anywhere=anywhere), KINDS, table=as_table(output))
    if output is None or as_table(output):
        text = columns(found, wide=output == "wide", namespaces=anywhere, headers=not no_headers)
    else:
        # Where nothing of what was named is there, kubectl says no more than that.
        text = "" if found.errors and not found.answers else whole(found, output)
    print(text, end="")
    if not text and not found.errors:
        tell(nothing(None if anywhere else connection.namespace))
    end(found.errors)


def describe(*, where: Where, arguments: Objects = None, selector: Selector = None, anywhere: Anywhere = False) -> None:
    """Show everything about a job or a queue: what it waits for, its runs and errors, its Events."""
    if not arguments:
        raise error("You must specify the type of resource to describe, or a name")
    connection = where.connect()
    found = find(connection, choose(arguments, selector, anywhere=anywhere), KINDS)
    now = datetime.now(UTC)
    print("\n\n".join(page(o.content, events_of(connection, o), now) for o in found.objects), end="")
    if not found.objects and not found.errors:
        tell(nothing(None if anywhere else connection.namespace))
    end(found.errors)


def watch(
    *,
    where: Where,
    arguments: Jobs = None,
    selector: Selector = None,
    anywhere: Anywhere = False,
    timeout: Timeout = "0s",
) -> None:
    """Show the progress of jobs until each has ended. Without arguments, of all that are there now.

    Exit codes: 0 all succeeded, 1 one did not, or was deleted, or the time is up.
    """

    def label(found: Object) -> str:
        name = f"{found.kind.singular}/{found.name}"
        return f"{found.namespace}/{name}" if anywhere else name

    wait = seconds(timeout)
    connection = where.connect()
    found = find(connection, choose(arguments, selector, anywhere=anywhere), JOBS)
    if found.errors:
        end(found.errors)
    if not found.objects:
        tell(nothing(None if anywhere else connection.namespace))
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    ended = follow(connection, found.objects, label, display(console), wait or None)
    print_table(console, [job for job in ended if not job.deleted])
    gone = [CommandError(f"error: {job.label} was deleted") for job in ended if job.deleted]
    end(gone, good=all(job.succeeded for job in ended))


def logs(
    *,
    where: Where,
    arguments: Jobs = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the run prints more.")] = False,
    run: Annotated[int | None, typer.Option(min=1, help="Number of the run; the newest unless given.")] = None,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the run before that.")] = False,
    tail: Annotated[int, typer.Option(help="So many lines from the end; -1: all.")] = -1,
    since: Annotated[str | None, typer.Option(help="No older than this, such as 5s, 2m or 3h.")] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="With the time of each line.")] = False,
    pod_running_timeout: Annotated[str, typer.Option(help="With -f: how long to wait for the run to start.")] = "20s",
) -> None:
    """Print what a job's run printed."""
    # The operator's names, which it uses, bring a whole HTTP client with them: a second more for every command.
    from .logs import Wanted, log  # noqa: PLC0415

    wanted = Wanted(
        run=run,
        previous=previous,
        follow=follow,
        timestamps=timestamps,
        tail=tail if tail >= 0 else None,
        since=int(seconds(since)) if since is not None else None,
    )
    patience, chosen = seconds(pod_running_timeout), choose(needed(arguments))
    connection = where.connect()
    job = one(connection, chosen, JOBS)
    for line in log(connection, job, wanted, patience):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def stats(
    *,
    where: Where,
    arguments: Queues = None,
    output: NumbersFormat = None,
    selector: Selector = None,
    anywhere: Anywhere = False,
    no_headers: Headers = False,
) -> None:
    """Show the numbers of queues: jobs by phase, what ended in a minute over the last hour, health."""
    check_format(output, NUMBERS)
    connection = where.connect()
    found = find(connection, choose(arguments, selector, anywhere=anywhere), QUEUES)
    queues = [queue.content for queue in found.objects]
    if not (output is None or as_table(output)):
        print(dump({"items": [numbers(queue) for queue in queues]}, output), end="")
    elif queues:
        now, wide = datetime.now(UTC), output == "wide"
        print(numbers_table(queues, now, wide=wide, namespaces=anywhere, headers=not no_headers), end="")
    elif not found.errors:
        tell(nothing(None if anywhere else connection.namespace))
    end(found.errors)
