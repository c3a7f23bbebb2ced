"""Base58 for long data. The library takes one division or multiplication a digit, 150 µs for an event: reading a
tree's history would spend most of its time there.

Here encoding halves the number until a table of digit pairs serves, and decoding takes ten digits at a time.
"""

from __future__ import annotations

from functools import cache

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE = len(_ALPHABET)
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_PAIR_BASE = _BASE * _BASE
_VALUES = {pair: value for value, pair in enumerate(_PAIRS)}
_SMALL = 6
_CHUNK = 10
_CHUNK_BASE = _BASE**_CHUNK
_DIGITS_A_BYTE = 1.3658  # log 256 / log 58


def encode(data: bytes) -> str:
    """The data in base58: a 1 for every zero byte it starts with, then the number."""
    number = data.lstrip(b"\x00")
    zeros = len(data) - len(number)
    if not number:
        return "1" * zeros
    digits = _digits(int.from_bytes(number, "big"), int(len(number) * _DIGITS_A_BYTE) + 1)
    return "1" * zeros + digits.lstrip("1")


def decode(text: str) -> bytes:
    """The data of a base58 text. ValueError where it holds another character."""
    digits = text.lstrip("1")
    zeros = len(text) - len(digits)
    # Zeros in front make the length a multiple of the chunk's.
    padded = "1" * (-len(digits) % _CHUNK) + digits
    number = 0
    try:
        for start in range(0, len(padded), _CHUNK):
            number = number * _CHUNK_BASE + _chunk(padded[start : start + _CHUNK])
    except KeyError as error:
        raise ValueError(f"not base58: {text[:20]!r}") from error
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _chunk(digits: str) -> int:
    value = 0
    for start in range(0, _CHUNK, 2):
        value = value * _PAIR_BASE + _VALUES[digits[start : start + 2]]
    return value


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
