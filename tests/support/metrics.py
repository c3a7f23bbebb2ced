"""What the operator says of itself at /metrics."""

from __future__ import annotations

import urllib.request


def text(port: int, path: str = "/metrics") -> str:
    """What a port of this machine answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        found: str = answer.read().decode()
    return found


def requests(port: int) -> float:
    """Requests to the API server so far, without those for the Lease."""
    lines = text(port).splitlines()
    counted = [line for line in lines if line.startswith("mintworks_api_requests_total") and "leases" not in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted)
