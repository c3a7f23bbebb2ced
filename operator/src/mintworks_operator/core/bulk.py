"""Commands for all jobs of a queue: when each was given, and which jobs it is about.

The queue's status notes the time, and every job looks there: nobody has to go through a list that a crash would cut
short. What became so after that time is left alone.
"""

from __future__ import annotations

from datetime import datetime

from mintworks_api import CLEAN, DRAIN, FINISHED, QUEUE_COMMANDS, RETRY_FAILED, BulkCommand, JobQueueStatus, Phase

from . import texts
from .actions import Emit
from .views import JobView, QueueView

_TOLD = {RETRY_FAILED: texts.RETRYING_FAILED, DRAIN: texts.DRAINING, CLEAN: texts.CLEANING}


def noted(queue: QueueView, now: datetime) -> list[BulkCommand]:
    """The last command of each name. What came with the resource is noted without a time and does nothing."""
    known = {command.name: command for command in queue.status.commands}
    first = queue.status.observed_generation is None
    for name, asked in queue.asked.items():
        if name not in known or known[name].token != asked.token:
            time = None if first and asked.at_creation else now
            known[name] = BulkCommand(name=name, token=asked.token, time=time, by=asked.by)
    return [known[name] for name in QUEUE_COMMANDS if name in known]


def announced(before: JobQueueStatus, after: JobQueueStatus) -> list[Emit]:
    """What people are told of the commands that `after` notes first: where no job is touched, nothing else tells."""
    new = [command for command in after.commands if command not in before.commands and command.time is not None]
    return [
        Emit("Normal", texts.COMMAND_ACCEPTED, texts.asked_for(f"{command.name}: {_TOLD[command.name]}", command.by))
        for command in new
    ]


def given(queue: QueueView | None, name: str) -> BulkCommand | None:
    """The queue's last command of that name."""
    return next((c for c in queue.status.commands if c.name == name), None) if queue is not None else None


def failed_before(job: JobView, command: BulkCommand) -> bool:
    """Whether the job had failed when the command was given. One that was cancelled had not."""
    return job.status.phase is Phase.FAILED and ended_before(job, command)


def ended_before(job: JobView, command: BulkCommand) -> bool:
    """Whether the job had come to its end when the command was given."""
    ended = job.status.completion_time if job.status.phase in FINISHED else None
    return _before(ended, command)


def waited_before(job: JobView, command: BulkCommand) -> bool:
    """Whether the job was there when the command was given, waits now, and did not run in between."""
    last = job.status.attempts.last if job.status.attempts is not None else []
    since = max((r.finished for r in last if r.finished is not None), default=job.created)
    idle = job.status.active is None and job.status.phase not in FINISHED
    return idle and _before(max(since, job.created), command)


def _before(moment: datetime | None, command: BulkCommand) -> bool:
    return moment is not None and command.time is not None and moment <= command.time
