"""The runner's messages, folded: the last progress and all inputs of one run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mintworks_api.status import Progress
from pydantic import ValidationError

from .times import SHORT, TEXT, clip
from .views import News


def fold(news: News, run: int, messages: Iterable[str | bytes]) -> News:
    """The news with further messages (JSON texts of the runner protocol). What is not a message of that run, or has
    not its form, is passed over: a runner's slip must not stop the operator.
    """
    progress, inputs = news.progress, dict(news.inputs)
    for text in messages:
        message = _parsed(text)
        if message.get("run") != run:
            continue
        if message.get("type") == "progress":
            progress = _progress(message) or progress
        elif message.get("type") == "inputs" and isinstance(message.get("inputs"), dict):
            inputs.update(message["inputs"])
    return News(progress, inputs)


def _parsed(text: str | bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(text)
    except ValueError:
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
