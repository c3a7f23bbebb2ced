"""Base58 for long data. The library takes one division a digit; getTransaction would spend nearly all its time there.

Here the number is halved until a table of digit pairs serves; the library stays what reads base58, and what tests this.
"""

from __future__ import annotations

from functools import cache

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE = len(_ALPHABET)
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_PAIR_BASE = _BASE * _BASE
_SMALL = 6
_DIGITS_A_BYTE = 1.3658  # log 256 / log 58


def encode(data: bytes) -> str:
    """The data in base58: a 1 for every zero byte it starts with, then the number."""
    number = data.lstrip(b"\x00")
    zeros = len(data) - len(number)
    if not number:
        return "1" * zeros
    digits = _digits(int.from_bytes(number, "big"), int(len(number) * _DIGITS_A_BYTE) + 1)
    return "1" * zeros + digits.lstrip("1")


def _digits(value: int, count: int) -> str:
    """`count` digits, zeros (which are written 1) in front."""
    if count <= _SMALL:
        rest, last = divmod(value, _PAIR_BASE)
        first, middle = divmod(rest, _PAIR_BASE)
        return (_PAIRS[first] + _PAIRS[middle] + _PAIRS[last])[_SMALL - count :]
    half = count // 2
    high, low = divmod(value, _power(half))
    return _digits(high, count - half) + _digits(low, half)


@cache
def _power(digits: int) -> int:
    return int(_BASE**digits)
