"""Commands: annotations by which people act on a job or a queue, each carried out once for each new value."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import GROUP, StatusModel

HOLD = f"{GROUP}/hold"
"""Like spec.suspend, for people where Git owns the spec. It lasts as long as it is there with any value but `false`."""

CANCEL = "cancel"
RETRY = "retry"
PROMOTE = "promote"

JOB_COMMANDS = (CANCEL, RETRY, PROMOTE)
"""Names of the annotations on a job, after `mintworks.dev/`, in the order in which they are carried out."""

RETRY_FAILED = "retry-failed"
CLEAN = "clean"
DRAIN = "drain"

QUEUE_COMMANDS = (RETRY_FAILED, CLEAN, DRAIN)
"""Those on a queue."""

Token = Annotated[str, Field(max_length=72)]


class JobCommands(StatusModel):
    """The values of the commands that were carried out, or that were there when the job was created."""

    cancel: Token | None = Field(None, description="Of mintworks.dev/cancel.")
    retry: Token | None = Field(None, description="Of mintworks.dev/retry.")
    promote: Token | None = Field(None, description="Of mintworks.dev/promote.")
    retry_failed: Token | None = Field(None, description="Of mintworks.dev/retry-failed on the job's queue.")
    drain: Token | None = Field(
        None,
        description="Of mintworks.dev/drain on the job's queue when the job was begun again: it is not about that.",
    )


def annotation(command: str) -> str:
    """The annotation that asks for a command."""
    return f"{GROUP}/{command}"
