"""The pictures of examples/genesis: small lighthouses, the same bytes everywhere, because a CID names them.

PNG data is stored, not compressed: what a deflate library makes of the same pixels differs from version to version.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

SIZE: Final = 64
PNG_COUNT: Final = 24
SVG_COUNT: Final = 6

_TOWERS: Final = ((200, 30, 45), (25, 70, 150), (30, 120, 80), (230, 120, 20), (110, 50, 130), (40, 40, 50))
_SKIES: Final = ((15, 20, 60), (90, 150, 210), (240, 150, 110), (170, 190, 200))
_SKY, _SEA, _FOAM, _ROCK, _TOWER, _WHITE, _LAMP, _BEAM = range(8)


def images() -> Iterator[tuple[str, bytes]]:
    """Every picture as (file name, content): 24 PNGs and 6 SVGs."""
    for number in range(PNG_COUNT):
        yield f"light-{number + 1:02}.png", _png(number)
    for number in range(SVG_COUNT):
        yield f"chart-{number + 1:02}.svg", _svg(number)


def _png(number: int) -> bytes:
    """A picture of 64 x 64 pixels with a palette of 8 colours, 4 bits a pixel."""
    outside = [_SKIES[number % 4], (20, 60, 90), (200, 220, 230), (90, 80, 75)]
    tower = [_TOWERS[number % 6], (245, 245, 240), (255, 220, 90), (255, 240, 170)]
    palette = bytes(value for colour in outside + tower for value in colour)
    rows = bytearray()
    for y in range(SIZE):
        pixels = [_pixel(x, y, number) for x in range(SIZE)]
        rows.append(0)
        rows.extend(a << 4 | b for a, b in zip(pixels[::2], pixels[1::2], strict=True))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 4, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", _stored(bytes(rows))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _pixel(x: int, y: int, number: int) -> int:
    """The palette index at a point: tower with stripes on a rock, sea below, the beam to one side."""
    height = 30 + number % 5 * 3
    top, width = 54 - height, 5 + number % 3
    middle = 22 + number % 7 * 3
    off = abs(x - middle)
    if y >= 54:
        return _FOAM if (x + y * 3 + number) % 11 == 0 else _SEA
    if y >= 50 and off < 14 - (54 - y):
        return _ROCK
    if top <= y and off <= width * (y + 40) // 94:
        return _TOWER if (y - top) // (4 + number % 4) % 2 == 0 else _WHITE
    if top - 5 <= y < top and off <= 3:
        return _LAMP
    side = x - middle if number % 2 else middle - x
    if side > 3 and abs(y - (top - 3)) <= side // 4:
        return _BEAM
    return _SKY


def _stored(data: bytes) -> bytes:
    """A zlib stream of one stored block (at most 65535 bytes)."""
    size = len(data)
    return b"\x78\x01\x01" + struct.pack("<HH", size, size ^ 0xFFFF) + data + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _svg(number: int) -> bytes:
    """A light's mark on a sea chart: a flare over a dot, with a ring for each flash."""
    colour = "#{:02x}{:02x}{:02x}".format(*_TOWERS[number % 6])
    radii = (10 + 6 * n for n in range(number + 1))
    rings = "".join(f'<circle cx="32" cy="32" r="{radius}" fill="none" stroke="{colour}"/>' for radius in radii)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#eef4f6"/>'
        f'{rings}<path d="M32 32l14-9v18z" fill="#b03a9b"/><circle cx="32" cy="32" r="3"/></svg>\n'
    ).encode()
