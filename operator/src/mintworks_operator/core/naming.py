"""Which content jobs name: what one job takes away must not be what another one is about."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from mintworks_api import JOB_KINDS
from pydantic import ValidationError

from .specs import parsed
from .views import JobView

_CID = re.compile(r"b[a-z2-7]{58,110}|Qm[1-9A-HJ-NP-Za-km-z]{44}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def named_of(cids: Iterable[str], others: Iterable[JobView]) -> frozenset[str]:
    """Those of the CIDs whose content one of the other jobs names, in whatever notation: in its spec, in its frozen
    inputs or in its result. A job that takes content away itself names none by that.
    """
    named = {
        _content(cid)
        for job in others
        if not _removes(job)
        for part in (job.spec, job.inputs, job.result or {})
        for text in _texts(part)
        for cid in _CID.findall(text)
    }
    return frozenset(cid for cid in cids if _content(cid) in named)


def _removes(job: JobView) -> bool:
    try:
        return bool(parsed(JOB_KINDS[job.kind], job.spec).removes())
    except ValidationError:
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (str(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _content(cid: str) -> bytes:
    """The hash of the content, which is the same in every notation of its CID; the CID itself where it is none."""
    if cid.startswith("Qm"):
        number = 0
        for letter in cid:
            number = number * 58 + _BASE58.index(letter)
        return number.to_bytes(34, "big")
    try:
        data = base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    except binascii.Error:
        return cid.encode()
    # Version 1, and a codec of one byte: all that IPFS nodes make of files.
    return data[2:] if data[:1] == b"\x01" else data
