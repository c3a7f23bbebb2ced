"""Small computations with times and texts. The clock is always an argument."""

from __future__ import annotations

from datetime import datetime

TEXT = 1024
SHORT = 128


def seconds(moment: datetime) -> datetime:
    """The moment without its fraction of a second, as Kubernetes writes times."""
    return moment.replace(microsecond=0)


def clip(text: str, limit: int = TEXT) -> str:
    """The text as a status field may hold it: cut, which shows as an ellipsis, and without halves of characters
    (surrogates), which JSON can name but UTF-8 cannot write.
    """
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
