"""Archives and pictures as people, and others, make them."""

from __future__ import annotations

import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable

from PIL import Image

Files = Iterable[tuple[str, bytes]]


def picture(form: str = "PNG", size: tuple[int, int] = (8, 8), frames: int = 1) -> bytes:
    """A whole picture."""
    file = io.BytesIO()
    images = [Image.new("RGB", size, (n * 40 % 256, n, 90)) for n in range(frames)]
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(file, form, **more)
    return file.getvalue()


def png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A PNG of a few KiB that says, and has, so many pixels: one bit each, all the same."""
    row = b"\0" + b"\0" * ((width + 7) // 8)
    squeeze = zlib.compressobj(9)
    data = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    head = struct.pack(">2L5B", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in ((b"IHDR", head), (b"IDAT", data), (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


PNG = picture()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4" fill="url(#a)"/></svg>'


def svg(inner: str, attributes: str = "", head: str = "") -> bytes:
    """An SVG with this in it."""
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{head}<svg {space} {attributes}>{inner}</svg>".encode()


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip; a name twice is there twice."""
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return target.getvalue()


def zip_entry(name: str, data: bytes, mode: int) -> bytes:
    """A zip of one entry, made on Unix, with this mode."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, data)
    return target.getvalue()


def flagged(archive: bytes, flags: int) -> bytes:
    """The zip, with these flags set on its first entry, in its directory and before its content."""
    data = bytearray(archive)
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.index(signature) + at
        data[place : place + 2] = struct.pack("<H", struct.unpack_from("<H", data, place)[0] | flags)
    return bytes(data)


def tarred(*entries: tarfile.TarInfo | tuple[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of files, and of entries without content."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode, format=form) as archive:  # type: ignore[call-overload]  # mode is text
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                archive.addfile(info, io.BytesIO(entry[1]))
    return target.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """An entry of a tar that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def many_entries(entries: int) -> bytes:
    """A zip of so many empty folders and a picture, made without much ado."""
    name = b"%07d/"
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 10, 0, 0, 0, 0, 0, 0, 0, 8, 0)
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 10, 10, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
    content = local + name % 0
    directory = b"".join(entry + name % n for n in range(entries))
    wide = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, len(directory), len(content)
    ) + struct.pack("<4sLQL", b"PK\6\7", 0, len(content) + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content + directory + wide + end
