"""Small computations with times and texts. The clock is always an argument."""

from __future__ import annotations

from datetime import datetime, timedelta

TEXT = 1024
SHORT = 128
#: What clocks of the cluster's machines may be apart, unnoticed.
SKEW = timedelta(seconds=5)


def seconds(moment: datetime) -> datetime:
    """The moment without its fraction of a second, as Kubernetes writes times."""
    return moment.replace(microsecond=0)


def ahead(moment: datetime, now: datetime) -> bool:
    """Whether a moment that has been lies in the future: another machine's clock told it, and there is no telling how
    long ago it was.
    """
    return moment > now + SKEW


def not_before(moment: datetime, earliest: datetime | None) -> datetime:
    """The moment, which two clocks may have put before what it comes after."""
    return moment if earliest is None else max(moment, earliest)


def wait(moment: datetime, now: datetime) -> float:
    """Seconds until the moment, never none: who waited for a moment that a clock cannot tell from now would come again
    and again.
    """
    return max(0.001, (moment - now).total_seconds())


def clip(text: str, limit: int = TEXT) -> str:
    """The text as a status field may hold it: cut, which shows as an ellipsis, and without halves of characters
    (surrogates), which JSON can name but UTF-8 cannot write.
    """
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
