"""What is left of a status that the API server refuses, so that a job is never stuck in a write. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mintworks_api import Phase

from .core import WriteStatus, texts
from .core.times import SHORT, clip

#: Where a status holds what runners told.
_TOLD = re.compile(r"status\.(errors|progress|inputs|result)\b")


def of_runner(details: Mapping[str, Any]) -> bool:
    """Whether the API server's details of a refusal name something that a runner told.

    A refusal that names nothing, or something else, is not the runner's fault: the status is written later as it is,
    because what is salvaged from a success is a failure.
    """
    causes = details.get("causes")
    fields = [str(c.get("field")) for c in causes if isinstance(c, Mapping)] if isinstance(causes, list) else []
    return any(_TOLD.match(field) for field in fields)


def salvage(write: WriteStatus, inputs: Mapping[str, Any], why: str) -> WriteStatus:
    """The status without what runners told: errors, progress, result, and inputs other than those written before.

    A success is none without its result, so it becomes a failure that says `why`.
    """
    lost = write.status.phase is Phase.SUCCEEDED
    verdicts = {texts.SUCCEEDED: "False", texts.FAILED: "True"} if lost else {}
    conditions = [
        c.model_copy(
            update={
                "status": verdicts.get(c.type, c.status),
                "reason": clip(texts.BAD_RESULT, SHORT),
                "message": clip(why),
            }
        )
        if c.type == texts.PROGRESSING or c.type in verdicts
        else c
        for c in write.status.conditions
    ]
    changes: dict[str, Any] = {"errors": [], "progress": None, "conditions": conditions}
    if lost:
        changes["phase"] = Phase.FAILED
    return replace(write, status=write.status.model_copy(update=changes), inputs=inputs, result=None)
