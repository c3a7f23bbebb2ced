"""Small computations with times and texts. The clock is always an argument."""

from __future__ import annotations

from datetime import datetime

TEXT = 1024
SHORT = 128


def seconds(moment: datetime) -> datetime:
    """The moment without its fraction of a second, as Kubernetes writes times."""
    return moment.replace(microsecond=0)


def clip(text: str, limit: int = TEXT) -> str:
    """The text, cut to what a status field may hold; a cut shows as an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
