"""The runner's messages, folded: the last progress and all inputs of one run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mintworks_api import JobKind
from mintworks_api.status import Progress
from pydantic import ValidationError

from .times import SHORT, TEXT, clip
from .views import News

#: Longest message that is looked at, in characters; an honest runner's are much shorter.
LONGEST = 8 * 1024


def fold(kind: JobKind, news: News, run: int, messages: Iterable[str | bytes]) -> News:
    """The news with further messages (JSON texts of the runner protocol). What is not a message of that run, or has
    not its form, is passed over, and so are inputs that the kind does not have: neither a runner's slip nor whatever
    else a tenant writes may stop the operator or fill its memory.
    """
    progress, inputs = news.progress, dict(news.inputs)
    known = {f.alias or name for name, f in kind.inputs.model_fields.items()}
    for text in messages:
        message = _parsed(text)
        if message.get("run") != run:
            continue
        if message.get("type") == "progress":
            progress = _progress(message) or progress
        elif message.get("type") == "inputs" and isinstance(message.get("inputs"), dict):
            inputs |= {name: value for name, value in message["inputs"].items() if name in known}
    return News(progress, inputs)


def _parsed(text: str | bytes) -> Mapping[str, Any]:
    if len(text) > LONGEST:
        return {}
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _progress(message: Mapping[str, Any]) -> Progress | None:
    limits = {"step": SHORT, "message": TEXT}
    fields = {
        name: clip(value, limits[name]) if name in limits and isinstance(value, str) else value
        for name in ("percent", "step", "message", "items")
        if (value := message.get(name)) is not None
    }
    try:
        return Progress.model_validate(fields)
    except ValidationError:
        return None
