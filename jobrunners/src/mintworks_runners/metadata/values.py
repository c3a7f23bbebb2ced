"""Single values: numbers and dates of typed attributes, and what in a cell looks like a person's address."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

from solders.pubkey import Pubkey

from .columns import DATE
from .jsonl import SAFE_INTEGER

Value = str | int | float | bool

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?")
_MAIL: Final = re.compile(r"[^\s@<>,;:\"']+@[^\s@<>,;:\"']+\.[A-Za-z]{2,}")
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_HEX_WALLET: Final = re.compile(r"0x[0-9A-Fa-f]{40}")
_SHORTEST_WALLET: Final = 32


def typed(value: object, display: str) -> int | float:
    """The number that a document shows for a display_type: of a date, its seconds since 1970.

    Dates are days or times of ISO 8601, without a zone in UTC, or seconds already. ValueError says what is wrong with
    the value, to be read behind it.
    """
    if display == DATE and isinstance(value, str) and _DAY.fullmatch(value):
        return _seconds(value)
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError(_advice(value, display))
        value = int(value) if value.lstrip("+-").isdigit() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_advice("", display))  # noqa: TRY004 - all that is wrong with a value ends as a finding
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > SAFE_INTEGER):
        raise ValueError("is too large for readers of JSON")
    if display == DATE and not isinstance(value, int):
        raise ValueError("has parts of a second")
    return value


def is_private(text: str) -> bool:
    """Whether a value holds an e-mail address, or is a wallet's (of Solana, or of chains with 0x addresses)."""
    if "@" in text and _MAIL.search(text):
        return True
    if len(text) < _SHORTEST_WALLET:
        return False
    return _HEX_WALLET.fullmatch(text) is not None or (_BASE58.fullmatch(text) is not None and is_address(text))


def is_address(text: str) -> bool:
    """Whether the text is base58 of 32 bytes."""
    try:
        Pubkey.from_string(text)
    except ValueError:
        return False
    return True


def _seconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no day or time of ISO 8601") from None
    if moment.microsecond:
        raise ValueError("has parts of a second")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _advice(text: str, display: str) -> str:
    if display == DATE:
        return "is no date: write 2026-01-31, a time as 2026-01-31T12:00:00Z, or seconds since 1970"
    if "," in text and _NUMBER.fullmatch(text.replace(",", ".", 1)):
        return f"is not a number: write {text.replace(',', '.', 1)}"
    return "is not a number"
