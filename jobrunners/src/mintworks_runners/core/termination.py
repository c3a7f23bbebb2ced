"""The termination message: one JSON object of at most 1 KiB, the only thing that a run hands back to the operator.

Kubernetes itself allows 4 KiB for a container; the protocol takes a quarter, so that ten of them fit in a job's status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .errors import Finding, InvalidInput, RunEnded
from .reasons import advice
from .redaction import redact

LIMIT: Final = 1024
"""Bytes of UTF-8."""

_MESSAGE_LIMIT: Final = 480
_FINDING_LIMIT: Final = 200
_TALLY_LIMIT: Final = 200


def encode_result(result: Mapping[str, Any]) -> bytes:
    """The message of a complete run. ValueError where the result does not fit: that is an error in the runner."""
    data = _dump({"result": dict(result)})
    if len(data) > LIMIT:
        raise ValueError(f"the result takes {len(data)} bytes; a termination message holds {LIMIT}")
    return data


def encode_failure(error: RunEnded) -> bytes:
    """The message of a run that did not complete: reason, message and as many findings as fit, then how many more.

    It ends with how far the run came and what to do. Without secrets: they are left out before anything is cut, since
    half of one would not be known for one.
    """
    told = redact(error.message)
    plain = {"reason": error.reason, "message": _advised(error, told, _MESSAGE_LIMIT)}
    if not isinstance(error, InvalidInput):
        return _dump(plain)
    for kept in range(len(error.findings), 0, -1):
        data = _dump(_with_findings(error, told, error.findings[:kept]))
        if len(data) <= LIMIT:
            return data
    # A single finding too long for its places (field, column); the reason and the clipped summary always fit.
    return _dump(plain)


def write(path: Path, message: bytes) -> None:
    """Put the message where the kubelet (or `mintworks run`) reads it.

    The file is opened for writing only: the kubelet bind-mounts it, so it cannot be replaced by a rename.
    """
    with path.open("wb") as file:
        file.write(message)


def _with_findings(error: InvalidInput, told: str, findings: Sequence[Finding]) -> dict[str, Any]:
    more = error.total - len(findings)
    message = told if error.total == 1 else f"{error.total} problems" + (f", {more} more than listed" if more else "")
    errors = [_finding(found) for found in findings]
    return {"reason": error.reason, "message": _advised(error, message, _FINDING_LIMIT), "errors": errors}


def _advised(error: RunEnded, message: str, limit: int) -> str:
    """The message, cut to the limit, as a sentence, how far the run came, and what to do about it."""
    said, tally, todo = _clip(message, limit).rstrip(" :\n"), _clip(error.tally, _TALLY_LIMIT), advice(error.reason)
    more = [part for part in (tally and f"{tally}.", todo) if part]
    end = "" if said.endswith((".", "!", "?", "…")) or not said or not more else "."
    return " ".join([f"{said}{end}", *more]).strip()


def _finding(found: Finding) -> dict[str, str | int]:
    told = {name: redact(value) if isinstance(value, str) else value for name, value in found.to_json().items()}
    return {**told, "message": _clip(redact(found.message), _FINDING_LIMIT)}


def _clip(text: str, limit: int) -> str:
    """At most `limit` bytes once written as JSON, cut between characters, with … where something is missing."""
    if len(_dump(text)) - 2 <= limit:
        return text
    size = len("…".encode())
    kept: list[str] = []
    for character in text:
        size += len(_dump(character)) - 2
        if size > limit:
            break
        kept.append(character)
    return "".join(kept) + "…"


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
