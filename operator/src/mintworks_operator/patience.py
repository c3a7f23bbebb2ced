"""How long to wait before a request to the API server is sent once more. Pure."""

from __future__ import annotations

#: Waits between tries, in seconds; after the last one the answer stands.
WAITS = (0.2, 0.5, 1.0, 2.0)
#: The longest wait that a server is granted, in seconds: who waits holds up a worker.
LONGEST = 10.0

_SHED = frozenset({429, 503})
_BROKEN = frozenset({0, 429, 500, 502, 503, 504})


def wait(method: str, status: int, retry_after: str | None, tried: int) -> float | None:
    """Seconds until the request is sent again; None: the answer stands.

    What the server turned away and asks to repeat was not carried out. What has no answer, or a broken one, may have
    been: only reads are repeated then.

    Args:
        method: The method.
        status: The answer's, 0 for none.
        retry_after: The header, in seconds.
        tried: How often it was sent, at least 1.
    """
    if tried > len(WAITS):
        return None
    if status in _SHED and retry_after is not None and retry_after.isdecimal():
        return min(LONGEST, max(float(retry_after), WAITS[tried - 1]))
    return WAITS[tried - 1] if method == "GET" and status in _BROKEN else None
